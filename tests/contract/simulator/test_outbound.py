"""Calls that the server places: who answers, what answering-machine detection says, and Twilio's limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from simulator.caller import Manners
from simulator.fault_catalogue import faults
from simulator.level import voiced_spans
from simulator.standin import Standin

ACCOUNT, TOKEN = "AC" + "0" * 32, "rehearsal-token"


@pytest.fixture
def dialling(server: Any, make_plan: Any, beep: bytes) -> Callable[..., Any]:
    """`async with dialling(answerer="machine") as (standin, create)`: a stand-in whose callees are planned so."""

    @asynccontextmanager
    async def open_standin(standin_options: dict[str, Any] | None = None, **changes: Any) -> AsyncIterator[Any]:
        def callee(_request: Any) -> Any:
            manners = Manners(speaks_first=True, end_wait_ms=6000)
            return make_plan(**({"lines": [beep], "manners": manners, "speed": 20.0} | changes))

        standin = await Standin.start(account_sid=ACCOUNT, auth_token=TOKEN, callee=callee, **(standin_options or {}))
        sdk = Client(ACCOUNT, TOKEN)
        sdk.api.base_url = standin.base_url

        async def create(**options: Any) -> Any:
            fields = {
                "to": "+15559998888", "from_": "+15550001111", "url": f"{server.voice_url}?token=a%20b&n=1",
                "status_callback": f"{server.origin}/webhook/call_status?call=7",
                "status_callback_event": ["initiated", "ringing", "answered", "completed"],
            }  # fmt: skip
            return await asyncio.to_thread(sdk.calls.create, **(fields | options))

        try:
            yield standin, create, sdk
        finally:
            await standin.stop()

    return open_standin


async def listen(session: Any) -> None:
    """An agent that says something once and then only listens."""
    await session.say(b"\x20" * 4000)


def amd(server: Any, **options: Any) -> dict[str, Any]:
    return {
        "machine_detection": "DetectMessageEnd",
        "async_amd": "true",
        "async_amd_status_callback": f"{server.origin}/webhook/amd?call=7",
    } | options


def verdicts(server: Any) -> list[dict[str, str]]:
    return [hook.form for hook in server.hooks if hook.path == "/webhook/amd"]


@pytest.mark.parametrize(
    ("who", "mode", "answered_by"),
    [
        ("human", "Enable", "human"),
        ("human", "DetectMessageEnd", "human"),
        ("machine", "Enable", "machine_start"),
        ("machine", "DetectMessageEnd", "machine_end_beep"),
        ("machine-no-beep", "DetectMessageEnd", "machine_end_silence"),
        ("fax", "Enable", "fax"),
        ("unknown", "Enable", "unknown"),
    ],
)
async def test_the_async_verdict(server: Any, dialling: Any, who: str, mode: str, answered_by: str) -> None:
    server.agent = listen
    async with dialling(answerer=who) as (standin, create, sdk):
        call = await create(**amd(server, machine_detection=mode))
        report = await asyncio.wait_for(standin.finished(call.sid), 30)
        (verdict,) = verdicts(server)
        assert set(verdict) == {"CallSid", "AccountSid", "AnsweredBy", "MachineDetectionDuration"}
        assert (verdict["CallSid"], verdict["AnsweredBy"]) == (call.sid, answered_by)
        assert int(verdict["MachineDetectionDuration"]) > 1000
        assert (await asyncio.to_thread(sdk.calls(call.sid).fetch)).answered_by == answered_by
        assert report.ok, report.reason
    assert all(hook.genuine for hook in server.hooks)


async def test_the_verdict_after_the_beep_really_comes_after_the_beep(server: Any, dialling: Any) -> None:
    server.agent = listen
    async with dialling(answerer="machine", speed=10.0) as (standin, create, _sdk):
        call = await create(**amd(server))
        report = await asyncio.wait_for(standin.finished(call.sid), 30)
        caller, _agent = standin.tapes(call.sid)
    words, beep = voiced_spans(caller, join_ms=400)[0], voiced_spans(caller, join_ms=400)[-1]
    (verdict,) = [event for event in report.events if event.kind == "answered_by"]
    answered = next(row["at_ms"] for row in report.call.statuses if row["status"] == "in-progress")
    assert words[1] < beep[0] and 300 <= beep[1] - beep[0] <= 500
    assert verdict.at_ms - answered >= beep[1] - 100


async def test_detection_that_is_waited_for_comes_with_the_voice_webhook(server: Any, dialling: Any) -> None:
    server.agent = listen
    async with dialling(answerer="machine") as (standin, create, _sdk):
        call = await create(machine_detection="Enable")
        await asyncio.wait_for(standin.finished(call.sid), 30)
    (voice,) = [hook for hook in server.hooks if hook.path == "/webhook/voice"]
    assert voice.form["AnsweredBy"] == "machine_start" and voice.genuine
    assert not verdicts(server)


async def test_without_detection_nothing_is_said_about_who_answered(server: Any, dialling: Any) -> None:
    server.agent = listen
    async with dialling(answerer="machine") as (standin, create, _sdk):
        await asyncio.wait_for(standin.finished((await create()).sid), 30)
    assert not verdicts(server) and not any("AnsweredBy" in hook.form for hook in server.hooks)


@pytest.mark.parametrize(
    ("status", "sip"), [("busy", "486"), ("no-answer", "480"), ("failed", "500"), ("canceled", "487")]
)
@pytest.mark.parametrize("how", ["answerer", "fault"])
async def test_nobody_takes_the_call(server: Any, dialling: Any, status: str, sip: str, how: str) -> None:
    plan = {"answerer": status} if how == "answerer" else {"faults": faults(status)}
    async with dialling(**plan, speed=20.0) as (standin, create, sdk):
        call = await create(timeout=3)
        report = await asyncio.wait_for(standin.finished(call.sid), 30)
        assert (await asyncio.to_thread(sdk.calls(call.sid).fetch)).status == status
    assert server.statuses() == ["initiated", "ringing", status]
    assert server.hooks[-1].form["SipResponseCode"] == sip and server.hooks[-1].form["CallDuration"] == "0"
    assert [row["status"] for row in report.call.statuses] == ["initiated", "ringing", status]
    if how == "fault":
        assert [(fault.name, fault.times) for fault in report.faults] == [(status, 1)]


async def test_a_phone_that_rings_too_long_is_not_answered(server: Any, dialling: Any) -> None:
    async with dialling(ring_s=30.0, speed=20.0) as (standin, create, _sdk):
        call = await create(timeout=2)
        await asyncio.wait_for(standin.finished(call.sid), 30)
    assert server.statuses() == ["initiated", "ringing", "no-answer"]


async def test_a_call_that_rings_can_be_ended_and_not_redirected(server: Any, dialling: Any) -> None:
    async with dialling(ring_s=20.0) as (standin, create, sdk):
        call = await create()
        while "ringing" not in server.statuses():
            await asyncio.sleep(0.02)
        with pytest.raises(TwilioRestException) as refused:
            await asyncio.to_thread(sdk.calls(call.sid).update, twiml="<Response/>")
        assert refused.value.code == 21220
        await asyncio.to_thread(sdk.calls(call.sid).update, status="completed")
        await asyncio.wait_for(standin.finished(call.sid), 30)
    assert server.statuses() == ["initiated", "ringing", "canceled"]


async def test_the_time_limit_of_the_request_ends_the_call(server: Any, dialling: Any) -> None:
    server.agent = listen
    async with dialling(manners=Manners(speaks_first=True, end_wait_ms=60000)) as (standin, create, _sdk):
        report = await asyncio.wait_for(standin.finished((await create(time_limit=3)).sid), 30)
    assert report.call.ended_by == "time limit" and 3 <= report.call.duration_s <= 6


async def test_the_stream_can_connect_before_create_returns(server: Any, dialling: Any) -> None:
    order: list[str] = []

    async def agent(session: Any) -> None:
        order.append("stream")
        await listen(session)

    server.agent = agent
    async with dialling({"faults": faults("stream-before-create")}) as (standin, create, _sdk):
        call = await create()
        order.append("created")
        await asyncio.wait_for(standin.finished(call.sid), 30)
    assert order == ["stream", "created"]
    assert server.sessions[0].start["start"]["callSid"] == call.sid


async def test_more_than_one_call_a_second_is_refused(server: Any, dialling: Any) -> None:
    server.agent = listen
    async with dialling({"calls_per_second": 1.0}) as (_standin, create, _sdk):
        results = await asyncio.gather(*(create() for _ in range(3)), return_exceptions=True)
        refused = [result for result in results if isinstance(result, TwilioRestException)]
        assert [(problem.status, problem.code) for problem in refused] == [(429, 20429)] * 2
        await asyncio.sleep(1.0)
        assert (await create()).status == "queued"


async def test_calls_are_found_by_what_twilio_filters_by(server: Any, dialling: Any) -> None:
    async with dialling(answerer="busy", speed=20.0) as (standin, create, sdk):
        first = await create(to="+15551110000")
        second = await create(to="+15552220000", from_="+15553330000")
        for call in (first, second):
            await asyncio.wait_for(standin.finished(call.sid), 30)

        async def found(**query: Any) -> list[str]:
            return [call.sid for call in await asyncio.to_thread(sdk.calls.list, **query)]

        now = datetime.now(UTC)
        assert await found() == [second.sid, first.sid]
        assert await found(to="+15551110000") == [first.sid]
        assert await found(from_="+15553330000") == [second.sid]
        assert await found(status="completed") == [] and len(await found(status="busy")) == 2
        assert len(await found(start_time_after=now - timedelta(minutes=1))) == 2
        assert await found(start_time_after=now + timedelta(minutes=1)) == []
        assert await found(start_time_before=now - timedelta(minutes=1)) == []
        with pytest.raises(TwilioException, match="give a date"):
            await found(start_time_after="yesterday")


async def test_a_test_can_hang_up_for_the_callee_and_press_keys(server: Any, dialling: Any) -> None:
    async with dialling(manners=Manners(speaks_first=True, end_wait_ms=60000)) as (standin, create, _sdk):

        async def agent(session: Any) -> None:
            sid = session.start["start"]["callSid"]
            await session.say(b"\x20" * 800)
            standin.press(sid, "5")
            await session.wait("dtmf")
            standin.hang_up(sid)

        server.agent = agent
        report = await asyncio.wait_for(standin.finished((await create()).sid), 30)
    assert report.call.ended_by == "caller"
    assert [message["dtmf"]["digit"] for message in server.sessions[0].received if message["event"] == "dtmf"] == ["5"]
