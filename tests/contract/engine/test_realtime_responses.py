"""`response.create`: its own settings, its limits, responses beside the conversation, and how each of them ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from engine.realtime.brain import Ask, Call, Output, Say

LONG = " ".join(f"This is sentence number {n}." for n in range(30))
SLOW = {"instructions": f'Say exactly: "{LONG}"'}


def typed(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}], **more}


async def test_wrong_settings_are_named_and_start_nothing(engine: Any) -> None:
    wrong: list[tuple[Any, str, str]] = [
        ("now", "invalid_type", "response"),
        ({"input": "hello"}, "invalid_type", "response.input"),
        ({"input": ["hello"]}, "invalid_type", "response.input[0]"),
        ({"input": [{"type": "item_reference"}]}, "missing_required_parameter", "response.input[0].id"),
        ({"input": [{"type": "item_reference", "id": "item_9"}]}, "invalid_value", "response.input[0].id"),
        ({"input": [typed("x", role="king")]}, "invalid_value", "response.input[0].role"),
        ({"conversation": "conv_other"}, "invalid_value", "response.conversation"),
        ({"conversation": {"id": "x"}}, "invalid_type", "response.conversation"),
        ({"metadata": "x"}, "invalid_type", "response.metadata"),
        ({"metadata": {"a": 1}}, "invalid_type", "response.metadata.a"),
        ({"metadata": {str(n): "" for n in range(17)}}, "object_above_max_properties", "response.metadata"),
        ({"metadata": {"k" * 65: ""}}, "string_above_max_length", "response.metadata"),
        ({"metadata": {"k": "v" * 513}}, "string_above_max_length", "response.metadata.k"),
        ({"output_modalities": ["audio", "text"]}, "invalid_value", "response.output_modalities"),
        ({"max_output_tokens": 5000}, "invalid_value", "response.max_output_tokens"),
        ({"instructions": 1}, "invalid_type", "response.instructions"),
        ({"tools": [{"type": "function"}]}, "missing_required_parameter", "response.tools[0].name"),
        ({"tool_choice": {"type": "function", "name": "nothing"}}, "invalid_value", "response.tool_choice"),
        ({"audio": {"output": {"format": {"type": "mp3"}}}}, "invalid_value", "response.audio.output.format.type"),
        ({"modalities": ["audio"]}, "unknown_parameter", "response.modalities"),
    ]
    async with engine.client() as client:
        for response, code, param in wrong:
            error = await client.refused("response.create", response=response)
            assert (error["code"], error["param"]) == (code, param), (response, error)
        assert "response.created" not in client.kinds()
        await client.alive()


async def test_its_own_settings_hold_for_one_response_only(engine: Any) -> None:
    metadata = {f"key{n}": "v" * 512 for n in range(16)}
    async with engine.client() as client:
        done = await client.say("In writing.", output_modalities=["text"], metadata=metadata, tools=None, audio=None)
        assert done["metadata"] == metadata and done["output_modalities"] == ["text"]
        assert done["output"][0]["content"] == [{"type": "output_text", "text": "In writing."}]
        pcma = {"output": {"format": {"type": "audio/pcma"}, "voice": None}}
        done = await client.say("Aloud.", audio=pcma, max_output_tokens=500)
        assert done["audio"]["output"] == {"format": {"type": "audio/pcma"}, "voice": "marin"}
        assert len(client.audio_heard()) == 6 * 50 * 8, "50 ms a letter, in A-law"
        assert (await client.say("Again."))["audio"]["output"]["format"]["type"] == "audio/pcm"


async def test_max_output_tokens_ends_a_response_in_time(engine: Any) -> None:
    async with engine.client() as client:
        for limit, modality in ((1, "text"), (12, "text"), (1, "audio"), (40, "audio")):
            done = await client.say(LONG, max_output_tokens=limit, output_modalities=[modality])
            assert done["status"] == "incomplete"
            assert done["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
            assert done["max_output_tokens"] == limit and done["usage"]["output_tokens"] <= limit
            assert done["output"][0]["status"] == "incomplete"
            part = done["output"][0]["content"][0]
            assert LONG.startswith(part.get("text") or part.get("transcript") or "")
        assert (await client.say("Short.", max_output_tokens=40))["status"] == "completed"


async def test_a_call_cut_by_the_limit_is_not_offered_as_one(serve: Any) -> None:
    class Caller:
        async def reply(self, ask: Ask) -> AsyncGenerator[Output, None]:
            yield Call("look_up", '{"what": "' + "x" * 200 + '"}')

    async with serve(brain=Caller()) as engine, engine.client() as client:
        await client.send("response.create", response={"max_output_tokens": 20})
        done = (await client.until("response.done"))["response"]
        assert (done["status"], done["output"][0]["status"]) == ("incomplete", "incomplete")
        assert "response.function_call_arguments.done" not in client.kinds()


async def test_a_response_beside_the_conversation_leaves_it_alone(engine: Any) -> None:
    engine.speech.speak_delay_s = 0.02
    async with engine.client() as client:
        await client.phone()
        await client.send("response.create", response={**SLOW, "metadata": {"is": "inside"}})
        inside = (await client.until("response.created"))["response"]["id"]
        await client.send(
            "response.create",
            response={
                "instructions": 'Say exactly: "Beside."',
                "conversation": "none",
                "output_modalities": ["text"],
                "input": [],
                "metadata": {"is": "beside"},
            },
        )
        beside = (await client.until("response.done"))["response"]
        assert beside["metadata"] == {"is": "beside"} and beside["conversation_id"] is None
        items = {event["item"]["id"] for event in client.seen if event["type"] == "conversation.item.added"}
        assert beside["output"][0]["id"] not in items
        await client.speak(frames=10, silence=0)
        done = (await client.until("response.done"))["response"]
        assert (done["id"], done["status"]) == (inside, "cancelled")


async def test_a_caller_who_speaks_and_a_plain_cancel_spare_what_runs_beside(engine: Any) -> None:
    engine.speech.speak_delay_s = 0.02
    async with engine.client() as client:
        await client.phone()
        await client.send("response.create", response={**SLOW, "conversation": "none"})
        beside = (await client.until("response.created"))["response"]["id"]
        await client.speak(frames=10, silence=0)
        await client.until("input_audio_buffer.speech_started")
        assert (await client.refused("response.cancel"))["code"] == "response_cancel_not_active"
        assert (await client.refused("response.cancel", response_id="resp_9"))["code"] == "response_cancel_not_active"
        await client.send("response.cancel", response_id=beside)
        done = (await client.until("response.done"))["response"]
        assert (done["id"], done["status_details"]["reason"]) == (beside, "client_cancelled")


async def test_responses_beside_the_conversation_are_bounded(engine: Any) -> None:
    engine.speech.speak_delay_s = 0.02
    async with engine.client() as client:
        for _ in range(8):
            await client.send("response.create", response={**SLOW, "conversation": "none"})
        error = await client.refused("response.create", response={**SLOW, "conversation": "none"})
        assert error["code"] == "too_many_responses"


async def test_input_replaces_the_conversation_with_items_and_references(engine: Any, salon: dict[str, Any]) -> None:
    async with engine.client() as client:
        await client.session(instructions=salon["instructions"], output_modalities=["text"])
        await client.send("conversation.item.create", item=typed("Is there parking nearby?", id="item_parking"))
        await client.send("conversation.item.create", item=typed("Are you open on Saturday?"))
        for given, words in (
            ([{"type": "item_reference", "id": "item_parking"}], "Parking"),
            ([typed("When are you open on Thursday?")], "Thursday"),
            (None, "Saturday"),
        ):
            response = {"conversation": "none"} | ({"input": given} if given else {})
            await client.send("response.create", response=response)
            done = (await client.until("response.done"))["response"]
            assert words in done["output"][0]["content"][0]["text"], (given, done)


async def test_a_turn_spoken_while_it_may_not_interrupt_is_answered_after_a_cancel(engine: Any) -> None:
    engine.speech.script = ["Hello there?"]
    engine.speech.speak_delay_s = 0.05
    async with engine.client() as client:
        await client.phone(interrupt_response=False)
        await client.send("response.create", response=SLOW)
        await client.speak()
        await client.until("input_audio_buffer.committed")
        await client.send("response.cancel")
        first, second = await client.until("response.done"), await client.until("response.done")
        assert [first["response"]["status"], second["response"]["status"]] == ["cancelled", "completed"]


async def test_without_create_response_the_client_decides(engine: Any) -> None:
    engine.speech.script = ["Hello there?"]
    async with engine.client() as client:
        await client.phone(create_response=False, interrupt_response=False)
        await client.speak()
        await client.until("conversation.item.input_audio_transcription.completed")
        await asyncio.sleep(0.05)
        await client.session()
        assert "response.created" not in client.kinds()
        await client.send("response.create")
        assert (await client.until("response.done"))["response"]["status"] == "completed"


async def test_a_brain_that_fails_fails_its_response_only(serve: Any) -> None:
    class Broken:
        def __init__(self) -> None:
            self.asked = 0

        async def reply(self, ask: Ask) -> AsyncGenerator[Output, None]:
            self.asked += 1
            yield Say("One moment.")
            if self.asked == 1:
                raise ConnectionError("the model is away")

    async with serve(brain=Broken()) as engine, engine.client() as client:
        await client.send("response.create")
        done = (await client.until("response.done"))["response"]
        assert done["status"] == "failed" and "the model is away" in done["status_details"]["error"]["message"]
        assert done["output"][0]["status"] == "incomplete"
        await client.alive()
