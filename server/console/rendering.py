"""Templates, and how times, numbers and states read for a person."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import phonenumbers
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    trim_blocks=True,
    lstrip_blocks=True,
)

STATUS_WORDS: Final = {
    "initiated": "Starting",
    "ringing": "Ringing",
    "in-progress": "On the phone",
    "completed": "Completed",
    "busy": "Busy",
    "no-answer": "No answer",
    "failed": "Failed",
    "canceled": "Cancelled",
}


def page(request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A whole page, with the headers that keep what is shown on this page alone."""
    nonce = secrets.token_urlsafe(12)
    answer = HTMLResponse(fragment(name, nonce=nonce, path=request.url.path, **values), status)
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; media-src 'self' blob:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def fragment(name: str, **values: Any) -> str:
    """A template as text; everything a caller said is escaped."""
    return _ENVIRONMENT.get_template(name).render(**values)


def phone(number: str | None) -> str:
    """A number as people write it."""
    if not number:
        return "Number withheld"
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def local_time(at: datetime, zone: str, form: str = "%a %d %b, %H:%M") -> str:
    """A time in the business's own zone."""
    return f"{at.astimezone(ZoneInfo(zone)):{form}}"


def length(seconds: int | None) -> str:
    """A duration as m:ss."""
    return "" if seconds is None else f"{seconds // 60}:{seconds % 60:02d}"


def clock(at_ms: int | None) -> str:
    """A place in a call as m:ss."""
    return "" if at_ms is None else length(at_ms // 1000)


def seconds(at_ms: int) -> str:
    """A latency, short."""
    return f"{at_ms / 1000:.1f} s"


def median(values: list[int]) -> int:
    """The middle one."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def words(kind: str) -> str:
    """A timeline's kind in words."""
    return kind.replace("_", " ").capitalize()


_ENVIRONMENT.filters.update(
    phone=phone, local_time=local_time, length=length, clock=clock, seconds=seconds, median=median, words=words
)
_ENVIRONMENT.globals["STATUS_WORDS"] = STATUS_WORDS
