"""TwiML as the stand-in understands it: `Connect/Stream`, `Say`, `Play`, `Pause`, `Hangup`, `Reject`, `Redirect`,
`Start/Recording`. Anything else becomes `Unsupported`, with the reason in words, and the call goes on behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin
from xml.etree import ElementTree

LIMIT_BYTES = 64 * 1024


class TwimlError(ValueError):
    """The server's answer is not TwiML; the message quotes what it is."""


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
    """A file that Twilio would fetch and play; noted, not played."""

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
class Unsupported:
    """A verb that this stand-in does not act out."""

    verb: str
    why: str


Verb = Say | Pause | Play | Hangup | Reject | Redirect | ConnectStream | StartRecording | Unsupported


@dataclass(slots=True)
class Document:
    """One TwiML answer: its verbs in order, and the URL that relative ones inside it refer to."""

    verbs: list[Verb]
    base_url: str = ""
    warnings: list[str] = field(default_factory=list)


def parse_twiml(body: bytes | str, base_url: str = "") -> Document:
    """Read an answer. Relative URLs are resolved against `base_url`. Raises `TwimlError`."""
    raw = body.encode() if isinstance(body, str) else body
    if len(raw) > LIMIT_BYTES:
        raise TwimlError(f"the TwiML is {len(raw)} bytes long; Twilio takes at most {LIMIT_BYTES}")
    try:
        root = ElementTree.fromstring(raw.strip())  # noqa: S314  the rehearsed server's own answer, bounded above
    except ElementTree.ParseError as problem:
        raise TwimlError(f"the answer is not TwiML ({problem}): {_shown(raw)}") from problem
    if root.tag != "Response":
        raise TwimlError(f"the TwiML's root is <{root.tag}>, not <Response>: {_shown(raw)}")
    return Document([_verb(element, base_url) for element in root], base_url)


def _shown(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace").strip()
    return repr(text[:120] + ("…" if len(text) > 120 else "")) if text else "an empty body"


def _verb(element: ElementTree.Element, base: str) -> Verb:
    reader = _READERS.get(element.tag)
    return (
        reader(element, base) if reader else Unsupported(element.tag, _WHY.get(element.tag, "unknown to the stand-in"))
    )


def _text(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _say(element: ElementTree.Element, _base: str) -> Verb:
    return Say(_text(element), element.get("language", "en-US"), element.get("voice", ""))


def _pause(element: ElementTree.Element, _base: str) -> Verb:
    try:
        return Pause(max(0.0, float(element.get("length", "1"))))
    except ValueError:
        return Unsupported("Pause", f"length={element.get('length')!r} is not a number of seconds")


def _play(element: ElementTree.Element, base: str) -> Verb:
    return Play(urljoin(base, _text(element)))


def _hangup(_element: ElementTree.Element, _base: str) -> Verb:
    return Hangup()


def _reject(element: ElementTree.Element, _base: str) -> Verb:
    return Reject(element.get("reason", "rejected"))


def _redirect(element: ElementTree.Element, base: str) -> Verb:
    return Redirect(urljoin(base, _text(element)), element.get("method", "POST").upper())


def _connect(element: ElementTree.Element, base: str) -> Verb:
    stream = element.find("Stream")
    if stream is None:
        nouns = ", ".join(f"<{child.tag}>" for child in element) or "nothing"
        return Unsupported("Connect", f"only <Stream> inside <Connect> is acted out, not {nouns}")
    action = element.get("action", "")
    return ConnectStream(
        url=stream.get("url", "").strip(),
        name=stream.get("name", ""),
        parameters={item.get("name", ""): item.get("value", "") for item in stream.findall("Parameter")},
        action=urljoin(base, action) if action else "",
        method=element.get("method", "POST").upper(),
        status_callback=urljoin(base, stream.get("statusCallback", "")) if stream.get("statusCallback") else "",
        status_callback_method=stream.get("statusCallbackMethod", "POST").upper(),
    )


def _start(element: ElementTree.Element, base: str) -> Verb:
    recording = element.find("Recording")
    if recording is None:
        nouns = ", ".join(f"<{child.tag}>" for child in element) or "nothing"
        why = f"only <Recording> inside <Start> is acted out, not {nouns}; a voice agent needs <Connect><Stream>"
        return Unsupported("Start", why)
    callback = recording.get("recordingStatusCallback", "")
    return StartRecording(
        channels=recording.get("channels", "dual"),
        track=recording.get("track", "both"),
        callback=urljoin(base, callback) if callback else "",
        method=recording.get("recordingStatusCallbackMethod", "POST").upper(),
        events=tuple(recording.get("recordingStatusCallbackEvent", "completed").split()),
    )


_READERS: dict[str, Callable[[ElementTree.Element, str], Verb]] = {
    "Say": _say,
    "Pause": _pause,
    "Play": _play,
    "Hangup": _hangup,
    "Reject": _reject,
    "Redirect": _redirect,
    "Connect": _connect,
    "Start": _start,
}

_WHY = {
    "Dial": "a second leg is not acted out; the TwiML behind it is run as if nobody had answered",
    "Gather": "keypad and speech input by Twilio are not acted out",
    "Record": "voicemail by <Record> is not acted out; use <Start><Recording> or the REST API",
    "Stop": "streams and recordings end with the call",
}
