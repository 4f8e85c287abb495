"""Reads TwiML into `simulator.verbs`. A verb that is not acted out becomes `Unsupported`, with the reason in words, and
the call goes on behind it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin
from xml.etree import ElementTree

from simulator.verbs import (
    ConnectStream,
    Dial,
    Document,
    Gather,
    Hangup,
    Number,
    Pause,
    Play,
    Record,
    Redirect,
    Reject,
    Say,
    StartRecording,
    Unsupported,
    Verb,
)

LIMIT_BYTES = 64 * 1024
MAX_NUMBERS = 10


class TwimlError(ValueError):
    """The server's answer is not TwiML; the message quotes what it is."""


class _BadAttribute(ValueError):
    """An attribute that cannot be read; the message names it."""


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
    document = Document([], base_url)
    document.verbs = [_verb(_Element(element, base_url, document)) for element in root]
    return document


def _shown(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace").strip()
    return repr(text[:120] + ("…" if len(text) > 120 else "")) if text else "an empty body"


class _Element:
    """One element, read with the document's base URL."""

    def __init__(self, xml: ElementTree.Element, base: str, document: Document) -> None:
        self.xml, self.base, self.document = xml, base, document

    def get(self, name: str, default: str = "") -> str:
        return self.xml.get(name, default).strip()

    def url(self, name: str, default: str = "") -> str:
        """An attribute that names a URL; empty when it is not given."""
        given = self.get(name)
        return urljoin(self.base, given) if given else default

    def method(self, name: str = "method") -> str:
        return self.get(name, "POST").upper()

    def seconds(self, name: str, default: float) -> float:
        given = self.get(name)
        if not given:
            return default
        try:
            return max(0.0, float(given))
        except ValueError:
            raise _BadAttribute(f"{name}={given!r} is not a number of seconds") from None

    def flag(self, name: str, *, default: bool) -> bool:
        return self.get(name, str(default)).lower() == "true"

    def words(self, name: str, default: str) -> tuple[str, ...]:
        return tuple(self.get(name, default).split())

    def text(self) -> str:
        return " ".join("".join(self.xml.itertext()).split())

    def children(self) -> list[_Element]:
        return [_Element(child, self.base, self.document) for child in self.xml]

    def child(self, tag: str) -> _Element | None:
        return next((item for item in self.children() if item.xml.tag == tag), None)

    def names(self) -> str:
        return ", ".join(f"<{child.tag}>" for child in self.xml) or "nothing"


def _verb(element: _Element) -> Verb:
    tag = element.xml.tag
    reader = _READERS.get(tag)
    if reader is None:
        return Unsupported(tag, _WHY.get(tag, "unknown to the stand-in"))
    try:
        return reader(element)
    except _BadAttribute as problem:
        return Unsupported(tag, str(problem))


def _say(element: _Element) -> Say:
    return Say(element.text(), element.get("language", "en-US"), element.get("voice"))


def _pause(element: _Element) -> Pause:
    return Pause(element.seconds("length", 1.0))


def _play(element: _Element) -> Play:
    return Play(urljoin(element.base, element.text()))


def _hangup(_element: _Element) -> Hangup:
    return Hangup()


def _reject(element: _Element) -> Reject:
    return Reject(element.get("reason", "rejected"))


def _redirect(element: _Element) -> Redirect:
    return Redirect(urljoin(element.base, element.text()), element.method())


def _connect(element: _Element) -> Verb:
    stream = element.child("Stream")
    if stream is None:
        return Unsupported("Connect", f"only <Stream> inside <Connect> is acted out, not {element.names()}")
    return ConnectStream(
        url=stream.get("url"),
        name=stream.get("name"),
        parameters={item.get("name"): item.xml.get("value", "") for item in stream.children()},
        action=element.url("action"),
        method=element.method(),
        status_callback=stream.url("statusCallback"),
        status_callback_method=stream.method("statusCallbackMethod"),
    )


def _start(element: _Element) -> Verb:
    recording = element.child("Recording")
    if recording is None:
        why = (
            f"only <Recording> inside <Start> is acted out, not {element.names()}; a voice agent needs "
            "<Connect><Stream>"
        )
        return Unsupported("Start", why)
    return StartRecording(
        channels=recording.get("channels", "dual"),
        track=recording.get("track", "both"),
        callback=recording.url("recordingStatusCallback"),
        method=recording.method("recordingStatusCallbackMethod"),
        events=recording.words("recordingStatusCallbackEvent", "completed"),
    )


def _gather(element: _Element) -> Gather:
    if "speech" in element.get("input", "dtmf"):
        element.document.warnings.append("<Gather> listens to keys only here; speech is not recognised")
    prompts = [_verb(child) for child in element.children()]
    digits = element.get("numDigits")
    return Gather(
        action=element.url("action", element.base),
        method=element.method(),
        digits=int(digits) if digits.isdigit() else 0,
        timeout=element.seconds("timeout", 5.0) if element.get("timeout") != "auto" else 5.0,
        finish_on=element.get("finishOnKey", "#"),
        even_if_empty=element.flag("actionOnEmptyResult", default=False),
        prompts=tuple(verb for verb in prompts if isinstance(verb, Say | Play | Pause)),
    )


def _record(element: _Element) -> Record:
    return Record(
        action=element.url("action", element.base),
        method=element.method(),
        timeout=element.seconds("timeout", 5.0),
        finish_on=element.get("finishOnKey", "1234567890*#"),
        longest=element.seconds("maxLength", 3600.0) or 3600.0,
        beep=element.flag("playBeep", default=True),
        callback=element.url("recordingStatusCallback"),
        callback_method=element.method("recordingStatusCallbackMethod"),
        events=element.words("recordingStatusCallbackEvent", "completed"),
    )


def _number(element: _Element) -> Number:
    return Number(
        number=element.text(),
        url=element.url("url"),
        method=element.method(),
        callback=element.url("statusCallback"),
        callback_method=element.method("statusCallbackMethod"),
        events=element.words("statusCallbackEvent", "completed"),
    )


def _dial(element: _Element) -> Verb:
    others = [child.xml.tag for child in element.children() if child.xml.tag != "Number"]
    if others:
        return Unsupported("Dial", f"only numbers are dialled, not {', '.join(f'<{tag}>' for tag in others)}")
    numbers = [_number(child) for child in element.children()] or [Number(element.text())]
    if not all(number.number for number in numbers) or len(numbers) > MAX_NUMBERS:
        return Unsupported("Dial", f"it needs one to {MAX_NUMBERS} numbers, each of them written out")
    return Dial(
        numbers=tuple(numbers),
        action=element.url("action"),
        method=element.method(),
        timeout=element.seconds("timeout", 30.0),
        caller_id=element.get("callerId"),
        time_limit=element.seconds("timeLimit", 14400.0),
        answer_on_bridge=element.flag("answerOnBridge", default=False),
    )


_READERS: dict[str, Callable[[_Element], Verb]] = {
    "Say": _say,
    "Pause": _pause,
    "Play": _play,
    "Hangup": _hangup,
    "Reject": _reject,
    "Redirect": _redirect,
    "Connect": _connect,
    "Start": _start,
    "Gather": _gather,
    "Record": _record,
    "Dial": _dial,
}

_WHY = {"Stop": "streams and recordings end with the call"}
