"""The tables. Who may write which column is in `server/ownership.py`; the guard in `server.db` holds it.

Columns of a foreign owner are nullable with no Python default, so that a row's creator does not write them.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, Query, Session, UOWTransaction, mapped_column

from server.db import GuardedSession, db, register_model


def utc_now() -> datetime:
    """The time a row was made, timezone-aware."""
    return datetime.now(UTC)


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A timezone-aware UTC time on both databases (SQLite itself keeps no zone)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Store UTC; a time without a zone is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a timezone can't be stored: give it one, such as datetime.now(UTC)")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Give the zone back that SQLite drops."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _QueryProperty:
    """`Model.query`: a query on the current scope's session."""

    def __get__(self, _: Any, model: type[Any]) -> Query[Any]:
        return db.session.query(model)


class Base(DeclarativeBase):
    """Every table."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime(), dict[str, Any]: sa.JSON()}
    query: ClassVar[_QueryProperty] = _QueryProperty()


class Business(Base):
    """A tenant: one business with its number, its voice and what it wants said."""

    __tablename__ = "businesses"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    phone_e164: Mapped[str] = mapped_column(sa.String(20), unique=True)
    timezone: Mapped[str] = mapped_column(sa.String(64), default="UTC")
    language: Mapped[str] = mapped_column(sa.String(16), default="en")
    voice: Mapped[str] = mapped_column(sa.String(64), default="marin")
    greeting: Mapped[str | None] = mapped_column(sa.Text)
    inbound_prompt: Mapped[str | None] = mapped_column(sa.Text)
    outbound_prompt: Mapped[str | None] = mapped_column(sa.Text)
    whatsapp_prompt: Mapped[str | None] = mapped_column(sa.Text)
    hours: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    facts: Mapped[list[Any]] = mapped_column(sa.JSON, default=list)
    consent_announcement: Mapped[str | None] = mapped_column(sa.Text)
    record_calls: Mapped[bool] = mapped_column(default=True)
    max_calls: Mapped[int] = mapped_column(default=10, server_default="10")
    fallback_number: Mapped[str | None] = mapped_column(sa.String(20))
    voicemail_message: Mapped[str | None] = mapped_column(sa.Text)
    outbound_countries: Mapped[list[Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    services: Mapped[list[Any]] = mapped_column(sa.JSON, default=list)
    slot_minutes: Mapped[int] = mapped_column(default=30)
    book_ahead_days: Mapped[int] = mapped_column(default=366)
    least_notice_minutes: Mapped[int] = mapped_column(default=0)
    tools_off: Mapped[list[Any]] = mapped_column(sa.JSON, default=list)
    tool_hosts: Mapped[list[Any]] = mapped_column(sa.JSON, default=list)


class Contact(Base):
    """A person known to one business by a phone number."""

    __tablename__ = "contacts"
    __table_args__ = (sa.UniqueConstraint("business_id", "phone_e164"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    business_id: Mapped[int] = mapped_column(sa.ForeignKey("businesses.id"), index=True)
    phone_e164: Mapped[str] = mapped_column(sa.String(20))
    name: Mapped[str | None] = mapped_column(sa.String(200))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class CallLog(Base):
    """One call, whatever its number of legs. Its state is what the provider said last that was not out of order."""

    __tablename__ = "call_logs"
    __table_args__ = (sa.Index("ix_call_logs_status_id", "status", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    call_sid: Mapped[str] = mapped_column(sa.String(64), unique=True)
    parent_call_sid: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    business_id: Mapped[int] = mapped_column(sa.ForeignKey("businesses.id"), index=True)
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contacts.id"), index=True)
    direction: Mapped[str] = mapped_column(sa.String(16))
    twilio_direction: Mapped[str | None] = mapped_column(sa.String(32))
    from_number: Mapped[str | None] = mapped_column(sa.String(64))
    to_number: Mapped[str | None] = mapped_column(sa.String(64))
    status: Mapped[str] = mapped_column(sa.String(16))
    duration: Mapped[int | None] = mapped_column()
    started_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    ended_at: Mapped[datetime | None] = mapped_column()
    recording_requested_at: Mapped[datetime | None] = mapped_column()
    recording_sid: Mapped[str | None] = mapped_column(sa.String(64))
    recording_url: Mapped[str | None] = mapped_column(sa.Text)
    recording_status: Mapped[str | None] = mapped_column(sa.String(16))
    recording_duration: Mapped[int | None] = mapped_column()
    recording_source: Mapped[str | None] = mapped_column(sa.String(16))
    answered_by: Mapped[str | None] = mapped_column(sa.String(32))
    disposition: Mapped[str | None] = mapped_column(sa.String(24))
    final_transcript: Mapped[str | None] = mapped_column(sa.Text)
    transcript_source: Mapped[str | None] = mapped_column(sa.String(16))
    summary: Mapped[str | None] = mapped_column(sa.Text)


class RecordingFile(Base):
    """The one download of a call's recording: its claim while it runs, and where the file is afterwards."""

    __tablename__ = "recording_files"

    id: Mapped[int] = mapped_column(primary_key=True)
    call_sid: Mapped[str] = mapped_column(sa.String(64), unique=True)
    business_id: Mapped[int] = mapped_column(sa.ForeignKey("businesses.id"), index=True)
    state: Mapped[str] = mapped_column(sa.String(16))
    claimed_by: Mapped[str | None] = mapped_column(sa.String(64))
    claimed_until: Mapped[datetime | None] = mapped_column()
    blob_key: Mapped[str | None] = mapped_column(sa.String(200))
    size_bytes: Mapped[int | None] = mapped_column()
    sha256: Mapped[str | None] = mapped_column(sa.String(64))
    error: Mapped[str | None] = mapped_column(sa.Text)
    stored_at: Mapped[datetime | None] = mapped_column()


class ConversationTurn(Base):
    """One thing said in a call. `message` is what was said in full; `heard` is set where the listener heard less."""

    __tablename__ = "conversation_turns"
    __table_args__ = (sa.UniqueConstraint("call_sid", "sequence"), sa.UniqueConstraint("call_sid", "item_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    call_sid: Mapped[str] = mapped_column(sa.String(64), index=True)
    call_log_id: Mapped[int] = mapped_column(sa.ForeignKey("call_logs.id"), index=True)
    business_id: Mapped[int] = mapped_column(sa.ForeignKey("businesses.id"), index=True)
    sequence: Mapped[int] = mapped_column()
    item_id: Mapped[str | None] = mapped_column(sa.String(64))
    speaker: Mapped[str] = mapped_column(sa.String(16))
    message: Mapped[str] = mapped_column(sa.Text)
    heard: Mapped[str | None] = mapped_column(sa.Text)
    heard_ms: Mapped[int | None] = mapped_column()
    confidence_score: Mapped[float | None] = mapped_column()
    started_ms: Mapped[int | None] = mapped_column()
    latency_ms: Mapped[int | None] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class CallEvent(Base):
    """One line of a call's timeline; append-only."""

    __tablename__ = "call_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    call_sid: Mapped[str] = mapped_column(sa.String(64), index=True)
    business_id: Mapped[int | None] = mapped_column(sa.ForeignKey("businesses.id"), index=True)
    source: Mapped[str] = mapped_column(sa.String(32))
    kind: Mapped[str] = mapped_column(sa.String(48))
    detail: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    at: Mapped[datetime] = mapped_column(default=utc_now)


class ProviderEvent(Base):
    """The inbox: one event a provider sent, kept until its effect is done, with the answer it got."""

    __tablename__ = "provider_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    event_key: Mapped[str] = mapped_column(sa.String(160), unique=True)
    source: Mapped[str] = mapped_column(sa.String(16))
    kind: Mapped[str] = mapped_column(sa.String(32))
    call_sid: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    payload: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    state: Mapped[str] = mapped_column(sa.String(16), index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(sa.Text)
    answer: Mapped[str | None] = mapped_column(sa.Text)
    received_at: Mapped[datetime] = mapped_column(default=utc_now)
    retry_at: Mapped[datetime | None] = mapped_column()
    done_at: Mapped[datetime | None] = mapped_column()


class OutboundCall(Base):
    """A call that somebody asked for: what to dial, for whom, and how far that got. One per business and dedup key."""

    __tablename__ = "outbound_calls"
    __table_args__ = (
        sa.UniqueConstraint("business_id", "dedup_key"),
        sa.Index("ix_outbound_calls_state_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(sa.String(40), unique=True)
    business_id: Mapped[int] = mapped_column(sa.ForeignKey("businesses.id"), index=True)
    dedup_key: Mapped[str] = mapped_column(sa.String(200))
    body_sha256: Mapped[str] = mapped_column(sa.String(64))
    to_number: Mapped[str] = mapped_column(sa.String(20))
    from_number: Mapped[str] = mapped_column(sa.String(20))
    purpose: Mapped[str | None] = mapped_column(sa.Text)
    instructions: Mapped[str | None] = mapped_column(sa.Text)
    customer_name: Mapped[str | None] = mapped_column(sa.String(200))
    voicemail_message: Mapped[str | None] = mapped_column(sa.Text)
    machine_detection: Mapped[bool] = mapped_column()
    time_limit_s: Mapped[int] = mapped_column()
    ring_timeout_s: Mapped[int] = mapped_column()
    state: Mapped[str] = mapped_column(sa.String(16))
    reason: Mapped[str | None] = mapped_column(sa.Text)
    attempts: Mapped[int] = mapped_column(default=0)
    call_sid: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime] = mapped_column()
    dialed_at: Mapped[datetime | None] = mapped_column()


class CallLease(Base):
    """A line that is in use. Its numbered slots are what keeps two from taking the last one."""

    __tablename__ = "call_leases"
    __table_args__ = (sa.UniqueConstraint("business_id", "business_slot"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    lease_key: Mapped[str] = mapped_column(sa.String(64), unique=True)
    business_id: Mapped[int] = mapped_column(sa.ForeignKey("businesses.id"))
    business_slot: Mapped[int] = mapped_column()
    installation_slot: Mapped[int] = mapped_column(unique=True)
    taken_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class StreamToken(Base):
    """A single-use pass for the media socket, bound to one call; only its hash is kept."""

    __tablename__ = "stream_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    call_sid: Mapped[str] = mapped_column(sa.String(64), index=True)
    business_id: Mapped[int] = mapped_column(sa.ForeignKey("businesses.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column()
    used_at: Mapped[datetime | None] = mapped_column()


class JobKey(Base):
    """The deduplication of jobs: what was enqueued once is not enqueued again."""

    __tablename__ = "job_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    job_key: Mapped[str] = mapped_column(sa.String(160), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(48))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class WorkerBeat(Base):
    """A worker that lives: its jobs are taken over when its beat stops."""

    __tablename__ = "worker_beats"

    id: Mapped[int] = mapped_column(primary_key=True)
    executor_id: Mapped[str] = mapped_column(sa.String(100), unique=True)
    beat_at: Mapped[datetime] = mapped_column(index=True)


class Appointment(Base):
    """A booking; the time it takes is in `booked_units` until it is cancelled."""

    __tablename__ = "appointments"
    __table_args__ = (sa.Index("ix_appointments_business_id_local_date", "business_id", "local_date"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    business_id: Mapped[int] = mapped_column(sa.ForeignKey("businesses.id"), index=True)
    call_sid: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contacts.id"), index=True)
    customer_name: Mapped[str] = mapped_column(sa.String(200))
    service: Mapped[str | None] = mapped_column(sa.String(200))
    local_date: Mapped[date] = mapped_column()
    starts_at: Mapped[datetime] = mapped_column()
    request_key: Mapped[str] = mapped_column(sa.String(160), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    minutes: Mapped[int] = mapped_column(default=30)
    cancelled_at: Mapped[datetime | None] = mapped_column()


class Message(Base):
    """What a caller asked to be passed on."""

    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    business_id: Mapped[int] = mapped_column(sa.ForeignKey("businesses.id"), index=True)
    call_sid: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    customer_name: Mapped[str | None] = mapped_column(sa.String(200))
    callback_number: Mapped[str | None] = mapped_column(sa.String(64))
    body: Mapped[str] = mapped_column(sa.Text)
    request_key: Mapped[str] = mapped_column(sa.String(160), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    handled_at: Mapped[datetime | None] = mapped_column()


class ApiKey(Base):
    """A bearer key for the API; only its hash is kept. No business means the whole installation."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    key_sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    business_id: Mapped[int | None] = mapped_column(sa.ForeignKey("businesses.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    revoked_at: Mapped[datetime | None] = mapped_column()


class LoginLink(Base):
    """A one-time link into the console; only its hash is kept."""

    __tablename__ = "login_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column()
    used_at: Mapped[datetime | None] = mapped_column()


class BookedUnit(Base):
    """Five minutes of a business's time that an appointment holds: the key is what makes overlaps impossible."""

    __tablename__ = "booked_units"

    business_id: Mapped[int] = mapped_column(sa.ForeignKey("businesses.id"), primary_key=True)
    unit: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    appointment_id: Mapped[int] = mapped_column(sa.ForeignKey("appointments.id"), index=True)


class TransferTarget(Base):
    """A colleague or department that a call can be put through to; the model is told the name, never the number."""

    __tablename__ = "transfer_targets"
    __table_args__ = (sa.UniqueConstraint("business_id", "name_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    business_id: Mapped[int] = mapped_column(sa.ForeignKey("businesses.id"))
    name: Mapped[str] = mapped_column(sa.String(100))
    name_key: Mapped[str] = mapped_column(sa.String(100))
    phone_e164: Mapped[str] = mapped_column(sa.String(20))
    purpose: Mapped[str | None] = mapped_column(sa.String(300))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    warm: Mapped[bool] = mapped_column(default=True)


class HttpTool(Base):
    """A tool of one business that asks another system. `headers` name secrets; `secrets` alone holds their values."""

    __tablename__ = "http_tools"
    __table_args__ = (sa.UniqueConstraint("business_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    business_id: Mapped[int] = mapped_column(sa.ForeignKey("businesses.id"))
    name: Mapped[str] = mapped_column(sa.String(64))
    description: Mapped[str] = mapped_column(sa.String(1000))
    parameters: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    method: Mapped[str] = mapped_column(sa.String(8))
    url: Mapped[str] = mapped_column(sa.Text)
    headers: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    secrets: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict, deferred=True)
    timeout_ms: Mapped[int] = mapped_column(default=5000)
    max_bytes: Mapped[int] = mapped_column(default=65_536)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ToolRun(Base):
    """One run of a tool that changes something: its claim while it runs, its answer afterwards."""

    __tablename__ = "tool_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_key: Mapped[str] = mapped_column(sa.String(160), unique=True)
    business_id: Mapped[int] = mapped_column(sa.ForeignKey("businesses.id"), index=True)
    call_sid: Mapped[str] = mapped_column(sa.String(64), index=True)
    name: Mapped[str] = mapped_column(sa.String(64))
    answer: Mapped[str | None] = mapped_column(sa.Text)
    claimed_until: Mapped[datetime] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Transfer(Base):
    """One attempt to put a caller through to a colleague. `dial_status` is the provider's word for how it ended."""

    __tablename__ = "transfers"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_key: Mapped[str] = mapped_column(sa.String(160), unique=True)
    call_sid: Mapped[str] = mapped_column(sa.String(64), index=True)
    business_id: Mapped[int] = mapped_column(sa.ForeignKey("businesses.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    phone_e164: Mapped[str] = mapped_column(sa.String(20))
    warm: Mapped[bool] = mapped_column()
    reason: Mapped[str | None] = mapped_column(sa.String(300))
    state: Mapped[str] = mapped_column(sa.String(16))
    dial_status: Mapped[str | None] = mapped_column(sa.String(16))
    talk_s: Mapped[int | None] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    accepted_at: Mapped[datetime | None] = mapped_column()
    ended_at: Mapped[datetime | None] = mapped_column()
    back_at: Mapped[datetime | None] = mapped_column()


register_model(Base)


@event.listens_for(GuardedSession, "before_flush")
def _complete_turns(session: Session, _: UOWTransaction, __: Any) -> None:
    """Fill a turn's business and its place in the call where the writer left them to the database."""
    fresh = [row for row in session.new if isinstance(row, ConversationTurn)]
    for turn in fresh:
        with session.no_autoflush:
            if getattr(turn, "business_id", None) is None:
                turn.business_id = _business_of(session, turn)
            if getattr(turn, "sequence", None) is None:
                turn.sequence = _next_sequence(session, turn.call_sid, fresh)


def _business_of(session: Session, turn: ConversationTurn) -> int:
    found = session.scalar(sa.select(CallLog.business_id).where(CallLog.call_sid == turn.call_sid))
    if found is None:
        raise ValueError(f"a turn names call {turn.call_sid!r}, which does not exist: store the call first")
    return found


def _next_sequence(session: Session, call_sid: str, fresh: list[ConversationTurn]) -> int:
    stored = session.scalar(
        sa.select(sa.func.max(ConversationTurn.sequence)).where(ConversationTurn.call_sid == call_sid)
    )
    pending = [t.sequence for t in fresh if t.call_sid == call_sid and t.sequence is not None]
    return max([stored or 0, *pending]) + 1
