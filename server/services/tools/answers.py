"""What a tool answers: words for the caller, data for the model, and what the call itself must do about it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

MOST_CHARS: Final = 6000
"""The longest answer the model is given; a longer one costs it the rest of the conversation."""
FAILED: Final = "That did not work just now. I can take a message instead."


@dataclass(frozen=True, slots=True)
class Transfer:
    """Put the caller through: whom the model asked for, and the number, which the model never sees.

    `warm` has the colleague hear what it is about, and accept by key, before the two are connected.
    """

    target_id: int
    name: str
    phone_e164: str = field(repr=False)
    reason: str = ""
    warm: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """A tool's answer. `message` is in words for the caller; `effect` is for the media layer to carry out."""

    ok: bool
    message: str
    data: dict[str, Any] = field(default_factory=dict)
    effect: Transfer | None = None

    def as_json(self) -> str:
        """`{"ok": …, "message": …, …data}`, of bounded size: data that does not fit is left out, and that is said."""
        text = json.dumps({"ok": self.ok, "message": self.message, **self.data}, ensure_ascii=False)
        if len(text) <= MOST_CHARS:
            return text
        short = self.message if len(self.message) <= MOST_CHARS // 2 else f"{self.message[: MOST_CHARS // 2]} …"
        return json.dumps({"ok": self.ok, "message": short, "left_out": sorted(self.data)}, ensure_ascii=False)


class BadArguments(ValueError):
    """The model's arguments can't be used; the message tells the model which field, and what to do."""
