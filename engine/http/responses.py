"""`POST /v1/responses`: text in, text out, with the same brain as the telephone's."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from engine.http import summaries
from engine.http.errors import ApiError
from engine.realtime.brain import Ask, Brain, Output, Say, Turn
from engine.realtime.protocol import new_id

Body = dict[str, Any]


async def create(raw: bytes, brain: Brain) -> Body:
    """Answer one request. Raises `ApiError` 400 naming the field."""
    body = _parse(raw)
    turns = _turns(body.get("input"))
    instructions = str(body.get("instructions") or "")
    if summaries.wanted(instructions, turns):
        return _response(body, [_message(summaries.summary_text(turns, body.get("text")))])
    tools = tuple(tool for tool in body.get("tools") or () if isinstance(tool, dict))
    ask = Ask(instructions, tuple(turns), tools, body.get("tool_choice") or "auto")
    return _response(body, [_output(one) async for one in brain.reply(ask)])


def _parse(raw: bytes) -> Body:
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError as problem:
        raise ApiError(400, "invalid_json", f"The body is not valid JSON: {problem}.") from problem
    if not isinstance(body, dict):
        raise ApiError(400, "invalid_type", "The body must be a JSON object.")
    return body


def _turns(given: object) -> list[Turn]:
    if isinstance(given, str):
        return [Turn("user", given)]
    if not isinstance(given, list):
        raise ApiError(
            400,
            "missing_required_parameter",
            "Missing required parameter: 'input' (text, or a list of messages).",
            "input",
        )
    return [_turn(item) for item in given if isinstance(item, dict)]


def _turn(item: Body) -> Turn:
    if item.get("type") == "function_call":
        return Turn("call", str(item.get("arguments") or "{}"), str(item.get("name")), str(item.get("call_id")))
    if item.get("type") == "function_call_output":
        return Turn("result", str(item.get("output") or ""), call_id=str(item.get("call_id")))
    content = item.get("content")
    if isinstance(content, list):
        content = " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    role = str(item.get("role", "user"))
    return Turn("system" if role == "developer" else role, str(content or ""))


def _output(one: Output) -> Body:
    if isinstance(one, Say):
        return _message(one.text)
    made = {"type": "function_call", "id": new_id("fc"), "call_id": new_id("call"), "status": "completed"}
    return {**made, "name": one.name, "arguments": one.arguments}


def _message(text: str) -> Body:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "message", "id": new_id("msg"), "status": "completed", "role": "assistant", "content": [part]}


def _response(body: Body, output: list[Body]) -> Body:
    words = sum(len(str(item)) for item in output) // 4
    read = len(str(body.get("input"))) // 4
    return {
        "id": new_id("resp"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": body.get("metadata") or {},
        "model": str(body.get("model") or "frontdesk"),
        "output": output,
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": None,
        "text": body.get("text") or {"format": {"type": "text"}},
        "usage": {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": words,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": read + words,
        },
    }
