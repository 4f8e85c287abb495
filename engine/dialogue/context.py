"""What the session's system messages say of this call: the local time, who calls, and what is booked for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.dialogue.calendar import MONTHS

_LOCAL_TIME = re.compile(
    r"local time:?\s*(?:[A-Za-z]+,?\s+)?(?P<day>\d{1,2}) (?P<month>[A-Za-z]+) (?P<year>\d{4}),? (?:at )?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)",
    re.IGNORECASE,
)
_NUMBER_KNOWN = re.compile(
    r"caller(?:'s)? (?:phone )?number:\s+(?!unknown|withheld|hidden|not|private|anonymous)\S", re.IGNORECASE
)
_ISO_TIME = re.compile(r"local time:?\s*(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d)", re.IGNORECASE)
_NUMBER_WITHHELD = re.compile(
    r"caller(?:'s)? (?:phone )?number:\s+(?:withheld|hidden|private|anonymous|unknown|not known|not shown)",
    re.IGNORECASE,
)
_CALLER = re.compile(
    r"^\s*caller(?: name)?:\s+(?!not known|unknown|withheld|anonymous)(?P<name>[^\n(,;]+)", re.IGNORECASE | re.MULTILINE
)
_BOOKED = re.compile(
    r"booked for this caller:\s*(?:[A-Za-z]+,?\s+)?(?P<day>\d{1,2}) (?P<month>[A-Za-z]+)(?: (?P<year>\d{4}))?,? "
    r"(?:at )?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class CallContext:
    """The call's own circumstances. `booked` are this caller's coming appointments, in local time."""

    now: datetime
    number_known: bool = False
    number_withheld: bool = False
    name: str = ""
    booked: tuple[datetime, ...] = ()


def read_context(system_texts: list[str], timezone: str, now: datetime) -> CallContext:
    """Read what is known of the call; a local time that is written there wins over the clock."""
    text = "\n".join(system_texts)
    local = moment(system_texts, timezone, now)
    called = _CALLER.search(text)
    booked = [when for match in _BOOKED.finditer(text) if (when := _coming(match, local.date())) is not None]
    return CallContext(
        local,
        caller_number_known(system_texts),
        bool(_NUMBER_WITHHELD.search(text)),
        called["name"].strip() if called else "",
        tuple(booked),
    )


def moment(system_texts: list[str], timezone: str, now: datetime) -> datetime:
    """The business's local time: as the caller context says, else `now` in the business's timezone."""
    for text in reversed(system_texts):
        found = _written_time(text)
        if found is not None:
            return found
    try:
        return now.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    except (ZoneInfoNotFoundError, ValueError):
        return now.replace(tzinfo=None)


def caller_number_known(system_texts: list[str]) -> bool:
    """Whether the caller context says that the caller's number is known."""
    return any(_NUMBER_KNOWN.search(text) for text in system_texts)


def _written_time(text: str) -> datetime | None:
    iso = _ISO_TIME.search(text)
    if iso:
        return datetime.fromisoformat(iso["iso"])
    said = _LOCAL_TIME.search(text)
    if said is None:
        return None
    month = next((n for n, name in enumerate(MONTHS, 1) if name.startswith(said["month"].lower()[:3])), 0)
    try:
        return datetime(int(said["year"]), month, int(said["day"]), int(said["hour"]), int(said["minute"]))
    except ValueError:
        return None


def skipped_by_the_clock(when: datetime, timezone: str) -> bool:
    """Whether a local time does not exist because the clocks go forward over it."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return when.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != when


def _coming(said: re.Match[str], today: date) -> datetime | None:
    """A booking's moment: without a year it is the next such day."""
    month = next((n for n, name in enumerate(MONTHS, 1) if name.startswith(said["month"].lower()[:3])), 0)
    for year in [int(said["year"])] if said["year"] else [today.year, today.year + 1]:
        try:
            when = datetime(year, month, int(said["day"]), int(said["hour"]), int(said["minute"]))
        except ValueError:
            continue
        if when.date() >= today - timedelta(days=1):
            return when
    return None
