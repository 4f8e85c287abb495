"""How many uploads are worked on at once, and how many may wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.errors import ApiError


class Uploads:
    """✅ OWNER of the queue of recordings to transcribe.

    They share the recognisers with the calls and must leave them one: a recording of an hour may not make a caller
    wait. Past `most_waiting` the next is refused at once, as it would hold megabytes for minutes.
    """

    def __init__(self, at_once: int, most_waiting: int = 16) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._most = at_once + most_waiting
        self._held = 0

    def check(self) -> None:
        """Raise `ApiError` 503 when there is no place: asked before a body is read, and again before it is kept."""
        if self._held >= self._most:
            message = f"The engine has {self._held} recordings to transcribe, all it takes at once: try again later."
            raise ApiError(503, "engine_busy", message)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it."""
        self.check()
        self._held += 1
        try:
            async with self._turns:
                yield
        finally:
            self._held -= 1
