"""Days: found in what was said relative to the business's today, and said again."""

from __future__ import annotations

import re
from datetime import date, timedelta

from engine.dialogue.numbers import digits_for_words

WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTH_NAMES = "january february march april may june july august september october november december"
MONTHS = _MONTH_NAMES.split()
_WEEKDAY = r"(?P<weekday>" + "|".join(WEEKDAYS) + r"|mon|tues?|weds?|thurs?|fri|sat|sun)s?"
_MONTH = r"(?P<month>" + "|".join(MONTHS) + r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)"
_DAY = r"(?P<day>\d{1,2})(?: ?(?:st|nd|rd|th))?"
_YEAR = r"(?:,? (?P<year>20\d\d))?"

_PATTERNS = [
    re.compile(r"\b(?P<iso>20\d\d-\d\d-\d\d)\b"),
    re.compile(rf"\b{_DAY} (?:of )?{_MONTH}\b{_YEAR}"),
    re.compile(rf"\b{_MONTH} (?:the )?{_DAY}\b{_YEAR}"),
    re.compile(r"(?<![\d/])(?P<day>\d{1,2})/(?P<number>\d{1,2})(?:/(?P<year>20\d\d))?\b"),
    re.compile(
        r"\b(?P<word>day after tomorrow|tomorrow week|tomorrow|today|tonight|this (?:morning|afternoon|evening))\b"
    ),
    re.compile(r"\bin (?P<count>a|\d{1,2}) (?P<unit>day|week|month)s?(?: time)?\b"),
    re.compile(rf"\b(?:a )?week on {_WEEKDAY}\b(?P<later>)"),
    re.compile(rf"\b{_WEEKDAY} week\b(?P<later>)"),
    re.compile(rf"\b(?P<next>next |this |coming |on )?{_WEEKDAY}\b(?: (?P<next_after>next week))?"),
    re.compile(r"\b(?:the|on the) (?P<day>\d{1,2}) ?(?:st|nd|rd|th)\b"),
]


def find_date(text: str, today: date) -> date | None:
    """The LAST day in a text (a caller corrects forward), never in the past unless said with its year."""
    plain = prepared(text)
    found: dict[int, date] = {}
    for pattern in _PATTERNS:
        for match in pattern.finditer(plain):
            day = _read(match.groupdict(), today)
            if day is not None:
                found[match.start()] = day
                plain = plain[: match.start()] + "#" * len(match[0]) + plain[match.end() :]
    return found[max(found)] if found else None


def mask_dates(text: str, today: date) -> str:
    """The text (prepared) with every day it names blanked out, so that their figures are not read as times."""
    plain = prepared(text)
    for pattern in _PATTERNS:
        for match in pattern.finditer(plain):
            # "This afternoon" and "tonight" say a time of day as well: they stay readable.
            if _read(match.groupdict(), today) is not None and match.groupdict().get("word") not in _DAY_AND_TIME:
                plain = plain[: match.start()] + "#" * len(match[0]) + plain[match.end() :]
    return plain


_DAY_AND_TIME = ("tonight", "this morning", "this afternoon", "this evening")


def prepared(text: str) -> str:
    """Lower case, with figures for number words and without the punctuation that separates words."""
    plain = text.lower().replace("’", "'").replace("to-morrow", "tomorrow").replace("to-day", "today")
    plain = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", plain)
    plain = re.sub(r"(?<!\d)[.,!?;]|[.,!?;](?!\s?\d)", " ", plain)
    return digits_for_words(plain)


def _read(parts: dict[str, str | None], today: date) -> date | None:
    if parts.get("iso"):
        return _valid(*(int(piece) for piece in str(parts["iso"]).split("-")))
    if parts.get("word"):
        return _relative_word(str(parts["word"]), today)
    if parts.get("count"):
        return _later(str(parts["count"]), str(parts["unit"]), today)
    if parts.get("weekday"):
        return _weekday(parts, today)
    if parts.get("month") or parts.get("number"):
        month = _month_number(str(parts["month"])) if parts.get("month") else int(parts["number"] or 0)
        return _in_year(parts.get("year"), month, int(parts["day"] or 0), today)
    return _this_or_next_month(int(parts["day"] or 0), today)


def _relative_word(word: str, today: date) -> date:
    days = {"tomorrow": 1, "day after tomorrow": 2, "tomorrow week": 8}
    return today + timedelta(days=days.get(word, 0))


def _later(count: str, unit: str, today: date) -> date:
    number = 1 if count == "a" else int(count)
    return today + timedelta(days=number * {"day": 1, "week": 7, "month": 30}[unit])


def _weekday(parts: dict[str, str | None], today: date) -> date:
    wanted = next(n for n, name in enumerate(WEEKDAYS) if name.startswith(str(parts["weekday"])[:3]))
    ahead = (wanted - today.weekday()) % 7 or 7
    next_week = (parts.get("next") or "").strip() == "next" or parts.get("next_after")
    if parts.get("later") is not None:
        ahead += 7
    elif next_week and ahead < 7 - today.weekday():
        ahead += 7  # "next Thursday" said on a Tuesday is not the day after tomorrow
    return today + timedelta(days=ahead)


def _month_number(name: str) -> int:
    return next(n for n, month in enumerate(MONTHS, 1) if month.startswith(name[:3]))


def _in_year(year: str | None, month: int, day: int, today: date) -> date | None:
    if year:
        return _valid(int(year), month, day)
    this_year = _valid(today.year, month, day)
    if this_year is not None and this_year < today:
        return _valid(today.year + 1, month, day)
    return this_year


def _this_or_next_month(day: int, today: date) -> date | None:
    year, month = today.year, today.month
    for _ in range(3):
        found = _valid(year, month, day)
        if found is not None and found >= today:
            return found
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return None


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def spoken_date(day: date) -> str:
    """A day for the ear and the eye: "Thursday 26 November"."""
    return f"{day:%A} {day.day} {day:%B}"
