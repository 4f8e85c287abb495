"""Whole calls against a server that answers voice webhooks.

At ten times real pace a busy machine's 20 ms are 200 ms of call time: bounds on times are as wide as that asks for,
and the exact ones are held on a virtual line in the unit tests.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from starlette.responses import Response
from twilio.request_validator import RequestValidator

from simulator.caller import Manners, Utterance
from simulator.standin import Standin, place_call

VOICE_PARAMS = {
    "CallSid", "AccountSid", "From", "To", "CallStatus", "ApiVersion", "Direction", "Caller", "Called",
    "FromCountry", "ToCountry", "CallerCity", "CalledZip", "FromState",
}  # fmt: skip


async def test_a_call_goes_through(server: Any, standin: Standin, make_plan: Any, beep: bytes) -> None:
    seen: list[str] = []
    report = await place_call(make_plan(lines=[beep, beep]), standin=standin, on_event=lambda e: seen.append(e.kind))
    assert report.ok, report.reason
    assert server.statuses() == ["initiated", "ringing", "in-progress", "completed"]
    assert [row["status"] for row in report.call.statuses] == ["initiated", "ringing", "in-progress", "completed"]
    assert report.call.ended_by == "server"
    assert [kind for kind in seen if kind in ("answered_turn", "stream_connected", "ended")] == [
        "stream_connected", "answered_turn", "answered_turn", "ended",
    ]  # fmt: skip
    assert len(report.events) == len(seen)


async def test_webhooks_are_what_twilio_sends(server: Any, standin: Standin, make_plan: Any, beep: bytes) -> None:
    await standin.place_call(make_plan(lines=[beep], manners=Manners(end_wait_ms=500)))
    assert all(hook.genuine for hook in server.hooks)
    voice = next(hook for hook in server.hooks if hook.path == "/webhook/voice")
    assert set(voice.form) >= VOICE_PARAMS
    assert (voice.form["CallStatus"], voice.form["Direction"]) == ("ringing", "inbound")
    last = next(hook.form for hook in server.hooks if hook.form.get("CallStatus") == "completed")
    assert last["SipResponseCode"] == "200" and int(last["CallDuration"]) >= 2
    assert last["CallbackSource"] == "call-progress-events" and last["Timestamp"].endswith("+0000")
    tokens = [hook.headers["i-twilio-idempotency-token"] for hook in server.hooks]
    assert len(set(tokens)) == len(tokens)


async def test_behind_a_public_url_everything_is_signed_with_it(
    server: Any, standin: Standin, make_plan: Any, beep: bytes
) -> None:
    server.public_url = "https://desk.example.com"
    report = await standin.place_call(make_plan(lines=[beep, beep], public_url=server.public_url))
    assert report.ok, report.reason
    assert server.hooks and all(hook.genuine for hook in server.hooks)
    assert {hook.headers["host"] for hook in server.hooks} == {"desk.example.com"}
    (upgrade,) = server.sockets
    validator = RequestValidator("rehearsal-token")
    assert validator.validate("wss://desk.example.com/media", {}, upgrade["x-twilio-signature"])
    assert (upgrade["host"], upgrade["x-forwarded-proto"]) == ("desk.example.com", "https")


async def test_the_media_stream_starts_and_counts_as_twilio_does(
    server: Any, standin: Standin, make_plan: Any, beep: bytes
) -> None:
    report = await standin.place_call(make_plan(lines=[beep, beep]))
    (session,) = server.sessions
    assert [message["event"] for message in session.received[:3]] == ["connected", "start", "media"]
    start = session.start["start"]
    assert (start["callSid"], start["customParameters"]) == (report.call.sid, {"token": "t1"})
    numbers = [int(message["sequenceNumber"]) for message in session.received[1:]]
    assert numbers == list(range(1, len(numbers) + 1))
    media = [message["media"] for message in session.received if message["event"] == "media"]
    assert [int(item["timestamp"]) for item in media] == [20 * at for at in range(len(media))]
    assert all(len(item["payload"]) == 216 for item in media)


async def test_marks_are_paced_by_playback(server: Any, standin: Standin, make_plan: Any, tones: Any) -> None:
    async def agent(session: Any) -> None:
        await session.send("mark", mark={"name": "at once"})
        await session.say(tones(800), "first")
        await session.say(tones(600), "second")

    server.agent = agent
    report = await standin.place_call(make_plan(manners=Manners(end_wait_ms=300)))
    # From one return to the next: a busy machine delays when a mark is taken in, but playback keeps its pace.
    back = {mark.name: mark.returned_at_ms or 0 for mark in report.marks}
    assert 600 <= back["first"] - back["at once"] <= 2400
    assert 1200 <= back["second"] - back["at once"] <= 3600
    assert {mark.by for mark in report.marks} == {"playback"}


async def test_clear_returns_marks_at_once_and_the_rest_is_never_heard(
    server: Any, standin: Standin, make_plan: Any, tones: Any
) -> None:
    async def agent(session: Any) -> None:
        await session.say(tones(1000), "spoken")
        await session.say(tones(20000), "cut short")
        while (message := await session.wait("media")) is not None:
            if int(message["media"]["timestamp"]) >= 2000:
                break
        await session.send("clear")
        await session.wait("mark")

    server.agent = agent
    report = await standin.place_call(make_plan(manners=Manners(end_wait_ms=300)))
    (clear,) = report.clears
    assert 17000 <= clear["dropped_ms"] < 20000 and clear["marks"] == 1
    assert [(mark.name, mark.by) for mark in report.marks] == [("spoken", "playback"), ("cut short", "clear")]
    assert 1900 <= report.frames.played_bytes // 8 < 4000
    assert report.frames.received_bytes == 21000 * 8


async def test_latencies_are_from_the_last_voiced_sample(
    server: Any, standin: Standin, make_plan: Any, beep: bytes
) -> None:
    report = await standin.place_call(make_plan(lines=[beep, beep]))
    assert [latency.turn for latency in report.latencies] == [1, 2]
    for latency in report.latencies:
        assert latency.to_played_ms is not None and latency.to_received_ms is not None
        assert 250 <= latency.to_received_ms <= latency.to_played_ms <= 2500
        assert not latency.overlapped


async def test_a_line_that_interrupts(server: Any, standin: Standin, make_plan: Any, tones: Any) -> None:
    async def agent(session: Any) -> None:
        await session.say(tones(8000), "long")
        await session.hear_turn(60)
        await session.send("clear")
        await session.say(tones(500), "answer")

    server.agent = agent
    line = Utterance(tones(400, 900), interrupt_after_ms=1500)
    report = await standin.place_call(make_plan(lines=[line], manners=Manners(end_wait_ms=300)))
    speaking = next(event for event in report.events if event.kind == "caller_speaking")
    began = next(event for event in report.events if event.kind == "agent_speaking")
    assert speaking.data["interrupting"]
    assert 1200 <= speaking.at_ms - began.at_ms <= 2500
    (latency,) = report.latencies
    assert latency.overlapped and latency.to_played_ms is not None
    assert [(mark.name, mark.by) for mark in report.marks] == [("long", "clear"), ("answer", "playback")]


async def test_keys_are_sent_as_dtmf(server: Any, standin: Standin, make_plan: Any, tones: Any) -> None:
    async def agent(session: Any) -> None:
        await session.say(tones(300))

    server.agent = agent
    await standin.place_call(make_plan(lines=["keys:1#"], manners=Manners(end_wait_ms=300)))
    pressed = [message["dtmf"] for message in server.sessions[0].received if message["event"] == "dtmf"]
    assert pressed == [{"track": "inbound_track", "digit": "1"}, {"track": "inbound_track", "digit": "#"}]


async def test_a_caller_who_hangs_up_sends_stop(server: Any, standin: Standin, make_plan: Any) -> None:
    report = await standin.place_call(make_plan(manners=Manners(hang_up_after_ms=600)))
    assert (report.ok, report.call.ended_by) == (True, "caller")
    session = server.sessions[0]
    assert session.received[-1]["event"] == "stop"
    assert session.received[-1]["stop"] == {"accountSid": report.call.account_sid, "callSid": report.call.sid}
    assert server.statuses()[-1] == "completed"


async def test_speed_shortens_the_wait_and_not_the_call(server: Any, standin: Standin, make_plan: Any) -> None:
    lengths = []
    for speed in (5.0, 20.0):
        began = time.monotonic()
        report = await standin.place_call(make_plan(speed=speed, manners=Manners(hang_up_after_ms=4000)))
        assert 4000 / speed <= (time.monotonic() - began) * 1000 < 4000 / speed + 1500
        lengths.append(report.frames.sent)
        assert 4 <= report.call.duration_s <= 8
    assert abs(lengths[0] - lengths[1]) <= 60


async def test_several_calls_at_once_do_not_mix(server: Any, standin: Standin, make_plan: Any, beep: bytes) -> None:
    plans = [make_plan(lines=[beep, beep], from_=f"+1555000000{at}") for at in range(5)]
    reports = await asyncio.gather(*(standin.place_call(plan) for plan in plans))
    assert [report.reason for report in reports] == [None] * 5
    assert [report.call.from_ for report in reports] == [plan.from_ for plan in plans]
    assert {len(report.marks) for report in reports} == {3}
    assert len({session.start["streamSid"] for session in server.sessions}) == 5


async def test_twiml_behind_connect_runs_when_the_server_closes(
    server: Any, standin: Standin, make_plan: Any, beep: bytes
) -> None:
    server.after = '<Say language="en-GB">Goodbye then</Say><Pause length="1"/><Redirect>/later</Redirect>'
    server.answers["/later"] = "<Response><Say>The end</Say><Hangup/><Say>never</Say></Response>"
    report = await standin.place_call(make_plan(lines=[beep, beep]))
    assert report.ok, report.reason
    assert [said.text for said in report.said["agent"] if said.source == "say"] == ["Goodbye then", "The end"]
    assert any(hook.path == "/later" for hook in server.hooks)


async def test_the_action_of_connect_decides_what_comes_after(
    server: Any, standin: Standin, make_plan: Any, beep: bytes
) -> None:
    stream = f'<Stream url="wss://127.0.0.1:{server.port}/media" statusCallback="/webhook/stream"/>'
    server.answers["/webhook/voice"] = (
        f'<Response><Connect action="/webhook/ended">{stream}</Connect><Say>no</Say></Response>'
    )
    server.answers["/webhook/ended"] = "<Response><Say>Transferred</Say></Response>"
    report = await standin.place_call(make_plan(lines=[beep, beep]))
    assert [said.text for said in report.said["agent"] if said.source == "say"] == ["Transferred"]
    ended = next(hook for hook in server.hooks if hook.path == "/webhook/ended")
    assert ended.genuine and ended.form["StreamSid"] == server.sessions[0].start["streamSid"]
    events = [hook.form["StreamEvent"] for hook in server.hooks if hook.path == "/webhook/stream"]
    assert events == ["stream-started", "stream-stopped"]


async def test_a_polite_refusal_is_no_call(server: Any, standin: Standin, make_plan: Any, beep: bytes) -> None:
    server.answers["/webhook/voice"] = "<Response><Say>This number is not in service</Say><Hangup/></Response>"
    report = await standin.place_call(make_plan(lines=[beep]))
    assert (report.outcome, report.ok) == ("refused", False)
    assert "not in service" in (report.reason or "")
    assert server.statuses()[-1] == "completed"


async def test_a_rejected_call_is_busy(server: Any, standin: Standin, make_plan: Any) -> None:
    server.answers["/webhook/voice"] = '<Response><Reject reason="busy"/></Response>'
    report = await standin.place_call(make_plan())
    assert (report.outcome, report.call.duration_s) == ("refused", 0)
    assert server.statuses() == ["initiated", "ringing", "busy"]
    assert server.hooks[-1].form["SipResponseCode"] == "486"


async def test_a_webhook_that_fails_is_reported_and_not_tried_again(
    server: Any, standin: Standin, make_plan: Any
) -> None:
    server.answers["/webhook/voice"] = Response("boom", 500)
    report = await standin.place_call(make_plan())
    assert report.outcome == "failed" and "answered 500" in (report.reason or "") and "boom" in (report.reason or "")
    assert len([hook for hook in server.hooks if hook.path == "/webhook/voice"]) == 1
    assert server.statuses()[-1] == "failed"


async def test_retry_rules_in_the_url_are_kept(server: Any, standin: Standin, make_plan: Any) -> None:
    server.answers["/webhook/call_status"] = Response("", 503)
    url = f"{server.origin}/webhook/call_status#rc=2&rp=5xx"
    report = await standin.place_call(
        make_plan(status_url=url, status_events=("completed",), manners=Manners(hang_up_after_ms=100))
    )
    hooks = [hook for hook in server.hooks if hook.path == "/webhook/call_status"]
    assert len(hooks) == 3 and all(hook.genuine for hook in hooks)
    assert len({hook.headers["i-twilio-idempotency-token"] for hook in hooks}) == 1
    assert [row.attempt for row in report.webhooks if row.kind == "status"] == [1, 2, 3]


async def test_an_answer_that_is_no_twiml_fails_the_call(server: Any, standin: Standin, make_plan: Any) -> None:
    server.answers["/webhook/voice"] = '{"hello": "world"}'
    report = await standin.place_call(make_plan())
    assert report.outcome == "failed" and "not TwiML" in (report.reason or "")


async def test_a_media_socket_that_is_refused_fails_the_call(server: Any, standin: Standin, make_plan: Any) -> None:
    server.answers["/webhook/voice"] = (
        f'<Response><Connect><Stream url="wss://127.0.0.1:{server.port}/nowhere"/></Connect></Response>'
    )
    report = await standin.place_call(make_plan())
    assert report.outcome == "failed" and "refused the media socket" in (report.reason or "")
    assert server.statuses()[-1] in ("failed", "completed")


async def test_a_stream_without_tls_is_refused_behind_a_public_url(
    server: Any, standin: Standin, make_plan: Any
) -> None:
    server.public_url = "https://desk.example.com"
    server.answers["/webhook/voice"] = (
        '<Response><Connect><Stream url="ws://desk.example.com/media"/></Connect></Response>'
    )
    report = await standin.place_call(make_plan(public_url=server.public_url))
    assert report.outcome == "failed" and "wss:// only" in (report.reason or "")


async def test_an_agent_that_is_never_heard_fails_the_call(
    server: Any, standin: Standin, make_plan: Any, beep: bytes
) -> None:
    async def mute(session: Any) -> None:
        await session.wait("stop")

    server.agent = mute
    report = await standin.place_call(make_plan(lines=[beep], manners=Manners(patience_ms=1000)))
    assert report.outcome == "failed" and "did not hear the greeting" in (report.reason or "")
    assert any("silent for 1.0 s" in warning for warning in report.warnings)


async def test_a_socket_closed_with_an_error_fails_the_call(
    server: Any, standin: Standin, make_plan: Any, tones: Any
) -> None:
    async def crash(session: Any) -> None:
        await session.say(tones(200))
        await session.socket.close(1011)

    server.agent = crash
    report = await standin.place_call(make_plan())
    assert report.outcome == "failed" and "1011" in (report.reason or "")


async def test_bad_media_messages_are_counted_and_ignored(
    server: Any, standin: Standin, make_plan: Any, beep: bytes
) -> None:
    polite = server.agent

    async def sloppy(session: Any) -> None:
        for text in ("nonsense", '{"event":"media"}', '{"event":"clear","streamSid":"MZ-other"}'):
            await session.socket.send_text(text)
        await polite(session)

    server.agent = sloppy
    report = await standin.place_call(make_plan(lines=[beep, beep]))
    assert report.ok, report.reason
    assert report.frames.bad_messages == 3 and len(report.warnings) == 3


async def test_a_query_on_the_stream_url_is_stripped_with_a_note(
    server: Any, standin: Standin, make_plan: Any, beep: bytes
) -> None:
    server.answers["/webhook/voice"] = (
        f'<Response><Connect><Stream url="wss://127.0.0.1:{server.port}/media?token=x"/></Connect></Response>'
    )
    report = await standin.place_call(make_plan(lines=[beep, beep]))
    assert report.ok and any("query string" in warning for warning in report.warnings)


async def test_a_rehearsal_that_is_cancelled_closes_the_socket(server: Any, standin: Standin, make_plan: Any) -> None:
    task = asyncio.create_task(standin.place_call(make_plan()))
    while not server.sessions or not server.sessions[0].start:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    await asyncio.sleep(0.1)
    assert server.sessions[0].received[-1]["event"] == "stop"


async def test_a_silent_agent_is_asked_hello(
    server: Any, standin: Standin, make_plan: Any, beep: bytes, tones: Any
) -> None:
    class Whistle:
        def speak(self, text: str) -> bytes:
            return bytes(tones(len(text) * 50, 900))

    async def shy(session: Any) -> None:
        await session.hear_turn()
        await session.say(tones(400))

    server.agent = shy
    manners = Manners(patience_ms=1000, end_wait_ms=300)
    report = await standin.place_call(make_plan(lines=["It is me"], voice=Whistle(), manners=manners))
    assert [said.text for said in report.said["caller"]] == ["Hello?", "It is me"]
    assert [said.source for said in report.said["caller"]] == ["patience", "line"]
