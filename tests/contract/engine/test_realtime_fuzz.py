"""Thousands of malformed events: each gets an answer of the protocol, and the session still takes a call after them."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import random
from typing import Any

SEED = 20261124
EVENTS = 3000
VALID: list[dict[str, Any]] = [
    {
        "type": "session.update",
        "session": {
            "type": "realtime",
            "instructions": "Be kind.",
            "output_modalities": ["audio"],
            "tools": [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}],
            "tool_choice": "auto",
            "max_output_tokens": 200,
            "truncation": {"type": "retention_ratio", "retention_ratio": 0.5},
            "tracing": "auto",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcmu"},
                    "noise_reduction": {"type": "near_field"},
                    "transcription": {"model": "gpt-transcribe", "language": "en"},
                    "turn_detection": {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 500},
                },
                "output": {"format": {"type": "audio/pcmu"}, "voice": "marin", "speed": 1.0},
            },
        },
    },
    {"type": "input_audio_buffer.append", "audio": base64.b64encode(b"\x10\x90" * 800).decode()},
    {"type": "input_audio_buffer.append", "audio": base64.b64encode(b"\xff" * 1600).decode()},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {
        "type": "conversation.item.create",
        "previous_item_id": "root",
        "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
    },
    {
        "type": "conversation.item.create",
        "item": {"type": "function_call_output", "call_id": "call_1", "output": "{}"},
    },
    {"type": "conversation.item.retrieve", "item_id": "item_1"},
    {"type": "conversation.item.delete", "item_id": "item_1"},
    {"type": "conversation.item.truncate", "item_id": "item_1", "content_index": 0, "audio_end_ms": 10},
    {
        "type": "response.create",
        "response": {
            "conversation": "none",
            "instructions": 'Say exactly: "Yes."',
            "metadata": {"a": "b"},
            "input": [{"type": "item_reference", "id": "item_1"}],
            "output_modalities": ["text"],
        },
    },
    {"type": "response.cancel", "response_id": "resp_1"},
    {"type": "output_audio_buffer.clear"},
]
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 10**30, -(10**30), 0.5, 1e308, "", " ", "x" * 5000, "\x00", "é\u202e😀",
    "item_1", "root", "auto", "none", "realtime", "audio/pcm", [], {}, [[]], [None], {"type": None}, {"": ""},
    {"type": "message"}, ["audio", "text"], {"id": 7}, "===", "QUJD",
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, the whole first."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deep for key, one in inner for deep in places(one, (*path, key)))]


def changed(dice: random.Random, event: dict[str, Any]) -> Any:
    """The event with one to three places removed, replaced, renamed, doubled or wrapped."""
    event = copy.deepcopy(event)
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        path = dice.choice(places(event)[1:] or [()])
        if not path:
            return event
        parent: Any = event
        for step in path[:-1]:
            parent = parent[step]
        kind = dice.randrange(6)
        if kind == 0:
            del parent[path[-1]]
        elif kind == 1:
            parent[path[-1]] = [parent[path[-1]]] * 2
        elif kind == 2 and isinstance(parent, dict):
            parent[str(dice.choice(ODD))[:40]] = parent.pop(path[-1])
        elif kind == 3 and isinstance(parent[path[-1]], str):
            text = parent[path[-1]]
            parent[path[-1]] = text[: dice.randint(0, len(text))] + dice.choice(["", "\ud83d\ude00", '"', "=", "\n"])
        else:
            parent[path[-1]] = copy.deepcopy(dice.choice(ODD))
    return event


def mutated(dice: random.Random, item_ids: list[str]) -> str | bytes:
    """One frame: mostly almost right, sometimes quite right, sometimes nonsense."""
    event = dice.choice(VALID)
    text = json.dumps(event if dice.random() < 0.35 else changed(dice, event)).replace("item_1", dice.choice(item_ids))
    kind = dice.randrange(20)
    if kind == 0:
        return text[: dice.randint(0, len(text))]
    if kind == 1:
        at = dice.randint(0, len(text))
        return text[:at] + dice.choice(["\x01", "}", "{", ",", "\\", "NaN", "1e999"]) + text[at:]
    if kind == 2:
        return bytes(dice.randrange(256) for _ in range(dice.randint(0, 40)))
    if kind == 3:
        return "[" * dice.randint(1, 3000)
    return text


def is_beta(frame: str | bytes) -> bool:
    """Whether a mutation happened upon the beta's shape, which rightly ends the session."""
    try:
        session = json.loads(frame)["session"]
        return "type" not in session and "audio" not in session
    except (ValueError, TypeError, KeyError, RecursionError):
        return False


async def test_thousands_of_broken_events_break_nothing(engine: Any) -> None:
    dice = random.Random(SEED)
    idle_tasks = len(asyncio.all_tasks())
    async with engine.client() as client:
        item_ids = ["item_1"]
        for n in range(EVENTS):
            frame = mutated(dice, item_ids)
            if not is_beta(frame):
                await client.socket.send(frame)
            if n % 50 == 49:
                await settle(client, n)
                item_ids = ["item_1", *known_items(client)[-5:]]
        wrong = [event["error"] for event in client.seen if event["type"] == "error"]
        assert len(wrong) > EVENTS / 3
        assert [error for error in wrong if error["type"] != "invalid_request_error"] == []
        failed = [event for event in client.seen if event["type"] == "response.done"]
        assert all(event["response"]["status"] != "failed" for event in failed)
        await a_normal_turn(engine, client)
    assert engine.speech.out_vads == 0
    async with asyncio.timeout(5):
        while len(asyncio.all_tasks()) > idle_tasks:
            await asyncio.sleep(0.01)


async def settle(client: Any, n: int) -> None:
    """Read up to the answer of an event that can only be answered in one way."""
    await client.send("conversation.item.retrieve", item_id=f"nothing_{n}", event_id=f"probe_{n}")
    while (await client.error())["event_id"] != f"probe_{n}":
        pass


def known_items(client: Any) -> list[str]:
    return [event["item"]["id"] for event in client.seen if event["type"] == "conversation.item.added"]


async def a_normal_turn(engine: Any, client: Any) -> None:
    """A caller's turn on the phone, heard and answered."""
    await client.send("response.cancel")
    await client.send("input_audio_buffer.clear")
    await client.until("input_audio_buffer.cleared")
    engine.speech.script = ["Hello there?"]
    await client.session(
        instructions="Be kind.", tools=[], tool_choice="auto", max_output_tokens="inf", output_modalities=["audio"]
    )
    await client.session(audio={"input": {"turn_detection": None}})
    await client.phone()
    await client.speak()
    completed = await client.until("conversation.item.input_audio_transcription.completed")
    assert completed["transcript"] == "Hello there?"
    done = (await client.until("response.done"))["response"]
    assert done["status"] == "completed", done
