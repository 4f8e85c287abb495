"""Templates as pages and fragments, with the headers that every answer of the console carries."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from server import ports
from server.console import words

PRIVATE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""What a caller said is for the one who is signed in, and for no cache."""

_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(
    phone=words.phone,
    local_time=words.local_time,
    short_date=words.short_date,
    day_name=words.day_name,
    appointment_time=words.appointment_time,
    length=words.length,
    clock=words.clock,
    seconds=words.seconds,
    speed=words.speed,
    median=words.median,
    event_words=words.event_words,
    status_words=words.status_words,
    ending_words=words.ending_words,
    first_line=words.first_line,
    last_words=words.last_words,
    plain=words.plain,
    unheard=words.unheard,
)


def page(request: Request, name: str, status: int = 200, **values: Any) -> Response:
    """A whole page. Its policy allows our own files alone, and the one style that the waveform's frame makes."""
    nonce = secrets.token_urlsafe(12)
    values = {"nonce": nonce, "path": request.url.path, "now": ports.current().clock.now(), **values}
    answer = HTMLResponse(fragment(name, **values), status, headers=PRIVATE)
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'self'; style-src 'self' 'nonce-{nonce}'; object-src 'none'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
    return answer


def fragment(name: str, **values: Any) -> Markup:
    """A template as markup; everything a caller said is escaped. Raises jinja2's errors for a value that is missing."""
    return Markup(_ENVIRONMENT.get_template(name).render(**values))
