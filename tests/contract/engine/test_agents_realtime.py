"""openai-agents' realtime runner against the engine: its tool is really called, its interruptions really truncate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from agents import function_tool, set_tracing_disabled
from agents.realtime import RealtimeAgent, RealtimePlaybackTracker, RealtimeRunner
from agents.realtime.model_inputs import RealtimeModelSendRawMessage

LOUD, QUIET = bytes([0x10, 0x90]) * 80, b"\xff" * 160
SALON = """# Business
Name: Harbour Hair
Timezone: Europe/London
# Opening hours
Thursday: 09:00-20:00
Saturday: 10:00-16:00
# Facts
- Parking: free behind the building.
"""
LONG = " ".join(f"This is sentence number {n}." for n in range(40))


@pytest.fixture(autouse=True)
def no_tracing() -> None:
    """Nothing may reach for the vendor's trace collector."""
    set_tracing_disabled(True)


class Call:
    """One run: what the runner told us, what the engine really sent, and the history it keeps."""

    def __init__(self, engine: Any, session: Any) -> None:
        self.engine = engine
        self.session = session
        self.events: list[Any] = []
        self._events = session.__aiter__()

    async def until(self, kind: str) -> Any:
        """The next of the runner's own events of this type."""
        return await self._find(lambda event: event.type == kind)

    async def until_raw(self, kind: str) -> dict[str, Any]:
        """The engine's next event of this type."""
        event = await self._find(lambda event: (raw := _raw(event)) is not None and raw["type"] == kind)
        return _raw(event) or {}

    async def raws(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """The engine's first events of this type, seen already or still to come."""
        while len(found := [raw for event in self.events if (raw := _raw(event)) and raw["type"] == kind]) < count:
            await self._find(lambda event: True)
        return found

    async def send_raw(self, kind: str, **fields: Any) -> None:
        message = {"type": kind, "other_data": fields}
        await self.session.model.send_event(RealtimeModelSendRawMessage(message=message))

    async def speak(self, frames: int = 40, silence: int = 40) -> None:
        """A caller's turn in pieces of 20 ms, as a phone sends it but faster."""
        for frame in [LOUD] * frames + [QUIET] * silence:
            await self.session.send_audio(frame)

    async def answered(self) -> dict[str, Any]:
        """The next finished response, as the engine tells it."""
        done = await self.until_raw("response.done")
        response: dict[str, Any] = done["response"]
        return response

    async def _find(self, wanted: Any) -> Any:
        async with asyncio.timeout(10):
            while True:
                event = await self._events.__anext__()
                self.events.append(event)
                assert event.type != "error", event
                if (raw := _raw(event)) is not None:
                    self.engine.check(raw)
                    assert raw["type"] != "error", raw
                if wanted(event):
                    return event

    def history(self) -> list[tuple[str, str]]:
        """Who said what, as the runner remembers it."""
        told = []
        for item in self.session._history:
            if item.type == "message":
                texts = [
                    getattr(part, "text", None) or getattr(part, "transcript", None) or "" for part in item.content
                ]
                told.append((item.role, " ".join(filter(None, texts))))
            else:
                told.append(("tool", item.output or ""))
        return told


def _raw(event: Any) -> dict[str, Any] | None:
    data = getattr(event, "data", None)
    inner = getattr(data, "data", None) if getattr(data, "type", "") == "raw_server_event" else None
    return inner if isinstance(inner, dict) else None


@asynccontextmanager
async def running(
    engine: Any, *, tools: Any = (), tracker: RealtimePlaybackTracker | None = None, **settings: Any
) -> AsyncIterator[Call]:
    agent = RealtimeAgent(name="Receptionist", instructions=SALON, tools=list(tools))
    audio = {
        "input_audio_format": "g711_ulaw",
        "output_audio_format": "g711_ulaw",
        "turn_detection": {"type": "server_vad", "interrupt_response": True},
        "tracing": None,
    }
    config: dict[str, Any] = {
        "url": f"{engine.url}?model=gpt-realtime-2.1",
        "api_key": "any",
        "initial_model_settings": {**audio, **settings},
    }
    if tracker is not None:
        config["playback_tracker"] = tracker
    runner = RealtimeRunner(agent, config={"tracing_disabled": True})
    async with await runner.run(model_config=config) as session:  # type: ignore[arg-type]
        call = Call(engine, session)
        await call.until_raw("session.updated")
        yield call


async def test_a_written_message_is_answered_and_remembered(engine: Any) -> None:
    async with running(engine) as call:
        await call.session.send_message("Is there parking nearby?")
        done = await call.answered()
        await call.until("agent_end")
        assert done["status"] == "completed"
        assert ("user", "Is there parking nearby?") in call.history()
        assert ("assistant", "Parking is free behind the building.") in call.history()


async def test_with_the_runners_own_defaults_a_spoken_turn_is_answered(engine: Any) -> None:
    """PCM at 24 kHz, semantic turn detection, transcription and `tracing: "auto"`: what it sends when told nothing."""
    engine.speech.script = ["Is there parking nearby?"]
    agent = RealtimeAgent(name="Receptionist", instructions=SALON)
    runner = RealtimeRunner(agent)
    config: Any = {"url": engine.url, "api_key": "any"}
    async with await runner.run(model_config=config) as session:
        call = Call(engine, session)
        traced = await call.until_raw("session.updated")
        while traced["session"]["tracing"] != "auto":
            traced = await call.until_raw("session.updated")
        assert traced["session"]["audio"]["input"]["turn_detection"]["type"] == "semantic_vad"
        for frame in [(b"\x00\x30" * 24 + b"\x00\xd0" * 24) * 10] * 40 + [b"\0" * 960] * 60:
            await session.send_audio(frame)
        await call.answered()
        await call.until("agent_end")
        assert ("user", "Is there parking nearby?") in call.history()
        assert ("assistant", "Parking is free behind the building.") in call.history()
        assert any(event.type == "audio" and event.audio.data for event in call.events)


async def test_a_function_tool_is_really_called_with_what_the_caller_said(engine: Any) -> None:
    booked: list[tuple[str, str, str]] = []

    @function_tool
    def book_appointment(customer_name: str, date: str, time: str) -> str:
        """Book an appointment.

        Args:
            customer_name: The caller's name.
            date: The day, as YYYY-MM-DD.
            time: The time, as HH:MM.
        """
        booked.append((customer_name, date, time))
        return '{"ok": true, "message": "Booked for Maria Lopez."}'

    engine.speech.script = [
        "I'd like to book an appointment for Maria Lopez on Thursday at half past two.",
        "Yes, that's right.",
    ]
    async with running(engine, tools=[book_appointment]) as call:
        await call.speak()
        await call.answered()
        await call.speak()
        assert (await call.answered())["output"][0]["type"] == "function_call"
        told = (await call.raws("response.done", 3))[2]["response"]
        (ended,) = [event for event in call.events if event.type == "tool_end"]
        assert told["output"][0]["content"][0]["transcript"].startswith("Booked for Maria Lopez.")
        assert [(name, time) for name, _, time in booked] == [("Maria Lopez", "14:30")]
        assert ended.tool.name == "book_appointment"
        assert ("tool", '{"ok": true, "message": "Booked for Maria Lopez."}') in call.history()


async def test_a_caller_who_interrupts_is_heard_and_the_answer_cut_where_they_did(engine: Any) -> None:
    engine.speech.speak_delay_s = 0.02
    engine.speech.script = ["Sorry, is there parking nearby?"]
    tracker = RealtimePlaybackTracker()
    async with running(engine, tracker=tracker) as call:
        await call.send_raw("response.create", response={"instructions": f'Say exactly: "{LONG}"'})
        heard = (await call.until("audio")).audio
        tracker.on_play_ms(heard.item_id, heard.content_index, 90)
        await call.speak()
        (cut,) = await call.raws("conversation.item.truncated")
        interrupted, answered = (done["response"] for done in await call.raws("response.done", 2))
        assert interrupted["status_details"]["reason"] == "turn_detected"
        assert answered["status"] == "completed"
        assert (cut["item_id"], cut["audio_end_ms"]) == (heard.item_id, 90)
        assert any(event.type == "audio_interrupted" for event in call.events)
        await call.send_raw("conversation.item.retrieve", item_id=heard.item_id)
        while (kept := await call.until_raw("conversation.item.retrieved"))["item"]["id"] != heard.item_id:
            pass
        part = kept["item"]["content"][0]
        assert part["transcript"] == "" and len(part["audio"]) == 960, "90 ms of μ-law in base64"
        await call.until("history_updated")
        assert ("assistant", "Parking is free behind the building.") in call.history()


async def test_an_interruption_by_the_program_stops_the_answer(engine: Any) -> None:
    """The runner truncates first and cancels after, as server-side interruption is off."""
    engine.speech.speak_delay_s = 0.02
    quiet = {"type": "server_vad", "interrupt_response": False}
    async with running(engine, turn_detection=quiet) as call:
        await call.send_raw("response.create", response={"instructions": f'Say exactly: "{LONG}"'})
        await call.until("audio")
        await call.session.interrupt()
        await call.until_raw("conversation.item.truncated")
        done = await call.answered()
        assert done["status_details"]["reason"] == "client_cancelled"
        await call.session.send_message("Is there parking nearby?")
        assert (await call.answered())["status"] == "completed"


async def test_another_agent_takes_over_in_the_same_session(engine: Any) -> None:
    async with running(engine) as call:
        await call.session.update_agent(RealtimeAgent(name="Garage", instructions="# Facts\n- Parking: on the roof.\n"))
        await call.until_raw("session.updated")
        await call.session.send_message("Is there parking nearby?")
        done = await call.answered()
        assert "roof" in done["output"][0]["content"][0]["transcript"]
