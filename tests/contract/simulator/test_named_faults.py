"""The named faults in whole calls, alone and together. What each does frame by frame is in the unit tests."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from simulator.caller import Manners
from simulator.fault_catalogue import CATALOGUE, faults
from simulator.level import peak_level, voiced_spans
from simulator.standin import Standin

BRIEF = Manners(hang_up_after_ms=800)
TOKEN = "i-twilio-idempotency-token"


def arrived(server: Any, path: str = "/webhook/call_status", key: str = "CallStatus") -> list[str]:
    """What came in at a path, in the order of its arrival."""
    return [hook.form[key] for hook in server.hooks if hook.path == path]


def struck(report: Any) -> dict[str, int]:
    """Each fault of the call and how often it struck."""
    return {fault.name: fault.times for fault in report.faults}


async def chatty(session: Any) -> None:
    """Greets, answers once at length, and listens."""
    for _ in range(2):
        await session.say(b"\x20" * 8 * 4000, "said")
        if await session.hear_turn() is None:
            return


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("status-duplicated", ["initiated"] * 2 + ["ringing"] * 2 + ["in-progress"] * 2 + ["completed"] * 2),
        ("status-reordered", ["ringing", "initiated", "completed", "in-progress"]),
        ("status-lost", []),
        ("status-final-lost", ["initiated", "ringing", "in-progress"]),
        ("callbacks-lost", []),
        ("recording-lost", ["initiated", "ringing", "in-progress", "completed"]),
    ],
)
async def test_status_callbacks(server: Any, standin: Standin, make_plan: Any, name: str, statuses: list[str]) -> None:
    """Regression 2: a late or repeated callback is what a server must not fall for."""
    report = await standin.place_call(make_plan(faults=faults(name), manners=BRIEF, record=True))
    seen = arrived(server)
    assert (sorted(seen) == sorted(statuses)) if name == "status-duplicated" else (seen == statuses)
    assert all(hook.genuine for hook in server.hooks)
    assert struck(report)[name] > 0 and [event.data["name"] for event in report.events if event.kind == "fault"] == [
        name
    ]
    tokens = {hook.headers[TOKEN] for hook in server.hooks if hook.path == "/webhook/call_status"}
    assert len(tokens) == len(set(statuses))
    # The report tells what really happened, whatever was told to the server.
    assert [row["status"] for row in report.call.statuses] == ["initiated", "ringing", "in-progress", "completed"]


async def test_delayed_callbacks_come_after_the_call_and_all_of_them(
    server: Any, standin: Standin, make_plan: Any
) -> None:
    report = await standin.place_call(make_plan(faults=faults("callbacks-delayed", seed=4), manners=BRIEF, record=True))
    assert sorted(arrived(server)) == ["completed", "in-progress", "initiated", "ringing"]
    assert sorted(arrived(server, "/webhook/recording_status", "RecordingStatus")) == ["completed", "in-progress"]
    assert struck(report) == {"callbacks-delayed": 6}


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("recording-duplicated", ["in-progress", "in-progress", "completed", "completed"]),
        ("recording-reordered", ["completed", "in-progress"]),
        ("recording-lost", []),
    ],
)
async def test_recording_callbacks(
    server: Any, standin: Standin, make_plan: Any, name: str, statuses: list[str]
) -> None:
    await standin.place_call(make_plan(faults=faults(name, seed=1), manners=BRIEF, record=True))
    seen = arrived(server, "/webhook/recording_status", "RecordingStatus")
    assert (sorted(seen) == sorted(statuses)) if name == "recording-duplicated" else (seen == statuses)


async def test_chaos_is_the_same_for_the_same_seed(server: Any, standin: Standin, make_plan: Any) -> None:
    runs = []
    for seed in (5, 5, 6, 7, 8):
        server.hooks.clear()
        await standin.place_call(make_plan(faults=faults("callbacks-chaos", seed=seed), manners=BRIEF, record=True))
        runs.append(sorted(arrived(server)))
    assert runs[0] == runs[1] and len({tuple(run) for run in runs}) > 1


@pytest.mark.parametrize("name", ["voice-repeated", "voice-repeated-at-once"])
async def test_the_voice_webhook_comes_twice_with_one_token(
    server: Any, standin: Standin, make_plan: Any, name: str
) -> None:
    report = await standin.place_call(make_plan(faults=faults(name), manners=BRIEF))
    first, second = [hook for hook in server.hooks if hook.path == "/webhook/voice"]
    assert first.headers[TOKEN] == second.headers[TOKEN] and first.form == second.form
    assert len(server.sessions) == 1 and report.warnings == []


async def test_different_answers_to_one_token_are_named(server: Any, standin: Standin, make_plan: Any) -> None:
    async def on_hook(_hook: Any) -> None:
        server.answers["/webhook/voice"] = server.stream_twiml().replace(
            "</Response>", f"<Say>{len(server.hooks)}</Say></Response>"
        )

    server.on_hook = on_hook
    report = await standin.place_call(make_plan(faults=faults("voice-repeated"), manners=BRIEF))
    assert any("different answers" in warning for warning in report.warnings)


async def test_a_cut_socket_ends_in_a_call_that_goes_on(server: Any, standin: Standin, make_plan: Any) -> None:
    server.agent = chatty
    report = await standin.place_call(make_plan(faults=faults("socket-cut", seed=1), manners=Manners()))
    assert "stop" not in [message["event"] for message in server.sessions[0].received]
    assert arrived(server)[-1] == "completed" and struck(report) == {"socket-cut": 1}


async def test_a_cut_socket_can_be_the_last_that_is_heard_of_a_call(
    server: Any, standin: Standin, make_plan: Any
) -> None:
    """Regression 14: the last callback is lost, and REST still knows the final state."""
    server.agent = chatty
    report = await standin.place_call(make_plan(faults=faults("socket-cut-silent", seed=1)))
    assert arrived(server) == ["initiated", "ringing", "in-progress"]
    assert struck(report) == {"socket-cut-silent": 2}
    assert standin.account.calls[report.call.sid].status == "completed"


@pytest.mark.parametrize(("name", "lines", "speech"), [("hangup-greeting", 0, 1), ("hangup-answer", 1, 2)])
async def test_a_caller_who_leaves_in_mid_speech(
    server: Any, standin: Standin, make_plan: Any, beep: bytes, name: str, lines: int, speech: int
) -> None:
    server.agent = chatty
    report = await standin.place_call(make_plan(faults=faults(name), lines=[beep, beep]))
    assert report.call.ended_by == "caller" and report.ok
    assert len(report.said["caller"]) == lines and len(report.said["agent"]) == speech
    assert any(mark.returned_at_ms is None for mark in report.marks)


async def test_a_caller_who_leaves_while_a_tool_runs(
    server: Any, standin: Standin, make_plan: Any, beep: bytes
) -> None:
    async def slow(session: Any) -> None:
        await session.say(b"\x20" * 4000, "greeting")
        await session.hear_turn()
        await session.wait("stop")

    server.agent = slow
    report = await standin.place_call(make_plan(faults=faults("hangup-tool"), lines=[beep]))
    assert report.call.ended_by == "caller" and len(report.said["caller"]) == 1
    assert report.call.duration_s < 8


@pytest.mark.parametrize(
    ("name", "returned"), [("marks-missing", [False, False]), ("marks-some-missing", [True, False])]
)
async def test_marks_that_do_not_come_back(
    server: Any, standin: Standin, make_plan: Any, tones: Any, name: str, returned: list[bool]
) -> None:
    async def agent(session: Any) -> None:
        await session.say(tones(200), "one")
        await session.say(tones(200), "two")

    server.agent = agent
    report = await standin.place_call(make_plan(faults=faults(name), manners=Manners(hang_up_after_ms=2500)))
    assert [mark.returned_at_ms is not None for mark in report.marks] == returned


async def test_uh_huh_is_heard_in_mid_speech_and_is_no_turn(server: Any, standin: Standin, make_plan: Any) -> None:
    server.agent = chatty
    plan = make_plan(faults=faults("backchannel"), manners=Manners(hang_up_after_ms=3500))
    report = await standin.place_call(plan)
    caller, agent = standin.tapes(report.call.sid)
    (uh_huh,) = voiced_spans(caller)
    spoke_at = voiced_spans(agent)[0][0]
    assert 1150 <= uh_huh[0] - spoke_at <= 1400 and uh_huh[1] - uh_huh[0] < 600
    assert struck(report) == {"backchannel": 1} and report.said["caller"] == []


async def test_echo_is_the_agent_again_a_quarter_second_later(server: Any, standin: Standin, make_plan: Any) -> None:
    server.agent = chatty
    report = await standin.place_call(make_plan(faults=faults("echo"), manners=Manners(hang_up_after_ms=3000)))
    caller, agent = standin.tapes(report.call.sid)
    assert 220 <= voiced_spans(caller)[0][0] - voiced_spans(agent)[0][0] <= 280
    assert peak_level(agent) - peak_level(caller) > 0x20


async def test_rest_refuses_for_a_while(server: Any, make_plan: Any) -> None:
    together = faults("rest-429", "echo")
    standin = await Standin.start(account_sid="AC" + "0" * 32, auth_token="rehearsal-token", faults=together)
    sdk = Client("AC" + "0" * 32, "rehearsal-token")
    sdk.api.base_url = standin.base_url
    results: list[Any] = []

    async def on_hook(hook: Any) -> None:
        if hook.form.get("CallStatus") == "in-progress":
            for _ in range(4):
                try:
                    results.append((await asyncio.to_thread(sdk.calls(hook.form["CallSid"]).fetch)).status)
                except TwilioRestException as problem:
                    results.append((problem.status, problem.code))

    server.on_hook = on_hook
    report = await standin.place_call(make_plan(faults=together, manners=BRIEF))
    await standin.stop()
    assert results[:3] == [(429, 20429)] * 3 and results[3] in ("in-progress", "completed")
    assert struck(report)["rest-429"] == 3 and [row.status for row in report.rest_calls] == [429, 429, 429, 200]


async def test_recordings_are_late_and_mono(server: Any, standin: Standin, make_plan: Any) -> None:
    """Regression 25: a recording is 404 for the first seconds; dual channel is refused with 400."""
    plan = make_plan(faults=faults("recording-404", "recording-mono"), manners=BRIEF, record=True)
    report = await standin.place_call(plan)
    url = report.recordings[0].url + ".wav"
    auth = (standin.account.sid, standin.account.auth_token)
    async with httpx.AsyncClient(auth=auth) as client:
        statuses = [(await client.get(url, params={"RequestedChannels": n})).status_code for n in (2, 1, 2, 1)]
    assert statuses == [404, 404, 400, 200]


async def test_everything_at_once_still_ends_in_one_call(server: Any, standin: Standin, make_plan: Any) -> None:
    names = [
        name for name, entry in CATALOGUE.items()
        if not entry.outbound and not name.startswith(("status-", "recording-l", "callbacks-l", "socket", "hangup"))
    ]  # fmt: skip
    server.agent = chatty
    plan = make_plan(faults=faults(*names, seed=3), manners=Manners(hang_up_after_ms=6000), record=True)
    report = await standin.place_call(plan)
    assert {fault.name for fault in report.faults} == set(names)
    assert [row["status"] for row in report.call.statuses] == ["initiated", "ringing", "in-progress", "completed"]
    assert all(hook.genuine for hook in server.hooks)
    assert report.as_dict()["faults"][0]["name"] == names[0]
