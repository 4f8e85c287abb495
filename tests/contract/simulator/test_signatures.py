"""Every kind of webhook and the media socket, behind a public URL: signed as Twilio signs, checked with the SDK's own
`RequestValidator`, and complete. TwiML is built by the SDK's `VoiceResponse`."""

from __future__ import annotations

import asyncio
from typing import Any

from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import Connect, Dial, VoiceResponse

from simulator.caller import Manners
from simulator.colleagues import Colleague
from simulator.standin import Standin

ACCOUNT, TOKEN = "AC" + "0" * 32, "rehearsal-token"
PUBLIC = "https://desk.example.com"
BOB = "+15550009999"

COMMON = {
    "CallSid", "AccountSid", "From", "To", "CallStatus", "ApiVersion", "Direction", "Caller", "Called",
    *(f"{side}{part}" for side in ("From", "To", "Caller", "Called") for part in ("City", "State", "Zip", "Country")),
}  # fmt: skip
STATUS = COMMON | {"Timestamp", "CallbackSource", "SequenceNumber"}
FINAL = STATUS | {"CallDuration", "SipResponseCode"}
RECORDING = {
    "AccountSid", "CallSid", "RecordingSid", "RecordingUrl", "RecordingStatus", "RecordingChannels",
    "RecordingStartTime", "RecordingSource", "RecordingTrack", "ErrorCode",
}  # fmt: skip


def whole_call(origin: str) -> dict[str, str]:
    """A server's answers that lead a call through every verb."""
    wss = origin.replace("https://", "wss://")
    voice = VoiceResponse()
    voice.say("Welcome")
    gather = voice.gather(num_digits=1, action="/keys?step=1", timeout=3)
    gather.say("Press one")
    voice.redirect("/later")

    stream = VoiceResponse()
    stream.pause(length=1)
    start = stream.start()
    start.recording(
        channels="dual", recording_status_callback="/recorded?call=7",
        recording_status_callback_event="in-progress completed absent",
    )  # fmt: skip
    connect = Connect(action="/ended?call=7")
    media = connect.stream(url=f"{wss}/media", name="agent", status_callback="/stream?call=7")
    media.parameter(name="token", value="t&1")
    stream.append(connect)

    transfer = VoiceResponse()
    dial = Dial(action="/dialled?call=7", timeout=10)
    dial.number(
        BOB, url="/whisper?call=7", status_callback="/leg?call=7",
        status_callback_event="initiated ringing answered completed",
    )  # fmt: skip
    transfer.append(dial)

    whisper = VoiceResponse()
    whisper.gather(num_digits=1, action="/accepted?call=7", timeout=5).say("A caller for you. Press one.")
    whisper.hangup()

    message = VoiceResponse()
    message.record(action="/message?call=7", timeout=2, recording_status_callback="/recorded?call=8", play_beep=True)
    message.hangup()

    goodbye = VoiceResponse()
    goodbye.redirect("/last", method="GET")
    last = VoiceResponse()
    last.hangup()
    return {
        "/webhook/voice": str(voice), "/keys": str(stream), "/later": str(stream), "/ended": str(transfer),
        "/whisper": str(whisper), "/accepted": str(VoiceResponse()), "/dialled": str(message),
        "/message": str(goodbye), "/last": str(last),
    }  # fmt: skip


async def greet(session: Any) -> None:
    await session.say(b"\x20" * 4000, "greeting")
    await session.hear_turn()
    await session.socket.close()


async def test_every_webhook_of_a_whole_call(server: Any, standin: Standin, make_plan: Any, tones: Any) -> None:
    server.public_url, server.agent = PUBLIC, greet
    server.answers |= whole_call(PUBLIC)
    lines = ["keys:1", tones(500, 700), tones(500, 800), tones(700, 900)]
    bob = Colleague(number=BOB, says=tones(500, 400), stays_s=1.5)
    plan = make_plan(
        lines=lines, colleagues=[bob], public_url=PUBLIC, status_url=f"{PUBLIC}/webhook/call_status?call=7#rc=2",
        forwarded_from="+15557770000", caller_name="ANN", manners=Manners(end_wait_ms=20000), wait_recording_s=0.0,
    )  # fmt: skip
    report = await standin.place_call(plan)
    assert report.ok, (report.reason, report.warnings)
    assert [hook.path for hook in server.hooks if not hook.genuine] == []
    forms: dict[str, list[dict[str, str]]] = {}
    for hook in server.hooks:
        forms.setdefault(hook.path, []).append(hook.form)
    assert set(forms) >= {
        "/webhook/voice", "/webhook/call_status", "/keys", "/stream", "/ended", "/recorded", "/whisper", "/accepted",
        "/leg", "/dialled", "/message", "/last",
    }  # fmt: skip
    assert set(forms["/webhook/voice"][0]) == COMMON | {"ForwardedFrom", "CallerName"}
    statuses = sorted(forms["/webhook/call_status"], key=lambda row: int(row["SequenceNumber"]))
    assert [row["CallStatus"] for row in statuses] == ["initiated", "ringing", "in-progress", "completed"]
    assert all(set(row) >= STATUS for row in statuses) and set(statuses[-1]) >= FINAL
    assert [row["SequenceNumber"] for row in statuses] == ["0", "1", "2", "3"]
    legs = sorted(forms["/leg"], key=lambda row: int(row["SequenceNumber"]))
    assert [row["CallStatus"] for row in legs] == ["initiated", "ringing", "in-progress", "completed"]
    assert all(set(row) >= STATUS | {"ParentCallSid"} for row in legs)
    assert set(forms["/keys"][0]) >= COMMON | {"Digits", "FinishedOnKey"}
    assert set(forms["/ended"][0]) >= COMMON | {"StreamSid"}
    assert [row["StreamEvent"] for row in forms["/stream"]] == ["stream-started", "stream-stopped"]
    assert set(forms["/whisper"][0]) >= COMMON | {"ParentCallSid"}
    dialled = forms["/dialled"][0]
    assert set(dialled) >= COMMON | {"DialCallStatus", "DialCallSid", "DialBridged", "DialCallDuration"}
    assert (dialled["DialCallStatus"], dialled["DialBridged"]) == ("completed", "true")
    assert set(forms["/message"][0]) >= COMMON | {"RecordingUrl", "RecordingDuration", "RecordingSid", "Digits"}
    assert all(set(row) >= RECORDING for row in forms["/recorded"])
    assert {row["RecordingSource"] for row in forms["/recorded"]} == {"StartCallRecordingTwiML", "RecordVerb"}
    (upgrade,) = server.sockets
    assert RequestValidator(TOKEN).validate("wss://desk.example.com/media", {}, upgrade["x-twilio-signature"])
    assert server.sessions[0].start["start"]["customParameters"] == {"token": "t&1"}


async def test_every_webhook_of_a_call_that_the_server_places(server: Any, make_plan: Any, beep: bytes) -> None:
    server.public_url = PUBLIC

    async def listen(session: Any) -> None:
        await session.say(b"\x20" * 4000, "greeting")
        await session.wait("stop")

    server.agent = listen

    def callee(_request: Any) -> Any:
        return make_plan(lines=[beep, beep], public_url=PUBLIC, manners=Manners(speaks_first=True, end_wait_ms=6000))

    standin = await Standin.start(account_sid=ACCOUNT, auth_token=TOKEN, callee=callee)
    sdk = Client(ACCOUNT, TOKEN)
    sdk.api.base_url = standin.base_url
    call = await asyncio.to_thread(
        sdk.calls.create, to=BOB, from_="+15550001111", url=f"{PUBLIC}/webhook/voice?call=7&t=a%2Fb",
        machine_detection="Enable", async_amd="true", async_amd_status_callback=f"{PUBLIC}/amd?call=7", time_limit=60,
        timeout=30, record=True, recording_channels="dual", recording_status_callback=f"{PUBLIC}/recorded?call=7",
        status_callback=f"{PUBLIC}/webhook/call_status?call=7", status_callback_event=["initiated", "completed"],
    )  # fmt: skip
    await asyncio.wait_for(standin.finished(call.sid), 30)
    await standin.stop()
    assert [hook.path for hook in server.hooks if not hook.genuine] == []
    assert {hook.path for hook in server.hooks} == {"/webhook/voice", "/webhook/call_status", "/amd", "/recorded"}
    assert server.statuses() == ["initiated", "completed"]
    (verdict,) = [hook.form for hook in server.hooks if hook.path == "/amd"]
    assert verdict["AnsweredBy"] == "human" and verdict["MachineDetectionDuration"].isdigit()


async def test_a_wrong_token_is_seen_by_the_validator(server: Any, make_plan: Any) -> None:
    """The check of this file can fail: another account's signatures are not genuine."""
    standin = await Standin.start(account_sid=ACCOUNT, auth_token="another token")
    await standin.place_call(make_plan(manners=Manners(hang_up_after_ms=200)))
    await standin.stop()
    assert server.hooks and not any(hook.genuine for hook in server.hooks)
