"""`<Dial>`: a colleague's leg, its whisper, the bridge, and what the server is told; TwiML by the SDK's own builder."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import numpy as np
import pytest
from twilio.rest import Client
from twilio.twiml.voice_response import Dial, VoiceResponse

from phoneaudio.wav import read_wav
from simulator.caller import Manners
from simulator.colleagues import Colleague
from simulator.level import is_voiced
from simulator.standin import Standin

BOB = "+15550009999"
EVENTS = "initiated ringing answered completed"


def loudest_hz(pcm: bytes) -> float:
    """The strongest frequency in 8 kHz 16-bit audio."""
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, dtype="<i2").astype(float)))
    return float(np.argmax(spectrum) * 8000 / (len(pcm) // 2))


def transfer(*, whisper: str = "", number: str = BOB, **options: Any) -> str:
    """`<Dial>` as a server would write it."""
    response = VoiceResponse()
    dial = Dial(action="/webhook/dialled", answer_on_bridge=True, **({"timeout": 10} | options))
    screening = {"url": whisper} if whisper else {}
    dial.number(number, status_callback="/webhook/leg", status_callback_event=EVENTS, **screening)
    response.append(dial)
    return str(response)


def screening() -> str:
    """The whisper: press 1, else the leg hangs up."""
    response = VoiceResponse()
    gather = response.gather(num_digits=1, timeout=4, action="/webhook/screened")
    gather.say("A caller wants to move an appointment. Press 1 to accept.")
    response.hangup()
    return str(response)


@pytest.fixture
def warm(server: Any) -> Any:
    """A server that transfers with a whisper and says goodbye when the transfer is over."""
    server.answers["/webhook/voice"] = transfer(whisper="/webhook/whisper")
    server.answers["/webhook/whisper"] = screening()
    server.answers["/webhook/dialled"] = "<Response><Say>Nobody took the call</Say></Response>"

    async def on_hook(hook: Any) -> None:
        if hook.path == "/webhook/screened":
            accepted = hook.form["Digits"] == "1"
            server.answers["/webhook/screened"] = "<Response/>" if accepted else "<Response><Hangup/></Response>"

    server.on_hook = on_hook
    return server


def form(server: Any, path: str) -> dict[str, str]:
    """The parameters of the one webhook at that path."""
    (hook,) = [hook for hook in server.hooks if hook.path == path]
    assert hook.genuine
    return dict(hook.form)


def leg_statuses(server: Any) -> list[str]:
    return [hook.form["CallStatus"] for hook in server.hooks if hook.path == "/webhook/leg"]


async def test_a_colleague_who_accepts_is_connected(warm: Any, standin: Standin, make_plan: Any, tones: Any) -> None:
    bob = Colleague(number=BOB, does="accepts", says=tones(800, 500), stays_s=2.0)
    warm.answers["/webhook/dialled"] = "<Response><Hangup/></Response>"
    plan = make_plan(lines=[tones(600, 900)], colleagues=[bob], record=True)
    report = await standin.place_call(plan)
    assert report.ok, report.reason
    done = form(warm, "/webhook/dialled")
    (leg,) = report.legs
    assert (done["DialCallStatus"], done["DialBridged"]) == ("completed", "true")
    assert done["DialCallSid"] == leg.call.sid and int(done["DialCallDuration"]) >= 1
    assert done["CallSid"] == report.call.sid and "ParentCallSid" not in done
    assert form(warm, "/webhook/screened")["Digits"] == "1"
    assert leg_statuses(warm) == ["initiated", "ringing", "in-progress", "completed"]
    whisper = form(warm, "/webhook/whisper")
    assert (whisper["CallSid"], whisper["ParentCallSid"]) == (leg.call.sid, report.call.sid)
    assert (whisper["Direction"], whisper["From"], whisper["To"]) == ("outbound-dial", "+15552223333", BOB)
    # Each has heard the other, and the caller nothing of the whisper.
    assert [said.source for said in report.said["caller"]] == ["audio"]
    assert leg.said["agent"][0].text == "A caller wants to move an appointment. Press 1 to accept."
    caller_heard = standin.tapes(report.call.sid)[1]
    assert is_voiced(caller_heard) and report.frames.discarded_bytes == 0
    url = report.recordings[0].url
    async with httpx.AsyncClient(auth=(standin.account.sid, standin.account.auth_token)) as client:
        wav = read_wav((await client.get(url + ".wav?RequestedChannels=2")).content)
    caller, other = wav.channels
    assert abs(loudest_hz(caller) - 900) < 5
    assert abs(loudest_hz(other) - 500) < 5


async def test_a_colleague_who_declines_is_not_connected(
    warm: Any, standin: Standin, make_plan: Any, tones: Any
) -> None:
    report = await standin.place_call(
        make_plan(lines=[tones(600)], colleagues=[Colleague(number=BOB, does="declines")])
    )
    done = form(warm, "/webhook/dialled")
    assert (done["DialCallStatus"], done["DialBridged"]) == ("completed", "false")
    assert form(warm, "/webhook/screened")["Digits"] == "2"
    assert "Nobody took the call" in [said.text for said in report.said["agent"]]
    assert not any(event.kind == "bridged" for event in report.events)


@pytest.mark.parametrize(
    ("does", "status", "statuses"),
    [
        ("busy", "busy", ["initiated", "ringing", "busy"]),
        ("no-answer", "no-answer", ["initiated", "ringing", "no-answer"]),
        ("failed", "failed", ["initiated", "ringing", "failed"]),
        ("machine", "completed", ["initiated", "ringing", "in-progress", "completed"]),
        ("ignores", "completed", ["initiated", "ringing", "in-progress", "completed"]),
        ("hangs-up", "completed", ["initiated", "ringing", "in-progress", "completed"]),
    ],
)
async def test_a_colleague_who_does_not_take_the_call(
    warm: Any, standin: Standin, make_plan: Any, does: str, status: str, statuses: list[str]
) -> None:
    report = await standin.place_call(make_plan(colleagues=[Colleague(number=BOB, does=does)], speed=20.0))
    done = form(warm, "/webhook/dialled")
    assert (done["DialCallStatus"], done["DialBridged"]) == (status, "false")
    assert ("DialCallDuration" in done) == (status == "completed")
    assert leg_statuses(warm) == statuses
    assert "Nobody took the call" in [said.text for said in report.said["agent"]]


async def test_a_cold_transfer_connects_at_once(server: Any, standin: Standin, make_plan: Any, tones: Any) -> None:
    server.answers["/webhook/voice"] = transfer(caller_id="+15550001111")
    bob = Colleague(number=BOB, says=tones(600, 500), stays_s=1.0)
    report = await standin.place_call(make_plan(lines=[tones(400)], colleagues=[bob]))
    assert report.ok and report.legs[0].call.from_ == "+15550001111"
    assert [event.kind for event in report.events if event.kind in ("bridged", "unbridged")] == ["bridged", "unbridged"]
    assert form(server, "/webhook/dialled")["DialBridged"] == "true"
    assert not any(hook.path == "/webhook/whisper" for hook in server.hooks)
    assert all(event.data["event"] != "keys" for event in report.events if event.kind == "leg")


async def test_a_caller_who_leaves_while_it_rings_cancels_the_leg(
    server: Any, standin: Standin, make_plan: Any
) -> None:
    server.answers["/webhook/voice"] = transfer()
    bob = Colleague(number=BOB, ring_s=8.0)
    report = await standin.place_call(make_plan(colleagues=[bob], manners=Manners(hold_ms=1500)))
    assert report.call.ended_by == "caller" and report.call.duration_s <= 6
    assert leg_statuses(server) == ["initiated", "ringing", "canceled"]
    assert report.legs[0].call.statuses[-1]["status"] == "canceled"
    done = form(server, "/webhook/dialled")
    assert (done["DialCallStatus"], done["DialBridged"], done["CallStatus"]) == ("canceled", "false", "completed")


async def test_a_colleague_nobody_plays_does_not_answer_and_is_named(
    server: Any, standin: Standin, make_plan: Any
) -> None:
    server.answers["/webhook/voice"] = transfer(timeout=2)
    report = await standin.place_call(make_plan())
    assert form(server, "/webhook/dialled")["DialCallStatus"] == "no-answer"
    assert any(BOB in warning for warning in report.warnings)


async def test_the_first_of_several_to_be_ready_gets_the_call(
    server: Any, standin: Standin, make_plan: Any, tones: Any
) -> None:
    response = VoiceResponse()
    dial = Dial(action="/webhook/dialled", timeout=20)
    dial.number("+15550000001", status_callback="/webhook/leg")
    dial.number("+15550000002", status_callback="/webhook/leg")
    response.append(dial)
    server.answers["/webhook/voice"] = str(response)
    slow = Colleague(number="+15550000001", ring_s=15.0)
    quick = Colleague(number="+15550000002", ring_s=1.0, says=tones(300), stays_s=1.0)
    report = await standin.place_call(make_plan(lines=[tones(300)], colleagues=[slow, quick]))
    assert [leg.call.statuses[-1]["status"] for leg in report.legs] == ["canceled", "completed"]
    assert form(server, "/webhook/dialled")["DialCallSid"] == report.legs[1].call.sid
    assert sorted(leg_statuses(server)) == ["canceled", "completed"]


async def test_a_time_limit_ends_the_conversation_and_not_the_call(
    server: Any, standin: Standin, make_plan: Any, tones: Any
) -> None:
    server.answers["/webhook/voice"] = transfer(time_limit=3)
    server.answers["/webhook/dialled"] = "<Response><Say>That was all</Say></Response>"
    bob = Colleague(number=BOB, says=tones(300), stays_s=60.0)
    manners = Manners(end_wait_ms=30000)
    report = await standin.place_call(make_plan(lines=[tones(300)], colleagues=[bob], manners=manners))
    assert "That was all" in [said.text for said in report.said["agent"]]
    assert report.legs[0].call.ended_by == "time limit"


async def test_a_stream_is_ended_by_a_transfer_and_legs_can_be_ended_by_rest(
    server: Any, standin: Standin, sdk: Client, make_plan: Any, tones: Any
) -> None:
    seen: dict[str, Any] = {}

    async def agent(session: Any) -> None:
        await session.say(tones(400), "one moment")
        await session.wait("mark")
        sid = session.start["start"]["callSid"]
        await asyncio.to_thread(sdk.calls(sid).update, twiml=transfer().replace("/webhook", f"{server.origin}/webhook"))
        seen["stop"] = await session.wait("stop")
        seen["socket"] = await session.next()

    async def on_hook(hook: Any) -> None:
        if hook.form.get("ParentCallSid") and hook.form["CallStatus"] == "in-progress":
            child = sdk.calls(hook.form["CallSid"])
            listed = await asyncio.to_thread(sdk.calls.list, parent_call_sid=hook.form["ParentCallSid"])
            seen["listed"] = [(call.sid, call.status, call.parent_call_sid) for call in listed]
            await asyncio.sleep(0.1)
            await asyncio.to_thread(child.update, status="completed")

    server.agent, server.on_hook = agent, on_hook
    bob = Colleague(number=BOB, says=tones(300), stays_s=60.0)
    report = await standin.place_call(make_plan(lines=[tones(300)], colleagues=[bob]))
    assert seen["stop"] is not None and seen["socket"] is None
    leg = report.legs[0]
    assert leg.call.ended_by == "REST API"
    assert seen["listed"] == [(leg.call.sid, "in-progress", report.call.sid)]
    assert form(server, "/webhook/dialled")["DialCallStatus"] == "completed"
    final = await asyncio.to_thread(sdk.calls(leg.call.sid).fetch)
    assert (final.status, final.direction, final.parent_call_sid) == ("completed", "outbound-dial", report.call.sid)


async def test_a_leg_can_be_given_other_twiml(
    server: Any, standin: Standin, sdk: Client, make_plan: Any, tones: Any
) -> None:
    """The bridge ends, and with it `<Dial>`; the colleague goes on alone."""
    server.answers["/webhook/voice"] = transfer()
    server.answers["/alone"] = "<Response><Say>You are alone now</Say></Response>"

    async def on_hook(hook: Any) -> None:
        if hook.path == "/webhook/leg" and hook.form["CallStatus"] == "in-progress":
            while not any(call.status == "in-progress" for call in standin.account.calls.values() if call.parent_sid):
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.2)
            await asyncio.to_thread(sdk.calls(hook.form["CallSid"]).update, url=f"{server.origin}/alone")

    server.on_hook = on_hook
    bob = Colleague(number=BOB, says=tones(300), stays_s=60.0)
    report = await standin.place_call(make_plan(lines=[tones(300)], colleagues=[bob]))
    assert "You are alone now" in [said.text for said in report.legs[0].said["agent"]]
    assert form(server, "/alone")["ParentCallSid"] == report.call.sid
    assert form(server, "/webhook/dialled")["DialBridged"] == "true"
    assert all(said.text is None for said in report.said["agent"])


async def test_a_leg_cannot_dial_on(server: Any, standin: Standin, make_plan: Any) -> None:
    server.answers["/webhook/voice"] = transfer(whisper="/webhook/whisper")
    server.answers["/webhook/whisper"] = "<Response><Dial>+15550000003</Dial><Hangup/></Response>"
    report = await standin.place_call(make_plan(colleagues=[Colleague(number=BOB)]))
    assert any("dialled itself" in warning for warning in report.legs[0].warnings)
    assert form(server, "/webhook/dialled")["DialBridged"] == "false"


async def test_transfers_dropped_at_any_moment_leave_nothing_behind(
    warm: Any, standin: Standin, make_plan: Any
) -> None:
    before = len(asyncio.all_tasks())
    bob = Colleague(number=BOB, ring_s=0.5)
    plans = [
        make_plan(colleagues=[bob], manners=Manners(hang_up_after_ms=300 * at), speed=20.0, status_events=())
        for at in range(24)
    ]
    await asyncio.gather(*(standin.place_call(plan) for plan in plans))
    deadline = asyncio.get_running_loop().time() + 3
    while len(asyncio.all_tasks()) > before and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.05)
    assert len(asyncio.all_tasks()) <= before
    assert len(standin.account.calls) >= 40 and all(call.final for call in standin.account.calls.values())


async def test_what_is_forgotten_takes_its_legs_along(server: Any, standin: Standin, make_plan: Any) -> None:
    standin.kept_calls = 1
    server.answers["/webhook/voice"] = transfer(timeout=1)
    first, second = [await standin.place_call(make_plan(speed=20.0, record=True)) for _ in range(2)]
    kept = {second.call.sid, second.legs[0].call.sid}
    assert set(standin.account.live) == kept and len(standin.account.recordings) == 1
    assert standin.account.calls[first.legs[0].call.sid].status == "no-answer"
