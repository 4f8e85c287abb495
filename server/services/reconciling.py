"""Calls that should have ended by now and of which nobody said so: which they are, and what the provider says of them.

❌ NEVER: writes anything of a call; what was learned goes into the inbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from server import ports
from server.config.calls import (
    CALL_LIMIT_S,
    FALLBACK_LIMIT_S,
    LEASE_MARGIN_S,
    MESSAGE_LIMIT_S,
    RING_TIMEOUT_S,
    TRANSFER_LIMIT_S,
)
from server.db import db
from server.domain.call_ends import NO_LINE, WITHOUT_AGENT
from server.domain.call_states import FINAL, is_final, normalised
from server.models_sql import CallEvent, CallLease, CallLog, OutboundCall
from server.services import transfers

SETTLED_S: Final = 60
"""How long a callback may take before it counts as lost."""
AFTER_STREAM_S: Final = 300
"""How long a call goes on at most after its stream was closed, if nothing follows the agent."""
STREAM_ENDS: Final = ("hang_up", "call_failed", "stream_stopped")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A call without a final state that should have one; `overdue` where it may not go on any longer either."""

    call_sid: str
    overdue: bool


def doubtful(limit: int) -> list[Doubt]:
    """Some of the calls in doubt, by chance, so that none is asked about for ever while others wait."""
    now = ports.current().clock.now()
    stream_end = (
        sa.select(CallEvent.call_sid, sa.func.max(CallEvent.at).label("at"))
        .where(CallEvent.kind.in_(STREAM_ENDS))
        .group_by(CallEvent.call_sid)
        .subquery()
    )
    handed = transfers.of_calls()
    query = (
        sa.select(
            CallLog,
            OutboundCall.ring_timeout_s,
            OutboundCall.time_limit_s,
            CallLease.id,
            stream_end.c.at,
            handed.c.is_open,
            handed.c.back_at,
        )
        .outerjoin(OutboundCall, OutboundCall.call_sid == CallLog.call_sid)
        .outerjoin(
            CallLease,
            sa.and_(CallLease.lease_key.in_((CallLog.call_sid, OutboundCall.request_id)), CallLease.expires_at > now),
        )
        .outerjoin(stream_end, stream_end.c.call_sid == CallLog.call_sid)
        .outerjoin(handed, handed.c.call_sid == CallLog.call_sid)
        .where(CallLog.status.not_in(FINAL), CallLog.started_at <= now - timedelta(seconds=SETTLED_S))
        .order_by(sa.func.random())
    )
    with db.scope(write=False):
        found = [_doubt(row, now) for row in db.session.execute(query)]
    return [doubt for doubt in found if doubt is not None][:limit]


def _doubt(row: Any, now: datetime) -> Doubt | None:
    call, ring_s, limit_s, lease, stream_end, with_colleague, back = row
    age_s = (now - call.started_at).total_seconds()
    longest_s = (ring_s or RING_TIMEOUT_S) + (limit_s or CALL_LIMIT_S) + LEASE_MARGIN_S
    if call.disposition in WITHOUT_AGENT:
        longest_s += FALLBACK_LIMIT_S + MESSAGE_LIMIT_S
    if with_colleague:
        longest_s += TRANSFER_LIMIT_S
    overdue = age_s > longest_s
    rings_on = ring_s is not None and call.status != "in-progress" and age_s > ring_s + SETTLED_S
    without_line = lease is None and call.disposition != NO_LINE
    without_agent = call.disposition in WITHOUT_AGENT or with_colleague
    ended_s = _since_stream(stream_end, back, now)
    silent = ended_s > (longest_s if without_agent else AFTER_STREAM_S)
    return Doubt(call.call_sid, overdue) if overdue or rings_on or without_line or silent else None


def _since_stream(ended: datetime | None, back: datetime | None, now: datetime) -> float:
    """Seconds since the call's stream ended; 0 while there is one, as after a transfer that nobody took."""
    if ended is None or (back is not None and _aware(back) >= _aware(ended)):
        return 0.0
    return (now - _aware(ended)).total_seconds()


def _aware(at: datetime) -> datetime:
    """An aggregate loses its column's zone on SQLite."""
    return at if at.tzinfo is not None else at.replace(tzinfo=ports.current().clock.now().tzinfo)


def ask(doubt: Doubt) -> dict[str, Any] | None:
    """What the provider says of a call, as a status event; None where it goes on rightly. Raises `ProviderError`.

    A call that goes on beyond every limit is ended there; its end is reported like any other.
    """
    telephony = ports.current().telephony
    facts = telephony.fetch_call(doubt.call_sid)
    if facts is None:
        return {"CallSid": doubt.call_sid, "CallStatus": "failed", "Reason": "the provider does not know the call"}
    status = normalised(facts.status)
    learned = {"CallSid": doubt.call_sid, "CallStatus": status}
    if is_final(status):
        return learned | ({"CallDuration": str(facts.duration_s)} if facts.duration_s is not None else {})
    if doubt.overdue:
        telephony.end_call(doubt.call_sid)
    return learned
