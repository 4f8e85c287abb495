"""The list of calls and one call's page, with what keeps both live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from markupsafe import Markup

from server import ports
from server.console import live
from server.console.rendering import PRIVATE, fragment, page
from server.console.sign_in import signed_in
from server.console.waveform import outline
from server.db import db
from server.models_sql import Business
from server.services import businesses
from server.services.recording_service import get_recording_file_for_call, is_download_in_progress
from server.store import call_views
from server.store.call_views import CallView, Page

PAGE: Final = 30
EXAMPLE_NUMBER: Final = "+441632960101"
LATE_S: Final = 600
"""How long after a call its summary may take before the page says that something is wrong."""
CALL_PARTS: Final = ("head", "outcome", "player", "turns", "transcript", "answers", "facts", "timeline")
LIST_PARTS: Final = ("now", "rows", "older")

Cursor = Annotated[int | None, Query(ge=1, le=call_views.NEWEST_ID)]
router = APIRouter(dependencies=[Depends(signed_in)])


@router.get("/")
def calls(request: Request, older_than: Cursor = None) -> Response:
    """The calls, newest first; the first page is live."""
    with db.scope(write=False):
        shown = call_views.calls_page(limit=PAGE, cursor=older_than)
        known = businesses.list_businesses()
    parts = _list_parts(shown, known)
    return page(request, "calls.html", parts=parts, businesses=known, live=older_than is None)


@router.get("/events")
def list_events(request: Request) -> StreamingResponse:
    """The first page of calls, again whenever it changed."""

    def version() -> tuple[Any, ...]:
        with db.scope(write=False):
            return call_views.list_version(PAGE)

    def parts() -> live.Parts:
        with db.scope(write=False):
            return live.Parts(_list_parts(call_views.calls_page(limit=PAGE), businesses.list_businesses()))

    return live.stream(request, live.Source(version, parts))


@router.get("/calls/{call_sid}")
def call(request: Request, call_sid: str) -> Response:
    """One call; live until nothing more will come."""
    view = _view(call_sid)
    if view is None:
        return page(request, "missing.html", status=404)
    return page(request, "call.html", view=view, parts=_call_parts(view))


@router.get("/calls/{call_sid}/events")
def call_events(request: Request, call_sid: str) -> StreamingResponse:
    """The parts of a call's page, each again whenever it changed."""
    if _view(call_sid) is None:
        raise HTTPException(404, "this call is not known: see the list of calls")

    def version() -> tuple[Any, ...]:
        with db.scope(write=False):
            return call_views.call_version(call_sid)

    def parts() -> live.Parts:
        view = _view(call_sid)
        return live.Parts(_call_parts(view), view.settled) if view else live.Parts({}, final=True)

    return live.stream(request, live.Source(version, parts))


@router.get("/calls/{call_sid}/recording")
def recording(call_sid: str) -> FileResponse:
    """The call's recording for the player, with byte ranges."""
    return FileResponse(
        _recording_of(call_sid),
        media_type="audio/wav",
        filename=f"{call_sid}.wav",
        content_disposition_type="inline",
        headers={**PRIVATE, "Cache-Control": "private, max-age=3600"},
    )


@router.get("/calls/{call_sid}/waveform")
def waveform(call_sid: str) -> JSONResponse:
    """What the player draws."""
    drawn = outline(_recording_of(call_sid))
    return JSONResponse({"duration_s": drawn.duration_s, "channels": drawn.channels}, headers=PRIVATE)


def _recording_of(call_sid: str) -> Path:
    """The recording's file, through its one owner, who waits while another fetches it; 404 or 409 say why not."""
    view = _view(call_sid)
    if view is None:
        raise HTTPException(404, "this call is not known: see the list of calls")
    path = get_recording_file_for_call(view.call) if view.recording_state == "ready" else None
    if path is None and (view.recording_state == "pending" or is_download_in_progress(call_sid)):
        raise HTTPException(409, "the recording is not here yet: try again in a few seconds")
    if path is None:
        raise HTTPException(404, "this call has no recording, or it can't be had now: see its timeline")
    return Path(path)


def _view(call_sid: str) -> CallView | None:
    with db.scope(write=False):
        return call_views.call_view(call_sid)


def _list_parts(shown: Page, known: list[Business]) -> dict[str, Markup]:
    number = known[0].phone_e164 if known else EXAMPLE_NUMBER
    values = {"page": shown, "businesses": known, "number": number, "now": ports.current().clock.now()}
    return {name: fragment(f"parts/{name}.html", **values) for name in LIST_PARTS}


def _call_parts(view: CallView) -> dict[str, Markup]:
    values = {"view": view, "call": view.call, "late": _is_late(view)}
    return {name: fragment(f"parts/{name}.html", **values) for name in CALL_PARTS}


def _is_late(view: CallView) -> bool:
    """The call ended long ago and its summary is still not there."""
    ended = view.call.ended_at
    return not view.settled and ended is not None and (ports.current().clock.now() - ended).total_seconds() > LATE_S
