"""What happens to a call session: facts from the phone stream, from the realtime model, and from our own tools.

Names follow the wire (shared facts: OpenAI Realtime GA server events, Twilio Media Streams messages). Audio and the
agent's words as they are generated are not events: the bridge hands them to the session directly.
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
class StreamBroken:
    """The phone stream sent something that is no message of its protocol: it can't be served any further."""

    why: str


@dataclass(frozen=True, slots=True)
class Dtmf:
    """The caller pressed a key."""

    digit: str


@dataclass(frozen=True, slots=True)
class SessionUpdated:
    """The model took our configuration, for the first time or after it was dialled again."""


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
    """The model's voice detection heard the caller begin. `echo`: it sounds like what we were playing just before."""

    item_id: str
    echo: bool = False


@dataclass(frozen=True, slots=True)
class EchoChecked:
    """The answer to `CheckEcho`."""

    item_id: str
    echo: bool


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """… and end; it comes `silence_ms` after the last sound."""

    item_id: str


@dataclass(frozen=True, slots=True)
class Committed:
    """An utterance is whole and in the conversation."""

    item_id: str


@dataclass(frozen=True, slots=True)
class CallerTranscript:
    """The caller's words; may come after the agent's reply. Empty when the transcription failed."""

    item_id: str
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """The model reported an error or the connection is gone.

    `fatal` means that this connection can't go on; `about` names the request that was refused (`CreateResponse.key`).
    """

    code: str
    message: str
    fatal: bool
    about: str = ""


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool's result, as JSON text for the model."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class TransferFailed:
    """A transfer did not come about while the stream is still up; `output` is JSON text that tells the model why."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class ServiceStopping:
    """This server is about to stop: calls that are still going on must say goodbye."""


Event = (
    MarkReturned
    | StreamStopped
    | StreamBroken
    | Dtmf
    | SessionUpdated
    | ResponseCreated
    | ItemAdded
    | TranscriptDone
    | ResponseDone
    | SpeechStarted
    | EchoChecked
    | SpeechStopped
    | Committed
    | CallerTranscript
    | ModelFailed
    | ToolFinished
    | TransferFailed
    | ServiceStopping
)
