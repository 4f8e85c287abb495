"""The list of calls and one call's page, and the events that keep both live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from server.console.rendering import fragment, page
from server.console.sign_in import signed_in
from server.db import db
from server.services import businesses
from server.services.recording_service import get_recording_file_for_call, is_download_in_progress
from server.store import call_views
from server.store.call_views import CallView, Page

PAGE: Final = 30
POLL_S: Final = 0.4
HEARTBEAT_S: Final = 15.0

router = APIRouter(dependencies=[Depends(signed_in)])


@router.get("/")
def calls(request: Request, older_than: int | None = None) -> Response:
    """The calls, newest first."""
    with db.scope(write=False):
        shown = call_views.calls_page(limit=PAGE, cursor=older_than)
        known = businesses.list_businesses()
    return page(request, "calls.html", page=shown, businesses=known, live=older_than is None)


@router.get("/calls/{call_sid}")
def call(request: Request, call_sid: str) -> Response:
    """One call."""
    view = _view(call_sid)
    if view is None:
        return page(request, "missing.html", status=404, what="This call is not known.")
    return page(request, "call.html", view=view)


@router.get("/calls/{call_sid}/recording")
def recording(call_sid: str) -> FileResponse:
    """The call's recording for the player, with byte ranges."""
    view = _view(call_sid)
    if view is None:
        raise HTTPException(404, "this call is not known")
    if is_download_in_progress(call_sid):
        raise HTTPException(409, "the recording is being fetched: try again in a few seconds")
    path = get_recording_file_for_call(view.call)
    if path is None:
        raise HTTPException(404, "this call has no recording")
    return FileResponse(path, media_type="audio/wav", filename=f"{call_sid}.wav", content_disposition_type="inline")


@router.get("/events")
def list_events(request: Request) -> StreamingResponse:
    """The list, again whenever it changed."""

    def render() -> tuple[str, bool]:
        return fragment("_rows.html", page=_first_page()), False

    return _stream(request, _version_of_list, render)


@router.get("/calls/{call_sid}/events")
def call_events(request: Request, call_sid: str) -> StreamingResponse:
    """The call, again whenever it changed, until nothing more will come."""

    def render() -> tuple[str, bool]:
        view = _view(call_sid)
        return (fragment("_call.html", view=view), view.settled) if view else ("", True)

    return _stream(request, lambda: _version_of_call(call_sid), render)


def _stream(
    request: Request, version: Callable[[], tuple[Any, ...]], render: Callable[[], tuple[str, bool]]
) -> StreamingResponse:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(request, version, render), media_type="text/event-stream", headers=headers)


async def _events(
    request: Request, version: Callable[[], tuple[Any, ...]], render: Callable[[], tuple[str, bool]]
) -> AsyncIterator[str]:
    """Server-sent events: `update` with what to show, `done` when there is no more; quiet while nothing changes."""
    last, sent_at = None, time.monotonic()
    while not getattr(request.app.state, "stopping", False) and not await request.is_disconnected():
        seen = await asyncio.to_thread(version)
        if seen != last:
            last, sent_at = seen, time.monotonic()
            html, over = await asyncio.to_thread(render)
            yield _event("update", html)
            if over:
                yield _event("done", "")
                return
        elif time.monotonic() - sent_at > HEARTBEAT_S:
            sent_at = time.monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(POLL_S)


def _event(name: str, html: str) -> str:
    lines = "".join(f"data: {line}\n" for line in html.splitlines()) or "data:\n"
    return f"event: {name}\n{lines}\n"


def _view(call_sid: str) -> CallView | None:
    with db.scope(write=False):
        return call_views.call_view(call_sid)


def _first_page() -> Page:
    with db.scope(write=False):
        return call_views.calls_page(limit=PAGE)


def _version_of_list() -> tuple[Any, ...]:
    with db.scope(write=False):
        return call_views.list_version()


def _version_of_call(call_sid: str) -> tuple[Any, ...]:
    with db.scope(write=False):
        return call_views.call_version(call_sid)
