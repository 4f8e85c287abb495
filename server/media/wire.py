"""Twilio Media Streams on the wire: what comes in, as far as it is read, and what goes out."""

from __future__ import annotations

from typing import Final

import msgspec
import picows


class Start(msgspec.Struct, rename="camel"):
    """What a stream is: its call, and the parameters our TwiML gave it."""

    call_sid: str = ""
    stream_sid: str = ""
    custom_parameters: dict[str, str] = {}


class Media(msgspec.Struct):
    """Audio: base64 of μ-law bytes, of any length."""

    payload: str = ""


class Named(msgspec.Struct):
    """A mark that came back."""

    name: str = ""


class Key(msgspec.Struct):
    """A key that was pressed."""

    digit: str = ""


class Frame(msgspec.Struct):
    """A message from Twilio Media Streams, as far as it is read; unknown fields are skipped without being built."""

    event: str
    media: Media | None = None
    mark: Named | None = None
    start: Start | None = None
    dtmf: Key | None = None


decode: Final = msgspec.json.Decoder(Frame).decode
"""A message from its JSON. Raises `msgspec.MsgspecError`, and `UnicodeDecodeError` for a text that is no UTF-8."""


def is_plain(payload: str) -> bool:
    """True for a payload that can stand between quotes as it is: no character of base64 needs escaping."""
    return payload.isascii() and '"' not in payload and "\\" not in payload


class Outgoing:
    """Writes to one stream. Messages are put together as text: no object is built per frame."""

    def __init__(self, phone: picows.WSTransport, stream_sid: str) -> None:
        sid = msgspec.json.encode(stream_sid).decode()
        self._send = phone.send
        self._media_head = '{"event":"media","streamSid":' + sid + ',"media":{"payload":"'
        self._mark_head = '{"event":"mark","streamSid":' + sid + ',"mark":{"name":"'
        self._clear = ('{"event":"clear","streamSid":' + sid + "}").encode()

    def audio(self, payload: str, mark: str) -> None:
        """Audio, and a mark that returns when it was played."""
        self._send(picows.WSMsgType.TEXT, (self._media_head + payload + '"}}').encode())
        self._send(picows.WSMsgType.TEXT, (self._mark_head + mark + '"}}').encode())

    def clear(self) -> None:
        """Drop what is buffered and not yet played."""
        self._send(picows.WSMsgType.TEXT, self._clear)
