"""What `POST /v1/responses` may ask for: checked, and read as the brain's `Ask`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.errors import ApiError
from engine.http import summaries
from engine.http.errors import bad_request, missing
from engine.realtime.brain import Ask, Turn
from engine.realtime.protocol import ClientError, of_type, required, unsupported, wrong_type

Body = dict[str, Any]

_ROLES = ["user", "assistant", "system", "developer"]
_TEXT_PARTS = {"input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal"}
_TEXT_FORMATS = ["text", "json_schema", "json_object"]
_CHOICES = ["auto", "none", "required"]
_STATE = {
    "previous_response_id": "send the whole conversation in 'input'",
    "conversation": "send the whole conversation in 'input'",
    "prompt": "send the prompt's words in 'instructions'",
    "background": "wait for the answer, or ask for 'stream'",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A checked request. `summary` is the answer when a summary was asked for; else the brain is asked."""

    body: Body
    ask: Ask
    stream: bool
    summary: str | None


def read_request(body: Body) -> Wanted:
    """Check a request. Raises `ApiError` 400 naming the field.

    `store`, `include`, sampling and service settings are taken and change nothing: nothing is kept, and the dialogue
    has no use for them.
    """
    try:
        _check_state(body)
        _check_plain(body)
        tools = _tools(body.get("tools"))
        choice = _tool_choice(body.get("tool_choice"), tools)
        turns = _turns(body.get("input"))
        instructions = str(body.get("instructions") or "")
        summary = summaries.summary_text(turns, body.get("text")) if summaries.wanted(instructions, turns) else None
        _check_text(body.get("text"), summarised=summary is not None)
        return Wanted(body, Ask(instructions, turns, tools, choice), bool(body.get("stream")), summary)
    except ClientError as problem:
        raise bad_request(problem) from problem


def _check_state(body: Body) -> None:
    for name, instead in _STATE.items():
        if body.get(name) not in (None, False):
            message = f"This server keeps no state between requests, so '{name}' cannot be used: {instead}."
            raise ApiError(400, "unsupported_parameter", message, name)


def _check_plain(body: Body) -> None:
    kinds: dict[str, type] = {
        "model": str,
        "instructions": str,
        "stream": bool,
        "store": bool,
        "parallel_tool_calls": bool,
        "temperature": float,
        "top_p": float,
        "max_output_tokens": int,
        "metadata": dict,
        "text": dict,
    }
    for name, kind in kinds.items():
        if body.get(name) is not None:
            of_type(body[name], name, kind)
    for key, value in (body.get("metadata") or {}).items():
        of_type(value, f"metadata.{key}", str)


def _check_text(options: Body | None, *, summarised: bool) -> None:
    form = (options or {}).get("format")
    if form is None:
        return
    kind = required(of_type(form, "text.format", dict), "type", str)
    if kind not in _TEXT_FORMATS:
        raise unsupported("text.format.type", kind, _TEXT_FORMATS)
    if kind == "json_schema":
        for name, wanted in (("name", str), ("schema", dict)):
            if form.get(name) is None:
                raise missing(f"text.format.{name}")
            of_type(form[name], f"text.format.{name}", wanted)
    if kind != "text" and not summarised:
        message = "This engine writes JSON only for a summary: ask for one in 'instructions', or for plain text."
        raise ApiError(400, "unsupported_value", message, "text.format")


def _tools(given: object) -> tuple[Body, ...]:
    tools = [] if given is None else of_type(given, "tools", list)
    for n, tool in enumerate(tools):
        where = f"tools[{n}]"
        kind = of_type(tool, where, dict).get("type")
        if kind != "function":
            raise unsupported(f"{where}.type", kind, ["function"])
        if not tool.get("name"):
            raise missing(f"{where}.name")
        of_type(tool["name"], f"{where}.name", str)
        for name, wanted in (("description", str), ("parameters", dict), ("strict", bool)):
            if tool.get(name) is not None:
                of_type(tool[name], f"{where}.{name}", wanted)
    return tuple(tools)


def _tool_choice(given: object, tools: tuple[Body, ...]) -> Any:
    if given is None:
        return "auto"
    if isinstance(given, str):
        if given not in _CHOICES:
            raise unsupported("tool_choice", given, _CHOICES)
        return given
    if not isinstance(given, dict):
        raise wrong_type("tool_choice", "a string or an object", given)
    if given.get("type") != "function":
        raise unsupported("tool_choice.type", given.get("type"), ["function"])
    if given.get("name") not in {tool["name"] for tool in tools}:
        message = f"Invalid 'tool_choice': there is no tool '{given.get('name')}' in 'tools'."
        raise ClientError("invalid_value", message, "tool_choice")
    return given


def _turns(given: object) -> tuple[Turn, ...]:
    if given is None:
        raise missing("input", "text, or a list of messages")
    if isinstance(given, str):
        return (Turn("user", given),)
    if not isinstance(given, list):
        raise wrong_type("input", "a string or an array", given)
    turns = [_turn(item, f"input[{n}]") for n, item in enumerate(given)]
    return tuple(turn for turn in turns if turn is not None)


def _turn(given: object, where: str) -> Turn | None:
    item: Body = of_type(given, where, dict)
    kind = item.get("type") or "message"
    if kind == "function_call":
        name, arguments, call_id = (_text(item, where, field) for field in ("name", "arguments", "call_id"))
        return Turn("call", arguments or "{}", name, call_id)
    if kind == "function_call_output":
        return Turn("result", _content(item.get("output"), f"{where}.output"), call_id=_text(item, where, "call_id"))
    if kind == "reasoning":
        return None  # another model's private thoughts, sent back as they came
    if kind == "item_reference":
        message = "This server keeps no items, so 'item_reference' cannot be used: send the item itself."
        raise ClientError("unsupported_value", message, f"{where}.type")
    if kind != "message":
        raise unsupported(f"{where}.type", kind, ["message", "function_call", "function_call_output"])
    role = item.get("role")
    if role not in _ROLES:
        raise unsupported(f"{where}.role", role, _ROLES)
    return Turn("system" if role == "developer" else str(role), _content(item.get("content"), f"{where}.content"))


def _text(item: Body, where: str, name: str) -> str:
    if item.get(name) is None:
        raise missing(f"{where}.{name}")
    return str(of_type(item[name], f"{where}.{name}", str))


def _content(given: object, where: str) -> str:
    if given is None:
        raise missing(where)
    if isinstance(given, str):
        return given
    if not isinstance(given, list):
        raise wrong_type(where, "a string or an array", given)
    return " ".join(_part(part, f"{where}[{n}]") for n, part in enumerate(given))


def _part(given: object, where: str) -> str:
    part: Body = of_type(given, where, dict)
    field = _TEXT_PARTS.get(str(part.get("type")))
    if field is None:
        raise unsupported(f"{where}.type", part.get("type"), ["input_text", "output_text"])
    return _text(part, where, field)
