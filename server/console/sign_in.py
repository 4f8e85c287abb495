"""Signing in: a one-time link opens a session; nothing else does."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from server.console.rendering import PRIVATE, page
from server.db import db
from server.services import access

COOKIE: Final = "frontdesk_session"
router = APIRouter()


def signed_in(request: Request) -> None:
    """Let a session through; send everybody else to the sign-in page."""
    if not _has_session(request):
        raise HTTPException(303, "sign in first", headers={**PRIVATE, "Location": "/login"})


@router.get("/login")
def login(request: Request, token: str = "") -> Response:
    """A link's page: a button, because previews of links must not use them up; without a link, how to get one."""
    if not token and _has_session(request):
        return RedirectResponse("/", 303, headers=PRIVATE)
    return page(request, "login.html", token=token, refused=False)


@router.post("/login")
def open_session(request: Request, token: Annotated[str, Form()]) -> Response:
    """Use the link up and open a session."""
    with db.scope() as session:
        good = access.redeem_login_link(token)
        session.commit()
    if not good:
        return page(request, "login.html", status=403, token="", refused=True)
    answer = RedirectResponse("/", 303, headers=PRIVATE)
    answer.set_cookie(
        COOKIE,
        access.sign_session(request.app.state.secret),
        max_age=access.SESSION_S,
        httponly=True,
        samesite="lax",
        secure=_https(request),
    )
    return answer


@router.post("/logout")
def logout(request: Request) -> Response:
    """Close the session in this browser."""
    answer = RedirectResponse("/login", 303, headers=PRIVATE)
    answer.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=_https(request))
    return answer


def _has_session(request: Request) -> bool:
    return access.check_session(request.app.state.secret, request.cookies.get(COOKIE))


def _https(request: Request) -> bool:
    """The console is reached by HTTPS, so the cookie never travels without it."""
    return str(request.app.state.settings.public_url).startswith("https://")
