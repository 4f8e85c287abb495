"""Calls as they are shown: the queries that the console and the API share.

✅ OWNER: how a call with all that belongs to it is read. Reads only, through the open scope; nothing is enqueued.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.orm import defer

from server.db import db
from server.domain.call_states import FINAL
from server.models_sql import (
    Appointment,
    Business,
    CallEvent,
    CallLog,
    Contact,
    ConversationTurn,
    Message,
    OutboundCall,
    RecordingFile,
)
from server.store import calls, recordings

RecordingState = Literal["ready", "pending", "none"]
NEWEST_ID: Final = 2**31 - 1
"""The highest id a row can have; a cursor beyond it is no cursor, and PostgreSQL refuses to compare it."""
MAKES_DO_WITHOUT: Final = frozenset({"fetch", "transcribe", "recording_download"})
"""Steps after a call whose failure is no end: the realtime turns then are the transcript."""


@dataclass(frozen=True, slots=True)
class CallView:
    """Everything that is known of one call."""

    call: CallLog
    business: Business
    contact: Contact | None
    turns: list[ConversationTurn]
    events: list[CallEvent]
    appointments: list[Appointment]
    messages: list[Message]
    recording: RecordingFile | None
    request_id: str | None = None

    @property
    def live(self) -> bool:
        """The call has not ended."""
        return self.call.status not in FINAL

    @property
    def settled(self) -> bool:
        """Nothing more will come: the call has ended and the work after it is done or given up."""
        return not self.live and (self.call.summary is not None or self.given_up)

    @property
    def given_up(self) -> bool:
        """There will be no summary: nothing was said, or a step without which there is none failed for good."""
        call = self.call
        if call.transcript_source == "failed" or (call.transcript_source is not None and not call.final_transcript):
            return True
        failed = {str(event.detail.get("step")) for event in self.events if event.kind == "job_failed"}
        return bool(failed - MAKES_DO_WITHOUT)

    @property
    def latencies(self) -> list[int]:
        """How long each answer took, from the end of speech to the first audio, in ms."""
        return [turn.latency_ms for turn in self.turns if turn.latency_ms is not None]

    @property
    def recording_state(self) -> RecordingState:
        """`ready` to be played (it may still have to be fetched), `pending` while it may come, else `none`."""
        call, stored = self.call, self.recording
        if stored is not None and stored.state in ("stored", "failed"):
            return "ready" if stored.state == "stored" else "none"
        if call.recording_url is not None:
            return "ready"
        if call.recording_status in ("absent", "failed"):
            return "none"
        return "pending" if call.recording_requested_at is not None or self.live else "none"


@dataclass(frozen=True, slots=True)
class CallRow:
    """A line of the list: the call, whose it is, who it was with, what was booked, and a live call's last words."""

    call: CallLog
    business: Business
    contact: Contact | None
    appointments: list[Appointment] = field(default_factory=list)
    last_turn: ConversationTurn | None = None
    request_id: str | None = None

    @property
    def live(self) -> bool:
        """The call has not ended."""
        return self.call.status not in FINAL


@dataclass(frozen=True, slots=True)
class Page:
    """One page of calls, newest first; `cursor` leads to the next, and is None on the last."""

    rows: list[CallRow]
    cursor: int | None

    @property
    def live(self) -> int:
        """How many of them are in progress."""
        return sum(row.live for row in self.rows)


def calls_page(
    *, limit: int, cursor: int | None = None, business_id: int | None = None, status: str | None = None,
    direction: str | None = None,
) -> Page:  # fmt: skip
    """Calls, newest first, by keyset: `cursor` is the last id of the page before."""
    query = (
        sa.select(CallLog, Business, Contact)
        .join(Business, Business.id == CallLog.business_id)
        .outerjoin(Contact, Contact.id == CallLog.contact_id)
        .options(defer(CallLog.final_transcript))
    )
    wanted = {CallLog.business_id: business_id, CallLog.status: status, CallLog.direction: direction}
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if cursor is not None:
        query = query.where(CallLog.id < cursor)
    found = db.session.execute(query.order_by(CallLog.id.desc()).limit(limit + 1)).all()
    shown = found[:limit]
    sids = [call.call_sid for call, _, _ in shown]
    booked, last = _appointments_of(sids), _last_turns([c.call_sid for c, _, _ in shown if c.status not in FINAL])
    asked = _requests_of(sids)
    rows = [
        CallRow(
            call, business, contact, booked.get(call.call_sid, []), last.get(call.call_sid), asked.get(call.call_sid)
        )
        for call, business, contact in shown
    ]
    return Page(rows, rows[-1].call.id if len(found) > limit else None)


def list_version(limit: int) -> tuple[Any, ...]:
    """What changes whenever the newest `limit` calls look different; cheap, for live pages."""
    newest = sa.select(
        CallLog.call_sid, CallLog.status, CallLog.duration, CallLog.summary.is_not(None), CallLog.contact_id
    )
    calls = db.session.execute(newest.order_by(CallLog.id.desc()).limit(limit)).all()
    sids = [row[0] for row in calls]
    talking = [row[0] for row in calls if row[1] not in FINAL]
    standing = sa.select(sa.func.count(Appointment.id)).where(Appointment.cancelled_at.is_(None))
    booked = db.session.scalar(standing.where(Appointment.call_sid.in_(sids)))
    said = db.session.execute(_turn_marks().where(ConversationTurn.call_sid.in_(talking))).one()
    return (*map(tuple, calls), booked, *said)


def call_view(call_sid: str, business_id: int | None = None) -> CallView | None:
    """One call with all that belongs to it; None for an unknown one, or another business's than `business_id`."""
    if "\0" in call_sid:  # an address can carry it; PostgreSQL refuses such text altogether
        return None
    call = calls.call_of(call_sid)
    if call is None or business_id not in (None, call.business_id):
        return None
    return CallView(
        call=call,
        business=calls.business_of(call),
        contact=db.session.get(Contact, call.contact_id) if call.contact_id is not None else None,
        turns=calls.turns_of(call_sid),
        events=_of(CallEvent, call_sid, CallEvent.id),
        appointments=_appointments_of([call_sid]).get(call_sid, []),
        messages=_of(Message, call_sid, Message.id),
        recording=recordings.file_of(call_sid),
        request_id=_requests_of([call_sid]).get(call_sid),
    )


def call_version(call_sid: str) -> tuple[Any, ...]:
    """What changes whenever anything of a call does; cheap, for live pages."""
    call = sa.select(
        CallLog.status, CallLog.duration, CallLog.transcript_source, CallLog.summary.is_not(None),
        CallLog.recording_status, CallLog.contact_id,
    ).where(CallLog.call_sid == call_sid)  # fmt: skip
    turns = _turn_marks().where(ConversationTurn.call_sid == call_sid)
    events = sa.select(sa.func.count(CallEvent.id)).where(CallEvent.call_sid == call_sid)
    stored = sa.select(RecordingFile.state).where(RecordingFile.call_sid == call_sid)
    return (
        *(db.session.execute(call).one_or_none() or ()),
        *db.session.execute(turns).one(),
        db.session.scalar(events),
        db.session.scalar(stored),
    )


def appointments_page(
    *, limit: int, cursor: int | None = None, business_id: int | None = None
) -> tuple[list[tuple[Appointment, Business]], int | None]:
    """Appointments that stand, the newest booking first, by keyset, with the cursor of the next page."""
    query = sa.select(Appointment, Business).join(Business, Business.id == Appointment.business_id)
    query = query.where(Appointment.cancelled_at.is_(None))
    if business_id is not None:
        query = query.where(Appointment.business_id == business_id)
    if cursor is not None:
        query = query.where(Appointment.id < cursor)
    found = db.session.execute(query.order_by(Appointment.id.desc()).limit(limit + 1)).all()
    rows = [(row[0], row[1]) for row in found[:limit]]
    return rows, rows[-1][0].id if len(found) > limit else None


def requests_page(
    *, limit: int, cursor: int | None = None, business_id: int | None = None
) -> tuple[list[OutboundCall], int | None]:
    """Requested calls, newest first, by keyset, with the cursor of the next page."""
    query = sa.select(OutboundCall)
    if business_id is not None:
        query = query.where(OutboundCall.business_id == business_id)
    if cursor is not None:
        query = query.where(OutboundCall.id < cursor)
    found = list(db.session.scalars(query.order_by(OutboundCall.id.desc()).limit(limit + 1)))
    rows = found[:limit]
    return rows, rows[-1].id if len(found) > limit else None


def _requests_of(sids: list[str]) -> dict[str, str]:
    query = sa.select(OutboundCall.call_sid, OutboundCall.request_id).where(OutboundCall.call_sid.in_(sids))
    return {str(sid): request_id for sid, request_id in db.session.execute(query)}


def _turn_marks() -> sa.Select[Any]:
    """How many turns, and sums that move when one of them is changed."""
    turn = ConversationTurn

    def total(column: Any) -> Any:
        return sa.func.coalesce(sa.func.sum(column), 0)

    return sa.select(
        sa.func.count(turn.id), sa.func.max(turn.id), total(sa.func.length(turn.message)),
        sa.func.count(turn.heard), total(turn.heard_ms), total(turn.started_ms), total(turn.latency_ms),
    )  # fmt: skip


def _appointments_of(sids: list[str]) -> dict[str, list[Appointment]]:
    """What these calls booked and nobody has cancelled since."""
    found: dict[str, list[Appointment]] = {}
    query = sa.select(Appointment).where(Appointment.call_sid.in_(sids), Appointment.cancelled_at.is_(None))
    for row in db.session.scalars(query.order_by(Appointment.starts_at)):
        found.setdefault(str(row.call_sid), []).append(row)
    return found


def _last_turns(sids: list[str]) -> dict[str, ConversationTurn]:
    """The newest turn of each of these calls."""
    if not sids:
        return {}
    query = sa.select(ConversationTurn).where(ConversationTurn.call_sid.in_(sids)).order_by(ConversationTurn.sequence)
    return {turn.call_sid: turn for turn in db.session.scalars(query)}


def _of(model: Any, call_sid: str, order: Any) -> list[Any]:
    return list(db.session.scalars(sa.select(model).where(model.call_sid == call_sid).order_by(order)))
