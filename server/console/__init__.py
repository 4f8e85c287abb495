"""The web console: server-rendered pages for a business owner, live while a call runs."""

from __future__ import annotations

from fastapi import APIRouter

from server.console import pages, sign_in


def router() -> APIRouter:
    """Every route of the console."""
    made = APIRouter()
    made.include_router(sign_in.router)
    made.include_router(pages.router)
    return made
