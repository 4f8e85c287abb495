"""The conversation's items, in order, with what is known of each beside its wire form."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from typing import Any

from engine.realtime.audio_format import FORMATS, AudioFormat
from engine.realtime.protocol import ClientError, new_id

WireItem = dict[str, Any]

KEPT_AUDIO_BYTES = 8 << 20


@dataclass(slots=True)
class Item:
    """One item. `pending` is the transcription of its audio while that is still being made.

    Audio stays beside the wire form, as events do not carry it: only `conversation.item.retrieved` does.
    """

    wire: WireItem
    pending: asyncio.Task[None] | None = None
    previous: str | None = None
    audio: dict[int, bytearray] = field(default_factory=dict)
    audio_format: AudioFormat = FORMATS["audio/pcm"]
    sent_bytes: int = 0
    audio_ms: int | None = None
    cut_ms: int | None = None

    @property
    def id(self) -> str:
        """The item's id."""
        return str(self.wire["id"])

    def text(self) -> str:
        """What a message says: its text, or its audio's transcript."""
        parts = self.wire.get("content") or []
        said = [part.get("text") or part.get("transcript") or "" for part in parts]
        return " ".join(piece for piece in said if piece)

    def hold(self, index: int, data: bytes, wire: AudioFormat) -> None:
        """Keep more audio of one content part; after a truncation nothing more of it was heard."""
        if self.cut_ms is None:
            self.audio_format = wire
            self.audio.setdefault(index, bytearray()).extend(data)
            self.sent_bytes += len(data)
            self.audio_ms = wire.ms_up(self.sent_bytes)

    def truncate(self, end_ms: int) -> None:
        """Keep only what was heard. The transcript goes: nobody knows which of its words that was."""
        self.cut_ms = self.audio_ms = end_ms
        for held in self.audio.values():
            del held[self.audio_format.size(end_ms) :]
        self.wire["content"] = [{"type": "output_audio", "transcript": ""}]

    def announced(self) -> WireItem:
        """The item as most events carry it, independent of what becomes of it."""
        return dict(self.wire)

    def with_audio(self) -> WireItem:
        """The item as it is retrieved: with its audio, in the format it was sent in."""
        content = [dict(part) for part in self.wire.get("content") or []]
        for index, held in self.audio.items():
            if index < len(content):
                content[index]["audio"] = base64.b64encode(held).decode()
        return {**self.wire, "content": content} if "content" in self.wire else dict(self.wire)


class Conversation:
    """✅ OWNER of the order of items, and of how much of their audio is kept."""

    def __init__(self) -> None:
        self.id = new_id("conv")
        self.items: list[Item] = []

    def find(self, item_id: str, verb: str) -> Item:
        """The item; raises `ClientError` in the protocol's words (`verb`: delete, retrieve, truncate)."""
        for item in self.items:
            if item.id == item_id:
                return item
        raise ClientError(
            f"item_{verb}_invalid_item_id",
            f"Error: the item with id '{item_id[:80]}' does not exist; cannot {verb} it.",
            "item_id",
        )

    def add(self, item: Item, previous: str | None = None) -> str | None:
        """Insert after `previous` ("root" is the front; None the end) and return the id of the item before it."""
        at = len(self.items) if previous is None else self._place(previous)
        if any(other.id == item.id for other in self.items):
            raise ClientError(
                "item_create_duplicate_item_id", f"An item with id '{item.id}' already exists.", "item.id"
            )
        self.items.insert(at, item)
        item.previous = self.items[at - 1].id if at else None
        self._forget_old_audio()
        return item.previous

    def remove(self, item: Item) -> None:
        """Take an item out."""
        self.items.remove(item)

    def _place(self, previous: str) -> int:
        if previous == "root":
            return 0
        for at, item in enumerate(self.items):
            if item.id == previous:
                return at + 1
        raise ClientError(
            "item_create_invalid_previous_item_id",
            f"Error adding item: the previous item with id '{previous[:80]}' does not exist.",
            "previous_item_id",
        )

    def _forget_old_audio(self) -> None:
        """An hour of talk is 170 MB of PCM: beyond the budget the oldest items keep their words only."""
        kept = 0
        for item in reversed(self.items):
            kept += sum(map(len, item.audio.values()))
            if kept > KEPT_AUDIO_BYTES:
                item.audio.clear()
