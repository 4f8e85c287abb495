"""What happens to a call session: facts from the phone stream, from the realtime model, and from our own tools.

Names follow the wire (shared facts: OpenAI Realtime GA server events, Twilio Media Streams messages). Audio itself is
not an event: the bridge carries it, and only tells the session how much of the agent's passed.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MarkReturned:
    """Twilio played everything up to this mark, or dropped it on `clear`."""

    name: str


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """The phone stream ended: the caller hung up, or the call was ended elsewhere."""


@dataclass(frozen=True, slots=True)
class Dtmf:
    """The caller pressed a key."""

    digit: str


@dataclass(frozen=True, slots=True)
class SessionUpdated:
    """The model took our configuration."""


@dataclass(frozen=True, slots=True)
class ResponseCreated:
    """The model began a response."""

    response_id: str


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """A conversation item got its place; the order of these is the order of the conversation."""

    item_id: str
    kind: str
    role: str


@dataclass(frozen=True, slots=True)
class TranscriptDone:
    """The words of an agent's audio item, complete or as far as it was generated."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A tool the model wants run."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ResponseDone:
    """A response ended: completed, cancelled, failed or incomplete."""

    response_id: str
    status: str
    calls: tuple[FunctionCall, ...] = field(default=())
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The model's voice detection heard the caller begin."""

    item_id: str


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """… and end; it comes `silence_ms` after the last sound."""

    item_id: str


@dataclass(frozen=True, slots=True)
class CallerTranscript:
    """The caller's words; may come after the agent's reply. Empty when the transcription failed."""

    item_id: str
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """The model reported an error or the connection is gone. `fatal` means that the call can't go on with it."""

    code: str
    message: str
    fatal: bool


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool's result, as JSON text for the model."""

    call_id: str
    output: str


Event = (
    MarkReturned
    | StreamStopped
    | Dtmf
    | SessionUpdated
    | ResponseCreated
    | ItemAdded
    | TranscriptDone
    | ResponseDone
    | SpeechStarted
    | SpeechStopped
    | CallerTranscript
    | ModelFailed
    | ToolFinished
)
