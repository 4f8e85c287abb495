"""The HTTP API, for integrators: bearer keys, JSON, errors that say what to do. Reads only, and enqueues nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel

from server.db import db
from server.models_sql import Appointment, Business, CallLog
from server.services import access
from server.services.recording_service import get_recording_file_for_call, is_download_in_progress
from server.store import call_views
from server.store.call_views import CallView

Status = Literal["initiated", "ringing", "in-progress", "completed", "busy", "no-answer", "failed", "canceled"]
Direction = Literal["inbound", "outbound"]


class BusinessRef(BaseModel):
    """The business a call belongs to."""

    id: int
    name: str
    phone: str


class CallItem(BaseModel):
    """A call, as it stands in a list. Times are UTC, `duration` in seconds."""

    call_sid: str
    status: Status
    direction: Direction
    duration: int | None
    from_number: str | None
    to_number: str | None
    business: BusinessRef
    started_at: datetime
    ended_at: datetime | None
    transcript_source: str | None
    summary: str | None


class Turn(BaseModel):
    """One thing said. `heard` is set where the listener heard less than `message`; times in ms."""

    sequence: int
    speaker: str
    message: str
    heard: str | None
    heard_ms: int | None
    started_ms: int | None
    latency_ms: int | None
    created_at: datetime


class Recording(BaseModel):
    """The call's recording; `url` answers with WAV and byte ranges."""

    status: str | None
    available: bool
    url: str | None
    duration_s: int | None
    bytes: int | None
    sha256: str | None


class TimelineEntry(BaseModel):
    """Something that happened to the call."""

    at: datetime
    source: str
    kind: str
    detail: dict[str, Any]


class AppointmentItem(BaseModel):
    """A booked slot; `starts_at` in UTC."""

    id: int
    business: BusinessRef
    call_sid: str | None
    customer_name: str
    service: str | None
    starts_at: datetime


class CallDetail(CallItem):
    """A call with all that belongs to it."""

    turns: list[Turn]
    final_transcript: str | None
    recording: Recording
    timeline: list[TimelineEntry]
    appointments: list[AppointmentItem]


class CallList(BaseModel):
    """A page of calls, newest first. Ask for the next with `cursor`; null on the last page."""

    calls: list[CallItem]
    cursor: int | None


class AppointmentList(BaseModel):
    """Appointments, the latest start first."""

    appointments: list[AppointmentItem]


class Caller(BaseModel):
    """Who asks: a key of one business, or (None) of the whole installation."""

    business_id: int | None


def authorised(request: Request) -> Caller:
    """The key behind the request; 401 that says how to get one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        with db.scope(write=False):
            key = access.api_key(token.strip())
        if key is not None:
            return Caller(business_id=key.business_id)
    raise HTTPException(
        401,
        "Authorization must carry a valid key: send `Authorization: Bearer fd_…`; "
        "make one with `frontdesk apikey create --name …`",
        headers={"WWW-Authenticate": "Bearer"},
    )


Authorised = Annotated[Caller, Depends(authorised)]
_api = APIRouter(prefix="/api/v1", tags=["calls"], dependencies=[Depends(authorised)])


def router() -> APIRouter:
    """The API's routes."""
    return _api


@_api.get("/calls", response_model=CallList, summary="List calls")
def list_calls(
    caller: Authorised,
    limit: Annotated[int, Query(ge=1, le=100, description="how many calls")] = 50,
    cursor: Annotated[int | None, Query(ge=1, description="the `cursor` of the page before")] = None,
    status: Status | None = None,
    direction: Direction | None = None,
) -> CallList:
    """Calls, newest first."""
    with db.scope(write=False):
        page = call_views.calls_page(
            limit=limit, cursor=cursor, business_id=caller.business_id, status=status, direction=direction
        )
        return CallList(calls=[CallItem(**_item(call, owner)) for call, owner in page.rows], cursor=page.cursor)


@_api.get("/calls/{call_sid}", response_model=CallDetail, summary="One call")
def get_call(call_sid: str, caller: Authorised) -> CallDetail:
    """A call with its turns, transcript, summary, recording, timeline and appointments."""
    with db.scope(write=False):
        view = _view(call_sid, caller)
        return CallDetail(
            **_item(view.call, view.business),
            turns=[Turn.model_validate(turn, from_attributes=True) for turn in view.turns],
            final_transcript=view.call.final_transcript,
            recording=_recording(view),
            timeline=[TimelineEntry.model_validate(event, from_attributes=True) for event in view.events],
            appointments=[_appointment(row, view.business) for row in view.appointments],
        )


@_api.get("/calls/{call_sid}/recording", response_class=FileResponse, summary="The recording as WAV")
def get_recording(call_sid: str, caller: Authorised) -> FileResponse:
    """The recording, with byte ranges. 404 when there is none, 409 while it is being fetched."""
    with db.scope(write=False):
        view = _view(call_sid, caller)
    return recording_response(view.call)


@_api.get("/appointments", response_model=AppointmentList, summary="List appointments", tags=["appointments"])
def list_appointments(caller: Authorised, limit: Annotated[int, Query(ge=1, le=100)] = 50) -> AppointmentList:
    """What the agent booked."""
    with db.scope(write=False):
        rows = call_views.appointments_page(limit=limit, business_id=caller.business_id)
        return AppointmentList(appointments=[_appointment(row, owner) for row, owner in rows])


def recording_response(call: CallLog) -> FileResponse:
    """A call's recording for a player; raises the HTTP errors of `get_recording`."""
    if is_download_in_progress(call.call_sid):
        raise HTTPException(409, "the recording is being fetched: ask again in a few seconds")
    path = get_recording_file_for_call(call)
    if path is None:
        raise HTTPException(404, "this call has no recording, or it can't be had now: see its timeline")
    return FileResponse(
        path, media_type="audio/wav", filename=f"{call.call_sid}.wav", content_disposition_type="inline"
    )


def _view(call_sid: str, caller: Caller) -> CallView:
    view = call_views.call_view(call_sid, caller.business_id)
    if view is None:
        raise HTTPException(404, f"call {call_sid[:64]!r} is not known to this key: see GET /api/v1/calls")
    return view


def _ref(business: Business) -> BusinessRef:
    return BusinessRef(id=business.id, name=business.name, phone=business.phone_e164)


def _item(call: CallLog, business: Business) -> dict[str, Any]:
    names = ("call_sid", "status", "direction", "duration", "from_number", "to_number", "started_at", "ended_at",
             "transcript_source", "summary")  # fmt: skip
    return {name: getattr(call, name) for name in names} | {"business": _ref(business)}


def _recording(view: CallView) -> Recording:
    stored = view.recording
    return Recording(
        status=view.call.recording_status,
        available=view.has_recording,
        url=f"/api/v1/calls/{view.call.call_sid}/recording" if view.has_recording else None,
        duration_s=view.call.recording_duration,
        bytes=stored.size_bytes if stored else None,
        sha256=stored.sha256 if stored else None,
    )


def _appointment(row: Appointment, business: Business) -> AppointmentItem:
    return AppointmentItem(
        id=row.id, business=_ref(business), call_sid=row.call_sid, customer_name=row.customer_name,
        service=row.service, starts_at=row.starts_at,
    )  # fmt: skip
