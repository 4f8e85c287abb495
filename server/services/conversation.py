"""Storing what was said: a call's turns leave the media process through here, in batches, off the event loop."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from server.db import db
from server.domain.commands import RecordTurn
from server.models_sql import CallLog, ConversationTurn


def store_turns(call_sid: str, business_id: int, turns: Iterable[RecordTurn]) -> None:
    """Insert or bring up to date, in the open transaction, one row per provider item.

    ✅ OWNER: called by server.media_ws_ai ONLY, which acts as the owner of `conversation_turns`.
    ❌ NEVER: from a webhook, a worker or the API; they read.
    """
    call_id = db.session.scalar(sa.select(CallLog.id).where(CallLog.call_sid == call_sid))
    if call_id is None:
        raise LookupError(f"call {call_sid} is not known: its turns can't be stored before the voice webhook stored it")
    for turn in turns:
        row = _row_of(call_sid, turn.item_id)
        if row is None:
            row = ConversationTurn(
                call_sid=call_sid, call_log_id=call_id, business_id=business_id, item_id=turn.item_id,
                sequence=turn.sequence, speaker=turn.speaker,
            )  # fmt: skip
            db.session.add(row)
        row.message, row.started_ms, row.latency_ms = turn.message, turn.started_ms, turn.latency_ms
        row.heard, row.heard_ms = turn.heard, turn.heard_ms


def _row_of(call_sid: str, item_id: str) -> ConversationTurn | None:
    query = sa.select(ConversationTurn).where(
        ConversationTurn.call_sid == call_sid, ConversationTurn.item_id == item_id
    )
    with db.session.no_autoflush:
        pending = (row for row in db.session.new if isinstance(row, ConversationTurn) and row.item_id == item_id)
        return next(pending, None) or db.session.scalars(query).one_or_none()
