"""Long recordings: where speech is, in pieces short enough to be transcribed one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.speech.mel import Float
from engine.speech.turns import RATE_HZ, WINDOW_SAMPLES, TurnChange, TurnDetector, TurnRules
from engine.speech.vad import SpeechProbability

_RULES = TurnRules(threshold=0.4, silence_ms=600, prefix_ms=200)
_KEEP_AFTER = RATE_HZ // 4
_LONGEST = 24 * RATE_HZ


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of speech, in 8 kHz samples."""

    start: int
    end: int


def speech_spans(samples: Float, vad: SpeechProbability) -> list[Span]:
    """The stretches of 8 kHz audio in which somebody speaks, none longer than 24 s."""
    turns = TurnDetector(_RULES)
    spans: list[Span] = []
    for window in _windows(samples):
        if turns.feed(vad.window(window)) is TurnChange.STOPPED:
            spans.append(Span(turns.started_at, min(samples.size, turns.last_speech_at + _KEEP_AFTER)))
    if turns.speaking:
        spans.append(Span(turns.started_at, samples.size))
    return [piece for span in spans for piece in _cut(span)]


def _windows(samples: Float) -> Iterator[Float]:
    whole = np.pad(samples, (0, -samples.size % WINDOW_SAMPLES))
    for at in range(0, whole.size, WINDOW_SAMPLES):
        yield whole[at : at + WINDOW_SAMPLES]


def _cut(span: Span) -> list[Span]:
    starts = range(span.start, span.end, _LONGEST)
    return [Span(start, min(start + _LONGEST, span.end)) for start in starts]
