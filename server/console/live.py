"""Server-sent events: the parts of a page, again whenever they changed, until there is no more to come.

The database is asked in a small pool of threads of its own, so that no number of open pages delays a call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import OperationalError

from server.console.rendering import PRIVATE
from server.logging_setup import RateLimiter, get_logger

log = get_logger(__name__)

POLL_S: Final = 0.4
HEARTBEAT_S: Final = 15.0
RECONNECT_MS: Final = 1000
"""After how long a browser opens a stream again that broke."""
DONE: Final = "done"
"""The event after the last one; the page then closes the stream."""

_POOL: Final = ThreadPoolExecutor(2, thread_name_prefix="console-live")


@dataclass(frozen=True, slots=True)
class Parts:
    """A page's live parts by the name they are swapped by, and whether they are the last there will be."""

    html: Mapping[str, str]
    final: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Where a page's parts come from; both functions run in a thread and open their own scope.

    `version` is cheap and differs whenever `parts` would.
    """

    version: Callable[[], tuple[Any, ...]]
    parts: Callable[[], Parts]


def stream(request: Request, source: Source) -> StreamingResponse:
    """An event stream for one page."""
    return StreamingResponse(
        events(request, source), media_type="text/event-stream", headers={**PRIVATE, "X-Accel-Buffering": "no"}
    )


async def events(
    request: Request, source: Source, *, poll_s: float = POLL_S, heartbeat_s: float = HEARTBEAT_S
) -> AsyncIterator[str]:
    """One event per part that changed, `DONE` after the last, and a comment where nothing is heard for long.

    Ends when the client is gone or the server drains.
    """
    follower, spoke_at = _Follower(source), time.monotonic()
    yield f"retry: {RECONNECT_MS}\n\n"
    while not await _over(request):
        changed, final = await asyncio.get_running_loop().run_in_executor(_POOL, follower.look)
        for name, html in changed.items():
            yield event(name, html)
        if final:
            yield event(DONE, "")
            return
        if changed:
            spoke_at = time.monotonic()
        elif time.monotonic() - spoke_at >= heartbeat_s:
            spoke_at = time.monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(poll_s)


def event(name: str, html: str) -> str:
    """One server-sent event; every line of the text is a data line."""
    lines = "".join(f"data: {line}\n" for line in html.splitlines()) or "data:\n"
    return f"event: {name}\n{lines}\n"


async def _over(request: Request) -> bool:
    return getattr(request.app.state, "stopping", False) or await request.is_disconnected()


class _Follower:
    """What one page has been sent so far."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._limiter = RateLimiter()
        self._version: tuple[Any, ...] | None = None
        self._sent: dict[str, str] = {}

    def look(self) -> tuple[dict[str, str], bool]:
        """The parts that are new since the last look, and whether they are the last. A busy database is asked again."""
        try:
            version = self._source.version()
            if version == self._version:
                return {}, False
            parts = self._source.parts()
        except OperationalError as problem:
            if self._limiter.every("database", 10.0):
                log.warning("live page could not be brought up to date", error=type(problem.orig).__name__)
            return {}, False
        self._version = version
        changed = {name: html for name, html in parts.html.items() if self._sent.get(name) != html}
        self._sent.update(changed)
        return changed, parts.final
