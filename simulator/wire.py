"""Media Streams messages: built as text for the server, read and checked from it (protocols.md, section 2)."""

from __future__ import annotations

import binascii
import json
from dataclasses import dataclass

import msgspec

FRAME_BYTES = 160
FRAME_MS = 20


@dataclass(frozen=True, slots=True)
class Media:
    """Audio to be played: raw μ-law bytes of any length."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """To be sent back when playback reaches it."""

    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Forget what is not played yet."""


class BadMessage(ValueError):
    """What the server sent is no Media Streams message; Twilio would ignore it and log error 31951."""


class _MediaBody(msgspec.Struct):
    payload: str = ""


class _MarkBody(msgspec.Struct):
    name: str = ""


class _Envelope(msgspec.Struct, rename="camel"):
    event: str = ""
    stream_sid: str = ""
    media: _MediaBody | None = None
    mark: _MarkBody | None = None


_decoder = msgspec.json.Decoder(_Envelope)


def read_message(text: bytes, stream_sid: str) -> Media | Mark | Clear:
    """One message of the server's. Raises `BadMessage` saying what is wrong with it."""
    try:
        message = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise BadMessage(f"not a Media Streams message ({problem}): {text[:80]!r}") from problem
    if message.stream_sid != stream_sid:
        raise BadMessage(f"{message.event!r} names stream {message.stream_sid!r}; this stream is {stream_sid!r}")
    if message.event == "media" and message.media is not None:
        return Media(_audio(message.media.payload))
    if message.event == "mark" and message.mark is not None and message.mark.name:
        return Mark(message.mark.name)
    if message.event == "clear":
        return Clear()
    raise BadMessage(
        f"event {message.event!r} is not one that Twilio takes (media with a payload, mark with a name, clear)"
    )


def _audio(payload: str) -> bytes:
    try:
        return binascii.a2b_base64(payload.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as problem:
        raise BadMessage(f"a media payload is not base64 ({problem})") from problem


class Sender:
    """Builds what Twilio sends on one stream.

    ✅ OWNER: the stream's sequence and chunk numbers (strings on the wire, counted from 1).
    """

    def __init__(self, account_sid: str, call_sid: str, stream_sid: str) -> None:
        self._account, self._call, self.stream_sid = account_sid, call_sid, stream_sid
        self._sequence = 0
        self._chunk = 0

    def connected(self) -> str:
        """The first message; it carries no sequence number."""
        return '{"event":"connected","protocol":"Call","version":"1.0.0"}'

    def start(self, parameters: dict[str, str]) -> str:
        """The second message, with the `<Parameter>`s of the TwiML."""
        body: dict[str, object] = {
            "accountSid": self._account,
            "streamSid": self.stream_sid,
            "callSid": self._call,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": parameters,
        }
        return self._message("start", "start", body)

    def media(self, audio: bytes, at_ms: int) -> str:
        """Caller's audio; `at_ms` counts from the stream's start. Concatenated by hand: 50 a second and call."""
        self._sequence += 1
        self._chunk += 1
        payload = binascii.b2a_base64(audio, newline=False).decode("ascii")
        return (
            f'{{"event":"media","sequenceNumber":"{self._sequence}","media":{{"track":"inbound",'
            f'"chunk":"{self._chunk}","timestamp":"{at_ms}","payload":"{payload}"}},"streamSid":"{self.stream_sid}"}}'
        )

    def mark(self, name: str) -> str:
        """A mark on its way back."""
        return self._message("mark", "mark", {"name": name})

    def dtmf(self, digit: str) -> str:
        """One key pressed."""
        return self._message("dtmf", "dtmf", {"track": "inbound_track", "digit": digit})

    def stop(self) -> str:
        """The last message: the call ended or was redirected."""
        return self._message("stop", "stop", {"accountSid": self._account, "callSid": self._call})

    def _message(self, event: str, key: str, body: dict[str, object]) -> str:
        self._sequence += 1
        message = {"event": event, "sequenceNumber": str(self._sequence), key: body, "streamSid": self.stream_sid}
        return json.dumps(message, separators=(",", ":"))
