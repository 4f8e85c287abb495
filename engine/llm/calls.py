"""The tool calls of one streamed reply: put together from deltas of every server's shape, then checked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.realtime.brain import Call


@dataclass(slots=True)
class DraftCall:
    """A call as far as it has come."""

    name: str = ""
    arguments: str = ""
    id: str = ""
    index: int | None = None


class CallCollector:
    """✅ OWNER of one reply's unfinished calls.

    OpenAI, vLLM and llama.cpp give each call an `index` and its arguments in pieces. Ollama sends a call whole, several
    of them under one index in older versions. Some servers leave `index` or `id` out, repeat the id and name in every
    piece, or send the arguments as an object.
    """

    def __init__(self) -> None:
        self.drafts: list[DraftCall] = []

    def feed(self, piece: Any) -> None:
        """One entry of a delta's `tool_calls`, with any of its fields missing."""
        function = getattr(piece, "function", None)
        name, arguments = (getattr(function, field, None) or "" for field in ("name", "arguments"))
        index, call_id = getattr(piece, "index", None), getattr(piece, "id", None) or ""
        draft = self._continued(index, call_id, name)
        if draft is None:
            draft = DraftCall(index=index)
            self.drafts.append(draft)
        draft.id = draft.id or call_id
        draft.name = draft.name or name
        draft.arguments += arguments if isinstance(arguments, str) else json.dumps(arguments)

    def _continued(self, index: int | None, call_id: str, name: str) -> DraftCall | None:
        """The draft that a piece goes on with; None when it begins a new call."""
        if index is not None:
            same = [draft for draft in self.drafts if draft.index == index]
        elif call_id:
            same = [draft for draft in self.drafts if draft.id == call_id] or self._nameless()
        else:
            same = self.drafts
        draft = same[-1] if same else None
        if draft is None or not name:
            return draft
        other_id = bool(call_id and draft.id and call_id != draft.id)
        whole_already = not call_id and bool(draft.name) and arguments_object(draft.arguments) is not None
        return None if other_id or (whole_already and draft.arguments) else draft

    def _nameless(self) -> list[DraftCall]:
        return [draft for draft in self.drafts[-1:] if not draft.id and not draft.name]


def arguments_object(arguments: str) -> dict[str, Any] | None:
    """The arguments as an object: nothing means none, and an object that was encoded twice counts; else None."""
    given: Any = arguments.strip() or "{}"
    for _ in range(2):
        if isinstance(given, str):
            try:
                given = json.loads(given)
            except ValueError:
                return None
    return given if isinstance(given, dict) else None


def written_call(text: str) -> DraftCall:
    """A call that a model wrote out in its words, as JSON with `name` and `arguments` or `parameters`."""
    given = arguments_object(text)
    if given is None or not isinstance(given.get("name"), str):
        return DraftCall(arguments=text or "?")
    arguments = given.get("arguments", given.get("parameters", {}))
    return DraftCall(given["name"], arguments if isinstance(arguments, str) else json.dumps(arguments))


def checked(drafts: Iterable[DraftCall], tools: Iterable[dict[str, Any]]) -> tuple[list[Call], list[str]]:
    """The calls that can be made, and what is wrong with the others, in words for the model."""
    names = [str(tool["name"]) for tool in tools]
    calls: list[Call] = []
    wrong: list[str] = []
    for draft in drafts:
        arguments = arguments_object(draft.arguments)
        if draft.name not in names:
            known = f"the tools are: {', '.join(names)}" if names else "there are no tools"
            wrong.append(f"there is no tool '{draft.name[:64]}' ({known})")
        elif arguments is None:
            wrong.append(f"the arguments of '{draft.name}' are not one JSON object")
        else:
            calls.append(Call(draft.name, json.dumps(arguments, ensure_ascii=False)))
    return calls, wrong
