"""The inbox of provider events: stored first, applied once, kept when they fail.

Transaction 1 stores the event as `received` and commits. Transaction 2 locks that row, applies its effect and marks it
`done`. Only `done` is a duplicate; anything else is processed again. An event whose call is not known yet waits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server import ports
from server.db import acting_as, db
from server.models_sql import ProviderEvent

Effect = Callable[[ProviderEvent], str]

REPLAYS: Final = 8
"""How often an event is tried by itself; after that it is left for a person."""
_DELAYS_S: Final = (30, 60, 120, 300, 900, 3600, 3600)
_STALE: Final = timedelta(seconds=60)
"""An event that stands as `received` so long was in a process that is gone."""
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
            event_key=key, source=source, kind=kind, call_sid=call_sid, payload=dict(payload), state="received",
            received_at=ports.current().clock.now(),
        )  # fmt: skip
        try:
            with db.session.begin():
                db.session.add(row)
        except IntegrityError:
            return _id_of(key)
        return row.id


def report(*, source: str, kind: str, call_sid: str, payload: Mapping[str, Any], token: str) -> str:
    """Store what one of our own jobs learned of a call, and have the owner of the webhooks apply it.

    ✅ OWNER: jobs, which write nothing of a call themselves. `token` is the identity of what was learned.
    """
    apply = ports.current().apply_event
    assert apply is not None, "bootstrap installs the status owner's function in every process"
    return apply(receive(source=source, kind=kind, call_sid=call_sid, payload=payload, token=token))


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
            ProviderEvent.call_sid == call_sid, ProviderEvent.state.in_(("waiting", "received"))
        )
        return list(db.session.scalars(query.order_by(ProviderEvent.id)))


def due(limit: int) -> list[int]:
    """Events that are to be tried again by now, the longest waiting first: failed, too early, or left by a crash."""
    now = ports.current().clock.now()
    never_tried = sa.and_(ProviderEvent.state == "received", ProviderEvent.received_at <= now - _STALE)
    again = sa.and_(ProviderEvent.state.in_(("waiting", "failed")), ProviderEvent.retry_at <= now)
    query = sa.select(ProviderEvent.id).where(sa.or_(never_tried, again))
    with db.scope(write=False):
        return list(db.session.scalars(query.order_by(ProviderEvent.id).limit(limit)))


def given_up(event_id: int) -> ProviderEvent | None:
    """The event, if it was tried as often as it may be and is not done."""
    with db.scope(write=False):
        row = db.session.get(ProviderEvent, event_id)
        return row if row is not None and row.state != "done" and row.attempts >= REPLAYS else None


def _apply(event_id: int, effect: Effect, owner: str) -> Applied:
    with db.scope(owner), db.session.begin():
        row = db.session.scalars(sa.select(ProviderEvent).where(ProviderEvent.id == event_id).with_for_update()).one()
        if row.state == "done":
            return Applied(event_id, row.answer or "", first=False)
        answer = effect(row)
        with acting_as("server.services.inbox"):
            row.state, row.answer, row.error, row.retry_at = "done", answer, None, None
            row.attempts = (row.attempts or 0) + 1
            row.done_at = ports.current().clock.now()
        return Applied(event_id, answer, first=True)


def _set_aside(event_id: int, state: str, error: str) -> None:
    with db.scope("server.services.inbox"), db.session.begin():
        row = db.session.get(ProviderEvent, event_id, with_for_update=True)
        if row is not None and row.state != "done":
            tried = (row.attempts or 0) + 1
            row.state, row.error, row.attempts, row.retry_at = state, error, tried, _next_try(tried)


def _next_try(tried: int) -> datetime | None:
    """When it is tried again; never after the last time."""
    if tried >= REPLAYS:
        return None
    return ports.current().clock.now() + timedelta(seconds=_DELAYS_S[tried - 1])


def _id_of(key: str) -> int:
    found = db.session.scalar(sa.select(ProviderEvent.id).where(ProviderEvent.event_key == key))
    assert found is not None, "the row that made the key a duplicate is gone"
    return found
