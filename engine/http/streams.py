"""Answers that leave piece by piece: raw bytes, or server-sent events."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from engine.errors import ApiError
from engine.http.errors import engine_failed

log = logging.getLogger("engine")

Event = dict[str, Any]
EVENT_STREAM = "text/event-stream"


class Streamed(StreamingResponse):
    """A streaming answer whose source is closed at once when the client goes away, not when memory is next tidied."""

    def __init__(self, source: AsyncGenerator[bytes, None], media_type: str) -> None:
        super().__init__(source, media_type=media_type, headers={"cache-control": "no-cache"})
        self._source = source

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._source.aclose()


async def begun(source: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The same stream with its first piece already made, so that what fails at once can still get its own status."""
    try:
        first = await anext(source)
    except StopAsyncIteration:
        first = b""
    return _continued(first, source)


async def _continued(first: bytes, source: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    try:
        yield first
        async for piece in source:
            yield piece
    finally:
        await source.aclose()


async def frames(events: AsyncGenerator[Event, None]) -> AsyncGenerator[bytes, None]:
    """Events as server-sent ones, named by their `type`.

    What fails before the first event is raised; later the status has left already, and the failure is an event in
    OpenAI's error envelope, which the SDK raises as an `APIError`.
    """
    told = False
    try:
        async for event in events:
            yield _frame(str(event["type"]), event)
            told = True
    except Exception as problem:
        if not told:
            raise
        yield _frame("error", _failure(problem).body())
    finally:
        await events.aclose()


def _failure(problem: Exception) -> ApiError:
    if isinstance(problem, ApiError):
        return problem
    log.error("a streamed answer failed", exc_info=problem)
    return engine_failed()


def _frame(name: str, event: Event) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n"
