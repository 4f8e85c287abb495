"""Conversation items: every kind a client may create, what retrieve gives back, and where truncation ends."""

from __future__ import annotations

import base64
import json
from typing import Any

PCM = b"\x00\x10" * 12000  # half a second at 24 kHz
CODED = base64.b64encode(PCM).decode()


def message(role: str, *content: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(content), **more}


def typed(text: str, kind: str = "input_text") -> dict[str, Any]:
    return {"type": kind, "text": text}


ITEMS: list[dict[str, Any]] = [
    message("system", typed("The caller is known.")),
    message("user", typed("Hello"), id="item_hello", status="incomplete"),
    message("user", typed("One"), typed("and two")),
    message("user", {"type": "input_audio", "audio": CODED}),
    message("user", {"type": "input_audio", "transcript": "Heard elsewhere."}),
    message("assistant", typed("Good morning.", "output_text")),
    message("assistant", {"type": "output_audio", "transcript": "Good morning."}),
    {"type": "function_call", "name": "look_up", "arguments": "{}", "call_id": "call_1"},
    {"type": "function_call", "name": "look_up", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": ""},
]
# (an item, the error's code, its param)
REFUSED: list[tuple[Any, str, str]] = [
    ("hello", "invalid_type", "item"),
    ({}, "missing_required_parameter", "item.type"),
    ({"type": "song"}, "invalid_value", "item.type"),
    ({"type": "item_reference", "id": "item_1"}, "invalid_value", "item.type"),
    ({"type": "mcp_approval_response"}, "invalid_value", "item.type"),
    ({"type": "message"}, "missing_required_parameter", "item.role"),
    (message("king"), "invalid_value", "item.role"),
    ({"type": "message", "role": "user"}, "missing_required_parameter", "item.content"),
    ({"type": "message", "role": "user", "content": "hi"}, "invalid_type", "item.content"),
    (message("user", typed("x"), id=7), "invalid_type", "item.id"),
    (message("user", typed("x"), id="i" * 65), "string_above_max_length", "item.id"),
    (message("user", typed("x"), status="done"), "invalid_value", "item.status"),
    (message("user", {"text": "x"}), "missing_required_parameter", "item.content[0].type"),
    (message("user", {"type": "input_text"}), "missing_required_parameter", "item.content[0].text"),
    (message("user", typed("x", "output_text")), "invalid_value", "item.content[0].type"),
    (message("assistant", typed("x")), "invalid_value", "item.content[0].type"),
    (message("system", {"type": "input_audio", "audio": CODED}), "invalid_value", "item.content[0].type"),
    (
        message("user", typed("see"), {"type": "input_image", "image_url": "data:"}),
        "unsupported_content",
        "item.content[1].type",
    ),
    (message("user", {"type": "input_audio", "audio": "***"}), "invalid_value", "item.content[0].audio"),
    (message("user", {"type": "input_audio", "audio": 7}), "invalid_type", "item.content[0].audio"),
    (message("user", {"type": "input_audio"}), "missing_required_parameter", "item.content[0].audio"),
    (message("assistant", {"type": "output_audio", "audio": CODED}), "invalid_value", "item.content[0].audio"),
    ({"type": "function_call", "name": "f"}, "missing_required_parameter", "item.arguments"),
    ({"type": "function_call", "name": "f", "arguments": {}}, "invalid_type", "item.arguments"),
    ({"type": "function_call", "name": "f", "arguments": "{}", "call_id": 7}, "invalid_type", "item.call_id"),
    ({"type": "function_call_output", "output": "x"}, "missing_required_parameter", "item.call_id"),
    ({"type": "function_call_output", "call_id": "call_1", "output": {"ok": True}}, "invalid_type", "item.output"),
]


async def test_every_kind_of_item_can_be_created_and_read_back(engine: Any) -> None:
    async with engine.client() as client:
        previous = None
        for item in ITEMS:
            await client.send("conversation.item.create", item=item, previous_item_id=previous)
            added = await client.until("conversation.item.added")
            done = await client.until("conversation.item.done")
            assert added["previous_item_id"] == done["previous_item_id"] == previous
            assert added["item"] == done["item"] and CODED not in json.dumps(added)
            previous = added["item"]["id"]
            assert previous == item.get("id", previous)
            await client.send("conversation.item.retrieve", item_id=previous)
            read = (await client.until("conversation.item.retrieved"))["item"]
            assert {**read, **item, "content": None} == {**read, "content": None}
            for part, sent in zip(read.get("content", []), item.get("content", []), strict=True):
                assert {**part, **sent} == part
        await client.alive()


async def test_a_wrong_item_is_refused_by_its_field_and_not_added(engine: Any) -> None:
    async with engine.client() as client:
        for item, code, param in REFUSED:
            error = await client.refused("conversation.item.create", item=item)
            assert (error["code"], error["param"]) == (code, param), (item, error)
        assert "conversation.item.added" not in client.kinds()
        await client.alive()


async def test_places_and_ids_that_do_not_exist_are_refused(engine: Any) -> None:
    async with engine.client() as client:
        await client.send("conversation.item.create", item=message("user", typed("One"), id="one"))
        await client.until("conversation.item.done")
        again = await client.refused("conversation.item.create", item=message("user", typed("Again"), id="one"))
        assert again["code"] == "item_create_duplicate_item_id"
        lost = await client.refused(
            "conversation.item.create", item=message("user", typed("Two"), id="two"), previous_item_id="nowhere"
        )
        assert (lost["code"], lost["param"]) == ("item_create_invalid_previous_item_id", "previous_item_id")
        for verb in ("delete", "retrieve"):
            error = await client.refused(f"conversation.item.{verb}", item_id="two")
            assert error["code"] == f"item_{verb}_invalid_item_id"
            assert (await client.refused(f"conversation.item.{verb}"))["code"] == "missing_required_parameter"
        await client.send("conversation.item.create", item=message("user", typed("Zero")), previous_item_id="root")
        assert (await client.until("conversation.item.added"))["previous_item_id"] is None


async def test_a_spoken_turn_and_its_answer_are_retrieved_with_their_audio(engine: Any) -> None:
    engine.speech.script = ["Hello there?"]
    async with engine.client() as client:
        await client.phone()
        await client.speak(frames=40, silence=40)
        done = await client.until("response.done")
        user = next(event for event in client.seen if event["type"] == "input_audio_buffer.committed")["item_id"]
        await client.send("conversation.item.retrieve", item_id=user)
        part = (await client.until("conversation.item.retrieved"))["item"]["content"][0]
        audio = base64.b64decode(part["audio"])
        assert part["transcript"] == "Hello there?"
        assert 8 * 1200 < len(audio) < 8 * 1500 and audio.count(b"\x10") > 2500, "μ-law, as it was sent"
        await client.send("conversation.item.retrieve", item_id=done["response"]["output"][0]["id"])
        answer = (await client.until("conversation.item.retrieved"))["item"]["content"][0]
        assert base64.b64decode(answer["audio"]) == client.audio_heard()


async def test_audio_in_a_client_item_is_heard_and_answered(engine: Any, salon: dict[str, Any]) -> None:
    engine.speech.script = ["Is there", "parking nearby?"]
    async with engine.client() as client:
        await client.session(
            instructions=salon["instructions"], audio={"input": {"transcription": {"model": "gpt-transcribe"}}}
        )
        part = {"type": "input_audio", "audio": CODED}
        await client.send("conversation.item.create", item=message("user", part, part))
        await client.send("response.create")
        done = (await client.until("response.done"))["response"]
        assert done["output"][0]["content"][0]["transcript"] == "Parking is free behind the building."
        completed = [event for event in client.seen if event["type"].endswith("transcription.completed")]
        assert [(one["content_index"], one["transcript"]) for one in completed] == [
            (0, "Is there"),
            (1, "parking nearby?"),
        ]
        assert engine.speech.heard_ms == [500, 500]


async def test_a_turn_that_cannot_be_heard_is_told_and_asked_about(engine: Any) -> None:
    engine.speech.script = [RuntimeError("the model broke")]
    async with engine.client() as client:
        await client.phone()
        await client.speak()
        done = (await client.until("response.done"))["response"]
        failed = next(event for event in client.seen if event["type"].endswith("transcription.failed"))
        assert failed["error"]["message"].endswith("the model broke")
        assert done["status"] == "completed" and done["output"], "the caller is asked again"


async def test_truncation_ends_where_the_audio_does(engine: Any) -> None:
    async with engine.client() as client:
        await client.phone()
        await client.send(
            "conversation.item.create", item=message("assistant", typed("Written.", "output_text"), id="text")
        )
        item_id = (await client.say("Hello there."))["output"][0]["id"]
        played = client.audio_heard()
        length = -(-len(played) // 8)
        wrong: list[tuple[dict[str, Any], str, str]] = [
            ({"audio_end_ms": length + 1}, "invalid_value", "audio_end_ms"),
            ({"audio_end_ms": -1}, "invalid_value", "audio_end_ms"),
            ({"audio_end_ms": "300"}, "invalid_type", "audio_end_ms"),
            ({"audio_end_ms": 1.5}, "invalid_type", "audio_end_ms"),
            ({"content_index": 1}, "invalid_value", "content_index"),
            ({"content_index": None}, "invalid_type", "content_index"),
            ({"item_id": "nothing"}, "item_truncate_invalid_item_id", "item_id"),
            ({"item_id": "text"}, "invalid_value", "item_id"),
        ]
        whole = {"item_id": item_id, "content_index": 0, "audio_end_ms": length}
        for change, code, param in wrong:
            error = await client.refused("conversation.item.truncate", **{**whole, **change})
            assert (error["code"], error["param"]) == (code, param), error
        for name in whole:
            rest = {key: value for key, value in whole.items() if key != name}
            error = await client.refused("conversation.item.truncate", **rest)
            assert (error["code"], error["param"]) == ("missing_required_parameter", name)
        for end_ms in (length, 300, 0):
            await client.send("conversation.item.truncate", **{**whole, "audio_end_ms": end_ms})
            assert (await client.until("conversation.item.truncated"))["audio_end_ms"] == end_ms
            await client.send("conversation.item.retrieve", item_id=item_id)
            part = (await client.until("conversation.item.retrieved"))["item"]["content"][0]
            assert part["transcript"] == "" and base64.b64decode(part["audio"]) == played[: end_ms * 8]


async def test_a_truncation_while_it_is_still_being_said_stands(engine: Any) -> None:
    """openai-agents truncates first and cancels after."""
    engine.speech.speak_delay_s = 0.05
    async with engine.client() as client:
        await client.phone()
        await client.send("response.create", response={"instructions": f'Say exactly: "{"One more sentence. " * 20}"'})
        item_id = (await client.until("response.output_audio.delta"))["item_id"]
        await client.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=100)
        await client.until("conversation.item.truncated")
        await client.until("response.output_audio.delta")
        await client.send("response.cancel")
        done = (await client.until("response.done"))["response"]
        assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": ""}]
        await client.send("conversation.item.retrieve", item_id=item_id)
        kept = (await client.until("conversation.item.retrieved"))["item"]
        assert len(base64.b64decode(kept["content"][0]["audio"])) == 800 and kept["status"] == "incomplete"
