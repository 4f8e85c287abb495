"""What a call session wants done; the bridge does it and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """Ask the model to speak. `instructions` replace the session's for this response alone."""

    instructions: str | None = None
    tools: bool = True


@dataclass(frozen=True, slots=True)
class AddContext:
    """Add a system item to the conversation (who calls, what time it is)."""

    text: str


@dataclass(frozen=True, slots=True)
class ReturnToolOutput:
    """Give a tool's result to the model."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class Truncate:
    """Tell the model how much of an item was heard, in milliseconds of its audio."""

    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class ClearPlayback:
    """Drop what Twilio has buffered and not yet played."""


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a tool, off the event loop."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class RecordTurn:
    """Store a turn, or bring the stored one (same `item_id`) up to date. Times in ms from the call's start."""

    item_id: str
    sequence: int
    speaker: str
    message: str
    started_ms: int | None = None
    latency_ms: int | None = None
    heard: str | None = None
    heard_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Add a line to the call's timeline."""

    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call: close the stream, so that Twilio goes on after `<Connect>`."""

    reason: str


Command = (
    CreateResponse | AddContext | ReturnToolOutput | Truncate | ClearPlayback | RunTool | RecordTurn | Note | HangUp
)
