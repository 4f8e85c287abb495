"""Twilio's REST API through the real SDK, recordings included."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import numpy as np
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from phoneaudio.wav import read_wav
from simulator.caller import Manners
from simulator.plan import CallPlan
from simulator.standin import PortInUse, Standin

ACCOUNT, TOKEN = "AC" + "0" * 32, "rehearsal-token"


def loudest_hz(pcm: bytes) -> float:
    """The strongest frequency in 8 kHz 16-bit audio."""
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, dtype="<i2").astype(float)))
    return float(np.argmax(spectrum) * 8000 / (len(pcm) // 2))


def recorder(sdk: Client, server: Any, **options: Any) -> Any:
    """An `on_hook` that starts a recording as soon as the call is in progress."""

    async def on_hook(hook: Any) -> None:
        if hook.path == "/webhook/call_status" and hook.form["CallStatus"] == "in-progress":
            fields = {
                "recording_channels": "dual",
                "recording_status_callback": f"{server.origin}/webhook/recording_status",
                "recording_status_callback_event": ["in-progress", "completed", "absent"],
            } | options
            await asyncio.to_thread(sdk.calls(hook.form["CallSid"]).recordings.create, **fields)

    return on_hook


async def download(url: str, query: str = "", auth: tuple[str, str] | None = (ACCOUNT, TOKEN)) -> httpx.Response:
    async with httpx.AsyncClient(auth=auth) as client:
        return await client.get(url + query)


async def test_a_recording_holds_what_both_sides_really_said(
    server: Any, standin: Standin, sdk: Client, make_plan: Any, tones: Any
) -> None:
    async def agent(session: Any) -> None:
        await session.hear_turn()
        await session.say(tones(1000, 400), "heard")
        await session.wait("mark")
        await session.say(tones(5000, 1000), "unheard")
        await session.send("clear")
        await session.wait("mark")
        await session.socket.close()

    server.agent = agent
    server.on_hook = recorder(sdk, server)
    plan = make_plan(lines=[tones(1000, 700)], manners=Manners(speaks_first=True), wait_recording_s=0.0)
    report = await standin.place_call(plan)
    assert report.ok, report.reason
    started, done = server.recordings()
    assert (started["RecordingStatus"], done["RecordingStatus"]) == ("in-progress", "completed")
    assert done["RecordingSource"] == "StartCallRecordingAPI" and done["RecordingChannels"] == "2"
    assert 3 <= int(done["RecordingDuration"]) <= 5
    wav = read_wav((await download(done["RecordingUrl"] + ".wav", "?RequestedChannels=2")).content)
    caller, agent_side = wav.channels
    assert wav.rate_hz == 8000 and abs(loudest_hz(caller) - 700) < 5 and abs(loudest_hz(agent_side) - 400) < 5
    mixed = read_wav((await download(done["RecordingUrl"] + ".wav")).content)
    assert len(mixed.channels) == 1 and len(mixed.channels[0]) == len(caller)
    assert [(row.method, row.status) for row in report.rest_calls] == [("POST", 201), ("GET", 200), ("GET", 200)]


async def test_the_stand_in_waits_until_the_recording_is_fetched(
    server: Any, standin: Standin, sdk: Client, make_plan: Any, beep: bytes
) -> None:
    start, jobs = recorder(sdk, server), []

    async def on_hook(hook: Any) -> None:
        await start(hook)
        if hook.form.get("RecordingStatus") == "completed":
            jobs.append(asyncio.create_task(download(hook.form["RecordingUrl"] + ".wav", "?RequestedChannels=2")))

    server.on_hook = on_hook
    report = await standin.place_call(make_plan(lines=[beep, beep]))
    assert [item.fetched for item in report.recordings] == [True]
    assert (await jobs[0]).status_code == 200
    assert await standin.recording_fetched(report.call.sid, 1.0)


async def test_nobody_fetching_is_a_warning(
    server: Any, standin: Standin, sdk: Client, make_plan: Any, beep: bytes
) -> None:
    server.on_hook = recorder(sdk, server)
    report = await standin.place_call(make_plan(lines=[beep, beep], wait_recording_s=0.1))
    assert report.ok and any("not fetched the recording" in warning for warning in report.warnings)


async def test_recordings_refuse_what_twilio_refuses(
    server: Any, standin: Standin, sdk: Client, make_plan: Any, beep: bytes
) -> None:
    server.on_hook = recorder(sdk, server, recording_channels="mono")
    await standin.place_call(make_plan(lines=[beep, beep], wait_recording_s=0.0))
    url = server.recordings()[-1]["RecordingUrl"]
    assert (await download(url + ".wav", auth=None)).json()["code"] == 20003
    assert (await download(url + ".wav", "?RequestedChannels=2")).status_code == 400
    mp3 = await download(url + ".mp3")
    assert mp3.status_code == 406 and ".wav" in mp3.json()["message"]
    assert (await download(url[:-1] + "x.wav")).json()["code"] == 20404


async def test_twilio_records_on_its_own_when_the_plan_says_so(
    server: Any, standin: Standin, make_plan: Any, beep: bytes
) -> None:
    report = await standin.place_call(make_plan(lines=[beep, beep], record=True))
    assert [row["RecordingStatus"] for row in server.recordings()] == ["in-progress", "completed"]
    assert [(item.status, item.channels) for item in report.recordings] == [("completed", 2)]


async def test_start_recording_by_twiml(server: Any, standin: Standin, make_plan: Any, beep: bytes) -> None:
    start = '<Start><Recording channels="dual" recordingStatusCallback="/webhook/recording_status"/></Start>'
    server.answers["/webhook/voice"] = server.stream_twiml().replace("<Response>", "<Response>" + start)
    await standin.place_call(make_plan(lines=[beep, beep], wait_recording_s=0.0))
    assert [row["RecordingStatus"] for row in server.recordings()] == ["completed"]


async def test_a_call_that_only_rings_cannot_be_recorded(
    server: Any, standin: Standin, sdk: Client, make_plan: Any
) -> None:
    codes: list[int | None] = []

    async def on_hook(hook: Any) -> None:
        if hook.path == "/webhook/voice":
            try:
                await asyncio.to_thread(sdk.calls(hook.form["CallSid"]).recordings.create)
            except TwilioRestException as problem:
                codes.append(problem.code)

    server.on_hook = on_hook
    await standin.place_call(make_plan(manners=Manners(hang_up_after_ms=100)))
    assert codes == [21220]


async def test_the_server_ends_a_call_by_rest(server: Any, standin: Standin, sdk: Client, make_plan: Any) -> None:
    async def agent(session: Any) -> None:
        sid = session.start["start"]["callSid"]
        assert (await asyncio.to_thread(sdk.calls(sid).fetch)).status == "in-progress"
        await asyncio.to_thread(sdk.calls(sid).update, status="completed")
        await session.wait("stop")

    server.agent = agent
    report = await standin.place_call(make_plan())
    assert report.call.ended_by == "REST API"
    assert server.sessions[0].received[-1]["event"] == "stop"
    fetched = await asyncio.to_thread(sdk.calls(report.call.sid).fetch)
    assert (fetched.status, fetched.duration) == ("completed", str(report.call.duration_s))
    with pytest.raises(TwilioRestException, match="not in-progress") as caught:
        await asyncio.to_thread(sdk.calls(report.call.sid).update, status="completed")
    assert caught.value.code == 21220


async def test_the_server_gives_a_call_other_twiml(
    server: Any, standin: Standin, sdk: Client, make_plan: Any, tones: Any
) -> None:
    async def agent(session: Any) -> None:
        await session.say(tones(200))
        sid = session.start["start"]["callSid"]
        await asyncio.to_thread(sdk.calls(sid).update, twiml="<Response><Say>Please hold</Say></Response>")
        await session.wait("stop")

    server.agent = agent
    report = await standin.place_call(make_plan())
    assert "Please hold" in [said.text for said in report.said["agent"]]
    assert (report.ok, report.call.ended_by) == (True, "server")
    assert [row.path.rsplit("/", 1)[1] for row in report.rest_calls] == [f"{report.call.sid}.json"]


async def test_missing_things_and_wrong_credentials(standin: Standin, sdk: Client) -> None:
    with pytest.raises(TwilioRestException) as missing:
        await asyncio.to_thread(sdk.calls("CA" + "1" * 32).fetch)
    assert (missing.value.status, missing.value.code) == (404, 20404)
    stranger = Client(ACCOUNT, "wrong")
    stranger.api.base_url = standin.base_url
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(stranger.calls("CA" + "1" * 32).fetch)
    assert (refused.value.status, refused.value.code) == (401, 20003)
    assert [entry.status for entry in standin.account.rest_calls] == [404, 401]


async def test_numbers_are_listed_and_connected(standin: Standin, sdk: Client) -> None:
    standin.add_number("+15550001111")
    standin.add_number("+15550002222")
    (number,) = await asyncio.to_thread(sdk.incoming_phone_numbers.list, phone_number="+15550001111")
    await asyncio.to_thread(number.update, voice_url="https://desk.example.com/webhook/voice", voice_method="POST")
    again = await asyncio.to_thread(sdk.incoming_phone_numbers(number.sid).fetch)
    assert again.voice_url == "https://desk.example.com/webhook/voice"


async def test_messages_are_kept(standin: Standin, sdk: Client) -> None:
    sent = await asyncio.to_thread(
        sdk.messages.create, to="whatsapp:+15552223333", from_="whatsapp:+15550001111", body="See you at ten"
    )
    assert (await asyncio.to_thread(sdk.messages(sent.sid).fetch)).body == "See you at ten"
    with pytest.raises(TwilioRestException) as empty:
        await asyncio.to_thread(sdk.messages.create, to="whatsapp:+15552223333", from_="whatsapp:+15550001111")
    assert empty.value.code == 21602


async def test_an_outbound_call_is_answered_by_somebody_who_speaks_first(
    server: Any, make_plan: Any, beep: bytes, tones: Any
) -> None:
    def callee(_request: Any) -> CallPlan:
        plan: CallPlan = make_plan(lines=[beep, beep], manners=Manners(speaks_first=True))
        return plan

    async def agent(session: Any) -> None:
        for turn in range(2):
            await session.hear_turn()
            await session.say(tones(400), f"answer-{turn}")
        while (mark := await session.wait("mark")) is not None and mark["mark"]["name"] != "answer-1":
            pass
        await session.socket.close()

    server.agent = agent
    standin = await Standin.start(account_sid=ACCOUNT, auth_token=TOKEN, callee=callee)
    sdk = Client(ACCOUNT, TOKEN)
    sdk.api.base_url = standin.base_url
    call = await asyncio.to_thread(
        sdk.calls.create, to="+15559998888", from_="+15550001111", url=server.voice_url, record=True,
        recording_channels="dual", recording_status_callback=f"{server.origin}/webhook/recording_status",
        status_callback=f"{server.origin}/webhook/call_status",
        status_callback_event=["initiated", "ringing", "answered", "completed"],
    )  # fmt: skip
    report = await asyncio.wait_for(standin.finished(call.sid), 20)
    await standin.stop()
    assert report.ok, report.reason
    assert (call.status, report.call.direction) == ("queued", "outbound-api")
    assert server.statuses() == ["initiated", "ringing", "in-progress", "completed"]
    voice = next(hook for hook in server.hooks if hook.path == "/webhook/voice")
    assert voice.genuine and voice.form["Direction"] == "outbound-api" and voice.form["CallStatus"] == "in-progress"
    assert [row["RecordingSource"] for row in server.recordings()] == ["OutboundAPI"]


async def test_outbound_calls_need_a_callee_and_their_parameters(standin: Standin, sdk: Client) -> None:
    for options, code in (({"twiml": "<Response/>"}, 21216), ({}, 21205)):
        with pytest.raises(TwilioRestException) as refused:
            await asyncio.to_thread(sdk.calls.create, to="+15559998888", from_="+15550001111", **options)
        assert refused.value.code == code


async def test_a_port_in_use_says_what_to_do(standin: Standin) -> None:
    port = int(standin.base_url.rsplit(":", 1)[1])
    with pytest.raises(PortInUse, match="--api-port"):
        await Standin.start(account_sid=ACCOUNT, auth_token=TOKEN, port=port)
