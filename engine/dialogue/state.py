"""Where a conversation stands: folded from its turns, kept nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time

from engine.dialogue.clock import TimeSaid
from engine.dialogue.context import CallContext
from engine.dialogue.knowledge import Knowledge
from engine.dialogue.tools import Tool


@dataclass(slots=True)
class Errand:
    """A tool being prepared: values by slot name; `asking` is the slot asked for; `confirming` waits for a yes.

    `said` are times as said, to be resolved again when their day changes; `part` ("morning") and `week` are what was
    said of a time or day without naming it; `options` are the times that a tool offered; `note` is what the next reply
    must say first; `last_day` a day that was named and cannot be; `wish` is how it began;
    `own` are the appointments (weekday, day, month, time) that a tool named, for the caller to say which.
    """

    tool: Tool
    values: dict[str, str] = field(default_factory=dict)
    said: dict[str, TimeSaid] = field(default_factory=dict)
    asking: str | None = None
    confirming: bool = False
    failures: int = 0
    refusals: int = 0
    called: bool = False
    part: str | None = None
    week: bool = False
    options: tuple[time, ...] = ()
    note: str = ""
    bad_day: bool = False
    last_day: str = ""
    wish: str = ""
    own: tuple[tuple[str, int, str, str], ...] = ()


@dataclass(slots=True)
class State:
    """The conversation so far.

    `offer` is what a yes or no now answers ("message", "more", "move or cancel"); `parked` is the errand to come back
    to; `last` the one done last; `name` the name that the caller gave; `later` holds what was asked for
    besides and waits for its turn.
    """

    errand: Errand | None = None
    parked: Errand | None = None
    last: Errand | None = None
    offer: str | None = None
    offered_text: str = ""
    later: list[str] = field(default_factory=list)
    misses: int = 0
    silences: int = 0
    said: str = ""
    name: str = ""
    topic: str = ""
    asked: str = ""
    leaving: bool = False
    left: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """What stays the same during one reply."""

    knowledge: Knowledge
    tools: list[Tool]
    context: CallContext
