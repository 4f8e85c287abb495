"""Calls, whose they are and what was said in them, in the domain's words. Reads only."""

from __future__ import annotations

import sqlalchemy as sa

from server.db import db
from server.models_sql import Business, CallEvent, CallLog, ConversationTurn, OutboundCall, ProviderEvent


def call_of(call_sid: str, *, lock: bool = False) -> CallLog | None:
    """The call, if it is known; `lock` holds its row until the transaction ends (PostgreSQL)."""
    query = sa.select(CallLog).where(CallLog.call_sid == call_sid)
    return db.session.scalars(query.with_for_update() if lock else query).one_or_none()


def business_of(call: CallLog) -> Business:
    """The business that a call belongs to."""
    return db.session.get_one(Business, call.business_id)


def turns_of(call_sid: str) -> list[ConversationTurn]:
    """What was said in a call, in its order, as the realtime model understood it."""
    query = sa.select(ConversationTurn).where(ConversationTurn.call_sid == call_sid)
    return list(db.session.scalars(query.order_by(ConversationTurn.sequence)))


def request_of(request_id: str) -> OutboundCall | None:
    """A requested call, by its id."""
    return db.session.scalars(sa.select(OutboundCall).where(OutboundCall.request_id == request_id)).one_or_none()


def said_goodbye(call_sid: str) -> bool:
    """The agent ended the call itself, so that nobody waits for anything any more."""
    query = sa.select(CallEvent.id).where(CallEvent.call_sid == call_sid, CallEvent.kind == "hang_up")
    return db.session.scalar(query.limit(1)) is not None


def apologised(call_sid: str) -> bool:
    """The caller has heard an apology from the agent's side."""
    query = sa.select(CallEvent.detail).where(CallEvent.call_sid == call_sid, CallEvent.kind == "apology")
    return any(detail.get("spoken") for detail in db.session.scalars(query))


def was_refused(call_sid: str) -> bool:
    """Its voice webhook was answered and made no call: the number is nobody's."""
    query = sa.select(ProviderEvent.id).where(
        ProviderEvent.call_sid == call_sid, ProviderEvent.kind == "voice", ProviderEvent.state == "done"
    )
    return db.session.scalar(query.limit(1)) is not None
