"""A running engine with scripted ears and voice, and a client that checks every event with the SDK's strict types."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import uvicorn
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from websockets.asyncio.client import ClientConnection, connect

from engine.app import create_app
from engine.settings import EngineSettings
from engine.speech.recognizer import Heard

STRICT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
LOUD = bytes([0x10, 0x90]) * 80  # 20 ms of a loud square wave in μ-law
QUIET = b"\xff" * 160
PCMU = {"format": {"type": "audio/pcmu"}}


class LoudnessVad:
    """Speech is what is loud."""

    def window(self, samples: np.ndarray) -> float:
        return 1.0 if float(np.abs(samples).mean()) > 0.05 else 0.0

    def reset(self) -> None:
        pass


@dataclass
class ScriptedSpeech:
    """Hears what the script says, in order (an exception in it is raised); speaks 50 ms of tone per letter."""

    script: list[str | Exception] = field(default_factory=list)
    ready: bool = True
    failure: Exception | None = None
    capacity: int = 100
    overdue: bool = False
    heard_ms: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    speak_delay_s: float = 0.0
    out_vads: int = 0
    last: str = ""

    async def hear(self, samples: np.ndarray, rate_hz: int) -> Heard:
        self.heard_ms.append(samples.size * 1000 // rate_hz)
        words = self.script.pop(0) if self.script else ""
        if isinstance(words, Exception):
            raise words
        return Heard(words, -0.1, 0.0)

    async def say(self, sentence: str, speed: float) -> bytes:
        await asyncio.sleep(self.speak_delay_s)
        self.said.append(sentence)
        return (np.sin(np.arange(len(sentence) * 1200) / 20) * 8000).astype("<i2").tobytes()

    def borrow_vad(self) -> LoudnessVad:
        self.out_vads += 1
        return LoudnessVad()

    def return_vad(self, vad: LoudnessVad) -> None:
        self.out_vads -= 1

    def load(self) -> None:
        pass

    def close(self) -> None:
        pass


def check_event(event: dict[str, Any]) -> None:
    """Raise unless the SDK's strict types know this event."""
    STRICT.validate_python(event, strict=True)


class Client:
    """A raw WebSocket client: events are plain dicts, each validated before a test sees it."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []
        self.event_ids: set[str] = set()

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def get(self, timeout_s: float = 10.0) -> dict[str, Any]:
        async with asyncio.timeout(timeout_s):
            event: dict[str, Any] = json.loads(await self.socket.recv())
        check_event(event)
        assert event["event_id"] not in self.event_ids, "every event has an id of its own"
        self.event_ids.add(event["event_id"])
        self.seen.append(event)
        return event

    async def until(self, kind: str) -> dict[str, Any]:
        while True:
            event = await self.get()
            if event["type"] == kind:
                return event

    async def error(self) -> dict[str, Any]:
        """The next error's inside."""
        error: dict[str, Any] = (await self.until("error"))["error"]
        return error

    async def refused(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send what must be refused; gives the error, which must name the event that caused it."""
        await self.send(kind, event_id="mine", **fields)
        error = await self.error()
        assert error["event_id"] == "mine"
        assert error["type"] == "invalid_request_error", error
        return error

    async def say(self, text: str, **response: Any) -> dict[str, Any]:
        """Have the engine say just these words; gives the finished response."""
        await self.send("response.create", response={"instructions": f'Say exactly: "{text}"', **response})
        done: dict[str, Any] = (await self.until("response.done"))["response"]
        return done

    async def alive(self) -> None:
        """The session still answers a normal turn."""
        done = await self.say("Still here.")
        assert done["status"] == "completed", done

    async def session(self, **change: Any) -> dict[str, Any]:
        await self.send("session.update", session={"type": "realtime", **change})
        return await self.until("session.updated")

    async def phone(self, transcription: bool = True, **detection: Any) -> None:
        """The telephone's formats, with the caller's words announced."""
        listening: dict[str, Any] = {**PCMU, "turn_detection": {"type": "server_vad", **detection}}
        if transcription:
            listening["transcription"] = {"model": "gpt-transcribe"}
        await self.session(audio={"input": listening, "output": PCMU})

    async def audio(self, data: bytes) -> None:
        await self.send("input_audio_buffer.append", audio=base64.b64encode(data).decode())

    async def speak(self, frames: int = 40, silence: int = 40) -> None:
        """Loud frames of 20 ms, then quiet ones."""
        for frame in [LOUD] * frames + [QUIET] * silence:
            await self.audio(frame)

    def kinds(self) -> list[str]:
        return [event["type"] for event in self.seen]

    def audio_heard(self) -> bytes:
        """All audio received so far."""
        deltas = [event["delta"] for event in self.seen if event["type"] == "response.output_audio.delta"]
        return b"".join(map(base64.b64decode, deltas))


@dataclass
class Running:
    """Where the engine listens, and its scripted speech."""

    base: str
    speech: Any

    def check(self, event: dict[str, Any]) -> None:
        """The same check for events that another client received."""
        check_event(event)

    @property
    def url(self) -> str:
        """The realtime path."""
        return f"{self.base.replace('http', 'ws')}/v1/realtime"

    @asynccontextmanager
    async def client(self, query: str = "?model=gpt-realtime-2.1", **options: Any) -> AsyncIterator[Client]:
        url = f"{self.url}{query}"
        async with connect(url, **{"max_size": None, "max_queue": None, **options}) as socket:
            client = Client(socket)
            await client.until("conversation.created")
            yield client


class QuickServer(uvicorn.Server):
    """Uvicorn without the tenths of a second it sleeps between looks at whether it should end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()

    async def main_loop(self) -> None:
        self.ready.set()
        await self.stop.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                while self.server_state.connections:
                    await asyncio.sleep(0.002)


@asynccontextmanager
async def running_app(app: Any, speech: Any) -> AsyncIterator[Running]:
    """Serve an app on a port of the system's choosing."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = QuickServer(uvicorn.Config(app, log_level="error", ws_max_size=24 << 20))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await server.ready.wait()
    try:
        yield Running(f"http://127.0.0.1:{listener.getsockname()[1]}", speech)
    finally:
        server.stop.set()
        await serving


def running(settings: EngineSettings, speech: Any, brain: Any = None) -> Any:
    """Serve the engine."""
    return running_app(create_app(settings, speech, brain), speech)


Serve = Callable[..., Any]


@pytest.fixture
async def engine() -> AsyncIterator[Running]:
    async with running(EngineSettings(), ScriptedSpeech()) as one:
        yield one


@pytest.fixture
def serve() -> Serve:
    """Start an engine with other settings, speech or brain."""

    def start(settings: EngineSettings | None = None, speech: Any = None, brain: Any = None) -> Any:
        return running(settings or EngineSettings(), speech or ScriptedSpeech(), brain)

    return start


@pytest.fixture
def serve_app() -> Serve:
    """Start an app that a function makes for some scripted speech."""

    def start(make_app: Callable[[Any], Any]) -> Any:
        speech = ScriptedSpeech()
        return running_app(make_app(speech), speech)

    return start


HAIR = """# Role
You are the receptionist. Never invent prices.
# Business
Name: Harbour Hair
Timezone: Europe/London
# Opening hours
Monday: 09:00-18:00
Thursday: 09:00-20:00
Friday: 09:00-18:00
Saturday: 10:00-16:00
Sunday: closed
# Facts
- Parking: free behind the building.
- A cut and blow-dry costs 45 pounds.
"""


def _tool(name: str, required: list[str], **properties: dict[str, str]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "name": name, "parameters": parameters}


TOOLS = [
    _tool(
        "book_appointment",
        ["customer_name", "date", "time"],
        customer_name={"type": "string"},
        date={"type": "string", "format": "date"},
        time={"type": "string", "format": "time"},
        service={"type": "string"},
    ),
    _tool("end_call", ["reason"], reason={"type": "string"}),
]
CONTEXT = "Current local time: Tuesday 24 November 2026, 09:12 (Europe/London)\nCaller number: known"


@pytest.fixture
def salon() -> dict[str, Any]:
    """What the server would put into the session of a salon."""
    system = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": CONTEXT}]}
    return {"instructions": HAIR, "tools": TOOLS, "context": system}
