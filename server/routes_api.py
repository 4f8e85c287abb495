"""The HTTP API, for integrators: bearer keys, JSON, errors that say what to do.

It writes one thing: a requested call, once per dedup key, with the job that dials it in the same transaction. Reading
enqueues nothing.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi.responses import FileResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from server.config.calls import CALL_LIMIT_S, REQUEST_VALID_S, RING_TIMEOUT_S
from server.db import db
from server.models_sql import Appointment, Business, CallLog, OutboundCall
from server.services import access, businesses, outbound_calls
from server.services.recording_service import get_recording_file_for_call, is_download_in_progress
from server.store import call_views, calls
from server.store.call_views import CallView
from server.tasks_calls import enqueue_dial

Status = Literal["initiated", "ringing", "in-progress", "completed", "busy", "no-answer", "failed", "canceled"]
Direction = Literal["inbound", "outbound"]
Disposition = Literal["no_line", "fallback", "message", "machine", "transferred"]
RequestState = Literal["queued", "dialing", "placed", "refused"]
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
    answered_by: str | None = Field(description="what answered a call of ours, by the provider's detection")
    disposition: Disposition | None = Field(
        description="set where there was more than the agent: "
        "`no_line` (every line was in use; a message was asked for), `fallback` (the agent failed; the business's "
        "number was dialled), `message` (the agent failed; a message was asked for), `machine` (a machine answered), "
        "`transferred` (a colleague took the call from the agent)"
    )
    request_id: str | None = Field(description="of a call that was asked for: the id that its request got")
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


class NewCall(BaseModel):
    """A call that is asked for."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    business: int | str | None = Field(
        None, description="who calls: a business's id or number; a key that is bound to a business may leave it out"
    )
    to: str = Field(description="who is called, in E.164")
    dedup_key: str = Field(min_length=1, max_length=200, description="what names this one call, such as an order: "
                           "asked for again under it, the same call is answered and nothing is dialled")  # fmt: skip
    from_: str | None = Field(None, alias="from", description="the business's number, which is the default")
    purpose: str | None = Field(
        None, max_length=300, description="what it is about, in words that a machine may be told: your appointment on …"
    )
    instructions: str | None = Field(None, max_length=4000, description="for the agent alone, beside the business's")
    customer_name: str | None = Field(None, max_length=200)
    voicemail_message: str | None = Field(
        None, max_length=1000, description="said to an answering machine after its beep; empty: hang up; absent: the "
        "business's own, else one made of its name and the purpose, else hang up",
    )  # fmt: skip
    machine_detection: bool = True
    time_limit_s: int = Field(CALL_LIMIT_S, ge=30, le=CALL_LIMIT_S)
    ring_timeout_s: int = Field(RING_TIMEOUT_S, ge=5, le=120)
    valid_for_s: int = Field(REQUEST_VALID_S, ge=60, le=86_400, description="not dialled later than this")


class CallRequest(_Answer):
    """A call that was asked for, and the call that it became."""

    id: str = Field(description="the request's; GET /api/v1/calls/{id} answers it")
    state: RequestState = Field(
        description="`queued` until a line is free and it is its turn, `dialing`, `placed` (`status` then is the "
        "call's), `refused` (never dialled; `reason` says why)"
    )
    status: Status | None = Field(None, description="the call's, as soon as there is one")
    reason: str | None
    business_id: int
    dedup_key: str
    to_number: str
    from_number: str
    purpose: str | None
    customer_name: str | None
    call_sid: str | None
    created_at: datetime
    expires_at: datetime


class CallRequestDetail(CallRequest):
    """A requested call, with the call itself where there is one."""

    call: CallDetail | None


class CallRequestList(_Answer):
    """A page of requested calls, newest first."""

    requests: list[CallRequest]
    cursor: int | None = Field(description="ask for the next page with it; null on the last")


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
        items = [CallItem(**_item(row.call, row.business, row.request_id)) for row in page.rows]
        return CallList(calls=items, cursor=page.cursor)


@_api.post(
    "/calls",
    response_model=CallRequest,
    status_code=202,
    summary="Ask for a call",
    tags=["calls"],
    responses={
        200: {"model": CallRequest, "description": "the same call was asked for before; nothing new is dialled"},
        **_refusals(s409="the dedup key was used for another call"),
    },
)
def create_call(wanted: NewCall, caller: Authorised, response: Response) -> CallRequest:
    """Have a number called, once per business and `dedup_key`. It is dialled as soon as a line is free."""
    wish = outbound_calls.Wish(**wanted.model_dump(exclude={"business"}))
    with db.scope() as session:
        business = _calling(wanted.business, caller)
        try:
            request, new = outbound_calls.request_call(business, wish)
        except outbound_calls.BadRequest as problem:
            raise Refusal(422, "invalid", str(problem)) from problem
        except outbound_calls.OtherRequest as problem:
            raise Refusal(409, "dedup_key_used", str(problem)) from problem
        if new:
            enqueue_dial(request)
        answer = _request(request)
        session.commit()
    if not new:
        response.status_code = 200
    return answer


@_api.get("/call_requests", response_model=CallRequestList, summary="List requested calls", tags=["calls"])
def list_requests(caller: Authorised, limit: Limit = 50, cursor: Cursor = None) -> CallRequestList:
    """Calls that were asked for, newest first, the refused ones and those not dialled yet included."""
    with db.scope(write=False):
        rows, following = call_views.requests_page(limit=limit, cursor=cursor, business_id=caller.business_id)
        return CallRequestList(requests=[_request(row) for row in rows], cursor=following)


@_api.get(
    "/calls/{call_sid}",
    response_model=CallDetail | CallRequestDetail,
    summary="One call",
    tags=["calls"],
    responses=_refusals(s404="no such call for this key"),
)
def get_call(call_sid: str, caller: Authorised) -> CallDetail | CallRequestDetail:
    """A call with its turns, transcript, summary, recording, timeline, appointments and messages; live, too.

    By the id that `POST /calls` gave, the request is answered, with its call as soon as there is one.
    """
    with db.scope(write=False):
        request = calls.request_of(call_sid)
        if request is None or caller.business_id not in (None, request.business_id):
            return _detail(_view(call_sid, caller))
        view = call_views.call_view(request.call_sid, request.business_id) if request.call_sid else None
        return CallRequestDetail(**_request_facts(request), call=_detail(view) if view else None)


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


class Refusal(HTTPException):
    """A refusal with a code of its own for programs."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, message)
        self.code = code


def _calling(named: int | str | None, caller: Caller) -> Business:
    """The business that calls, if this key may call for it; to a bound key, others are no businesses."""
    if named is None and caller.business_id is not None:
        named = caller.business_id
    found = businesses.find_business(named) if named is not None else None
    if found is None or caller.business_id not in (None, found.id):
        raise Refusal(422, "invalid", f"business {named!r} is not known to this key: give a business's id or number")
    return found


def _request(row: OutboundCall) -> CallRequest:
    return CallRequest(**_request_facts(row))


def _request_facts(row: OutboundCall) -> dict[str, Any]:
    """A request as it stands; what its call does is the call's, and read from there."""
    names = ("reason", "business_id", "dedup_key", "to_number", "from_number", "purpose", "customer_name", "call_sid",
             "created_at", "expires_at")  # fmt: skip
    call = calls.call_of(row.call_sid) if row.call_sid else None
    shown = {"waiting": "queued", "in_doubt": "dialing"}.get(row.state, row.state)
    told = {"id": row.request_id, "state": shown, "status": call.status if call else None}
    return {name: getattr(row, name) for name in names} | told


def _detail(view: CallView) -> CallDetail:
    return CallDetail(
        **_item(view.call, view.business, view.request_id),
        turns=[Turn.model_validate(turn) for turn in view.turns],
        final_transcript=view.call.final_transcript,
        recording=_recording(view),
        timeline=[TimelineEntry.model_validate(event) for event in view.events],
        appointments=[_appointment(row, view.business) for row in view.appointments],
        messages=[MessageItem.model_validate(left) for left in view.messages],
    )


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


def _item(call: CallLog, business: Business, request_id: str | None) -> dict[str, Any]:
    names = ("call_sid", "status", "direction", "duration", "from_number", "to_number", "started_at", "ended_at",
             "answered_by", "disposition", "transcript_source", "summary")  # fmt: skip
    given = {name: getattr(call, name) for name in names}
    return given | {"business": BusinessRef.model_validate(business), "request_id": request_id}


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
