"""A small voice server of other people's making: what the simulator must be able to call."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from phoneaudio.g711 import ulaw_from_pcm16
from simulator.level import is_voiced
from simulator.plan import CallPlan
from simulator.standin import Standin

ACCOUNT = "AC" + "0" * 32
TOKEN = "rehearsal-token"


def tone(ms: int, hz: float = 440.0, amplitude: int = 8000) -> bytes:
    """A tone as μ-law."""
    at = np.arange(ms * 8) / 8000
    return ulaw_from_pcm16((amplitude * np.sin(2 * math.pi * hz * at)).astype("<i2").tobytes())


@dataclass
class Hook:
    """One webhook that came in; `genuine` is the SDK's own verdict on its signature."""

    path: str
    form: dict[str, str]
    headers: dict[str, str]
    genuine: bool


@dataclass
class Session:
    """One media socket, seen from the server."""

    socket: WebSocket
    start: dict[str, Any] = field(default_factory=dict)
    received: list[dict[str, Any]] = field(default_factory=list)

    async def next(self) -> dict[str, Any] | None:
        """The next message; `None` when the socket is gone."""
        try:
            message: dict[str, Any] = json.loads(await self.socket.receive_text())
        except (WebSocketDisconnect, RuntimeError):
            return None
        self.received.append(message)
        return message

    async def wait(self, event: str) -> dict[str, Any] | None:
        """The next message of that kind."""
        while (message := await self.next()) is not None:
            if message["event"] == event:
                return message
        return None

    async def send(self, event: str, **body: Any) -> None:
        sid = self.start["streamSid"]
        await self.socket.send_text(json.dumps({"event": event, "streamSid": sid, **body}))

    async def say(self, audio: bytes, mark: str | None = None) -> None:
        await self.send("media", media={"payload": base64.b64encode(audio).decode()})
        if mark is not None:
            await self.send("mark", mark={"name": mark})

    async def hear_turn(self, pause_ms: int = 300) -> int | None:
        """Wait until the caller has spoken and paused; the stream time (ms) of that, or `None` at the end."""
        spoke, quiet = False, 0
        while (message := await self.wait("media")) is not None:
            frame = base64.b64decode(message["media"]["payload"])
            if is_voiced(frame):
                spoke, quiet = True, 0
            elif spoke:
                quiet += len(frame) // 8
                if quiet >= pause_ms:
                    return int(message["media"]["timestamp"])
        return None


Agent = Callable[[Session], Awaitable[None]]


async def polite(session: Session) -> None:
    """Greets, answers every turn, and ends the call after the second."""
    await session.say(tone(1000), "greeting")
    for turn in range(2):
        if await session.hear_turn() is None:
            return
        await session.say(tone(600, 520), f"answer-{turn}")
    while (mark := await session.wait("mark")) is not None:
        if mark["mark"]["name"] == "answer-1":
            break
    await session.socket.close()


class FakeVoiceServer:
    """Answers voice webhooks; keeps every request and every media message."""

    def __init__(self) -> None:
        self.agent: Agent = polite
        self.public_url: str | None = None
        self.port = 0
        self.hooks: list[Hook] = []
        self.sessions: list[Session] = []
        self.sockets: list[dict[str, str]] = []
        self.answers: dict[str, str | Response] = {}
        self.parameters = '<Parameter name="token" value="t1"/>'
        self.after = ""
        self.on_hook: Callable[[Hook], Awaitable[None]] | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def voice_url(self) -> str:
        return f"{self.origin}/webhook/voice"

    @property
    def public(self) -> str:
        return self.public_url or self.origin

    def stream_twiml(self) -> str:
        host = self.public.split("//")[1]
        stream = f'<Connect><Stream url="wss://{host}/media">{self.parameters}</Stream></Connect>'
        return f"<Response>{stream}{self.after}</Response>"

    def statuses(self) -> list[str]:
        """The call statuses that came in, by sequence number."""
        rows = [hook.form for hook in self.hooks if hook.path == "/webhook/call_status"]
        return [row["CallStatus"] for row in sorted(rows, key=lambda row: int(row["SequenceNumber"]))]

    def recordings(self) -> list[dict[str, str]]:
        return [hook.form for hook in self.hooks if hook.path == "/webhook/recording_status"]

    async def _hook(self, request: Request) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        url = self.public + request.url.path + (f"?{request.url.query}" if request.url.query else "")
        genuine = RequestValidator(TOKEN).validate(url, form, request.headers.get("x-twilio-signature", ""))
        hook = Hook(request.url.path, form, dict(request.headers), genuine)
        self.hooks.append(hook)
        if self.on_hook is not None:
            await self.on_hook(hook)
        answer = self.answers.get(request.url.path)
        if isinstance(answer, Response):
            return answer
        if answer is None:
            answer = self.stream_twiml() if request.url.path == "/webhook/voice" else ""
        return Response(answer, media_type="text/xml")

    async def _media(self, socket: WebSocket) -> None:
        self.sockets.append(dict(socket.headers))
        await socket.accept()
        session = Session(socket)
        self.sessions.append(session)
        start = await session.wait("start")
        if start is None:
            return
        session.start = start
        await self.agent(session)
        while await session.next() is not None:
            pass

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[FakeVoiceServer]:
        app = Starlette(
            routes=[
                WebSocketRoute("/media", self._media),
                Route("/{path:path}", self._hook, methods=["GET", "POST"]),
            ]
        )
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(app, log_config=None, lifespan="off", ws="websockets-sansio")
        server = uvicorn.Server(config)
        server.capture_signals = _no_signals  # type: ignore[method-assign]
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.005)
        try:
            yield self
        finally:
            server.should_exit = server.force_exit = True
            await task


@contextmanager
def _no_signals() -> Any:
    yield


@pytest.fixture
async def server() -> AsyncIterator[FakeVoiceServer]:
    async with FakeVoiceServer().serving() as fake:
        yield fake


@pytest.fixture
async def standin() -> AsyncIterator[Standin]:
    stand = await Standin.start(account_sid=ACCOUNT, auth_token=TOKEN)
    yield stand
    await stand.stop()


@pytest.fixture
def sdk(standin: Standin) -> Client:
    """The real Twilio SDK, pointed at the stand-in with one setting."""
    client = Client(ACCOUNT, TOKEN)
    client.api.base_url = standin.base_url
    return client


@pytest.fixture
def make_plan(server: FakeVoiceServer) -> Callable[..., CallPlan]:
    """A plan for calling the fake server, ten times as fast as a real call."""

    def make(**changes: Any) -> CallPlan:
        fields: dict[str, Any] = {
            "to": "+15550001111",
            "from_": "+15552223333",
            "voice_url": server.voice_url,
            "speed": 10.0,
        }
        return CallPlan(**(fields | changes))

    return make


@pytest.fixture
def tones() -> Callable[..., bytes]:
    """`tones(ms, hz)` is a tone as μ-law."""
    return tone


@pytest.fixture
def beep() -> bytes:
    """A short caller's line."""
    return tone(500, 700) + b"\xff" * 800
