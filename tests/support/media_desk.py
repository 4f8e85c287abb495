"""The media socket on uvicorn's own port with a phone that a test holds, a real database and a fake model."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import picows
import uvicorn
from fastapi import FastAPI
from twilio.request_validator import RequestValidator

from server import migrations, ports
from server.asgi import MEDIA_PATH, MediaHandover
from server.config.settings import Settings
from server.db import db
from server.domain import commands as do
from server.domain import events as on
from server.media_ws_ai import MediaHub
from server.models_sql import CallLog
from server.ports.realtime import RealtimeSink, VoiceConfig
from server.services import stream_tokens
from server.services.businesses import demo_business, save_business
from tests.support.clock import FakeClock

T = TypeVar("T")
TOKEN = "the account's token"
START = {
    "event": "start",
    "sequenceNumber": "1",
    "streamSid": "MZ1",
    "start": {"accountSid": "AC1", "streamSid": "MZ1", "callSid": "CA1", "tracks": ["inbound"], "customParameters": {}},
}
MEDIA = (
    '{"event":"media","streamSid":"MZ1","media":{"track":"inbound","chunk":"1","timestamp":"5","payload":"/////w=="}}'
)


@dataclass
class Model:
    """The realtime port: what the bridge told it, and a way to let things happen."""

    sink: RealtimeSink | None = None
    config: VoiceConfig | None = None
    down: bool = False
    broken: bool = False
    closed: bool = False
    connections: int = 0
    heard: list[str] = field(default_factory=list)
    told: list[do.ModelCommand] = field(default_factory=list)

    async def connect(self, config: VoiceConfig, sink: RealtimeSink) -> Model:
        if self.broken:
            raise RuntimeError("nobody foresaw this")
        if self.down:
            raise ports.ProviderError("the realtime model can't be reached", retryable=True)
        self.connections += 1
        self.config, self.sink, self.closed = config, sink, False
        return self

    def caller_audio(self, payload: str) -> None:
        self.heard.append(payload)

    def tell(self, command: do.ModelCommand) -> None:
        self.told.append(command)

    def close(self) -> None:
        self.closed = True

    def happens(self, *events: on.Event) -> None:
        assert self.sink is not None
        for event in events:
            self.sink.model_event(event)

    def speaks(self, item_id: str, payload: str) -> None:
        assert self.sink is not None
        self.sink.agent_audio(item_id, payload)

    def asked(self, kind: type[T]) -> list[T]:
        """What it was told of one kind."""
        return [command for command in self.told if isinstance(command, kind)]


class Telephony:
    """The telephony port: remembers which calls were ended by REST."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def end_call(self, call_sid: str) -> None:
        self.ended.append(call_sid)


class Phone(picows.WSListener):
    """Twilio's side of the socket."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.transport: picows.WSTransport | None = None
        self.close: tuple[int, str] | None = None
        self.gone = asyncio.Event()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            self.close = (int(cast(Any, frame.get_close_code())), frame.get_close_reason() or "")
            transport.send_close()
            transport.disconnect()
        else:
            self.messages.append(json.loads(frame.get_payload_as_utf8_text()))

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.gone.set()

    def send(self, message: dict[str, Any] | str) -> None:
        assert self.transport is not None
        text = message if isinstance(message, str) else json.dumps(message)
        self.transport.send(picows.WSMsgType.TEXT, text.encode())

    def starts(self, token: str) -> None:
        self.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = json.loads(json.dumps(START))
        start["start"]["customParameters"] = {"token": token, "business_id": "1"}
        self.send(start)


@dataclass
class Desk:
    """A running server with one call that is waiting for its stream."""

    port: int
    model: Model
    telephony: Telephony
    hub: MediaHub
    token: str
    phones: list[Phone] = field(default_factory=list)

    async def dial(self, path: str = MEDIA_PATH, sign: str = TOKEN) -> Phone:
        signature = RequestValidator(sign).compute_signature(f"wss://127.0.0.1:{self.port}{MEDIA_PATH}", {})
        _, phone = await picows.ws_connect(
            Phone, f"ws://127.0.0.1:{self.port}{path}", extra_headers={"X-Twilio-Signature": signature}
        )
        self.phones.append(cast(Phone, phone))
        return self.phones[-1]

    async def in_call(self) -> Phone:
        phone = await self.dial()
        phone.starts(self.token)
        await until(lambda: self.model.config is not None)
        self.model.happens(on.SessionUpdated())
        return phone


async def until(true: Callable[[], Any], timeout_s: float = 5.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(timeout_s):
        while not true():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running_desk(folder: Path, port: int) -> AsyncIterator[Desk]:
    """A server on a port, with a real database in a folder."""
    model, telephony = Model(), Telephony()
    migrations.upgrade(db.configure(f"sqlite:///{folder / 'test.db'}"))
    nothing = cast(Any, None)
    ports.install(
        ports.Ports(
            cast(Any, telephony), nothing, nothing, nothing, nothing, FakeClock(), folder, realtime=cast(Any, model)
        )
    )
    with db.scope() as session:
        saved = save_business(**demo_business())
        token = stream_tokens.issue("CA1", saved.id)
        session.commit()
    with db.scope("server.routes_twilio") as session:
        session.add(CallLog(call_sid="CA1", business_id=saved.id, direction="inbound", status="in-progress"))
        session.commit()
    app = FastAPI()
    app.state.settings = Settings(
        home=folder, database_url="", public_url=f"http://127.0.0.1:{port}", twilio_auth_token=TOKEN
    )
    app.state.media = MediaHub()
    config = uvicorn.Config(
        app, port=port, ws=cast(Any, MediaHandover), lifespan="off", log_config=None, http="httptools",
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    made = Desk(port, model, telephony, app.state.media, token)
    yield made
    for phone in made.phones:
        assert phone.transport is not None
        phone.transport.disconnect()
    server.should_exit = True
    await asyncio.wait_for(serving, 10)
    await app.state.media.close()
    ports.install(None)
    db.dispose()
