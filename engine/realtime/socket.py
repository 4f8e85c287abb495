"""The WebSocket edge of a session: who may come in, text frames in, text frames out in order, the closing codes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from engine.errors import authorised, unauthorised
from engine.realtime.brain import Brain
from engine.realtime.protocol import ClientError, Event, client_event_id, new_id, parse_event
from engine.realtime.session import RealtimeSession
from engine.realtime.session_config import BetaShape
from engine.speech.bank import Speech

log = logging.getLogger("engine")

CLOSE_BETA = 4000
CLOSE_EXPIRED = 1001
CLOSE_FAILED = 1011
CLOSE_BUSY = 1013
SUBPROTOCOL = "realtime"
_KEY_SUBPROTOCOL = "openai-insecure-api-key."
_BETA_SUBPROTOCOL = "openai-beta.realtime"
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


async def admit(socket: WebSocket, api_key: str | None) -> bool:
    """Accept a socket that brings the key; answer 401 to one that does not.

    A browser cannot set headers, so OpenAI's clients bring the key as the subprotocol `openai-insecure-api-key.<key>`
    beside `realtime`; the latter is chosen, as a browser drops a connection where none of its offers is.
    """
    offered = _subprotocols(socket)
    header = socket.headers.get("authorization")
    for name in offered:
        if header is None and name.startswith(_KEY_SUBPROTOCOL):
            header = f"Bearer {name.removeprefix(_KEY_SUBPROTOCOL)}"
    if not authorised(header, api_key):
        await socket.send_denial_response(unauthorised().response())
        return False
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    return True


def asks_for_beta(socket: WebSocket) -> bool:
    """Whether a client asks for the retired beta, by header or (browsers) by subprotocol."""
    header = socket.headers.get("openai-beta", "")
    return header.startswith("realtime") or any(name.startswith(_BETA_SUBPROTOCOL) for name in _subprotocols(socket))


async def serve(socket: WebSocket, model: str, speech: Speech, brain: Brain, limit_s: float) -> None:
    """Carry one accepted socket's session until either side ends it."""
    sender = Sender(socket)
    kind = "transcription" if socket.query_params.get("intent") == "transcription" else "realtime"
    expires_at = int(time.time() + limit_s)
    session = RealtimeSession(model, speech, brain, sender.send, sender.room, kind=kind, expires_at=expires_at)
    sending = asyncio.create_task(sender.run())
    code: int | None = None
    try:
        session.open()
        async with asyncio.timeout(limit_s):
            code = await _receive(socket, session)
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


async def _receive(socket: WebSocket, session: RealtimeSession) -> int | None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        event: Event = {}
        try:
            event = _event_of(message.get("text"))
            await session.handle(event)
        except ClientError as problem:
            session.emit(problem.event(client_event_id(event)))
            if isinstance(problem, BetaShape):
                return CLOSE_BETA
        except Exception:  # an event's edge: a caller in mid-sentence must not lose the call to one bad event
            log.exception("session %s failed on an event", session.id)
            failure = ClientError("engine_error", "The engine failed on this event; see its log.", kind="server_error")
            session.emit(failure.event(client_event_id(event)))


def _event_of(text: str | None) -> Event:
    if text is None:
        raise ClientError("invalid_value", "Binary frames are not supported: send each event as a JSON text frame.")
    return parse_event(text)


def _subprotocols(socket: WebSocket) -> list[str]:
    offered: list[str] = socket.scope.get("subprotocols") or []
    return offered


async def _end(socket: WebSocket, sender: Sender, sending: asyncio.Task[None], code: int | None) -> None:
    sending.cancel()
    with suppress(asyncio.CancelledError):
        await sending
    if code is not None:
        with suppress(WebSocketDisconnect, RuntimeError):
            await sender.flush()
            await socket.close(code)


def _error(code: str, message: str, kind: str = "invalid_request_error") -> Event:
    error = {"type": kind, "code": code, "message": message, "param": None, "event_id": None}
    return {"event_id": new_id("event"), "type": "error", "error": error}
