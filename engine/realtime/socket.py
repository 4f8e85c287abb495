"""The WebSocket edge of a session: text frames in, text frames out in order, and the closing codes."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from engine.realtime.brain import Brain
from engine.realtime.protocol import ClientError, Event, new_id, parse_event
from engine.realtime.session import RealtimeSession
from engine.realtime.session_config import BetaShape
from engine.speech.bank import Speech

log = logging.getLogger("engine")

CLOSE_BETA = 4000
CLOSE_EXPIRED = 1001
CLOSE_FAILED = 1011
CLOSE_BUSY = 1013
_BACKLOG = 200


class Sender:
    """✅ OWNER of the order of what leaves: sessions append, one task sends."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._waiting: deque[str] = deque()
        self._more = asyncio.Event()
        self._less = asyncio.Event()

    def send(self, event: Event) -> None:
        """Queue one event; never blocks."""
        self._waiting.append(msgspec.json.encode(event).decode())
        self._more.set()

    async def room(self) -> None:
        """Wait until the client has read most of what was queued (and let others run in any case)."""
        await asyncio.sleep(0)
        while len(self._waiting) > _BACKLOG:
            self._less.clear()
            await self._less.wait()

    async def run(self) -> None:
        """Send until cancelled or disconnected."""
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await self._more.wait()
                await self.flush()

    async def flush(self) -> None:
        """Send everything queued now."""
        while self._waiting:
            await self._socket.send_text(self._waiting.popleft())
            if len(self._waiting) <= _BACKLOG // 2:
                self._less.set()
        self._more.clear()


async def serve(socket: WebSocket, model: str, speech: Speech, brain: Brain, limit_s: float) -> None:
    """Carry one accepted socket's session until either side ends it."""
    sender = Sender(socket)
    session = RealtimeSession(model, speech, brain, sender.send, sender.room)
    sending = asyncio.create_task(sender.run())
    code: int | None = None
    try:
        session.open()
        async with asyncio.timeout(limit_s):
            code = await _receive(socket, session, sender)
    except TimeoutError:
        sender.send(_error("session_expired", f"Your session hit the maximum duration of {limit_s / 60:g} minutes."))
        code = CLOSE_EXPIRED
    except Exception:  # the connection's edge: one broken session must not take the others with it
        log.exception("session %s failed", session.id)
        sender.send(_error("engine_error", "The engine failed on this session; see its log.", kind="server_error"))
        code = CLOSE_FAILED
    finally:
        session.close()
        await _end(socket, sender, sending, code)


async def refuse(socket: WebSocket, code: str, message: str, close: int) -> None:
    """Tell an accepted client why it cannot be served, and close."""
    await socket.send_text(msgspec.json.encode(_error(code, message)).decode())
    await socket.close(close, code)


async def _receive(socket: WebSocket, session: RealtimeSession, sender: Sender) -> int | None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        event_id: str | None = None
        try:
            event = parse_event(message.get("text") or message.get("bytes") or "")
            event_id = event["event_id"] if isinstance(event.get("event_id"), str) else None
            await session.handle(event)
        except ClientError as problem:
            session.emit(problem.event(event_id))
            if isinstance(problem, BetaShape):
                return CLOSE_BETA


async def _end(socket: WebSocket, sender: Sender, sending: asyncio.Task[None], code: int | None) -> None:
    sending.cancel()
    with suppress(asyncio.CancelledError):
        await sending
    if code is not None:
        with suppress(WebSocketDisconnect, RuntimeError):
            await sender.flush()
            await socket.close(code)


def _error(code: str, message: str, kind: str = "invalid_request_error") -> Event:
    return {
        "event_id": new_id("event"),
        "type": "error",
        "error": {"type": kind, "code": code, "message": message, "param": None, "event_id": None},
    }
