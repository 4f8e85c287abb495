"""The openai SDK's own realtime clients, async and sync, unmodified against the engine."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from websockets.exceptions import InvalidStatus

from engine.settings import EngineSettings

PHONE: dict[str, Any] = {
    "input": {"format": {"type": "audio/pcmu"}, "transcription": {"model": "gpt-transcribe"}},
    "output": {"format": {"type": "audio/pcmu"}, "voice": "cedar"},
}
LOUD, QUIET = bytes([0x10, 0x90]) * 400, b"\xff" * 800
UTTERANCE = [base64.b64encode(piece).decode() for piece in [LOUD] * 8 + [QUIET] * 8]
LONG = " ".join(f"This is sentence number {n}." for n in range(40))


def typed(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


@asynccontextmanager
async def connected(engine: Any) -> AsyncIterator[Any]:
    client = openai.AsyncOpenAI(api_key="any", base_url=f"{engine.base}/v1")
    async with client.realtime.connect(model="gpt-realtime-2.1") as connection:
        yield connection


async def until(connection: Any, kind: str) -> Any:
    async with asyncio.timeout(10):
        while True:
            event = await connection.recv()
            assert event.type != "error" or kind == "error", event
            if event.type == kind:
                return event


async def test_a_written_turn(engine: Any, salon: dict[str, Any]) -> None:
    async with connected(engine) as connection:
        await connection.session.update(
            session={"type": "realtime", "instructions": salon["instructions"], "output_modalities": ["text"]}
        )
        await connection.conversation.item.create(item=typed("Is there parking nearby?"))
        await connection.response.create()
        written = ""
        async for event in connection:
            if event.type == "response.output_text.delta":
                written += event.delta
            if event.type == "response.done":
                break
        assert written == "Parking is free behind the building." == event.response.output[0].content[0].text


async def test_a_spoken_turn_with_its_tool_and_the_answer(engine: Any, salon: dict[str, Any]) -> None:
    engine.speech.script = ["I'd like to book a haircut for Maria Lopez on Thursday at half past two.", "Yes please."]
    async with connected(engine) as connection:
        await connection.session.update(
            session={
                "type": "realtime",
                "instructions": salon["instructions"],
                "tools": salon["tools"],
                "audio": PHONE,
            }
        )
        await connection.conversation.item.create(item=salon["context"])
        for _ in range(2):
            for piece in UTTERANCE:
                await connection.input_audio_buffer.append(audio=piece)
            heard = await until(connection, "conversation.item.input_audio_transcription.completed")
            done = await until(connection, "response.done")
        assert heard.transcript == "Yes please."
        call = done.response.output[0]
        assert (call.name, json.loads(call.arguments)["customer_name"]) == ("book_appointment", "Maria Lopez")
        result = json.dumps({"ok": True, "message": "Booked for Thursday."})
        await connection.conversation.item.create(
            item={"type": "function_call_output", "call_id": call.call_id, "output": result}
        )
        await connection.response.create()
        done = await until(connection, "response.done")
        assert done.response.output[0].content[0].transcript.startswith("Booked for Thursday.")


async def test_interrupting_truncating_and_cancelling(engine: Any) -> None:
    engine.speech.speak_delay_s = 0.02
    async with connected(engine) as connection:
        await connection.session.update(session={"type": "realtime", "audio": PHONE})
        await connection.response.create(response={"instructions": f'Say exactly: "{LONG}"'})
        item_id = (await until(connection, "response.output_audio.delta")).item_id
        for piece in UTTERANCE[:4]:
            await connection.input_audio_buffer.append(audio=piece)
        done = await until(connection, "response.done")
        assert done.response.status_details.reason == "turn_detected"
        await connection.conversation.item.truncate(item_id=item_id, content_index=0, audio_end_ms=120)
        assert (await until(connection, "conversation.item.truncated")).audio_end_ms == 120
        await connection.conversation.item.retrieve(item_id=item_id)
        kept = (await until(connection, "conversation.item.retrieved")).item
        assert len(base64.b64decode(kept.content[0].audio)) == 960
        await connection.conversation.item.delete(item_id=item_id)
        await until(connection, "conversation.item.deleted")
        await connection.input_audio_buffer.clear()
        await connection.response.create(response={"instructions": f'Say exactly: "{LONG}"'})
        await until(connection, "response.output_audio.delta")
        await connection.response.cancel()
        assert (await until(connection, "response.done")).response.status_details.reason == "client_cancelled"
        await connection.response.cancel()
        assert (await until(connection, "error")).error.code == "response_cancel_not_active"


async def test_a_response_from_a_reference(engine: Any) -> None:
    async with connected(engine) as connection:
        await connection.conversation.item.create(item={**typed("Goodbye."), "id": "item_bye"})
        await connection.response.create(
            response={
                "conversation": "none",
                "input": [{"type": "item_reference", "id": "item_bye"}],
                "output_modalities": ["text"],
                "metadata": {"topic": "end"},
            }
        )
        done = await until(connection, "response.done")
        assert done.response.metadata == {"topic": "end"} and done.response.conversation_id is None


def call_in_a_thread(base: str, salon: dict[str, Any]) -> list[str]:
    """The synchronous client: a spoken turn, then a written one."""
    client = openai.OpenAI(api_key="any", base_url=f"{base}/v1")
    said = []
    with client.realtime.connect(model="gpt-realtime-2.1") as connection:
        connection.session.update(session={"type": "realtime", "instructions": salon["instructions"], "audio": PHONE})
        for piece in UTTERANCE:
            connection.input_audio_buffer.append(audio=piece)
        for event in connection:
            if event.type == "response.done":
                said.append(event.response.output[0].content[0].transcript)
                if len(said) == 2:
                    return said
                connection.conversation.item.create(item=typed("When are you open on Thursday?"))
                connection.response.create(response={"metadata": {"n": "2"}})
    return said


async def test_the_synchronous_client(engine: Any, salon: dict[str, Any]) -> None:
    engine.speech.script = ["Is there parking nearby?"]
    async with asyncio.timeout(15):
        said = await asyncio.to_thread(call_in_a_thread, engine.base, salon)
    assert said == ["Parking is free behind the building.", "On Thursday we are open from 9 am to 8 pm."]


async def test_a_wrong_key_and_a_full_engine_are_told_apart(serve: Any) -> None:
    async with serve(EngineSettings(api_key="right", max_sessions=1)) as engine:
        wrong = openai.AsyncOpenAI(api_key="wrong", base_url=f"{engine.base}/v1")
        with pytest.raises(InvalidStatus, match="401"):
            async with wrong.realtime.connect(model="m"):
                pass
        right = openai.AsyncOpenAI(api_key="right", base_url=f"{engine.base}/v1")
        async with right.realtime.connect(model="m") as first:
            await until(first, "session.created")
            async with right.realtime.connect(model="m") as second:
                assert (await until(second, "error")).error.code == "session_limit_reached"
