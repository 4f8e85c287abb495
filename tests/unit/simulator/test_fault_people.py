"""Faults of people and rooms, 20 ms at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from phoneaudio.g711 import pcm16_from_ulaw
from simulator.fault_people import Backchannel, Chatter, Echo, LeavesInSpeech, LeavesWhileWaiting
from simulator.fault_set import FaultSet
from simulator.faults import Faults, Moment
from simulator.level import is_voiced
from simulator.sounds import hum, silence, tone

QUIET = silence(20)
Spans = Sequence[tuple[int, int]]


def within(at: int, spans: Spans) -> bool:
    return any(begin <= at < end for begin, end in spans)


def run(
    fault: Faults, until_ms: int, agent: Spans, caller: Spans = (), lines: int = 1
) -> tuple[list[bytes], int | None]:
    """What the line carries of a silent caller, and when the caller leaves; speech in the given spans (ms)."""
    carried, heard = [], tone(20, 500)
    for at in range(0, until_ms, 20):
        speaking = within(at, caller)
        began = sum(begin <= at for begin, _ in caller)
        fault.observe(Moment(at, within(at, agent), speaking, lines - began))
        if fault.leaves():
            return carried, at
        carried.append(fault.caller_audio(QUIET, heard if within(at, agent) else b""))
    return carried, None


@pytest.mark.parametrize("seed", range(5))
def test_the_caller_leaves_within_the_greeting_or_the_first_answer(seed: int) -> None:
    agent = [(1000, 4000), (6000, 9000)]
    _, greeting = run(LeavesInSpeech(seed, 1), 12000, agent)
    _, answer = run(LeavesInSpeech(seed, 2), 12000, agent)
    assert greeting is not None and 1500 <= greeting <= 2200
    assert answer is not None and 6500 <= answer <= 7200


def test_a_short_greeting_is_left_in_the_next_speech() -> None:
    _, left = run(LeavesInSpeech(1, 1), 12000, [(0, 300), (3000, 6000)])
    assert left is not None and left >= 3500


@pytest.mark.parametrize("seed", range(5))
def test_the_caller_leaves_while_the_server_works_on_the_last_line(seed: int) -> None:
    _, left = run(LeavesWhileWaiting(seed), 12000, [(0, 1000)], [(2000, 3000), (5000, 6000)], lines=2)
    assert left is not None and 6280 <= left <= 6700


def level_db(audio: bytes) -> float:
    samples = np.frombuffer(pcm16_from_ulaw(audio), dtype="<i2").astype(float)
    return float(20 * np.log10(np.sqrt(np.mean(samples**2)) / 32768))


def test_echo_is_delayed_and_attenuated() -> None:
    fault = Echo(0, db=-20.0, delay_ms=240)
    carried, _ = run(fault, 2000, [(0, 1000)])
    first = next(at for at, frame in enumerate(carried) if frame != QUIET) * 20
    assert first == 240
    assert abs(level_db(b"".join(carried[20:40])) - (level_db(tone(20, 500)) - 20)) < 0.5
    assert all(frame == QUIET for frame in carried[(1000 + 240) // 20 :])


def test_echo_is_added_to_what_the_caller_says() -> None:
    fault = Echo(0, delay_ms=20)
    fault.caller_audio(QUIET, tone(20, 500))
    assert level_db(fault.caller_audio(tone(20, 300), b"")) > level_db(tone(20, 300))


def test_uh_huh_comes_once_in_every_long_speech() -> None:
    fault = Backchannel(0)
    carried, _ = run(fault, 12000, [(0, 3000), (4000, 4800), (6000, 9000)])
    voiced = [at * 20 for at, frame in enumerate(carried) if is_voiced(frame)]
    assert fault.times == 2
    assert all(1180 <= at < 1600 or 7180 <= at < 7600 for at in voiced) and len(voiced) > 20


def test_uh_huh_is_not_said_over_a_line() -> None:
    fault = Backchannel(0)
    run(fault, 4000, [(0, 3000)], [(1000, 4000)])
    assert fault.times == 0


class Whistle:
    def __init__(self) -> None:
        self.words: list[str] = []

    def speak(self, text: str) -> bytes:
        self.words.append(text)
        return tone(400, 900)


def test_faults_that_speak_use_the_callers_voice() -> None:
    voice = Whistle()
    FaultSet([Backchannel(0), Chatter(0)]).prepare(voice)
    assert voice.words[0] == "Uh-huh." and len(voice.words) == 2


def test_chatter_is_always_there_and_weaker_than_a_caller() -> None:
    fault = Chatter(3)
    fault.prepare(None)
    carried, _ = run(fault, 3000, [])
    whole = b"".join(carried)
    assert abs(level_db(whole) - (level_db(hum(3000)) - 30)) < 2


def test_echo_and_chatter_add_up() -> None:
    both, _ = run(FaultSet([Echo(0), Chatter(0)]), 2000, [(0, 2000)])
    one, _ = run(Chatter(0), 2000, [(0, 2000)])
    assert level_db(b"".join(both[20:])) > level_db(b"".join(one[20:]))
