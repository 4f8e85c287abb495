"""The states of a call, and the only table of how one follows another."""

from __future__ import annotations

from typing import Final

FINAL: Final[frozenset[str]] = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})

TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    "initiated": frozenset({"ringing", "in-progress"}) | FINAL,
    "ringing": frozenset({"in-progress"}) | FINAL,
    "in-progress": FINAL,
    **{state: frozenset() for state in FINAL},
}

_ALIASES: Final[dict[str, str]] = {"queued": "initiated", "answered": "in-progress", "cancelled": "canceled"}


class UnknownStatus(ValueError):
    """The provider reported a status that is not in the table."""


def normalised(reported: str) -> str:
    """The provider's word for a status as one of the table's. Raises `UnknownStatus`."""
    status = _ALIASES.get(reported, reported)
    if status not in TRANSITIONS:
        raise UnknownStatus(f"CallStatus {reported!r} is not one of {', '.join(TRANSITIONS)}")
    return status


def advance(current: str | None, reported: str) -> str | None:
    """The new status, or None when the report is late, repeated or would move a finished call. Pure."""
    status = normalised(reported)
    if current is None:
        return status
    return status if status in TRANSITIONS[current] else None


def is_final(status: str) -> bool:
    """True when no event can change the status any more."""
    return status in FINAL
