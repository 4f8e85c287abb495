"""A conversation as one request to `/v1/chat/completions`, in the form that every chat server and template accepts.

Source of the shapes: OpenAI's chat completions reference, and what stricter servers refuse: a call without its result,
`null` content, a call id that is not nine letters and digits (Mistral's templates), arguments that are no JSON object
(Ollama), two messages of one role in a row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import takewhile
from typing import Any

from engine.realtime.brain import Ask, Turn

Message = dict[str, Any]
Request = dict[str, Any]

SPOKEN = (
    "Your replies are spoken aloud to a caller on the telephone. Answer in one to three short sentences of plain "
    "words: no markdown, no lists, no emoji. Use the tools you are given when the caller's wish needs one, and say "
    "that something is done only after its tool said so."
)
UNFINISHED = "This call has not finished: its result is not known yet."
_NO_OUTPUT = "(no output)"
_NOBODY_SPOKE = "(The caller is on the line and has said nothing yet.)"


def chat_request(ask: Ask, model: str) -> Request:
    """The request's body. Tools that are no functions are left out; nothing the server must guess is put in."""
    request: Request = {"model": model, "messages": _messages(ask), "stream": True}
    tools = offered(ask)
    if tools:
        request["tools"] = [_nested(tool) for tool in tools]
        choice = _choice(ask.tool_choice, tools)
        if choice is not None:
            request["tool_choice"] = choice
    return request


def offered(ask: Ask) -> list[dict[str, Any]]:
    """The function tools that the model may call in this reply: none when the choice is `none`."""
    if ask.tool_choice == "none":
        return []
    return [tool for tool in ask.tools if tool.get("type") == "function" and tool.get("name")]


def with_note(request: Request, said: list[str], note: str) -> Request:
    """The same request after a reply that cannot be used: what was said of it, and a word to the model about it."""
    messages = list(request["messages"])
    if said:
        _add(messages, "assistant", " ".join(said))
    _add(messages, "system", note)
    return {**request, "messages": messages}


def folded(request: Request) -> Request:
    """The same request for templates that take one system message at the front, and callers and model in turn."""
    head, *others = request["messages"]
    messages: list[Message] = [head]
    if others and others[0]["role"] == "assistant":
        _add(messages, "user", _NOBODY_SPOKE)
    for message in others:
        if message["role"] == "system":
            _add(messages, "user", f"(Not said by the caller: {message['content']})")
        elif message["role"] == "user":
            _add(messages, "user", message["content"])
        else:
            messages.append(message)
    return {**request, "messages": messages}


def _messages(ask: Ask) -> list[Message]:
    turns = [turn for turn in ask.turns if turn.role in ("call", "result") or turn.text.strip()]
    context = [turn.text for turn in takewhile(lambda turn: turn.role == "system", turns)]
    head = "\n\n".join(text.strip() for text in (ask.instructions, SPOKEN, *context) if text.strip())
    messages: list[Message] = [{"role": "system", "content": head}]
    _Script(messages, turns).add(turns[len(context) :])
    if not any(message["role"] == "user" for message in messages):
        messages.insert(1, {"role": "user", "content": _NOBODY_SPOKE})
    if ask.once:
        _add(messages, "system", f"For your next reply only: {ask.once}")
    return messages


class _Script:
    """✅ OWNER of the pairing of calls and results: each result stands right behind its call, under ids of our own."""

    def __init__(self, messages: list[Message], turns: Iterable[Turn]) -> None:
        self._messages = messages
        self._results = {turn.call_id: turn.text for turn in turns if turn.role == "result"}
        self._called = {turn.call_id for turn in turns if turn.role == "call"}
        self._calls = 0

    def add(self, turns: list[Turn]) -> None:
        """Write the turns down as messages."""
        at = 0
        while at < len(turns):
            calls = list(takewhile(lambda turn: turn.role == "call", turns[at:]))
            if calls:
                self._add_calls(calls)
            else:
                self._add_turn(turns[at])
            at += len(calls) or 1

    def _add_turn(self, turn: Turn) -> None:
        if turn.role != "result":
            _add(self._messages, turn.role if turn.role in ("system", "assistant") else "user", turn.text)
        elif turn.call_id not in self._called:
            _add(self._messages, "system", f"An earlier tool call gave: {turn.text or _NO_OUTPUT}")

    def _add_calls(self, calls: list[Turn]) -> None:
        ids = [f"call{self._calls + n:05d}" for n in range(len(calls))]
        self._calls += len(calls)
        made = [
            {"id": one, "type": "function", "function": {"name": call.name, "arguments": _object(call.text)}}
            for one, call in zip(ids, calls, strict=True)
        ]
        last = self._messages[-1]
        if last["role"] == "assistant" and "tool_calls" not in last:
            last["tool_calls"] = made
        else:
            self._messages.append({"role": "assistant", "content": "", "tool_calls": made})
        for one, call in zip(ids, calls, strict=True):
            text = self._results.get(call.call_id, UNFINISHED) or _NO_OUTPUT
            self._messages.append({"role": "tool", "tool_call_id": one, "content": text})


def _add(messages: list[Message], role: str, text: str) -> None:
    """Add a message, or lengthen the last one of the same role."""
    last = messages[-1]
    if last["role"] == role and "tool_calls" not in last and len(messages) > 1:
        messages[-1] = {**last, "content": f"{last['content']}\n{text}"}
    else:
        messages.append({"role": role, "content": text})


def _object(arguments: str) -> str:
    try:
        given = json.loads(arguments or "{}")
    except ValueError:
        return "{}"
    return arguments if isinstance(given, dict) and arguments else "{}"


def _nested(tool: dict[str, Any]) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool["name"]}
    if tool.get("description"):
        function["description"] = tool["description"]
    function["parameters"] = tool.get("parameters") or {"type": "object", "properties": {}}
    return {"type": "function", "function": function}


def _choice(choice: Any, tools: list[dict[str, Any]]) -> Any:
    """`auto` is what every server does unasked, and some refuse to be told; a tool that is not there can't be asked."""
    if choice == "required":
        return choice
    name = choice.get("name") if isinstance(choice, dict) and choice.get("type") == "function" else None
    if name and any(tool["name"] == name for tool in tools):
        return {"type": "function", "function": {"name": name}}
    return None
