"""The seam where faults enter: each override reaches the line, the callbacks or the REST API."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx

from simulator.caller import Manners
from simulator.faults import Faults, RestFailure
from simulator.standin import Standin

BRIEF = Manners(hang_up_after_ms=500)


async def test_callbacks_are_duplicated_with_one_token_reordered_and_lost(
    server: Any, standin: Standin, make_plan: Any
) -> None:
    class Disorder(Faults):
        def callback_delays(self, kind: str, params: dict[str, str]) -> Sequence[float]:
            return {"initiated": (3.0,), "ringing": (0.0, 0.0), "in-progress": ()}.get(params["CallStatus"], (0.0,))

    await standin.place_call(make_plan(faults=Disorder(), manners=BRIEF))
    forms = [hook for hook in server.hooks if hook.path == "/webhook/call_status"]
    assert [hook.form["CallStatus"] for hook in forms] == ["ringing", "ringing", "completed", "initiated"]
    assert forms[0].headers["i-twilio-idempotency-token"] == forms[1].headers["i-twilio-idempotency-token"]
    assert all(hook.genuine for hook in forms)


async def test_frames_are_lost_and_sent_in_other_sizes(server: Any, standin: Standin, make_plan: Any) -> None:
    class Ragged(Faults):
        def __init__(self) -> None:
            self.count = 0

        def caller_frames(self, frame: bytes) -> Sequence[bytes]:
            self.count += 1
            return () if self.count % 3 == 0 else (frame[:100], frame[100:])

    report = await standin.place_call(make_plan(faults=Ragged(), manners=BRIEF))
    sizes = {len(message["media"]["payload"]) for message in server.sessions[0].received if message["event"] == "media"}
    assert sizes == {136, 80} and report.frames.sent > 20


async def test_marks_are_held_back_or_never_returned(server: Any, standin: Standin, make_plan: Any, tones: Any) -> None:
    class Forgetful(Faults):
        def mark_delay(self, name: str) -> float | None:
            return None if name == "lost" else 0.4

    async def agent(session: Any) -> None:
        await session.say(tones(200), "late")
        await session.say(tones(200), "lost")

    server.agent = agent
    report = await standin.place_call(make_plan(faults=Forgetful(), manners=Manners(hang_up_after_ms=1500)))
    late, lost = report.marks
    assert late.returned_at_ms is not None and late.returned_at_ms - late.at_ms >= 400
    assert (lost.returned_at_ms, lost.by) == (None, None)


async def test_the_socket_is_cut_in_mid_call(server: Any, standin: Standin, make_plan: Any) -> None:
    class Cut(Faults):
        def cuts_socket(self, stream_ms: int) -> bool:
            return stream_ms == 400

    report = await standin.place_call(make_plan(faults=Cut()))
    events = [message["event"] for message in server.sessions[0].received]
    assert "stop" not in events and any(event.kind == "socket_cut" for event in report.events)
    assert server.statuses()[-1] == "completed"


async def test_nobody_answers(server: Any, standin: Standin, make_plan: Any) -> None:
    class Busy(Faults):
        def ring_result(self) -> str:
            return "busy"

    report = await standin.place_call(make_plan(faults=Busy()))
    assert report.outcome == "refused" and server.statuses() == ["initiated", "ringing", "busy"]


async def test_rest_fails_and_recordings_come_late(server: Any, make_plan: Any, beep: bytes) -> None:
    class Moody(Faults):
        def rest_failure(self, method: str, path: str) -> RestFailure | None:
            return RestFailure(429, 20429, "Too Many Requests") if path.endswith("Messages.json") else None

        def recording_failure(self, attempt: int, channels: int) -> RestFailure | None:
            return RestFailure(404, 20404, "not yet") if attempt == 1 else None

    auth = ("AC" + "0" * 32, "rehearsal-token")
    standin = await Standin.start(account_sid=auth[0], auth_token=auth[1], faults=Moody())
    await standin.place_call(make_plan(lines=[beep, beep], record=True))
    url = server.recordings()[-1]["RecordingUrl"] + ".wav"
    async with httpx.AsyncClient(auth=auth) as client:
        first, second = await client.get(url), await client.get(url)
        limited = await client.post(
            f"{standin.base_url}/2010-04-01/Accounts/{auth[0]}/Messages.json", data={"To": "+1"}
        )
    await standin.stop()
    assert (first.status_code, second.status_code) == (404, 200)
    assert (limited.status_code, limited.json()["code"]) == (429, 20429)


async def test_calls_dropped_at_any_moment_leave_nothing_behind(server: Any, standin: Standin, make_plan: Any) -> None:
    before = len(asyncio.all_tasks())
    for _ in range(4):
        plans = [make_plan(manners=Manners(hang_up_after_ms=20 * (at % 7))) for at in range(10)]
        await asyncio.gather(*(standin.place_call(plan) for plan in plans))
    deadline = asyncio.get_running_loop().time() + 3
    while len(asyncio.all_tasks()) > before and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.05)
    # The server's own handlers count too: each ends only when its socket was really closed.
    assert len(asyncio.all_tasks()) <= before
    assert all(call.final for call in standin.account.calls.values())
