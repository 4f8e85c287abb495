"""Items that a client creates: checked, completed, and stripped of what the protocol does not know."""

from __future__ import annotations

import base64
from typing import Any

from engine.realtime.audio_format import AudioFormat
from engine.realtime.checks import Check, at_most, fields, nullable, one_of, or_default, text
from engine.realtime.conversation import Conversation, Item, WireItem
from engine.realtime.protocol import ClientError, missing, new_id, of_type, required, unsupported

APPEND_LIMIT = 15 << 20
_LONGEST_ID = 64
_ROLES = {
    "system": ("input_text",),
    "user": ("input_text", "input_audio"),
    "assistant": ("output_text", "output_audio"),
}
_STATUS = or_default(one_of("completed", "incomplete", "in_progress"), "completed")
_ID = nullable(at_most(_LONGEST_ID))
_PART = fields(("type",), type=text, text=nullable(text), transcript=nullable(text), audio=nullable(text))
_KINDS: dict[str, Check] = {
    "message": fields(("role", "content"), type=text, id=_ID, status=_STATUS, role=one_of(*_ROLES)),
    "function_call": fields(
        ("name", "arguments"), type=text, id=_ID, status=_STATUS, call_id=nullable(text), name=text, arguments=text
    ),
    "function_call_output": fields(("call_id", "output"), type=text, id=_ID, status=_STATUS, call_id=text, output=text),
}


def decoded_audio(coded: str, param: str) -> bytes:
    """The bytes of a base64 field. Raises `ClientError` when it is none, or larger than one append may be."""
    if len(coded) * 3 // 4 > APPEND_LIMIT + 2:
        raise ClientError("invalid_value", f"Invalid '{param}': at most {APPEND_LIMIT} bytes (15 MiB) at once.", param)
    try:
        return base64.b64decode(coded, validate=True)
    except ValueError as problem:
        message = f"Invalid '{param}': expected base64-encoded bytes ({problem})."
        raise ClientError("invalid_value", message, param) from problem


def item_from_client(raw: Any, wire: AudioFormat, param: str = "item") -> Item:
    """A client's item. Its audio is read as `wire`. Raises `ClientError` naming the field."""
    kind = required(of_type(raw, param, dict), "type", str, f"{param}.type")
    if kind not in _KINDS:
        raise unsupported(f"{param}.type", kind, list(_KINDS))
    checked = _KINDS[kind](raw, param)
    form: WireItem = {**checked, "object": "realtime.item", "id": checked.get("id") or new_id("item")}
    form.setdefault("status", "completed")
    item = Item(form)
    if kind == "message":
        _add_content(item, raw["content"], wire, f"{param}.content")
    elif kind == "function_call":
        form["call_id"] = checked.get("call_id") or new_id("call")
    return item


def input_items(raws: list[Any], conversation: Conversation, wire: AudioFormat) -> list[Item]:
    """The items of `response.create`'s `input`: new ones, or references to those of the conversation."""
    items = []
    for n, raw in enumerate(raws):
        param = f"response.input[{n}]"
        if of_type(raw, param, dict).get("type") == "item_reference":
            items.append(_referred(raw, conversation, param))
        else:
            items.append(item_from_client(raw, wire, param))
    return items


def _referred(raw: WireItem, conversation: Conversation, param: str) -> Item:
    item_id = required(raw, "id", str, f"{param}.id")
    for item in conversation.items:
        if item.id == item_id:
            return item
    raise ClientError(
        "invalid_value", f"Item with id '{item_id[:80]}' does not exist; cannot refer to it.", f"{param}.id"
    )


def _add_content(item: Item, parts: object, wire: AudioFormat, param: str) -> None:
    item.wire["content"] = content = []
    for n, raw in enumerate(of_type(parts, param, list)):
        where = f"{param}[{n}]"
        part = _checked_part(raw, item.wire["role"], where)
        audio = part.pop("audio", None)
        if part["type"] == "input_audio":
            part.setdefault("transcript", None)
            item.hold(n, decoded_audio(audio, f"{where}.audio") if audio else b"", wire)
        content.append(part)


def _checked_part(raw: object, role: str, where: str) -> WireItem:
    given = of_type(raw, where, dict)
    if given.get("type") == "input_image" and role == "user":
        message = "This engine cannot see images: send 'input_text' or 'input_audio'."
        raise ClientError("unsupported_content", message, f"{where}.type")
    part: WireItem = _PART(given, where)
    if part["type"] not in _ROLES[role]:
        raise unsupported(f"{where}.type", part["type"], list(_ROLES[role]))
    if part["type"] in ("input_text", "output_text"):
        if part.get("text") is None:
            raise missing(f"{where}.text")
        return {"type": part["type"], "text": part["text"]}
    if part["type"] == "output_audio":
        # The protocol cannot populate assistant audio: what was said counts, as text.
        if part.get("audio"):
            message = "Assistant audio cannot be created: send what was said as 'output_text'."
            raise ClientError("invalid_value", message, f"{where}.audio")
        return {"type": "output_audio", "transcript": part.get("transcript") or ""}
    if not part.get("audio") and not part.get("transcript"):
        raise missing(f"{where}.audio")
    part.pop("text", None)
    return part
