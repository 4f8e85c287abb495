"""Calls without sockets: a phone's transport and a model in memory, for what must hold of very many calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import picows

from server import ports
from server.domain import commands as do
from server.domain import events as on
from server.domain.session_plan import SessionPlan
from server.domain.timing import Timing
from server.media.bridge import Admission
from server.media_ws_ai import MediaHub, MediaStream
from server.ports.realtime import RealtimeSink, VoiceConfig
from tests.support.call_script import audio

VOICE = VoiceConfig("Be brief.", [], "marin", "en", 500)
FRAME = audio(20)
SPEECH = audio(400)


def admission(call_sid: str = "CA1", timing: Timing | None = None) -> Admission:
    """What a call starts with."""
    return Admission(call_sid, 1, SessionPlan("Say exactly: “Hello.”", "", timing or Timing()), VOICE)


class Writer:
    """Stands where the turn writer does; keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[do.RecordTurn | do.Note] = []

    def put(self, call_sid: str, business_id: int, item: do.RecordTurn | do.Note) -> None:
        self.given.append(item)

    async def flush(self, timeout_s: float = 3.0) -> None:
        """Everything is there already."""

    def stop(self) -> None:
        """Nothing runs."""


@dataclass
class Frame:
    """One message from the phone."""

    payload: bytes
    msg_type: picows.WSMsgType = picows.WSMsgType.TEXT

    def get_payload_as_memoryview(self) -> memoryview:
        return memoryview(self.payload)


@dataclass
class Transport:
    """The phone's end: what was sent to it, and whether it was closed."""

    sent: list[bytes] = field(default_factory=list)
    close: tuple[int, bytes] | None = None
    gone: bool = False

    @property
    def is_close_frame_sent(self) -> bool:
        return self.close is not None

    def send(self, kind: picows.WSMsgType, payload: bytes) -> None:
        self.sent.append(payload)

    def send_close(self, code: Any = 1000, reason: bytes = b"") -> None:
        self.close = (code, reason)

    def disconnect(self) -> None:
        self.gone = True


class Phone:
    """One stream, held by the test."""

    def __init__(self, hub: MediaHub, call_sid: str = "CA1") -> None:
        self.transport = Transport()
        self.stream: MediaStream = hub.open_stream()
        self._call_sid = call_sid
        self.stream.on_ws_connected(cast(Any, self.transport))

    def sends(self, message: dict[str, Any] | bytes) -> None:
        """A message to us."""
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.stream.on_ws_frame(cast(Any, self.transport), cast(Any, Frame(payload)))

    def starts(self, token: str = "") -> None:
        """The stream's first message."""
        start = {"callSid": self._call_sid, "streamSid": "MZ1", "customParameters": {"token": token}}
        self.sends({"event": "start", "streamSid": "MZ1", "start": start})

    def speaks(self, frames: int = 1) -> None:
        """So many frames of 20 ms."""
        for _ in range(frames):
            self.sends({"event": "media", "media": {"payload": FRAME}})

    def drops(self) -> None:
        """The socket is gone."""
        self.stream.on_ws_disconnected(cast(Any, self.transport))


class Model:
    """The realtime port: `connecting` decides how a dialling goes, `reply` what it says to what it is told."""

    def __init__(self, connecting: Callable[[], float | None] = lambda: 0.0) -> None:
        self.open: set[Connection] = set()
        self._connecting = connecting

    async def connect(self, config: VoiceConfig, sink: RealtimeSink) -> Connection:
        wait = self._connecting()
        await asyncio.sleep(wait or 0)
        if wait is None:
            raise ports.ProviderError("refused", retryable=True)
        connection = Connection(self, sink)
        self.open.add(connection)
        asyncio.get_running_loop().call_soon(connection.says, on.SessionUpdated())
        return connection


class Connection:
    """A session with the model, which answers whatever it is asked."""

    def __init__(self, model: Model, sink: RealtimeSink) -> None:
        self.sink: RealtimeSink | None = sink
        self.heard = 0
        self._model = model
        self._number = 0

    def caller_audio(self, payload: str) -> None:
        self.heard += 1

    def says(self, event: on.Event) -> None:
        """Something happens at the model."""
        if self.sink is not None:
            self.sink.model_event(event)

    def tell(self, command: do.ModelCommand) -> None:
        if isinstance(command, do.CreateResponse):
            self._number += 1
            asyncio.get_running_loop().call_soon(self._respond, f"r{self._number}", f"a{self._number}")

    def _respond(self, response: str, item: str) -> None:
        self.says(on.ResponseCreated(response))
        self.says(on.ItemAdded(item, "message", "assistant"))
        if self.sink is not None:
            self.sink.agent_audio(item, SPEECH)
        self.says(on.TranscriptDone(item, "Hello."))
        self.says(on.ResponseDone(response, "completed"))

    def close(self) -> None:
        self.sink = None
        self._model.open.discard(self)
