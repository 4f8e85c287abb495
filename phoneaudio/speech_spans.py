"""Where there is sound on one channel of a recorded call, by its level.

A digital line is silent between words, or carries an even noise; so a frame counts as sound when it is well above the
channel's own floor. Finding too much costs a little transcription, finding too little costs words: doubt is sound.
"""

from __future__ import annotations

import audioop
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

FRAME_MS: Final = 20
MERGE_GAP_MS: Final = 700
PADDING_MS: Final = 200
SHORTEST_MS: Final = 60
LONGEST_MS: Final = 25_000
QUIETEST: Final = 80
"""RMS below which nothing is sound, in 16-bit sample units (about -52 dBFS)."""
LOUDEST_FLOOR: Final = 500
"""RMS above which everything is sound, however noisy the line (about -36 dBFS)."""
ABOVE_FLOOR: Final = 2.5


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of sound, in milliseconds from the channel's start."""

    start_ms: int
    end_ms: int


def speech_spans(pcm: bytes, rate_hz: int) -> list[Span]:
    """The stretches of sound in 16-bit mono PCM, padded, in order and without overlap; none is longer than 25 s.

    Gaps shorter than 700 ms are part of a stretch; a sound shorter than 60 ms on its own is a click.
    """
    levels = _levels(pcm, rate_hz)
    length_ms = len(pcm) // 2 * 1000 // rate_hz
    padded = [
        Span(max(0, first * FRAME_MS - PADDING_MS), min(length_ms, end * FRAME_MS + PADDING_MS))
        for first, end in _runs(levels, _threshold(levels))
    ]
    return [part for span in padded for part in _split(span, levels)]


def cut(pcm: bytes, rate_hz: int, span: Span) -> bytes:
    """The samples of one stretch of 16-bit mono PCM."""
    return pcm[span.start_ms * rate_hz // 1000 * 2 : span.end_ms * rate_hz // 1000 * 2]


def _levels(pcm: bytes, rate_hz: int) -> list[int]:
    size = rate_hz * FRAME_MS // 1000 * 2
    whole = len(pcm) - len(pcm) % 2
    return [audioop.rms(pcm[at : min(at + size, whole)], 2) for at in range(0, whole, size)]


def _threshold(levels: list[int]) -> float:
    if not levels:
        return QUIETEST
    floor = sorted(levels)[len(levels) // 10]
    return max(QUIETEST, min(floor * ABOVE_FLOOR, LOUDEST_FLOOR))


def _runs(levels: list[int], threshold: float) -> Iterator[tuple[int, int]]:
    """First and last-plus-one frame of each stretch, gaps bridged."""
    bridge, first, last, loud = MERGE_GAP_MS // FRAME_MS, -1, -1, 0
    for index, level in enumerate(levels):
        if level <= threshold:
            continue
        if first >= 0 and index - last > bridge:
            if loud * FRAME_MS >= SHORTEST_MS:
                yield first, last + 1
            first, loud = -1, 0
        first = index if first < 0 else first
        last, loud = index, loud + 1
    if first >= 0 and loud * FRAME_MS >= SHORTEST_MS:
        yield first, last + 1


def _split(span: Span, levels: list[int]) -> Iterator[Span]:
    """Cut what is too long at the quietest frame of its last third."""
    while span.end_ms - span.start_ms > LONGEST_MS:
        low, high = (span.start_ms + LONGEST_MS * 2 // 3) // FRAME_MS, (span.start_ms + LONGEST_MS) // FRAME_MS
        at = min(range(low, min(high, len(levels))), key=levels.__getitem__) * FRAME_MS
        yield Span(span.start_ms, at)
        span = Span(at, span.end_ms)
    yield span
