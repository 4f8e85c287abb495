"""How loud μ-law audio is, cheaply enough for every 20 ms frame of many calls."""

from __future__ import annotations

from phoneaudio.g711 import BYTES_PER_MS

# A μ-law byte is inverted: without its sign bit, 0x7f - byte grows with the logarithm of the loudness.
_LOUDNESS = bytes(0x7F - (byte & 0x7F) for byte in range(256))

# About 600 of 32768 (-35 dB full scale): above line and comfort noise, below every spoken syllable.
SPEECH_LEVEL = 0x28


def peak_level(audio: bytes) -> int:
    """The loudest sample on μ-law's own logarithmic scale, 0 (silence) to 127."""
    return max(audio.translate(_LOUDNESS), default=0)


def is_voiced(audio: bytes) -> bool:
    """Whether there is more in μ-law audio than silence and noise."""
    return peak_level(audio) >= SPEECH_LEVEL


def voiced_end(audio: bytes) -> int:
    """Offset just behind the last sample loud enough to be speech; 0 when there is none (bytes)."""
    loud = audio.translate(_LOUDNESS)
    return next((at + 1 for at in range(len(loud) - 1, -1, -1) if loud[at] >= SPEECH_LEVEL), 0)


def voiced_spans(audio: bytes, *, join_ms: int = 700, frame_ms: int = 20) -> list[tuple[int, int]]:
    """Stretches of speech as (from, to) in ms, those less than `join_ms` apart joined."""
    size = frame_ms * BYTES_PER_MS
    spans: list[tuple[int, int]] = []
    for at in range(0, len(audio), size):
        if not is_voiced(audio[at : at + size]):
            continue
        start = at // BYTES_PER_MS
        if spans and start - spans[-1][1] < join_ms:
            spans[-1] = (spans[-1][0], start + frame_ms)
        else:
            spans.append((start, start + frame_ms))
    return spans
