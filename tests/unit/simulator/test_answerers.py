"""Who answers, whom the server dials, and what detection makes of it."""

from __future__ import annotations

import pytest

from simulator.answerers import AnswererError, answerer, detection, parse_answerer
from simulator.caller import Manners, Utterance
from simulator.colleagues import Colleague, ColleagueError, parse_colleague, part_of
from simulator.level import voiced_spans
from simulator.sounds import tone

WORDS = Utterance(tone(1000, 300))
PERSON = Manners(speaks_first=True)


class Voice:
    def __init__(self) -> None:
        self.said: list[str] = []

    def speak(self, text: str) -> bytes:
        self.said.append(text)
        return tone(600, 300)


def test_a_machine_greets_and_beeps_whatever_the_agent_does() -> None:
    voice = Voice()
    machine = answerer("machine", [], PERSON, voice)
    (line,) = machine.lines
    spans = voiced_spans(line.audio, join_ms=300)
    assert line.heedless and "voicemail" in voice.said[0]
    assert len(spans) == 2 and spans[1][1] == machine.beep_ends_ms
    assert abs(spans[0][1] - machine.first_words_end_ms) <= 20


def test_a_machine_without_a_beep_only_greets() -> None:
    machine = answerer("machine-no-beep", [], PERSON, None)
    assert machine.beep_ends_ms is None and len(voiced_spans(machine.lines[0].audio, join_ms=300)) == 1


@pytest.mark.parametrize(
    ("kind", "mode", "found"),
    [
        ("human", "Enable", ("human", 700 + 1000 + 1200)),
        ("human", "DetectMessageEnd", ("human", 700 + 1000 + 1200)),
        ("machine", "Enable", ("machine_start", 400 + 2400 + 200)),
        ("unknown", "Enable", ("unknown", 5000)),
        ("fax", "DetectMessageEnd", ("fax", 1500)),
    ],
)
def test_detection(kind: str, mode: str, found: tuple[str, int]) -> None:
    amd = detection({"MachineDetection": mode}, answerer(kind, [WORDS], PERSON, None))
    assert amd is not None and (amd.answered_by, amd.after_ms) == found and amd.waits


def test_detection_waits_for_the_end_of_the_message() -> None:
    params = {"MachineDetection": "DetectMessageEnd", "AsyncAmd": "true", "AsyncAmdStatusCallback": "https://a/b?c=1"}
    beeping, silent = (answerer(kind, [], PERSON, None) for kind in ("machine", "machine-no-beep"))
    first, second = detection(params, beeping), detection(params, silent)
    assert first is not None and beeping.beep_ends_ms is not None and second is not None
    assert (first.answered_by, first.after_ms) == ("machine_end_beep", beeping.beep_ends_ms + 200)
    assert (second.answered_by, second.after_ms) == ("machine_end_silence", silent.first_words_end_ms + 2000)
    assert (first.waits, first.callback, first.method) == (False, "https://a/b?c=1", "POST")


def test_somebody_who_says_nothing_is_unknown_and_times_can_be_tuned() -> None:
    mute = answerer("human", [], PERSON, None)
    amd = detection({"MachineDetection": "Enable", "MachineDetectionSilenceTimeout": "3000"}, mute)
    assert amd is not None and (amd.answered_by, amd.after_ms) == ("unknown", 3000)
    assert detection({}, mute) is None


def test_the_answerers_notation() -> None:
    assert parse_answerer("+1555: machine-no-beep") == ("+1555", "machine-no-beep")
    for notation in ("+1555", "+1555: robot", ": machine"):
        with pytest.raises(AnswererError, match="NUMBER: WHO"):
            parse_answerer(notation)


def test_the_colleagues_notation() -> None:
    assert parse_colleague("+1555: busy") == Colleague(number="+1555", does="busy")
    assert parse_colleague("+1555: accepts: Hello: Bob here") == Colleague(number="+1555", says="Hello: Bob here")
    for notation in ("+1555", "+1555: sleeps", ": accepts"):
        with pytest.raises(ColleagueError, match="NUMBER: DOES"):
            parse_colleague(notation)
    with pytest.raises(ColleagueError, match="cannot 'sleeps'"):
        Colleague(number="+1555", does="sleeps")


def test_a_colleague_who_accepts_presses_the_key_and_speaks_when_connected() -> None:
    voice = Voice()
    key, words = part_of(Colleague(number="+1555", says="Bob here", key="5"), voice).lines
    assert (key.keys, words.text, words.cue) == ("5", "Bob here", "bridged") and voice.said == ["Bob here"]
    audio = part_of(Colleague(number="+1555", says=b"\x20" * 800), None).lines[1]
    assert (audio.audio, audio.cue) == (b"\x20" * 800, "bridged")
    ready = part_of(Colleague(number="+1555", says=Utterance(b"\x20", "x")), None).lines[1]
    assert (ready.text, ready.cue) == ("x", "bridged")


@pytest.mark.parametrize(
    ("does", "ring", "keys"),
    [
        ("declines", "answered", ["2"]),
        ("ignores", "answered", []),
        ("hangs-up", "answered", []),
        ("machine", "answered", [""]),
        ("busy", "busy", []),
        ("no-answer", "no-answer", []),
        ("failed", "failed", []),
    ],
)
def test_a_colleague_who_does_not_accept(does: str, ring: str, keys: list[str]) -> None:
    colleague = Colleague(number="+1555", does=does)
    assert colleague.ring_result == ring
    assert [line.keys for line in part_of(colleague, None).lines] == keys
