"""The writer thread of the media bridge: turns and notes of all calls, batched, off the event loop.

Bounded: when the database stands still for long, what no longer fits is counted and logged, and calls go on.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.exc import OperationalError

from server import metrics
from server.domain.commands import Note, RecordTurn
from server.logging_setup import RateLimiter, get_logger
from server.services import timeline
from server.services.conversation import store_turns

log = get_logger(__name__)

LIMIT = 10_000
BATCH = 200
RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)

_Item = tuple[str, int, RecordTurn | Note]
_Stop = object()


class TurnWriter:
    """One thread, one bounded queue. `scope` opens a database scope in the turns' owner's name."""

    def __init__(self, scope: Callable[[], AbstractContextManager[Any]], *, limit: int = LIMIT) -> None:
        self._scope = scope
        self._queue: queue.Queue[_Item | threading.Event | object] = queue.Queue(limit)
        self._limiter = RateLimiter()
        self._thread = threading.Thread(target=self._run, name="turn-writer", daemon=True)
        self._thread.start()

    def put(self, call_sid: str, business_id: int, item: RecordTurn | Note) -> None:
        """Hand over one turn or note; never blocks."""
        try:
            self._queue.put_nowait((call_sid, business_id, item))
        except queue.Full:
            metrics.TURNS_DROPPED.inc()
            if self._limiter.every("full", 5.0):
                log.error("turn writer is full: turns are being lost; check the database", limit=self._queue.maxsize)

    async def flush(self, timeout_s: float = 3.0) -> None:
        """Wait until everything handed over so far is stored, or the time is up."""
        done = threading.Event()
        self._queue.put_nowait(done)
        await asyncio.to_thread(done.wait, timeout_s)

    def stop(self) -> None:
        """End the thread after what is queued."""
        self._queue.put(_Stop)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            batch = self._take()
            items = [item for item in batch if isinstance(item, tuple)]
            if items:
                self._store(items)
            for item in batch:
                if isinstance(item, threading.Event):
                    item.set()
            if _Stop in batch:
                return

    def _take(self) -> list[_Item | threading.Event | object]:
        batch = [self._queue.get()]
        while len(batch) < BATCH:
            try:
                batch.append(self._queue.get_nowait())
            except queue.Empty:
                break
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
        calls: dict[tuple[str, int], list[RecordTurn | Note]] = {}
        for call_sid, business_id, item in items:
            calls.setdefault((call_sid, business_id), []).append(item)
        with self._scope() as session, session.begin():
            for (call_sid, business_id), entries in calls.items():
                store_turns(call_sid, business_id, [entry for entry in entries if isinstance(entry, RecordTurn)])
                for note in entries:
                    if isinstance(note, Note):
                        timeline.append(call_sid, note.kind, note.detail, source="media_ws_ai", business_id=business_id)
