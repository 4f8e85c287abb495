"""Logs: JSON lines through structlog, few and meaningful, with nothing personal in clear text.

✅ OWNER: the logging configuration of every process, and the masking of what reaches a log.
"""

from __future__ import annotations

import hashlib
import logging
import re
import sys
import time
import traceback
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any, cast

import structlog

_PHONE = re.compile(r"\+\d[\d\s().-]{6,}\d|(?<![\w.:/+-])\d{9,15}(?![\w.:/-])")
_QUIET = ("uvicorn", "uvicorn.error", "uvicorn.access", "httpx", "httpx2", "httpcore", "openai", "dbos", "alembic",
          "twilio.http_client", "picows", "asyncio", "urllib3", "sqlalchemy")  # fmt: skip
FRAMES = 6
_SAFE_KEYS = frozenset({"event", "level", "timestamp", "logger", "process", "exception", "call_sid", "path", "url"})


class RateLimiter:
    """Lets a line through once per key and interval. One object per loop; not shared between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}

    def every(self, key: str, seconds: float) -> bool:
        """True when `key` was last let through at least `seconds` ago, or never."""
        now = self._clock()
        last = self._last.get(key)
        if last is not None and now - last < seconds:
            return False
        self._last[key] = now
        return True


class OncePerCall:
    """Lets each key through once. One object per call, dropped with it."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def once(self, key: str) -> bool:
        """True the first time `key` is asked about."""
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


def mask_phone(number: str | None) -> str:
    """A phone number as it may stand in a log: its first two and last two characters."""
    if not number:
        return ""
    return f"{number[:3]}…{number[-2:]}" if len(number) > 6 else "…"


def fingerprint(text: str) -> str:
    """A text that may not be logged, as its length and the start of its hash."""
    return f"{len(text)} chars, sha256 {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of one module."""
    return cast(structlog.stdlib.BoundLogger, structlog.get_logger(name))


def configure(process: str, *, development: bool) -> None:
    """Set up logging for one process: JSON lines on standard error."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if development else logging.INFO)
    for name in _QUIET:
        noisy = logging.getLogger(name)
        noisy.handlers.clear()
        noisy.propagate = True
        noisy.setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_said_already)


def _formatter(process: str) -> structlog.stdlib.ProcessorFormatter:
    def stamp(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        return event

    shared: list[Any] = [structlog.processors.TimeStamper(fmt="iso", utc=True), stamp]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, structlog.stdlib.add_log_level],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *shared,
            structlog.processors.ExceptionRenderer(_trace),
            _mask,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _trace(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """The innermost frames of a traceback: the frameworks' outer ones tell an operator nothing."""
    return "".join(traceback.format_exception(*exc_info, limit=-FRAMES)).rstrip()


def _said_already(record: logging.LogRecord) -> bool:
    """uvicorn repeats what the application's own error handler has logged."""
    return not record.getMessage().startswith("Exception in ASGI application")


def _mask(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The net under every call site: what looks like a phone number is masked, whoever logged it."""
    for key, value in event.items():
        if isinstance(value, str) and (key == "event" or key == "exception" or key not in _SAFE_KEYS):
            event[key] = _PHONE.sub(lambda match: mask_phone(match.group()), value)
    return event
