"""Calls that we place, and calls that the agent can't take, on one installation (see test_call_faults)."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from server.models_sql import CallLease, CallLog, Message, OutboundCall
from simulator.caller import Utterance
from simulator.colleagues import Colleague
from simulator.fault_catalogue import faults
from simulator.faults import Faults
from simulator.report import CallReport
from tests.support.voice_model import QUESTION_AUDIO
from tests.support.whole_house import MANNERS, House, running_house

pytestmark = pytest.mark.timeout(150)
CALLEE = "+447700900{:03d}"
COLLEAGUE, NOBODY = "+447700900801", "+447700900802"
ANSWERED = ("hang_up", "recording_fetched", "summary_ready")


@dataclass(frozen=True)
class Case:
    """What happens to a call that we place, and what comes of it."""

    faults: tuple[str, ...]
    status: str = "completed"
    disposition: str | None = None
    kinds: tuple[str, ...] = ()
    speed: float = 8.0

    def __str__(self) -> str:
        return "+".join(self.faults) or "answered"


TOGETHER = [
    Case((), kinds=ANSWERED),
    Case(("busy",), "busy"),
    Case(("no-answer",), "no-answer"),
    Case(("canceled",), "canceled"),
    Case(("failed",), "failed"),
    Case(("busy", "callbacks-duplicated", "callbacks-reordered"), "busy"),
    Case(("machine",), disposition="machine", kinds=("answered_by", "machine_message"), speed=2.0),
    Case(("machine-no-beep",), disposition="machine", kinds=("answered_by", "machine_message"), speed=2.0),
    Case(("callbacks-duplicated", "callbacks-delayed", "voice-repeated-at-once"), kinds=ANSWERED),
]
"""Their faults are on their own lines, so that these calls run at the same time."""
ALONE = [
    Case(("stream-before-create",), kinds=ANSWERED),
    Case(("rest-429",), kinds=ANSWERED),
    Case(("rest-500",), kinds=ANSWERED),
    Case(("rest-500", "stream-before-create", "one-call-a-second"), kinds=ANSWERED),
]
"""Their faults are the account's."""
CASES = TOGETHER + ALONE


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    people = (Colleague(number=COLLEAGUE, does="accepts"), Colleague(number=NOBODY, does="no-answer"))
    with running_house(tmp_path_factory.mktemp("house"), colleagues=people) as made:
        yield made


@pytest.fixture(scope="module")
def asked(house: House) -> dict[Case, str]:
    """The requests of the calls that may run at the same time; each is asked for twice."""
    requests = {}
    for number, case in enumerate(TOGETHER):
        to = CALLEE.format(number)
        house.callees[to] = house.plan(*case.faults, speed=case.speed)
        requests[case] = house.ask(to, f"order-{case}")
        assert house.ask(to, f"order-{case}") == requests[case]
    return requests


def _ends(house: House, request_id: str, case: Case) -> CallLog:
    """Wait for the end of a requested call and of what follows it; what must hold of each."""

    def call_sid() -> Any:
        return house.rows(OutboundCall, request_id=request_id)[0].call_sid

    house.until(call_sid, f"a call of {case}", 40)
    sid = str(call_sid())
    house.until(lambda: house.call(sid).ended_at is not None, f"the end of {case}", 40)
    wanted = set(case.kinds)
    house.until(lambda: wanted <= set(house.kinds(sid)), f"{wanted} of {case}, {house.kinds(sid)}", 30)
    call, kinds = house.call(sid), Counter(house.kinds(sid))
    assert (call.status, call.disposition, call.direction) == (case.status, case.disposition, "outbound"), kinds
    assert house.rows(CallLease, lease_key=request_id) == []
    assert house.undone(sid) == []
    assert [kind for kind in (*case.kinds, "placed", "recording_started") if kinds[kind] > 1] == []
    return call


@pytest.mark.parametrize("case", TOGETHER, ids=str)
def test_regression_16_a_call_that_we_place_gives_its_line_back(
    house: House, asked: dict[Case, str], case: Case
) -> None:
    call = _ends(house, asked[case], case)
    lines = [line["event"] for line in house.lines_of(call.call_sid)]
    assert len(lines) <= 20 and len(set(lines)) == len(lines), lines
    turns = house.turns(call.call_sid)
    if case.kinds == ANSWERED:
        assert len(turns) == 5 and call.transcript_source == "recording"
    elif not case.kinds:
        assert turns == [] and call.duration in (None, 0)
    else:
        assert call.answered_by == ("machine_end_beep" if "machine" in case.faults else "machine_end_silence")
        spoken = house.standin.account.rest_calls
        said = [one.params.get("Twiml", "") for one in spoken if call.call_sid in one.path]
        assert any("Please call Harbour Hair back." in twiml for twiml in said), said


@contextlib.contextmanager
def _account_has(house: House, wrong: Faults) -> Iterator[None]:
    house.standin.account.faults, before = wrong, house.standin.account.faults
    yield
    house.standin.account.faults = before


@pytest.mark.parametrize("case", ALONE, ids=str)
def test_regression_17_one_call_is_placed_whatever_the_account_answers(
    house: House, asked: dict[Case, str], case: Case
) -> None:
    for other, request_id in asked.items():
        _ends(house, request_id, other)
    to = CALLEE.format(100 + CASES.index(case))
    house.callees[to] = house.plan()
    wrong = faults(*case.faults, seed=3)
    with _account_has(house, wrong):
        call = _ends(house, house.ask(to, f"order-{case}"), case)
    assert [row.call_sid for row in house.rows(CallLog, to_number=to)] == [call.call_sid]
    placed = [one for one in house.standin.account.calls.values() if one.to == to]
    assert [one.sid for one in placed] == [call.call_sid]
    assert any(fact.times for fact in wrong.facts())
    assert len(house.turns(call.call_sid)) == 5


def test_a_caller_for_whom_no_line_is_free_leaves_a_message(house: House) -> None:
    """Regression 16: refused in words, with the message kept; the line of the other call is not taken away."""
    house.change(max_calls=1)
    slow = dataclasses.replace(MANNERS, pause_ms=64_000)
    try:
        first = _placing(house, from_="+447700900701", manners=slow)
        house.until(lambda: house.rows(CallLease), "the first call's line")
        message = [Utterance(QUESTION_AUDIO * 3, "message")]
        second = _placing(house, from_="+447700900702", lines=message).result(60)
        refused = house.call(second.call.sid)
        assert (refused.disposition, refused.status, refused.recording_source) == ("no_line", "completed", "message")
        _message_is_kept(house, second.call.sid, "+447700900702")
        assert house.turns(second.call.sid) == []
        (busy,) = house.rows(CallLease)
        house.loop.call_soon_threadsafe(house.standin.hang_up, busy.lease_key)
        assert house.call(first.result(60).call.sid).status == "completed"
    finally:
        house.change(max_calls=30)
    assert house.rows(CallLease) == []


def _placing(house: House, **plan: Any) -> concurrent.futures.Future[CallReport]:
    return asyncio.run_coroutine_threadsafe(house.standin.place_call(house.plan(**plan)), house.loop)


def _message_is_kept(house: House, call_sid: str, from_: str) -> None:
    house.until(lambda: house.call(call_sid).summary is not None, "the message's summary")
    kinds = Counter(house.kinds(call_sid))
    assert kinds["message_left"] == kinds["recording_fetched"] == kinds["summary_ready"] == 1, kinds
    assert len(house.recordings(call_sid)) == 1
    (kept,) = house.rows(Message, call_sid=call_sid)
    assert kept.callback_number == from_ and kept.body


@pytest.mark.parametrize(("number", "disposition"), [(COLLEAGUE, "fallback"), (NOBODY, "message"), ("", "message")])
def test_regression_12_a_model_that_is_down_puts_the_caller_through_or_takes_a_message(
    house: House, number: str, disposition: str
) -> None:
    """The business's people are rung; when they don't answer, or there are none, a message is taken."""
    house.model.down = True
    house.change(fallback_number=number)
    caller = CALLEE.format(710 + ["", COLLEAGUE, NOBODY].index(number))
    try:
        lines = [Utterance(QUESTION_AUDIO * 3, "message")]
        report = _placing(house, from_=caller, lines=lines).result(60)
    finally:
        house.model.down = False
        house.change(fallback_number="")
    call_sid = report.call.sid
    house.until(lambda: house.call(call_sid).summary is not None or number == COLLEAGUE, "a summary")
    call, kinds = house.call(call_sid), Counter(house.kinds(call_sid))
    assert (call.status, call.disposition) == ("completed", disposition), kinds
    assert kinds["call_failed"] == kinds["apology"] == 1 and kinds["fallback"] == bool(number), kinds
    assert kinds["message_left"] == (number != COLLEAGUE)
    assert [leg.call.to for leg in report.legs] == ([number] if number else [])
    assert house.rows(CallLease) == [] and house.undone(call_sid) == []
    lines_of = [line["event"] for line in house.lines_of(call_sid)]
    assert len(lines_of) <= 20 and len(set(lines_of)) == len(lines_of), lines_of
