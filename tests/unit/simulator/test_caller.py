"""The caller's manners, on a virtual line."""

from __future__ import annotations

from simulator.caller import Caller, CallerListener, Manners, Utterance, silence

VOICE = b"\x20" * 1600
LINE = Utterance(VOICE + silence(100), "first")


class Notes(CallerListener):
    def __init__(self) -> None:
        self.rows: list[tuple[str, object]] = []

    def speaks(self, utterance: Utterance, *, interrupting: bool) -> None:
        self.rows.append((utterance.text or "", interrupting))

    def misses_answer(self, waited_ms: int) -> None:
        self.rows.append(("missed", waited_ms))


class Bench:
    """Runs a caller against an agent that is audible in given spans (ms)."""

    def __init__(self, caller: Caller, speech: list[tuple[int, int]]) -> None:
        self.caller, self.speech, self.now = caller, speech, 0
        self.notes = Notes()
        caller.listener = self.notes
        self.started: dict[str, int] = {}

    def run(self, until_ms: int) -> None:
        while self.now < until_ms and self.caller.hung_up is None:
            voiced = any(begin <= self.now < end for begin, end in self.speech)
            before = len(self.notes.rows)
            self.caller.tick(self.now, voiced=voiced, pending=False)
            for name, _ in self.notes.rows[before:]:
                self.started.setdefault(name, self.now)
            self.now += 20


def test_waits_for_the_greeting_and_a_pause() -> None:
    bench = Bench(Caller([LINE], Manners()), [(1000, 3000)])
    bench.run(5000)
    assert bench.notes.rows == [("first", False)]
    assert bench.started["first"] == 2980 + 700


def test_speaks_line_after_line_each_behind_an_answer() -> None:
    bench = Bench(Caller([LINE, Utterance(VOICE, "second")], Manners()), [(0, 1000), (2500, 3500)])
    bench.run(6000)
    assert bench.started == {"first": 1680, "second": 4180}


def test_short_gaps_in_the_agents_speech_are_no_turn() -> None:
    bench = Bench(Caller([LINE], Manners()), [(0, 1000), (1500, 2000)])
    bench.run(4000)
    assert bench.started["first"] == 1980 + 700


def test_interrupts_so_many_seconds_into_the_agents_next_speech() -> None:
    script = [LINE, Utterance(VOICE, "sorry", interrupt_after_ms=1500)]
    bench = Bench(Caller(script, Manners()), [(0, 1000), (3000, 9000)])
    bench.run(6000)
    assert ("sorry", True) in bench.notes.rows
    assert bench.started["sorry"] == 4500


def test_speech_going_on_from_before_an_interruption_is_no_answer() -> None:
    script = [Utterance(VOICE, "sorry", interrupt_after_ms=500), Utterance(VOICE, "next")]
    bench = Bench(Caller(script, Manners()), [(0, 1000), (3000, 4000)])
    bench.run(6000)
    assert bench.started == {"sorry": 500, "next": 4680}


def test_an_agent_that_talks_on_through_an_interruption_is_waited_for_longer() -> None:
    script = [Utterance(VOICE, "uh-huh", interrupt_after_ms=500), Utterance(VOICE, "next")]
    bench = Bench(Caller(script, Manners()), [(0, 3000)])
    bench.run(9000)
    assert bench.started["next"] == 2980 + 2500


def test_a_line_that_comes_too_late_to_interrupt_is_said_after_the_agent() -> None:
    bench = Bench(Caller([Utterance(VOICE, "late", interrupt_after_ms=5000)], Manners()), [(0, 1000)])
    bench.run(4000)
    assert bench.notes.rows == [("late", False)]


def test_asks_hello_once_and_then_gives_up() -> None:
    bench = Bench(Caller([LINE], Manners(), Utterance(VOICE, "Hello?")), [])
    bench.run(60000)
    assert [name for name, _ in bench.notes.rows] == ["missed", "Hello?", "missed"]
    assert bench.caller.gave_up is not None and "greeting" in bench.caller.gave_up
    assert bench.caller.hung_up == "out of patience"


def test_goes_on_when_hello_is_answered() -> None:
    bench = Bench(Caller([LINE], Manners(), Utterance(VOICE, "Hello?")), [(10000, 11000)])
    bench.run(15000)
    assert [name for name, _ in bench.notes.rows] == ["missed", "Hello?", "first"]


def test_hangs_up_some_time_after_the_last_answer() -> None:
    bench = Bench(Caller([LINE], Manners(end_wait_ms=3000)), [(0, 1000), (2500, 3500)])
    bench.run(20000)
    assert bench.caller.hung_up == "after the last line"
    assert bench.now - 20 == 3480 + 3000


def test_does_not_listen_to_an_endless_goodbye() -> None:
    bench = Bench(
        Caller([LINE], Manners(longest_goodbye_ms=10000)),
        [(0, 1000), *((at, at + 500) for at in range(3000, 40000, 1500))],
    )
    bench.run(40000)
    assert bench.caller.hung_up == "after the last line"
    assert bench.now < 15000


def test_hangs_up_when_planned_even_in_mid_word() -> None:
    bench = Bench(Caller([LINE], Manners(hang_up_after_ms=1800)), [(0, 1000)])
    bench.run(5000)
    assert (bench.caller.hung_up, bench.now - 20) == ("as planned", 1800)


def test_who_was_called_speaks_first() -> None:
    bench = Bench(Caller([LINE], Manners(speaks_first=True)), [])
    bench.run(2000)
    assert bench.started["first"] == 700


def test_frames_are_always_20_ms_long() -> None:
    caller = Caller([Utterance(b"\x20" * 250, "odd")], Manners(speaks_first=True, pause_ms=0))
    sizes = {len(caller.tick(now, voiced=False, pending=False)) for now in range(0, 200, 20)}
    assert sizes == {160}


def test_a_cue_drops_what_stands_before_it() -> None:
    script = [Utterance(VOICE, "key", keys="1"), Utterance(VOICE, "hello", cue="bridged"), Utterance(VOICE, "after")]
    bench = Bench(Caller(script, Manners()), [(8000, 9000)])
    bench.run(5000)
    assert bench.started == {}
    bench.caller.cue("nothing waits for this")
    bench.caller.cue("bridged")
    bench.run(12000)
    assert list(bench.started) == ["hello", "after"] and bench.started["hello"] == 5000


def test_without_its_cue_a_line_is_waited_for_as_long_as_it_takes() -> None:
    bench = Bench(Caller([Utterance(VOICE, "hello", cue="bridged")], Manners(patience_ms=1000)), [])
    bench.run(30000)
    assert (bench.started, bench.caller.hung_up) == ({}, None)


def test_a_machine_heeds_nobody() -> None:
    bench = Bench(Caller([Utterance(VOICE, "beep", heedless=True)], Manners()), [(0, 9000)])
    bench.run(1000)
    assert bench.started == {"beep": 0}


def test_on_hold_nothing_is_said_and_patience_does_not_run_out() -> None:
    bench = Bench(Caller([LINE], Manners(patience_ms=2000)), [(0, 1000), (40000, 41000)])
    bench.run(1100)
    bench.caller.hold(waiting=True)
    bench.run(30000)
    assert bench.started == {}
    bench.caller.hold(waiting=False)
    bench.run(31000)
    assert bench.started == {}, "what was said before the hold is no answer to what comes after it"
    bench.run(32100)
    assert list(bench.started) == ["missed"]


def test_a_caller_tires_of_waiting_on_hold() -> None:
    bench = Bench(Caller([LINE], Manners(hold_ms=3000)), [(0, 1000)])
    bench.run(1100)
    bench.caller.hold(waiting=True)
    bench.run(9000)
    assert bench.caller.hung_up == "tired of waiting on hold" and 4000 <= bench.now <= 4200


def test_lines_left_counts_those_not_begun() -> None:
    caller = Caller([LINE, LINE], Manners(speaks_first=True))
    assert caller.lines_left == 2
    Bench(caller, []).run(1000)
    assert caller.lines_left == 1
