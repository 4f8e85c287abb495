"""The writer thread of the media bridge: turns and notes of all calls, batched, off the event loop.

Bounded: when the database stands still for long, what no longer fits is counted and logged, and calls go on.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.exc import OperationalError

from server import metrics
from server.domain.commands import Note, RecordTurn
from server.logging_setup import RateLimiter, get_logger
from server.services import timeline
from server.services.conversation import store_batch

log = get_logger(__name__)

LIMIT = 10_000
BATCH = 200
LINGER_S = 0.15
"""How long the first turn of a batch waits for others: what a transaction costs is then shared by many calls."""
RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)

_Item = tuple[str, int, RecordTurn | Note]
_STOP = object()


class TurnWriter:
    """One thread, one bounded queue. `scope` opens a database scope in the turns' owner's name.

    Handing over is an append and, once per batch, the setting of a flag: the event loop takes no lock and wakes the
    thread no more often than it writes.
    """

    def __init__(self, scope: Callable[[], AbstractContextManager[Any]], *, limit: int = LIMIT) -> None:
        self._scope = scope
        self._limit = limit
        self._waiting: deque[_Item | threading.Event | object] = deque()
        self._some = threading.Event()
        self._hurry = threading.Event()
        self._limiter = RateLimiter()
        self._thread = threading.Thread(target=self._run, name="turn-writer", daemon=True)
        self._thread.start()

    def put(self, call_sid: str, business_id: int, item: RecordTurn | Note) -> None:
        """Hand over one turn or note; never blocks."""
        if len(self._waiting) >= self._limit:
            metrics.TURNS_DROPPED.inc()
            if self._limiter.every("full", 5.0):
                log.error("turn writer is full: turns are being lost; check the database", limit=self._limit)
            return
        self._waiting.append((call_sid, business_id, item))
        if not self._some.is_set():
            self._some.set()

    async def flush(self, timeout_s: float = 3.0) -> None:
        """Wait until everything handed over so far is stored, or the time is up."""
        done = threading.Event()
        self._at_once(done)
        await asyncio.to_thread(done.wait, timeout_s)

    def stop(self) -> None:
        """End the thread after what is queued."""
        self._at_once(_STOP)
        self._thread.join(timeout=5)

    def _at_once(self, item: object) -> None:
        self._waiting.append(item)
        self._hurry.set()
        self._some.set()

    def _run(self) -> None:
        while True:
            batch = self._take()
            items = [item for item in batch if isinstance(item, tuple)]
            if items:
                self._store(items)
            for item in batch:
                if isinstance(item, threading.Event):
                    item.set()
            if _STOP in batch:
                return

    def _take(self) -> list[_Item | threading.Event | object]:
        """What is there after the linger: one transaction for all of it. A flush need not wait."""
        self._some.wait()
        self._hurry.wait(LINGER_S)
        self._some.clear()
        self._hurry.clear()
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        if self._waiting:
            self._some.set()
            self._hurry.set()
        return batch

    def _store(self, items: list[_Item]) -> None:
        for wait in (*RETRY_S, None):
            try:
                self._write(items)
                return
            except OperationalError as problem:
                if wait is None:
                    log.error("turns could not be stored", turns=len(items), error=str(problem.orig))
                    return
                time.sleep(wait)
            except Exception:  # noqa: BLE001 - the thread's edge: one call's bad turn must not stop the others
                self._store_singly(items)
                return

    def _store_singly(self, items: list[_Item]) -> None:
        for item in items:
            try:
                self._write([item])
            except Exception as problem:  # noqa: BLE001 - the thread's edge, logged
                log.error("a turn could not be stored", call_sid=item[0], error=str(problem))

    def _write(self, items: list[_Item]) -> None:
        said = [(call, business, entry) for call, business, entry in items if isinstance(entry, RecordTurn)]
        noted = [(call, business, note.kind, note.detail) for call, business, note in items if isinstance(note, Note)]
        with self._scope() as session, session.begin():
            store_batch(said)
            timeline.append_batch(noted, source="media_ws_ai")
