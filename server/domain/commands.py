"""What a call session wants done; the bridge does it and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """Ask the model to speak. `instructions` replace the session's for this response alone.

    `outside` keeps it out of the conversation: the model neither reads it nor remembers that it said it.
    """

    instructions: str | None = None
    tools: bool = True
    outside: bool = False
    key: str = field(default="", compare=False)
    """Names this request, so that a refusal can be told from another's."""


@dataclass(frozen=True, slots=True)
class CancelResponse:
    """Stop the response in progress."""

    response_id: str


@dataclass(frozen=True, slots=True)
class AddContext:
    """Add a system item to the conversation (who calls, what time it is)."""

    text: str


@dataclass(frozen=True, slots=True)
class AddMessage:
    """Add what was said (`speaker` user or assistant) as text, under our own item id."""

    item_id: str
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class AddToolCall:
    """Add a tool call that the model made on an earlier connection."""

    call_id: str
    name: str
    arguments: str


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
class DeleteItem:
    """Take an item out of the conversation."""

    item_id: str


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Dial the model again (attempts count from 1); events of the old connection are of no interest any more."""

    attempt: int


@dataclass(frozen=True, slots=True)
class ClearPlayback:
    """Drop what Twilio has buffered and not yet played."""


@dataclass(frozen=True, slots=True)
class Play:
    """Send audio to the phone: base64 of μ-law bytes, each piece with the mark to send after it."""

    pieces: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CheckEcho:
    """Compare once more what the caller's side sends with what was played to it; `EchoChecked` answers."""

    item_id: str


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a tool, off the event loop."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Put the caller through: the announcement has been heard. The stream's end is expected from here on."""

    call_id: str
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
class Answered:
    """An answer began so many milliseconds after the caller's last sound: for the metrics."""

    latency_ms: int


@dataclass(frozen=True, slots=True)
class Note:
    """Add a line to the call's timeline."""

    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call: close the stream, so that Twilio goes on after `<Connect>`."""

    reason: str


ModelCommand = (
    CreateResponse | CancelResponse | AddContext | AddMessage | AddToolCall | ReturnToolOutput | Truncate | DeleteItem
)
"""What goes to the model as it is."""

Command = (
    ModelCommand
    | Reconnect
    | ClearPlayback
    | Play
    | CheckEcho
    | RunTool
    | Transfer
    | RecordTurn
    | Answered
    | Note
    | HangUp
)
