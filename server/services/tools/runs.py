"""Runs of tools that change something: a repeated call gives the first one's answer, from whatever process."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server import ports
from server.db import acting_as, db
from server.models_sql import CallLog, ToolRun

_LONGEST_KEY = 160


def request_key(call_sid: str, tool_call_id: str) -> str:
    """One tool call's key; one too long for its column is told apart by its hash."""
    key = f"{call_sid}:{tool_call_id}"
    if len(key) <= _LONGEST_KEY:
        return key
    return f"{call_sid[:64]}:sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def answer_of(key: str) -> str | None:
    """The stored answer; None when the run is unknown or has none yet."""
    return db.session.scalar(sa.select(ToolRun.answer).where(ToolRun.request_key == key))


def claim(key: str, *, business_id: int, call_sid: str, name: str, seconds: float) -> bool:
    """Claim a run in the open transaction; False when it was claimed before, whatever became of it.

    ✅ OWNER: the `tool_runs` table. Two that claim at once meet the unique key: the second one waits for the first.
    """
    until = ports.current().clock.now() + timedelta(seconds=seconds)
    row = ToolRun(request_key=key, business_id=business_id, call_sid=call_sid, name=name, claimed_until=until)
    with acting_as("server.services.tools.runs"):
        try:
            with db.session.begin_nested():
                db.session.add(row)
            return True
        except IntegrityError:
            if db.session.scalar(sa.select(ToolRun.id).where(ToolRun.request_key == key)) is None:
                raise
            return False


def finish(key: str, answer: str) -> None:
    """Store a run's answer in the open transaction."""
    with acting_as("server.services.tools.runs"):
        db.session.execute(sa.update(ToolRun).where(ToolRun.request_key == key).values(answer=answer))


def running(call_sid: str) -> int:
    """How many runs of a call are without an answer and within their time. Locks the call's row until the commit, so
    that two that count at once count each other."""
    db.session.scalar(sa.select(CallLog.id).where(CallLog.call_sid == call_sid).with_for_update(key_share=True))
    query = sa.select(sa.func.count(ToolRun.id)).where(
        ToolRun.call_sid == call_sid, ToolRun.answer.is_(None), ToolRun.claimed_until > ports.current().clock.now()
    )
    return db.session.scalar(query) or 0
