"""A call's timeline: append-only lines that say what happened, for the console, the API and the operator at 3 a.m."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from server import ports
from server.db import acting_as, db
from server.models_sql import CallEvent


def append(
    call_sid: str, kind: str, detail: dict[str, Any] | None = None, *, source: str, business_id: int | None = None
) -> None:
    """Add one line in the open transaction.

    ✅ OWNER: the `call_events` table. `source` is the caller's module, by its last name.
    ❌ NEVER: update or delete a line.
    """
    at = ports.current().clock.now()
    with acting_as("server.services.timeline"):
        db.session.add(
            CallEvent(call_sid=call_sid, kind=kind, detail=detail or {}, source=source, business_id=business_id, at=at)
        )


def append_batch(lines: Sequence[tuple[str, int, str, dict[str, Any]]], *, source: str) -> None:
    """Add many lines (call, business, kind, detail) in one statement, in the open transaction."""
    if not lines:
        return
    at = ports.current().clock.now()
    rows = [
        {"call_sid": call_sid, "business_id": business_id, "kind": kind, "detail": detail, "source": source, "at": at}
        for call_sid, business_id, kind, detail in lines
    ]
    with acting_as("server.services.timeline"):
        db.session.execute(sa.insert(CallEvent), rows)


def append_once(call_sid: str, kind: str, detail: dict[str, Any], *, source: str, business_id: int | None) -> None:
    """Add a line unless this very one is there. Whoever calls holds the lock on the call's row."""
    query = sa.select(CallEvent.detail).where(CallEvent.call_sid == call_sid, CallEvent.kind == kind)
    if detail not in list(db.session.scalars(query)):
        append(call_sid, kind, detail, source=source, business_id=business_id)
