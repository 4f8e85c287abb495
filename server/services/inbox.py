"""The inbox of provider events: stored first, applied once, kept when they fail.

Transaction 1 stores the event as `received` and commits. Transaction 2 locks that row, applies its effect and marks it
`done`. Only `done` is a duplicate; anything else is processed again. An event whose call is not known yet waits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server import ports
from server.db import acting_as, db
from server.models_sql import ProviderEvent

Effect = Callable[[ProviderEvent], str]

_NOT_CONTENT = frozenset({"Timestamp"})


class NotYet(Exception):
    """The event can't be applied before another one came (its call is unknown so far); it is kept as `waiting`."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of an event: the answer to send, and whether this time it had its effect."""

    event_id: int
    answer: str
    first: bool
    waiting: bool = False


def event_key(source: str, kind: str, payload: Mapping[str, Any], token: str | None) -> str:
    """The identity of an event: Twilio's idempotency token (the same on a retry), else its content."""
    if token:
        return f"{source}:{kind}:{token}"
    content = json.dumps({k: v for k, v in payload.items() if k not in _NOT_CONTENT}, sort_keys=True)
    return f"{source}:{kind}:{hashlib.sha256(content.encode()).hexdigest()}"


def receive(*, source: str, kind: str, call_sid: str | None, payload: Mapping[str, Any], token: str | None) -> int:
    """Store an event and commit; a repeated one gives the id of the first.

    ✅ OWNER: the `provider_events` table.
    """
    key = event_key(source, kind, payload, token)
    with db.scope("server.services.inbox"):
        row = ProviderEvent(
            event_key=key, source=source, kind=kind, call_sid=call_sid, payload=dict(payload), state="received"
        )
        try:
            with db.session.begin():
                db.session.add(row)
        except IntegrityError:
            return _id_of(key)
        return row.id


def process(event_id: int, effect: Effect, *, owner: str) -> Applied:
    """Apply a stored event in the name of `owner`, once. An effect that raises leaves the event, with its error."""
    try:
        return _apply(event_id, effect, owner)
    except NotYet as reason:
        _set_aside(event_id, "waiting", str(reason))
        return Applied(event_id, "", first=False, waiting=True)
    except Exception as problem:
        _set_aside(event_id, "failed", f"{type(problem).__name__}: {problem}"[:2000])
        raise


def waiting_for(call_sid: str) -> list[int]:
    """The events of a call that came before the call was known, oldest first."""
    with db.scope(write=False):
        query = sa.select(ProviderEvent.id).where(
            ProviderEvent.call_sid == call_sid, ProviderEvent.state.in_(("waiting", "failed", "received"))
        )
        return list(db.session.scalars(query.order_by(ProviderEvent.id)))


def _apply(event_id: int, effect: Effect, owner: str) -> Applied:
    with db.scope(owner), db.session.begin():
        row = db.session.scalars(sa.select(ProviderEvent).where(ProviderEvent.id == event_id).with_for_update()).one()
        if row.state == "done":
            return Applied(event_id, row.answer or "", first=False)
        answer = effect(row)
        with acting_as("server.services.inbox"):
            row.state, row.answer, row.error = "done", answer, None
            row.attempts = (row.attempts or 0) + 1
            row.done_at = ports.current().clock.now()
        return Applied(event_id, answer, first=True)


def _set_aside(event_id: int, state: str, error: str) -> None:
    with db.scope("server.services.inbox"), db.session.begin():
        row = db.session.get(ProviderEvent, event_id, with_for_update=True)
        if row is not None and row.state != "done":
            row.state, row.error, row.attempts = state, error, (row.attempts or 0) + 1


def _id_of(key: str) -> int:
    found = db.session.scalar(sa.select(ProviderEvent.id).where(ProviderEvent.event_key == key))
    assert found is not None, "the row that made the key a duplicate is gone"
    return found
