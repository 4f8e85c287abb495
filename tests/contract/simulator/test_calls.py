"""Whole calls against a server that answers voice webhooks."""

from __future__ import annotations

from typing import Any

from simulator.plan import CallPlan
from simulator.standin import Standin


def plan_for(server: Any, **changes: Any) -> CallPlan:
    fields: dict[str, Any] = {
        "to": "+15550001111",
        "from_": "+15552223333",
        "voice_url": server.voice_url,
        "speed": 10.0,
    }
    return CallPlan(**(fields | changes))


async def test_a_call_goes_through(server: Any, standin: Standin, beep: bytes) -> None:
    report = await standin.place_call(plan_for(server, lines=[beep, beep]))
    assert report.ok, report.reason
    assert server.statuses() == ["initiated", "ringing", "in-progress", "completed"]
    assert all(hook.genuine for hook in server.hooks)
    assert [mark.by for mark in report.marks] == ["playback"] * 3
    assert report.call.ended_by == "server"
