"""Opening hours: a week's table read from the instructions, and what it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time

from engine.dialogue.calendar import WEEKDAYS
from engine.dialogue.clock import spoken_time
from engine.dialogue.speaking import listed

_DAY_NAMES = "|".join(day[:3] for day in WEEKDAYS)
_DAYS = re.compile(
    rf"^(?P<first>{_DAY_NAMES})[a-z]*(?:\s*(?:-|–|to|until)\s*(?P<last>{_DAY_NAMES})[a-z]*)?$|"
    rf"^(?P<all>every ?day|daily)$|^(?P<weekdays>weekdays?)$|^(?P<weekend>weekends?)$",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"(?P<from>\d{1,2}(?:[:.]\d\d)?\s*(?:am|pm)?)\s*(?:-|–|to|until)\s*(?P<to>\d{1,2}(?:[:.]\d\d)?\s*(?:am|pm)?)",
    re.IGNORECASE,
)
_CLOSED = re.compile(r"\bclosed\b", re.IGNORECASE)

Opening = tuple[time, time]


@dataclass(frozen=True, slots=True)
class Hours:
    """The week: for each weekday (0 is Monday) its openings, none when closed. Empty when no hours were given."""

    days: dict[int, tuple[Opening, ...]] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether there are hours at all."""
        return bool(self.days)

    def on(self, day: date) -> tuple[Opening, ...] | None:
        """The openings of a date; empty when closed, None when the table does not say."""
        return self.days.get(day.weekday())

    def bounds(self, day: date | None) -> tuple[time, time] | None:
        """First opening and last closing of a date, or of the whole week without one."""
        chosen = self.days.values() if day is None else [self.days.get(day.weekday(), ())]
        openings = [one for openings in chosen for one in openings]
        return (min(one[0] for one in openings), max(one[1] for one in openings)) if openings else None

    def open_at(self, when: datetime) -> bool:
        """Whether the business is open at a moment."""
        return any(begin <= when.time() < end for begin, end in self.on(when.date()) or ())


def read_hours(pairs: list[tuple[str, str]]) -> tuple[Hours, list[tuple[str, str]]]:
    """The hours among key-value pairs, and the pairs that are not hours."""
    days: dict[int, tuple[Opening, ...]] = {}
    rest: list[tuple[str, str]] = []
    for key, value in pairs:
        named = _day_numbers(key)
        openings = _openings(value) if named else None
        if openings is None:
            rest.append((key, value))
        else:
            days.update(dict.fromkeys(named, openings))
    return Hours(days), rest


def spoken_day(hours: Hours, day: date, name: str) -> str:
    """A sentence about one day; `name` is how to call it ("on Saturday", "today")."""
    openings = hours.on(day)
    if openings is None:
        return f"I don't have our opening hours for {name.removeprefix('on ')}."
    if not openings:
        return f"We are closed {name}."
    return f"{name[0].upper()}{name[1:]} we are open {_spoken_openings(openings)}."


def spoken_week(hours: Hours) -> str:
    """The whole week, days with the same hours together."""
    groups: list[tuple[list[int], tuple[Opening, ...]]] = []
    for day in sorted(hours.days):
        if groups and groups[-1][1] == hours.days[day] and groups[-1][0][-1] == day - 1:
            groups[-1][0].append(day)
        else:
            groups.append(([day], hours.days[day]))
    opened = [f"{_spoken_days(days)} {_spoken_openings(openings)}" for days, openings in groups if openings]
    closed = [_spoken_days(days).removeprefix("on ") for days, openings in groups if not openings]
    sentence = f"We are open {listed(opened)}." if opened else "We are closed all week."
    return f"{sentence} We are closed on {listed(closed)}." if closed and opened else sentence


def _spoken_days(days: list[int]) -> str:
    names = [WEEKDAYS[day].capitalize() for day in days]
    return f"on {names[0]}" if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _spoken_openings(openings: tuple[Opening, ...]) -> str:
    return listed([f"from {spoken_time(begin)} to {spoken_time(end)}" for begin, end in openings])


def _day_numbers(key: str) -> list[int]:
    match = _DAYS.match(key.strip())
    if match is None:
        return []
    if match["all"] or match["weekdays"] or match["weekend"]:
        return list(range(5 if match["weekend"] else 0, 5 if match["weekdays"] else 7))
    first, last = _number(match["first"]), _number(match["last"] or match["first"])
    return list(range(first, last + 1)) if first <= last else [*range(first, 7), *range(last + 1)]


def _number(name: str) -> int:
    return next(n for n, day in enumerate(WEEKDAYS) if day.startswith(name.lower()[:3]))


def _openings(value: str) -> tuple[Opening, ...] | None:
    ranges = [(_clock(match["from"], opens=True), _clock(match["to"], opens=False)) for match in _RANGE.finditer(value)]
    if ranges:
        return tuple(ranges)
    return () if _CLOSED.search(value) else None


def _clock(text: str, *, opens: bool) -> time:
    match = re.match(r"(\d{1,2})(?:[:.](\d\d))?\s*(am|pm)?", text.strip().lower())
    hour, minute, half = int(match[1]) if match else 0, int(match[2] or 0) if match else 0, match[3] if match else None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif not opens and ":" not in text and hour < 8:
        hour += 12  # "9 to 5"
    return time(hour, minute) if hour < 24 else time(23, 59)
