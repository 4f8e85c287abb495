"""Whatever goes wrong on a call's way, it ends in the same rows: one installation, a table of faults.

Web process, worker and stand-in are real; the model hears and speaks tones (`tests.support.voice_model`), so that calls
run several times as fast as real ones, and several at a time.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from server.models_sql import CallLease, CallLog, ProviderEvent
from simulator.faults import Faults
from simulator.report import CallReport
from tests.support.voice_model import ANSWER, GOODBYE, QUESTION
from tests.support.whole_house import MANNERS, SPEED, House, reconcile_at_once, running_house

pytestmark = pytest.mark.timeout(150)
AT_A_TIME = 12
CALLER = "+4477009{:05d}"
WHOLE = [
    ("assistant", "Thank you for calling Harbour Hair."),
    ("user", QUESTION),
    ("assistant", ANSWER),
    ("user", GOODBYE),
    ("assistant", "Thank you for calling. Goodbye."),
]
ONCE = ("received", "recording_started", "recording_completed", "recording_fetched", "transcript_ready",
        "summary_ready", "hang_up", "stream_stopped", "call_failed", "message_left")  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What an inbound call's line has, and what comes of it; `turns` are how many of `WHOLE` are stored at most."""

    faults: tuple[str, ...]
    seed: int = 3
    turns: tuple[int, ...] = (5,)
    end: str = "hang_up"
    disposition: str | None = None
    recording: bool | None = True
    """Whether it is stored; None where the seed decides."""
    sources: tuple[str, ...] = ("recording",)
    """Where the final transcript may come from when a recording is stored."""
    reconciled: bool = False
    speed: float = SPEED
    """What the server times by the clock on the wall (REST's next try, audio whose marks are missing) takes so long."""
    pause_ms: int = 700

    def __str__(self) -> str:
        return "+".join((*self.faults, *([str(self.seed)] if self.seed != 3 else [])))


EITHER = ("recording", "realtime")
"""A call that ends in its greeting: a recording that began late holds no word, and the realtime account stands."""


def _case(*faults: str, **more: Any) -> Case:
    return Case(faults, **more)


WELL = [
    _case(),
    *(_case(f"{kind}-{how}") for kind in ("status", "recording", "callbacks")
      for how in ("duplicated", "reordered", "delayed")),
    _case("status-lost", reconciled=True),
    _case("status-final-lost", reconciled=True),
    _case("recording-lost", recording=False),
    _case("callbacks-lost", recording=False, reconciled=True),
    _case("voice-repeated"),
    _case("voice-repeated-at-once"),
    _case("media-gaps"),
    _case("media-bursts"),
    _case("media-odd-sizes"),
    _case("marks-late", speed=2.0, pause_ms=1600),
    _case("marks-missing", speed=2.0, pause_ms=1600),
    _case("marks-some-missing", speed=2.0, pause_ms=1600),
    _case("recording-404"),
    _case("recording-mono"),
    _case("rest-429", speed=2.0),
    _case("rest-500", speed=2.0),
    _case("callbacks-duplicated", "voice-repeated-at-once", "rest-500", "recording-404", speed=2.0),
    _case("callbacks-delayed", "media-gaps", "media-odd-sizes", "marks-some-missing", seed=5),
    _case("callbacks-reordered", "callbacks-duplicated", "media-bursts", "marks-late", "recording-mono", seed=7),
]  # fmt: skip
LEFT = [
    _case("hangup-greeting", speed=2.0, end="stream_stopped", turns=(1,), sources=EITHER),
    _case("hangup-answer", end="stream_stopped", turns=(3,)),
    _case("hangup-tool", end="stream_stopped", turns=(3, 4, 5)),
    _case("hangup-answer", "status-final-lost", "recording-404", end="stream_stopped", turns=(3,), reconciled=True),
    _case(
        "hangup-greeting",
        "callbacks-duplicated",
        "voice-repeated",
        speed=2.0,
        end="stream_stopped",
        turns=(1,),
        sources=EITHER,
        seed=4,
    ),
]
CUT = [_case("socket-cut", end="stream_stopped", turns=(1, 3), disposition="message", seed=seed) for seed in (3, 4)] + [
    _case("socket-cut-silent", end="stream_stopped", turns=(1, 3), disposition="message", reconciled=True)
]
CHAOS = [_case("callbacks-chaos", seed=seed, recording=None, reconciled=True) for seed in (1, 2, 3, 4)]
CASES = WELL + LEFT + CUT + CHAOS


class Calls:
    """The calls of this run's tests, a few at a time; each is there when its test asks for it."""

    def __init__(self, house: House, cases: list[Case]) -> None:
        self.house = house
        self.faults: dict[Case, Faults] = {}
        self._reconciled = False
        self._numbers = {case: CALLER.format(number) for number, case in enumerate(CASES)}
        self._limit = house.run(self._semaphore())
        self._calls = {case: asyncio.run_coroutine_threadsafe(self._place(case), house.loop) for case in cases}

    async def _semaphore(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(AT_A_TIME)

    async def _place(self, case: Case) -> CallReport:
        async with self._limit:
            plan = self.house.plan(
                *case.faults, seed=case.seed, from_=self._numbers[case], speed=case.speed,
                manners=dataclasses.replace(MANNERS, pause_ms=case.pause_ms),
            )  # fmt: skip
            self.faults[case] = plan.faults
            return await self.house.standin.place_call(plan)

    def ended(self, case: Case) -> CallReport:
        """The report of a call, whose end was found out if nobody told."""
        report = self._calls[case].result(100)
        if case.reconciled:
            self.reconcile()
        return report

    def all_over(self) -> None:
        """Wait for every call."""
        concurrent.futures.wait(self._calls.values(), 100)

    def reconcile(self) -> None:
        """Have the ends that nobody told found out, once every call is over."""
        self.all_over()
        if not self._reconciled:
            self._reconciled = True
            reconcile_at_once()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture(scope="module")
def calls(house: House, request: pytest.FixtureRequest) -> Calls:
    callspecs = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = {id(spec.params["case"]): spec.params["case"] for spec in callspecs if spec and "case" in spec.params}
    return Calls(house, [case for case in CASES if id(case) in wanted])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_call_ends_in_the_same_rows(calls: Calls, case: Case) -> None:
    """Regressions 1, 2, 6, 14 and 16: one call, one final state, each utterance answered once, its line free."""
    house, report = calls.house, calls.ended(case)
    call_sid = report.call.sid
    house.until(lambda: house.call(call_sid).summary is not None, f"a summary of {case}")
    call, kinds = house.call(call_sid), Counter(house.kinds(call_sid))
    assert (call.status, call.disposition, call.direction) == ("completed", case.disposition, "inbound"), kinds
    assert call.duration is not None and call.final_transcript
    assert house.turns(call_sid) in [WHOLE[:count] for count in case.turns]
    assert kinds[case.end] == 1, kinds
    assert [kind for kind in ONCE if kinds[kind] > 1] == []
    assert house.leases(call_sid) == []
    assert house.undone(call_sid) == []
    stored = len(house.recordings(call_sid))
    assert case.recording in (None, stored == 1) and stored <= 1
    assert call.transcript_source in (case.sources if stored else ("realtime",))
    _logged_little(house, call_sid)
    assert all(fault.times for fault in calls.faults[case].facts()), calls.faults[case].facts()


def _logged_little(house: House, call_sid: str) -> None:
    """Regression 35: few lines, none of them twice."""
    lines = house.lines_of(call_sid)
    assert 5 <= len(lines) <= 20, lines
    repeated = [event for event, times in Counter(line["event"] for line in lines).items() if times > 1]
    assert repeated == [], [line for line in lines if line["event"] in repeated]


def test_regression_16_and_18_nothing_is_left_when_all_calls_are_over(house: House, calls: Calls) -> None:
    """No line, no session with the model, no call in the web process; no number in the logs."""
    calls.reconcile()
    metrics = httpx.get(f"http://127.0.0.1:{house.port}/metrics", headers={"Authorization": f"Bearer {house.key}"}).text
    assert "frontdesk_calls_active 0.0" in metrics, metrics
    assert house.model.open == 0
    assert house.rows(CallLease) == []
    assert [row.call_sid for row in house.rows(CallLog) if row.status != "completed"] == []
    assert [row.error for row in house.rows(ProviderEvent) if row.state != "done"] == []
    text = "\n".join(json.dumps(line) for line in house.log)
    assert not any(row.from_number in text or row.from_number[1:] in text for row in house.rows(CallLog))
    assert [line for line in house.log if line["level"] == "error" and "exception" in line] == []
    of_the_processes = Counter(line["event"] for line in house.log if "call_sid" not in line)
    assert not any(times > 2 for times in of_the_processes.values()), of_the_processes
