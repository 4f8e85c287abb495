"""Opening hours: a week's table read from the instructions, and what it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time

from engine.dialogue.calendar import MONTHS, WEEKDAYS, find_date
from engine.dialogue.clock import spoken_time
from engine.dialogue.speaking import listed

_DAY_NAMES = "|".join(day[:3] for day in WEEKDAYS)
_DAYS = re.compile(
    rf"^(?P<first>{_DAY_NAMES})[a-z]*(?:\s*(?:-|–|—|to|until|till|through|thru)\s*(?P<last>{_DAY_NAMES})[a-z]*)?$|"
    rf"^(?P<all>every ?day|daily)$|^(?P<weekdays>weekdays?)$|^(?P<weekend>weekends?)$",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"(?P<from>\d{1,2}(?:[:.]\d\d)?\s*(?:[ap]\.?m\.?)?)\s*(?:-|–|—|to|until|"
    r"till)\s*(?P<to>\d{1,2}(?:[:.]\d\d)?\s*(?:[ap]\.?m\.?)?)",
    re.IGNORECASE,
)
_CLOSED = re.compile(r"\bclosed\b", re.IGNORECASE)
_NAMES_A_DAY = re.compile(
    rf"\d.*\b(?:{'|'.join(month[:3] for month in MONTHS)})|\b(?:{'|'.join(month[:3] for month in MONTHS)})[a-z]* \d|"
    rf"christmas|new year",
    re.IGNORECASE,
)
_ALL_DAY = re.compile(r"\b(?:24 hours|all day|24/7|round the clock)\b", re.IGNORECASE)

Opening = tuple[time, time]
Closure = tuple[tuple[int, int], tuple[int, int]]

_DAY_LIST = (
    rf"(?:{_DAY_NAMES})[a-z]*(?:\s*(?:-|–|—|to|until|through|,|&|and)\s*(?:{_DAY_NAMES})[a-z]*)*|every ?day|daily|"
    rf"weekdays?|weekends?"
)
_IN_WORDS = re.compile(
    rf"\b(?P<days>{_DAY_LIST})\b:?\s*(?:(?:from|we are open|"
    rf"open)\s+)*(?P<times>{_RANGE.pattern.replace('?P<from>', '?:').replace('?P<to>', '?:')}"
    rf"(?:\s*(?:and|,|&)\s*{_RANGE.pattern.replace('?P<from>', '?:').replace('?P<to>', '?:')})*)",
    re.IGNORECASE,
)
_CLOSED_DAYS = re.compile(
    rf"\bclosed(?: all day)?(?: on)? (?P<days>{_DAY_LIST})\b|\b(?P<first>{_DAY_LIST})\b:? (?:we are )?closed\b",
    re.IGNORECASE,
)
_CLOSED_FROM = re.compile(
    r"\bclosed (?:from|between|on)? ?(?P<first>.+?)(?: (?:to|until|till|through|and|-|–) (?P<last>.+?))?(?:[.,;]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Hours:
    """The week: for each weekday (0 is Monday) its openings, none when closed. Empty when no hours were given.

    `closures` are the stretches of a year that the business is closed, as (month, day) of the first and the last day.
    """

    days: dict[int, tuple[Opening, ...]] = field(default_factory=dict)
    closures: tuple[Closure, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there are hours at all."""
        return bool(self.days)

    def on(self, day: date) -> tuple[Opening, ...] | None:
        """The openings of a date; empty when closed, None when the table does not say."""
        return () if self.closed_specially(day) else self.days.get(day.weekday())

    def closed_specially(self, day: date) -> bool:
        """Whether a date falls into one of the closures."""
        at = (day.month, day.day)
        return any(first <= at <= last if first <= last else at >= first or at <= last for first, last in self.closures)

    def openings(self, day: date | None) -> tuple[Opening, ...]:
        """The openings of a date, or all of the week's without one: what an hour said by itself may fall into."""
        if day is not None:
            return self.on(day) or ()
        return tuple(one for openings in self.days.values() for one in openings)

    def open_at(self, when: datetime) -> bool:
        """Whether the business is open at a moment."""
        return any(begin <= when.time() < end for begin, end in self.on(when.date()) or ())


def read_hours(pairs: list[tuple[str, str]]) -> tuple[dict[int, tuple[Opening, ...]], list[tuple[str, str]]]:
    """The days' openings among key-value pairs, and the pairs that are not hours."""
    days: dict[int, tuple[Opening, ...]] = {}
    rest: list[tuple[str, str]] = []
    for key, value in pairs:
        named = _day_numbers(key)
        openings = _openings(value) if named else None
        if openings is None:
            rest.append((key, value))
        else:
            days.update(dict.fromkeys(named, openings))
    return days, rest


def hours_in_words(text: str) -> list[tuple[str, str]]:
    """Days and openings out of a sentence ("Mon-Fri 7am to 4pm, Sat 8am to 12pm. Closed on Sundays") as pairs."""
    pairs = [(match["days"], match["times"]) for match in _IN_WORDS.finditer(text)]
    if pairs:
        pairs += [(match["days"] or match["first"], "closed") for match in _CLOSED_DAYS.finditer(text)]
    return pairs


def read_closures(facts: list[str]) -> tuple[Closure, ...]:
    """The stretches of the year that facts say the business is closed."""
    leap = date(2024, 1, 1)
    found: list[Closure] = []
    for fact in facts:
        match = _CLOSED_FROM.search(fact)
        first = find_date(match["first"], leap) if match and _NAMES_A_DAY.search(match["first"]) else None
        last = find_date(match["last"], leap) if match and first and match["last"] else first
        if first is not None and last is not None:
            found.append(((first.month, first.day), (last.month, last.day)))
    return tuple(found)


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
    """The weekdays that a key names: "Mon-Fri", "Saturday and Sunday", "weekdays"."""
    named: list[int] = []
    for piece in re.split(r"\s*(?:,|&|/|\band\b|\+)\s*", key.strip()):
        match = _DAYS.match(piece)
        if match is None:
            return []
        named.extend(_span(match))
    return named


def _span(match: re.Match[str]) -> list[int]:
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
    if _ALL_DAY.search(value):
        return ((time(0), time(23, 59)),)
    return () if _CLOSED.search(value) else None


def _clock(text: str, *, opens: bool) -> time:
    match = re.match(
        r"(\d{1,2})(?:[:.](\d\d))?\s*(am|pm)?", text.strip().lower().replace("a.m", "am").replace("p.m", "pm")
    )
    hour, minute, half = int(match[1]) if match else 0, int(match[2] or 0) if match else 0, match[3] if match else None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif not opens and ":" not in text and hour < 8:
        hour += 12  # "9 to 5"
    return time(hour, minute) if hour < 24 else time(23, 59)
