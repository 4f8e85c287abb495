"""kill -9 of the web process in mid-call: what was said is kept, and the call and its line come to an end."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from pathlib import Path

import pytest

from server.domain.call_states import is_final
from server.models_sql import CallEvent, CallLog
from tests.support.voice_model import ANSWER, QUESTION
from tests.support.whole_house import MANNERS, House, reconcile_at_once, running_house

pytestmark = pytest.mark.timeout(120)
SAID = [("assistant", "Thank you for calling Harbour Hair."), ("user", QUESTION), ("assistant", ANSWER)]


def _sid(house: House) -> str:
    return str(house.rows(CallLog)[0].call_sid)


def _statuses(house: House) -> set[str]:
    """The states that the timeline tells."""
    return {row.detail["status"] for row in house.rows(CallEvent, call_sid=_sid(house)) if row.kind == "status"}


def test_regression_16_a_killed_process_leaves_no_call_open_and_no_line_taken(tmp_path: Path) -> None:
    """Regression 14, too: its callbacks found nobody, so the reconciler asks the provider."""
    with running_house(tmp_path) as house:
        thinks = dataclasses.replace(MANNERS, pause_ms=30_000)
        plan = house.plan(speed=10.0, manners=thinks)
        calling = asyncio.run_coroutine_threadsafe(house.standin.place_call(plan), house.loop)
        house.until(lambda: house.rows(CallLog) and len(house.turns(_sid(house))) == 3, "the first answer")
        house.processes[0].kill()
        calling.result(60)
        assert house.call(_sid(house)).status == "in-progress" and len(house.leases(_sid(house))) == 1
        house.start_web()
        reconcile_at_once()
        call = house.call(_sid(house))
        assert is_final(call.status) and call.ended_at is not None
        assert house.leases(call.call_sid) == [] and house.undone(call.call_sid) == []
        house.until(lambda: house.call(call.call_sid).summary is not None, "a summary")
        assert house.turns(call.call_sid) == SAID
        once = Counter(house.kinds(call.call_sid))
        assert once["received"] == once["summary_ready"] == 1 and once["status"] == len(_statuses(house))
        again = house.run(house.standin.place_call(house.plan(from_="+447700900199")), 60)
        assert again.ok and house.call(again.call.sid).status == "completed"
