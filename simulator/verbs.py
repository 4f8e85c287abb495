"""TwiML's verbs as data, each as far as the stand-in acts it out. URLs are absolute; times are seconds of call time."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Say:
    """Words that Twilio itself speaks."""

    text: str
    language: str = "en-US"
    voice: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence, in seconds of call time."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Play:
    """A WAV that Twilio fetches and plays; anything else is noted and skipped."""

    url: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Do not answer; `reason` is `rejected` or `busy`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with the TwiML at `url`."""

    url: str
    method: str


@dataclass(frozen=True, slots=True)
class ConnectStream:
    """A bidirectional media stream; the TwiML behind it runs when the server closes the socket."""

    url: str
    name: str
    parameters: dict[str, str]
    action: str
    method: str
    status_callback: str
    status_callback_method: str


@dataclass(frozen=True, slots=True)
class StartRecording:
    """`<Start><Recording>`: record from here on."""

    channels: str
    track: str
    callback: str
    method: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gather:
    """Keys asked for while `prompts` are played; `action` gets them. `timeout` runs from the end of the prompts or the
    last key. `digits` 0 means any number of them."""

    action: str
    method: str = "POST"
    digits: int = 0
    timeout: float = 5.0
    finish_on: str = "#"
    even_if_empty: bool = False
    prompts: tuple[Say | Play | Pause, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A voicemail: the caller's side from a beep to `timeout` of silence, a key, or `longest`."""

    action: str
    method: str = "POST"
    timeout: float = 5.0
    finish_on: str = "1234567890*#"
    longest: float = 3600.0
    beep: bool = True
    callback: str = ""
    callback_method: str = "POST"
    events: tuple[str, ...] = ("completed",)


@dataclass(frozen=True, slots=True)
class Number:
    """Somebody to be dialled. `url` is TwiML for that leg alone, before the two are connected."""

    number: str
    url: str = ""
    method: str = "POST"
    callback: str = ""
    callback_method: str = "POST"
    events: tuple[str, ...] = ("completed",)


@dataclass(frozen=True, slots=True)
class Dial:
    """A second leg, connected to this one; several numbers ring at a time and the first to be connected wins."""

    numbers: tuple[Number, ...]
    action: str = ""
    method: str = "POST"
    timeout: float = 30.0
    caller_id: str = ""
    time_limit: float = 14400.0
    answer_on_bridge: bool = False


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A verb that this stand-in does not act out."""

    verb: str
    why: str


Verb = (
    Say
    | Pause
    | Play
    | Hangup
    | Reject
    | Redirect
    | ConnectStream
    | StartRecording
    | Gather
    | Record
    | Dial
    | Unsupported
)


@dataclass(slots=True)
class Document:
    """One TwiML answer: its verbs in order, and the URL that relative ones inside it refer to."""

    verbs: list[Verb]
    base_url: str = ""
    warnings: list[str] = field(default_factory=list)
