"""The HTTP API, for integrators: bearer keys, JSON, errors that say what to do. Reads only, and enqueues nothing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi.responses import FileResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from server.db import db
from server.models_sql import Appointment, Business, CallLog
from server.services import access
from server.services.recording_service import get_recording_file_for_call, is_download_in_progress
from server.store import call_views
from server.store.call_views import CallView

Status = Literal["initiated", "ringing", "in-progress", "completed", "busy", "no-answer", "failed", "canceled"]
Direction = Literal["inbound", "outbound"]
NOT_KEPT: Final = {"Cache-Control": "no-store"}


class _Answer(BaseModel):
    """An answer's part, read from a stored row by its attributes."""

    model_config = ConfigDict(from_attributes=True)


class Problem(_Answer):
    """What went wrong, for a program (`code`) and a person; `remedy` says what to do about it."""

    code: str
    message: str
    remedy: str | None


class ErrorAnswer(_Answer):
    """Every refusal has this form."""

    error: Problem


class BusinessRef(_Answer):
    """The business a call belongs to."""

    id: int
    name: str
    phone: str = Field(description="its number, in E.164", validation_alias="phone_e164", serialization_alias="phone")


class CallItem(_Answer):
    """A call, as it stands in a list. Times are in UTC."""

    call_sid: str = Field(description="the phone provider's id of the call; of several legs, the parent's")
    status: Status = Field(description="what the provider said last; it never goes back from a final one")
    direction: Direction
    duration: int | None = Field(description="the provider's count in seconds; null until the call has ended")
    from_number: str | None
    to_number: str | None
    business: BusinessRef
    started_at: datetime
    ended_at: datetime | None
    transcript_source: Literal["recording", "realtime", "failed"] | None = Field(
        description="what the final transcript was made from; null until it is there"
    )
    summary: str | None = Field(description="what the call was about; written from the final transcript, once")


class Turn(_Answer):
    """One thing said, in the order of the conversation."""

    sequence: int
    speaker: str = Field(description="`user` is the caller, `assistant` the agent")
    message: str = Field(description="what was said in full")
    heard: str | None = Field(description="set where the listener heard less than `message`, because of a barge-in")
    heard_ms: int | None = Field(description="how much of the turn's audio was heard, in ms; set with `heard`")
    started_ms: int | None = Field(description="when it began, in ms from the start of the call's audio")
    latency_ms: int | None = Field(description="from the end of the caller's speech to the first audio of the answer")
    created_at: datetime


class Recording(_Answer):
    """The call's recording."""

    status: str | None = Field(description="the provider's word: `completed`, `absent`, `failed` …")
    available: bool = Field(description="true when `url` answers with the audio")
    url: str | None = Field(description="a WAV, with byte ranges; needs the same key")
    duration_s: int | None
    bytes: int | None = Field(description="known once it is stored here")
    sha256: str | None = Field(description="known once it is stored here")


class TimelineEntry(_Answer):
    """Something that happened to the call; entries are only ever added."""

    at: datetime
    source: str = Field(description="the part of Frontdesk that says so")
    kind: str
    detail: dict[str, Any]


class AppointmentItem(_Answer):
    """A booked slot."""

    id: int
    business: BusinessRef
    call_sid: str | None = Field(description="the call in which it was booked")
    customer_name: str
    service: str | None
    starts_at: datetime = Field(description="in UTC")
    created_at: datetime


class MessageItem(_Answer):
    """What a caller asked to be passed on."""

    id: int
    customer_name: str | None
    callback_number: str | None
    body: str
    created_at: datetime


class CallDetail(CallItem):
    """A call with all that belongs to it."""

    turns: list[Turn]
    final_transcript: str | None = Field(description="the transcript made after the call; null until it is there")
    recording: Recording
    timeline: list[TimelineEntry]
    appointments: list[AppointmentItem]
    messages: list[MessageItem]


class CallList(_Answer):
    """A page of calls, newest first."""

    calls: list[CallItem]
    cursor: int | None = Field(description="ask for the next page with it; null on the last")


class AppointmentList(_Answer):
    """A page of appointments, the newest booking first."""

    appointments: list[AppointmentItem]
    cursor: int | None = Field(description="ask for the next page with it; null on the last")


class Caller(_Answer):
    """Who asks: a key of one business, or (None) of the whole installation."""

    business_id: int | None


_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="API key",
    description="A key of `frontdesk apikey create`. One that is bound to a business sees that business alone.",
)


def authorised(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Caller:
    """The key behind the request; 401 that says how to get one."""
    if given is not None:
        with db.scope(write=False):
            key = access.api_key(given.credentials.strip())
        if key is not None:
            return Caller(business_id=key.business_id)
    raise HTTPException(
        401,
        "the request carries no valid API key: send `Authorization: Bearer fd_…`; "
        "make a key with `frontdesk apikey create --name …`",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _not_kept(response: Response) -> None:
    """What callers said is for no cache."""
    response.headers.update(NOT_KEPT)


def _refusals(**reasons: str) -> dict[int | str, dict[str, Any]]:
    return {int(name.removeprefix("s")): {"model": ErrorAnswer, "description": why} for name, why in reasons.items()}


Authorised = Annotated[Caller, Depends(authorised)]
Limit = Annotated[int, Query(ge=1, le=100, description="how many, at most 100")]
Cursor = Annotated[int | None, Query(ge=1, le=call_views.NEWEST_ID, description="the `cursor` of the page before")]
_api = APIRouter(
    prefix="/api/v1",
    dependencies=[Depends(authorised), Depends(_not_kept)],
    responses=_refusals(s401="no valid API key", s422="a parameter does not fit; the message names it"),
)


def router() -> APIRouter:
    """The API's routes."""
    return _api


@_api.get("/calls", response_model=CallList, summary="List calls", tags=["calls"])
def list_calls(
    caller: Authorised,
    limit: Limit = 50,
    cursor: Cursor = None,
    status: Annotated[Status | None, Query(description="only calls with this status")] = None,
    direction: Annotated[Direction | None, Query(description="only calls of this direction")] = None,
) -> CallList:
    """Calls, newest first. Pages are stable: a call that comes in meanwhile shifts nothing."""
    with db.scope(write=False):
        page = call_views.calls_page(
            limit=limit, cursor=cursor, business_id=caller.business_id, status=status, direction=direction
        )
        return CallList(calls=[CallItem(**_item(row.call, row.business)) for row in page.rows], cursor=page.cursor)


@_api.get(
    "/calls/{call_sid}",
    response_model=CallDetail,
    summary="One call",
    tags=["calls"],
    responses=_refusals(s404="no such call for this key"),
)
def get_call(call_sid: str, caller: Authorised) -> CallDetail:
    """A call with its turns, transcript, summary, recording, timeline, appointments and messages; live, too."""
    with db.scope(write=False):
        view = _view(call_sid, caller)
        return CallDetail(
            **_item(view.call, view.business),
            turns=[Turn.model_validate(turn) for turn in view.turns],
            final_transcript=view.call.final_transcript,
            recording=_recording(view),
            timeline=[TimelineEntry.model_validate(event) for event in view.events],
            appointments=[_appointment(row, view.business) for row in view.appointments],
            messages=[MessageItem.model_validate(left) for left in view.messages],
        )


@_api.get(
    "/calls/{call_sid}/recording",
    response_class=FileResponse,
    summary="A call's recording",
    tags=["calls"],
    responses={
        200: {"description": "the whole WAV", "content": {"audio/wav": {}}},
        206: {"description": "the bytes asked for with `Range`", "content": {"audio/wav": {}}},
        **_refusals(s404="no such call for this key, or it has no recording", s409="the recording is not here yet"),
    },
)
def get_recording(call_sid: str, caller: Authorised) -> FileResponse:
    """The WAV, 16-bit PCM: the caller is on the left channel and the agent on the right. Byte ranges are answered."""
    with db.scope(write=False):
        view = _view(call_sid, caller)
    return FileResponse(
        _recording_file(view), media_type="audio/wav", filename=f"{view.call.call_sid}.wav", headers=NOT_KEPT
    )


@_api.get("/appointments", response_model=AppointmentList, summary="List appointments", tags=["appointments"])
def list_appointments(caller: Authorised, limit: Limit = 50, cursor: Cursor = None) -> AppointmentList:
    """What the agent booked, the newest booking first."""
    with db.scope(write=False):
        rows, following = call_views.appointments_page(limit=limit, cursor=cursor, business_id=caller.business_id)
        return AppointmentList(appointments=[_appointment(row, owner) for row, owner in rows], cursor=following)


def _recording_file(view: CallView) -> Path:
    """The recording's file, through its one owner; downloads it if that never happened. 404 or 409 says why not."""
    call_sid = view.call.call_sid
    if view.recording_state == "pending" or is_download_in_progress(call_sid):
        raise HTTPException(
            409, "the recording is not here yet: ask again in a few seconds", headers={"Retry-After": "3"}
        )
    path = get_recording_file_for_call(view.call) if view.recording_state == "ready" else None
    if path is None:
        raise HTTPException(404, f"this call has no recording: the timeline of GET /api/v1/calls/{call_sid} says why")
    return Path(path)


def _view(call_sid: str, caller: Caller) -> CallView:
    view = call_views.call_view(call_sid, caller.business_id)
    if view is None:
        raise HTTPException(404, "this call is not known to this key: GET /api/v1/calls lists what is")
    return view


def _item(call: CallLog, business: Business) -> dict[str, Any]:
    names = ("call_sid", "status", "direction", "duration", "from_number", "to_number", "started_at", "ended_at",
             "transcript_source", "summary")  # fmt: skip
    return {name: getattr(call, name) for name in names} | {"business": BusinessRef.model_validate(business)}


def _recording(view: CallView) -> Recording:
    stored, ready = view.recording, view.recording_state == "ready"
    return Recording(
        status=view.call.recording_status,
        available=ready,
        url=f"/api/v1/calls/{view.call.call_sid}/recording" if ready else None,
        duration_s=view.call.recording_duration,
        bytes=stored.size_bytes if stored else None,
        sha256=stored.sha256 if stored else None,
    )


def _appointment(row: Appointment, business: Business) -> AppointmentItem:
    return AppointmentItem(
        id=row.id, business=BusinessRef.model_validate(business), call_sid=row.call_sid, service=row.service,
        customer_name=row.customer_name, starts_at=row.starts_at, created_at=row.created_at,
    )  # fmt: skip
