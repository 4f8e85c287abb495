"""Echo or speech, by synthetic envelopes. Regression 10: the agent's own voice is no barge-in."""

from __future__ import annotations

import random

import pytest

from server.domain.echo import FRAME_MS, WINDOW_MS, envelope, is_echo

SIZE = WINDOW_MS // FRAME_MS
SPAN = SIZE + 31


def speech(seed: int, frames: int) -> list[float]:
    """Levels as of syllables: rises and falls of 80 to 240 ms, with gaps."""
    pick = random.Random(seed)
    levels: list[float] = []
    while len(levels) < frames:
        length, peak = pick.randint(4, 12), pick.choice((0, 90, 120, 150, 170))
        levels += [peak * (1 - abs(2 * n / (length - 1) - 1)) + pick.uniform(0, 4) for n in range(length)]
    return levels[:frames]


def echoed(played: list[float], delay_ms: int, gain: float, seed: int = 0) -> list[float]:
    """What comes back of it, with a little noise."""
    pick, delay = random.Random(seed), delay_ms // FRAME_MS
    return [gain * level + pick.uniform(0, 5) for level in played[len(played) - SIZE - delay : len(played) - delay]]


@pytest.mark.parametrize("delay_ms", [60, 120, 240, 400, 580])
@pytest.mark.parametrize("gain", [0.2, 0.5, 0.9])
def test_what_was_played_coming_back_is_echo(delay_ms: int, gain: float) -> None:
    for seed in range(20):
        played = speech(seed, SPAN)
        caller = echoed(played, delay_ms, gain)
        if max(caller) > 20:
            assert is_echo(caller, played), seed


def test_another_voice_is_not() -> None:
    """A caller who begins a quarter of a second ago, while the agent has been speaking: the usual barge-in."""
    wrong = 0
    for seed in range(200):
        caller = [2.0] * (SIZE - 13) + [level + 10 for level in speech(1000 + seed, 13)]
        wrong += is_echo(caller, speech(seed, SPAN))
    assert wrong <= 6


def test_a_voice_over_an_echo_is_not_echo_any_more() -> None:
    wrong = 0
    for seed in range(100):
        played = speech(seed, SPAN)
        both = [a + b for a, b in zip(echoed(played, 200, 0.3), speech(500 + seed, SIZE), strict=True)]
        wrong += is_echo(both, played)
    assert wrong <= 5


def test_what_is_louder_than_what_was_played_is_no_echo() -> None:
    played = speech(1, SPAN)
    assert not is_echo(echoed(played, 200, 1.5), played)


def test_silence_on_either_side_is_no_echo() -> None:
    assert not is_echo([0.0] * SIZE, speech(1, SPAN))
    assert not is_echo(speech(1, SIZE), [0.0] * SPAN)
    assert not is_echo([], [])


def test_levels_of_ulaw() -> None:
    assert envelope(b"\xff" * 320) == [0.0, 0.0]
    assert envelope(b"\x00" * 160) == [255.0]
    assert envelope(b"\x00" * 159) == []
    quiet, loud = envelope(b"\x90" * 160 + b"\x80" * 160)
    assert 0 < quiet < loud
