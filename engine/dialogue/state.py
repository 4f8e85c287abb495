"""Where a conversation stands: folded from its turns, kept nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from engine.dialogue.knowledge import Knowledge
from engine.dialogue.tools import Tool


@dataclass(slots=True)
class Errand:
    """A tool being prepared: values by slot name; `asking` is the slot asked for; `confirming` waits for a yes."""

    tool: Tool
    values: dict[str, str] = field(default_factory=dict)
    asking: str | None = None
    confirming: bool = False
    failures: int = 0
    called: bool = False


@dataclass(slots=True)
class State:
    """The conversation so far. `offer` is what a yes or no now answers: "message", "more" or "number"."""

    errand: Errand | None = None
    offer: str | None = None
    offered_text: str = ""
    misses: int = 0
    said: str = ""
    topic: str = ""
    leaving: bool = False
    left: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """What stays the same during one reply."""

    knowledge: Knowledge
    tools: list[Tool]
    now: datetime
    number_known: bool
