"""WAV files of telephone calls: read with clear errors, write mono or two channels."""

from __future__ import annotations

import audioop
import io
import wave
from dataclasses import dataclass
from pathlib import Path


class WavError(ValueError):
    """The file is not a WAV that Frontdesk can use; the message says what it is and what is wanted."""


@dataclass(frozen=True, slots=True)
class Wav:
    """Decoded audio: `channels` holds one 16-bit mono PCM string per channel, all of one length."""

    rate_hz: int
    channels: tuple[bytes, ...]

    @property
    def duration_ms(self) -> int:
        """Playing time in whole milliseconds."""
        return len(self.channels[0]) // 2 * 1000 // self.rate_hz


def read_wav(source: Path | bytes) -> Wav:
    """Read 16-bit PCM with one or two channels at any rate. Raises `WavError`."""
    name = str(source) if isinstance(source, Path) else "the audio"
    stream = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    try:
        with stream, wave.open(stream) as reader:
            if reader.getsampwidth() != 2 or reader.getnchannels() not in (1, 2):
                raise WavError(
                    f"{name} has {reader.getnchannels()} channel(s) of {reader.getsampwidth() * 8} bits; "
                    "a WAV of 16-bit PCM with one or two channels is needed"
                )
            frames = reader.readframes(reader.getnframes())
            return Wav(reader.getframerate(), _split(frames, reader.getnchannels()))
    except (wave.Error, EOFError) as problem:
        raise WavError(f"{name} is not a PCM WAV file ({problem}); a WAV of 16-bit PCM is needed") from problem


def wav_bytes(rate_hz: int, *channels: bytes) -> bytes:
    """A WAV file of one or two 16-bit PCM channels; the shorter channel is padded with silence."""
    out = io.BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setnchannels(len(channels))
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(_join(channels))
    return out.getvalue()


def _split(frames: bytes, count: int) -> tuple[bytes, ...]:
    if count == 1:
        return (frames,)
    return audioop.tomono(frames, 2, 1, 0), audioop.tomono(frames, 2, 0, 1)


def _join(channels: tuple[bytes, ...]) -> bytes:
    if len(channels) == 1:
        return channels[0]
    left, right = channels
    size = max(len(left), len(right))
    return audioop.add(
        audioop.tostereo(left.ljust(size, b"\0"), 2, 1, 0), audioop.tostereo(right.ljust(size, b"\0"), 2, 0, 1), 2
    )
