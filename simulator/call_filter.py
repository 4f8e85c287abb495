"""Which calls `calls.list(…)` wants: Twilio's query parameters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from simulator.records import CallRecord

_DATES = ("StartTime", "StartTime<", "StartTime>", "EndTime", "EndTime<", "EndTime>")


class BadDate(ValueError):
    """A date that Twilio would not take; the message names the parameter."""


def wanted(call: CallRecord, query: Mapping[str, str]) -> bool:
    """Whether a call matches every parameter given. Raises `BadDate`."""
    same = {"To": call.to, "From": call.from_, "Status": call.status, "ParentCallSid": call.parent_sid}
    if any(name in query and query[name] != value for name, value in same.items()):
        return False
    times = {"StartTime": call.started or call.created, "EndTime": call.ended}
    return all(_in_time(times[name.rstrip("<>")], name, query[name]) for name in _DATES if name in query)


def _in_time(moment: datetime | None, name: str, given: str) -> bool:
    """`StartTime>` is on or after, `StartTime<` before; a bare name means that day (UTC)."""
    limit = _date(name, given)
    if moment is None:
        return False
    if name.endswith(">"):
        return moment >= limit
    if name.endswith("<"):
        return moment < limit
    day = limit.replace(hour=0, minute=0, second=0)
    return day <= moment < day + timedelta(days=1)


def _date(name: str, given: str) -> datetime:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as problem:
        raise BadDate(f"{name} is {given!r}; give a date (2026-01-31) or a time (2026-01-31T08:00:00Z)") from problem
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
