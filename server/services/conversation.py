"""Storing what was said: all calls' turns leave the media process through here, in batches, off the event loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from server.db import db
from server.domain.commands import RecordTurn
from server.models_sql import CallLog, ConversationTurn

SaidIn = tuple[str, int, RecordTurn]
"""A turn with its call and business."""

_CHANGING = ("message", "started_ms", "latency_ms", "heard", "heard_ms")


def store_turns(call_sid: str, business_id: int, turns: Iterable[RecordTurn]) -> None:
    """Insert or bring up to date one call's turns, in the open transaction; one row per provider item.

    ✅ OWNER: called by server.media_ws_ai ONLY, which acts as the owner of `conversation_turns`.
    ❌ NEVER: from a webhook, a worker or the API; they read.
    """
    store_batch([(call_sid, business_id, turn) for turn in turns])


def store_batch(said: Sequence[SaidIn]) -> None:
    """The same for turns of many calls, in two statements: what it costs hardly depends on how many they are.

    Of an item that comes twice in a batch, the later one counts. Raises `LookupError` for a call that is not known.
    """
    if not said:
        return
    calls = _calls({call_sid for call_sid, _, _ in said})
    rows = {(call_sid, turn.item_id): _row(calls[call_sid], *one) for one in said for call_sid, _, turn in (one,)}
    insert: Any = (postgresql if db.engine.dialect.name == "postgresql" else sqlite).insert(ConversationTurn)
    changed = {name: insert.excluded[name] for name in _CHANGING}
    upsert = insert.on_conflict_do_update(index_elements=["call_sid", "item_id"], set_=changed)
    db.session.execute(upsert, list(rows.values()))


def _calls(call_sids: set[str]) -> dict[str, int]:
    found = db.session.execute(sa.select(CallLog.call_sid, CallLog.id).where(CallLog.call_sid.in_(call_sids)))
    calls: dict[str, int] = {row.call_sid: row.id for row in found}
    if unknown := sorted(call_sids - calls.keys()):
        raise LookupError(
            f"call {unknown[0]} is not known: its turns can't be stored before the voice webhook stored it"
        )
    return calls


def _row(call_id: int, call_sid: str, business_id: int, turn: RecordTurn) -> dict[str, Any]:
    return {
        "call_sid": call_sid,
        "call_log_id": call_id,
        "business_id": business_id,
        "item_id": turn.item_id,
        "sequence": turn.sequence,
        "speaker": turn.speaker,
        **{name: getattr(turn, name) for name in _CHANGING},
    }
