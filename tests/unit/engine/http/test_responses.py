"""A response's events: strict to the SDK's types, in order, numbered, and the same answer as the one given whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from engine.errors import ApiError
from engine.http.responses import create, stream_events
from engine.http.responses_request import read_request
from engine.realtime.brain import Ask, BrainFailed, Call, Output, Say

STRICT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
TOOL = {"type": "function", "name": "book", "parameters": {"type": "object"}, "strict": False}


class ScriptedBrain:
    """Says and calls what it was told to, and may fail at the end."""

    def __init__(self, *outputs: Output, failure: Exception | None = None) -> None:
        self.outputs = outputs
        self.failure = failure
        self.closed = False

    async def reply(self, ask: Ask) -> AsyncGenerator[Output, None]:
        try:
            for output in self.outputs:
                yield output
            if self.failure is not None:
                raise self.failure
        finally:
            self.closed = True


async def streamed(brain: ScriptedBrain, **body: Any) -> list[dict[str, Any]]:
    asked = read_request({"model": "m", "input": "Hi", "tools": [TOOL], **body})
    events = [STRICT.validate_python(event).to_dict() async for event in stream_events(asked, brain)]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """Event types, deltas in a row as one."""
    names = [event["type"].removeprefix("response.") for event in events]
    return [name for n, name in enumerate(names) if n == 0 or name != names[n - 1]]


async def test_words_that_follow_words_are_one_message() -> None:
    events = await streamed(ScriptedBrain(Say("Good morning."), Say("How can I help?")))
    assert kinds(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    deltas = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    assert len(deltas) == 6 and "".join(deltas) == "Good morning. How can I help?"
    (message,) = events[-1]["response"]["output"]
    assert message["content"][0]["text"] == "Good morning. How can I help?" and message["status"] == "completed"


async def test_words_a_call_and_words_are_three_items() -> None:
    call = Call("book", '{"customer_name": "Maria Lopez", "date": "2026-11-26"}')
    events = await streamed(ScriptedBrain(Say("One moment."), call, Say("Anything else?")))
    output = events[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "message"]
    pieces = [event for event in events if event["type"] == "response.function_call_arguments.delta"]
    assert len(pieces) > 1 and "".join(piece["delta"] for piece in pieces) == call.arguments == output[1]["arguments"]
    assert {piece["output_index"] for piece in pieces} == {1} and {piece["item_id"] for piece in pieces} == {
        output[1]["id"]
    }
    added = [event["item"] for event in events if event["type"] == "response.output_item.added"]
    assert [item["status"] for item in added] == ["in_progress"] * 3 and added[1]["arguments"] == ""


@pytest.mark.parametrize("text", ["  two  spaces ", "line\n\nbreak\n", "\n", '{"a": 1,\n "b": [1, 2]}', "x"])
async def test_deltas_add_up_to_the_text_whatever_its_spaces(text: str) -> None:
    events = await streamed(ScriptedBrain(Say(text)))
    deltas = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    assert "".join(deltas) == text == events[-1]["response"]["output"][0]["content"][0]["text"]


async def test_nothing_to_say_is_a_response_without_items() -> None:
    events = await streamed(ScriptedBrain(Say("")))
    assert kinds(events) == ["created", "in_progress", "completed"] and events[-1]["response"]["output"] == []


async def test_a_failure_keeps_what_was_said_and_says_why() -> None:
    brain = ScriptedBrain(Say("Let me"), failure=BrainFailed("the language model does not answer: is it running?"))
    events = await streamed(brain)
    assert kinds(events)[-2:] == ["output_item.done", "failed"]
    response = events[-1]["response"]
    assert response["status"] == "failed" and response["output"][0]["status"] == "incomplete"
    assert response["error"] == {
        "code": "server_error",
        "message": "the language model does not answer: is it running?",
    }


async def test_a_failure_without_a_reason_tells_no_internals() -> None:
    events = await streamed(ScriptedBrain(failure=RuntimeError("secret path")))
    assert "secret" not in str(events[-1]) and events[-1]["response"]["error"]["message"]
    with pytest.raises(ApiError) as refused:
        await create(read_request({"input": "Hi"}), ScriptedBrain(failure=RuntimeError("secret path")))
    assert refused.value.status == 500 and "secret" not in refused.value.message
    with pytest.raises(ApiError, match="is it running") as told:
        await create(read_request({"input": "Hi"}), ScriptedBrain(failure=BrainFailed("is it running?")))
    assert (told.value.status, told.value.code) == (502, "brain_failed")


async def test_the_whole_answer_is_the_streams_last() -> None:
    outputs = (Say("One."), Say("Two."), Call("book", "{}"))
    body = {"instructions": "Be brief.", "metadata": {"call": "7"}, "temperature": 0.5, "tool_choice": "auto"}
    last = (await streamed(ScriptedBrain(*outputs), **body))[-1]["response"]
    whole = await create(read_request({"model": "m", "input": "Hi", "tools": [TOOL], **body}), ScriptedBrain(*outputs))
    TypeAdapter(Response).validate_python(whole)
    assert [item["type"] for item in whole["output"]] == [item["type"] for item in last["output"]]
    same = ("model", "instructions", "metadata", "temperature", "tools", "tool_choice", "status", "usage", "store")
    assert {name: whole[name] for name in same} == {name: last[name] for name in same}
    assert whole["output"][0]["content"][0]["text"] == "One. Two." and whole["store"] is False


async def test_a_client_that_goes_away_ends_the_brains_work() -> None:
    brain = ScriptedBrain(Say("One."), Say("Two."))
    events = stream_events(read_request({"input": "Hi"}), brain)
    for _ in range(4):
        await anext(events)
    await anext(events)
    assert not brain.closed
    await events.aclose()
    assert brain.closed
