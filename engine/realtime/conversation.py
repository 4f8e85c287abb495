"""The conversation's items, in order, with what is known of each beside its wire form."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from engine.realtime.protocol import ClientError, new_id, of_type, required, unsupported

WireItem = dict[str, Any]

_ROLES = {
    "system": ("input_text",),
    "user": ("input_text", "input_audio", "input_image"),
    "assistant": ("output_text", "output_audio"),
}
_KINDS = ["message", "function_call", "function_call_output"]
_LONGEST_ID = 64


@dataclass(slots=True)
class Item:
    """One item. `pending` is the transcription of its audio while that is still being made."""

    wire: WireItem
    pending: asyncio.Task[str] | None = None
    audio_ms: int | None = None
    previous: str | None = None

    @property
    def id(self) -> str:
        """The item's id."""
        return str(self.wire["id"])

    def text(self) -> str:
        """What a message says: its text, or its audio's transcript."""
        parts = self.wire.get("content") or []
        said = [part.get("text") or part.get("transcript") or "" for part in parts]
        return " ".join(piece for piece in said if piece)


class Conversation:
    """✅ OWNER of the order of items."""

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
            f"Error: the item with id '{item_id}' does not exist; cannot {verb} it.",
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
            f"Error adding item: the previous item with id '{previous}' does not exist.",
            "previous_item_id",
        )


def item_from_client(raw: WireItem) -> Item:
    """A client's item, checked and completed. Raises `ClientError` naming the field."""
    kind = required(of_type(raw, "item", dict), "type", str)
    if kind not in _KINDS:
        raise unsupported("item.type", kind, _KINDS)
    item: WireItem = {**raw, "object": "realtime.item", "status": raw.get("status") or "completed"}
    item["id"] = _item_id(raw)
    _CHECKS[kind](item)
    return Item(item)


def _item_id(raw: WireItem) -> str:
    chosen = raw.get("id")
    if chosen is None:
        return new_id("item")
    if len(of_type(chosen, "item.id", str)) > _LONGEST_ID:
        raise ClientError("string_above_max_length", f"Invalid 'item.id': at most {_LONGEST_ID} characters.", "item.id")
    return str(chosen)


def _check_message(item: WireItem) -> None:
    role = required(item, "role", str)
    if role not in _ROLES:
        raise unsupported("item.role", role, list(_ROLES))
    for n, part in enumerate(required(item, "content", list)):
        of_type(part, f"item.content[{n}]", dict)
        for name in ("text", "transcript", "audio"):
            if part.get(name) is not None:
                of_type(part[name], f"item.content[{n}].{name}", str)
        if part.get("type") not in _ROLES[role]:
            raise unsupported(f"item.content[{n}].type", part.get("type"), list(_ROLES[role]))


def _check_call(item: WireItem) -> None:
    required(item, "name", str)
    required(item, "arguments", str)
    item.setdefault("call_id", new_id("call"))


def _check_output(item: WireItem) -> None:
    required(item, "call_id", str)
    required(item, "output", str)


_CHECKS = {"message": _check_message, "function_call": _check_call, "function_call_output": _check_output}
