"""What a session asks of whatever decides the words: our dialogue, or a language model behind the same port."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Protocol

_EXACTLY = re.compile(r"say exactly:?\s*[\"“](?P<text>.+)[\"”]", re.IGNORECASE | re.DOTALL)


class BrainFailed(Exception):
    """A reply could not be made or finished. `code` is for programs; the message has cause and remedy, no prompt."""

    code = "brain_failed"


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that happened in the conversation, in order.

    `role` is user, assistant, system, call (a function call: `name`, JSON arguments in `text`) or result (its output).
    """

    role: str
    text: str
    name: str = ""
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Everything a reply may depend on. `once` is `response.instructions`, meant for this reply only."""

    instructions: str
    turns: tuple[Turn, ...]
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: Any = "auto"
    once: str | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """Words for the caller: whole sentences. Those that follow without a call between are one message."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; `arguments` is a JSON object as text."""

    name: str
    arguments: str


Output = Say | Call


class Brain(Protocol):
    """Decides replies. Keeps nothing between them: a reply depends on its `Ask` alone."""

    def reply(self, ask: Ask) -> AsyncGenerator[Output, None]:
        """What to say and call, in order, each as soon as it is known: it is spoken while the rest is thought."""
        ...


def exact_words(once: str | None) -> str | None:
    """The words of `Say exactly: "…"` in instructions for one reply: whichever brain answers, nobody rephrases them."""
    found = _EXACTLY.search(once or "")
    return found["text"].strip() if found else None
