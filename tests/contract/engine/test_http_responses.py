"""Text conversations through the openai SDK's own clients, on the real dialogue."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from engine.realtime.brain import Ask, BrainFailed, Output, Say

STRICT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
WHOLE: TypeAdapter[Any] = TypeAdapter(Response)
PARKING = "Parking is free behind the building."


def sdk(engine: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key="any", base_url=f"{engine.base}/v1", max_retries=0)


def flat(salon: dict[str, Any]) -> list[Any]:
    return [{**tool, "strict": False} for tool in salon["tools"]]


BOOKING = [
    {"role": "user", "content": "Book a cut for Ann Lee on 2026-12-03 at 10 am please"},
    {"role": "assistant", "content": "Is that right?"},
    {"role": "user", "content": "yes"},
]

TRANSCRIPT = """Agent: How can I help you?
Caller: Is there parking nearby?
Agent: Parking is free behind the building.
Caller: I'd like to book a haircut for Maria Lopez on Thursday at half past two.
Agent: So that is a haircut for Maria Lopez on Thursday 26 November at 2:30 pm. Is that right?
Caller: Yes.
Agent: Booked for Maria Lopez on Thursday 26 November at 14:30. Is there anything else I can help you with?
Caller: No, goodbye."""


async def test_a_summary_is_taken_from_the_transcript(engine: Any) -> None:
    reply = await sdk(engine).responses.create(
        model="gpt-5-mini", instructions="Summarise this call.", input=TRANSCRIPT
    )
    assert "Is there parking nearby?" in reply.output_text
    assert "Booked for Maria Lopez on Thursday 26 November at 14:30." in reply.output_text
    async with sdk(engine).responses.stream(
        model="gpt-5-mini", instructions="Summarise this call.", input=TRANSCRIPT
    ) as stream:
        assert (await stream.get_final_response()).output_text == reply.output_text


async def test_a_summary_fits_the_schema_asked_for(engine: Any) -> None:
    properties = {
        "summary": {"type": "string"},
        "reason": {"type": ["string", "null"]},
        "outcome": {"type": "string", "enum": ["appointment_booked", "message_taken", "other"]},
        "appointment_made": {"type": "boolean"},
        "follow_ups": {"type": "array", "items": {"type": "string"}},
    }
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    reply = await sdk(engine).responses.create(
        model="gpt-5-mini",
        instructions="Summarise this call.",
        input=[{"role": "user", "content": TRANSCRIPT}],
        text={"format": {"type": "json_schema", "name": "call", "schema": schema, "strict": True}},
    )
    WHOLE.validate_python(reply.to_dict())
    data = json.loads(reply.output_text)
    assert set(data) == set(properties)
    assert data["outcome"] == "appointment_booked" and data["appointment_made"] is True and data["follow_ups"] == []


async def test_a_question_is_answered_from_the_instructions_by_both_clients(engine: Any, salon: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"model": "m", "instructions": salon["instructions"], "input": "Do you have parking?"}

    def synchronous() -> tuple[str, str]:
        with openai.OpenAI(api_key="any", base_url=f"{engine.base}/v1") as client:
            events = list(client.responses.create(**asked, stream=True))
            return client.responses.create(**asked, store=True).output_text, events[-1].type

    whole = await sdk(engine).responses.create(**asked, metadata={"chat": "7"})
    WHOLE.validate_python(whole.to_dict())
    assert whole.output_text == PARKING and whole.metadata == {"chat": "7"}
    assert await asyncio.to_thread(synchronous) == (PARKING, "response.completed")


async def test_every_streamed_event_is_strict_numbered_and_in_order(engine: Any, salon: dict[str, Any]) -> None:
    stream = await sdk(engine).responses.create(
        model="m", instructions=salon["instructions"], input=BOOKING, tools=flat(salon), stream=True
    )
    events = [STRICT.validate_python(event.to_dict()) async for event in stream]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events][:2] == ["response.created", "response.in_progress"]
    assert events[-1].type == "response.completed"
    called = next(item for item in events[-1].response.output if item.type == "function_call")
    pieces = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    assert "".join(pieces) == called.arguments and json.loads(called.arguments)["date"] == "2026-12-03"


async def test_the_streaming_helper_accumulates_text_and_calls(engine: Any, salon: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"model": "m", "instructions": salon["instructions"], "tools": flat(salon)}
    snapshots = []
    async with sdk(engine).responses.stream(input="Do you have parking?", **asked) as stream:
        async for event in stream:
            if event.type == "response.output_text.delta":
                snapshots.append(event.snapshot)
        told = await stream.get_final_response()
    assert told.output_text == snapshots[-1] == PARKING and len(snapshots) > 3
    async with sdk(engine).responses.stream(input=BOOKING, **asked) as stream:
        final = await stream.get_final_response()
    assert json.loads(next(item for item in final.output if item.type == "function_call").arguments)["time"]

    def synchronous() -> str:
        with (
            openai.OpenAI(api_key="any", base_url=f"{engine.base}/v1") as client,
            client.responses.stream(input="Do you have parking?", **asked) as plain,
        ):
            return plain.get_final_response().output_text

    assert await asyncio.to_thread(synchronous) == PARKING


async def test_a_tools_round_trip_ends_in_its_own_words(engine: Any, salon: dict[str, Any]) -> None:
    create = sdk(engine).responses.create
    asked: dict[str, Any] = {"model": "m", "instructions": salon["instructions"], "tools": flat(salon)}
    history: list[Any] = list(BOOKING)
    called = await create(input=history, **asked)
    history += [item.to_dict() for item in called.output]
    call = next(item for item in called.output if item.type == "function_call")
    told = {"ok": True, "message": "Booked for Ann Lee on Thursday 3 December at 10:00."}
    history.append({"type": "function_call_output", "call_id": call.call_id, "output": json.dumps(told)})
    answer = await create(input=history, **asked)
    assert "Booked for Ann Lee on Thursday 3 December at 10:00." in answer.output_text
    assert [item.type for item in answer.output] == ["message"]


async def test_no_tool_is_called_when_none_may_be(engine: Any, salon: dict[str, Any]) -> None:
    answer = await sdk(engine).responses.create(
        model="m", instructions=salon["instructions"], input=BOOKING, tools=flat(salon), tool_choice="none"
    )
    assert [item.type for item in answer.output] == ["message"]


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"input": 5}, "input"),
    ({"tools": "book"}, "tools"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ({"tool_choice": 5}, "tool_choice"),
    ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ({"conversation": "conv_1"}, "conversation"),
    ({"background": True}, "background"),
]


async def test_mistakes_name_the_field_streamed_or_not(engine: Any) -> None:
    for change, param in MISTAKES:
        for stream in (False, True):
            asked: dict[str, Any] = {"model": "m", "input": "Hi", "stream": stream, **change}
            with pytest.raises(openai.BadRequestError) as refused:
                await sdk(engine).responses.create(**asked)
            assert refused.value.param == param


class BrokenBrain:
    """Begins to speak and fails."""

    async def reply(self, ask: Ask) -> AsyncGenerator[Output, None]:
        yield Say("Let me see.")
        raise BrainFailed("the language model does not answer: is it running?")


async def test_a_brain_that_fails_is_told_to_the_client(serve: Any) -> None:
    async with serve(brain=BrokenBrain()) as engine:
        with pytest.raises(openai.InternalServerError, match="is it running") as failed:
            await sdk(engine).responses.create(model="m", input="Hi")
        stream = await sdk(engine).responses.create(model="m", input="Hi", stream=True)
        events = [STRICT.validate_python(event.to_dict()) async for event in stream]
    assert failed.value.code == "brain_failed"
    assert events[-1].type == "response.failed" and events[-1].response.output[0].status == "incomplete"
    assert "is it running" in events[-1].response.error.message
