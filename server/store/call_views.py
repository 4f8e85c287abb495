"""Calls as they are shown: the queries that the console and the API share. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from server.db import db
from server.domain.call_states import FINAL
from server.models_sql import Appointment, Business, CallEvent, CallLog, ConversationTurn, RecordingFile


@dataclass(frozen=True, slots=True)
class CallView:
    """Everything that is known of one call."""

    call: CallLog
    business: Business
    turns: list[ConversationTurn]
    events: list[CallEvent]
    appointments: list[Appointment]
    recording: RecordingFile | None

    @property
    def live(self) -> bool:
        """The call has not ended."""
        return self.call.status not in FINAL

    @property
    def settled(self) -> bool:
        """Nothing more will come: the call has ended and the work after it is done."""
        done = self.call.summary is not None or any(event.kind == "job_failed" for event in self.events)
        return not self.live and (done or self.call.transcript_source == "failed")

    @property
    def latencies(self) -> list[int]:
        """How long each answer took, in ms."""
        return [turn.latency_ms for turn in self.turns if turn.latency_ms is not None]

    @property
    def has_recording(self) -> bool:
        """A recording can be played."""
        return self.call.recording_url is not None or (self.recording is not None and self.recording.state == "stored")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of calls, newest first; `cursor` leads to the next."""

    rows: list[tuple[CallLog, Business]]
    cursor: int | None


def calls_page(
    *, limit: int, cursor: int | None = None, business_id: int | None = None, status: str | None = None,
    direction: str | None = None,
) -> Page:  # fmt: skip
    """Calls, newest first, by keyset: `cursor` is the last id of the page before."""
    query = sa.select(CallLog, Business).join(Business, Business.id == CallLog.business_id)
    if business_id is not None:
        query = query.where(CallLog.business_id == business_id)
    if status is not None:
        query = query.where(CallLog.status == status)
    if direction is not None:
        query = query.where(CallLog.direction == direction)
    if cursor is not None:
        query = query.where(CallLog.id < cursor)
    found = [(row[0], row[1]) for row in db.session.execute(query.order_by(CallLog.id.desc()).limit(limit + 1))]
    more = len(found) > limit
    return Page(found[:limit], found[limit - 1][0].id if more else None)


def call_view(call_sid: str, business_id: int | None = None) -> CallView | None:
    """One call with all that belongs to it; None for an unknown one or another business's."""
    call = db.session.scalars(sa.select(CallLog).where(CallLog.call_sid == call_sid)).one_or_none()
    if call is None or business_id not in (None, call.business_id):
        return None
    return CallView(
        call=call,
        business=db.session.get_one(Business, call.business_id),
        turns=_of(ConversationTurn, call_sid, ConversationTurn.sequence),
        events=_of(CallEvent, call_sid, CallEvent.id),
        appointments=_of(Appointment, call_sid, Appointment.starts_at),
        recording=db.session.scalars(sa.select(RecordingFile).where(RecordingFile.call_sid == call_sid)).one_or_none(),
    )


def call_version(call_sid: str) -> tuple[Any, ...]:
    """What changes whenever anything of a call does; cheap, for live pages."""
    turns = sa.select(
        sa.func.count(ConversationTurn.id),
        sa.func.count(ConversationTurn.heard),
        sa.func.coalesce(sa.func.sum(sa.func.length(ConversationTurn.message)), 0),
    ).where(ConversationTurn.call_sid == call_sid)
    events = sa.select(sa.func.max(CallEvent.id)).where(CallEvent.call_sid == call_sid)
    status = sa.select(CallLog.status, CallLog.summary.is_not(None)).where(CallLog.call_sid == call_sid)
    return (*db.session.execute(turns).one(), db.session.scalar(events), *(db.session.execute(status).first() or ()))


def list_version() -> tuple[Any, ...]:
    """What changes whenever the list of calls does."""
    newest = sa.select(sa.func.max(CallLog.id))
    events = sa.select(sa.func.max(CallEvent.id))
    return (db.session.scalar(newest), db.session.scalar(events))


def appointments_page(*, limit: int, business_id: int | None = None) -> list[tuple[Appointment, Business]]:
    """Appointments, the latest start first."""
    query = sa.select(Appointment, Business).join(Business, Business.id == Appointment.business_id)
    if business_id is not None:
        query = query.where(Appointment.business_id == business_id)
    rows = db.session.execute(query.order_by(Appointment.starts_at.desc(), Appointment.id.desc()).limit(limit))
    return [(row[0], row[1]) for row in rows]


def _of(model: Any, call_sid: str, order: Any) -> list[Any]:
    return list(db.session.scalars(sa.select(model).where(model.call_sid == call_sid).order_by(order)))
