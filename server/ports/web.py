"""The port through which a business's own tools reach other systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class WebRefused(Exception):
    """A request was refused before it was sent, or its answer was: the address, a redirect, its size or its type.

    The message holds neither the address's query nor a header: it may be logged and told.
    """


class WebFailed(Exception):
    """The other system could not be reached in time, or broke off. `timed_out` tells which."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class WebRequest:
    """One request. Header values and the body may hold secrets, so they never show in a representation."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout_ms: int = 5000
    max_bytes: int = 65_536


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """What came back: never a redirect, at most `max_bytes`, JSON or text."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


class Web(Protocol):
    """HTTP to systems that a business named, and to no private network."""

    def fetch(self, request: WebRequest) -> WebAnswer:
        """Send one request; the whole of it ends within `timeout_ms`. Raises `WebRefused` and `WebFailed`."""
        ...
