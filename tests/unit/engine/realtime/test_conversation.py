"""Items beside their wire form: audio that is kept, cut and in the end forgotten."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from engine.realtime.audio_format import FORMATS
from engine.realtime.conversation import KEPT_AUDIO_BYTES, Conversation, Item

PCMU = FORMATS["audio/pcmu"]


def spoken(item_id: str, size: int) -> Item:
    wire: dict[str, Any] = {"id": item_id, "type": "message", "role": "assistant"}
    item = Item({**wire, "content": [{"type": "output_audio", "transcript": "Hello."}]})
    item.hold(0, b"\x01" * size, PCMU)
    return item


def test_an_hour_of_talk_keeps_its_words_and_the_newest_audio() -> None:
    conversation = Conversation()
    items = [spoken(f"item_{n}", KEPT_AUDIO_BYTES // 4) for n in range(10)]
    for item in items:
        conversation.add(item)
    kept = [item.id for item in items if "audio" in item.with_audio()["content"][0]]
    assert kept == ["item_6", "item_7", "item_8", "item_9"]
    assert items[0].text() == "Hello." and items[0].audio_ms == KEPT_AUDIO_BYTES // 32


@pytest.mark.parametrize("size", [800, 803, 807])
def test_a_length_is_rounded_up_as_clients_do(size: int) -> None:
    assert spoken("item", size).audio_ms == (100 if size == 800 else 101)


def test_after_a_truncation_nothing_more_was_heard() -> None:
    item = spoken("item", 8000)
    item.truncate(250)
    item.hold(0, b"\x02" * 800, PCMU)
    part = item.with_audio()["content"][0]
    assert (item.audio_ms, len(base64.b64decode(part["audio"])), part["transcript"]) == (250, 2000, "")


def test_what_was_announced_does_not_change_with_the_item() -> None:
    item = spoken("item", 80)
    announced = item.announced()
    item.truncate(0)
    item.wire["status"] = "incomplete"
    assert announced["content"][0]["transcript"] == "Hello." and "status" not in announced
