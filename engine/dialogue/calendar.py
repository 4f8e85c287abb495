"""Days: found in what was said relative to the business's today, and said again."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta

from engine.dialogue.memo import remembered
from engine.dialogue.numbers import digits_for_words

WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTH_NAMES = "january february march april may june july august september october november december"
MONTHS = _MONTH_NAMES.split()
_FEASTS = {
    "christmas eve": (12, 24),
    "christmas day": (12, 25),
    "christmas": (12, 25),
    "boxing day": (12, 26),
    "new years eve": (12, 31),
    "new years day": (1, 1),
    "new year": (1, 1),
    "valentines day": (2, 14),
    "halloween": (10, 31),
}
_WEEKDAY = r"(?P<weekday>" + "|".join(WEEKDAYS) + r"|mon|tues?|weds?|thurs?|thur|fri|sat|sun)s?"
_MONTH = r"(?P<month>" + "|".join(MONTHS) + r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)"
_DAY = r"(?P<day>\d{1,2})(?: ?(?:st|nd|rd|th))?"
_YEAR = r"(?:,? (?P<year>20\d\d))?"
_FORTNIGHT = r"(?P<count>a|an|\d{1,2}|a couple of) (?P<unit>day|week|fortnight|month|year)s?"
_FROM = rf"(?P<base>today|now|tomorrow|(?:this |next )?(?:{'|'.join(WEEKDAYS)}))"

_PATTERNS = [
    re.compile(r"\b(?P<iso>20\d\d-\d\d-\d\d)\b"),
    re.compile(rf"\b{_DAY} (?:of )?{_MONTH}\b{_YEAR}"),
    re.compile(rf"\b{_MONTH} (?:the )?{_DAY}\b(?! ?(?:am|pm|oclock|:))(?!:\d){_YEAR}"),
    re.compile(r"(?<![\d/])(?P<day>\d{1,2})/(?P<number>\d{1,2})(?:/(?P<year>20\d\d))?\b"),
    re.compile(rf"\b(?:the )?(?P<rank>\d)(?:st|nd|rd|th) {_WEEKDAY} (?:of|in) {_MONTH}\b{_YEAR}"),
    re.compile(rf"\b(?:the )?(?P<rank>last) {_WEEKDAY} (?:of|in) {_MONTH}\b{_YEAR}"),
    re.compile(rf"\b(?P<feast>{'|'.join(_FEASTS)})\b"),
    re.compile(rf"\b(?:in )?{_FORTNIGHT} (?:from |on |after |time from )?{_FROM}\b"),
    re.compile(rf"\bin {_FORTNIGHT}(?: time)?\b|\b(?P<count2>\d{{1,2}}|a) (?P<unit2>day|week)s? from now\b"),
    re.compile(rf"\b{_FROM} week\b(?P<later>)"),
    re.compile(
        r"\b(?P<word>day after tomorrow|day before yesterday|tomorrow|today|tonight|yesterday|"
        r"this (?:morning|afternoon|evening)|later on)\b"
    ),
    re.compile(
        r"\b(?P<move>(?:the )?(?:day|week) after(?! tomorrow| next)|(?:the )?next day|(?:the )?following (?:day|week)|"
        r"(?:a|1|one) (?:day|week) (?:later|earlier|sooner)|(?:the )?day before|(?:the )?week before)\b"
    ),
    re.compile(rf"\b{_WEEKDAY} after next\b(?P<after_next>)"),
    re.compile(r"\b(?:next week|the week after) (?:on )?" + _WEEKDAY + r"\b(?P<next_after>)"),
    re.compile(
        rf"\b(?P<next>last|next|this|this coming|coming|on|the)? ?{_WEEKDAY} (?:the )?(?P<day>\d{{1,2}}) ?(?:st|nd|"
        rf"rd|th)\b"
    ),
    re.compile(
        rf"\b(?P<next>last |next |this |coming |on |the next )?{_WEEKDAY}\b(?: (?P<next_after>next week|"
        rf"the week after next|of next week|the week after))?"
    ),
    re.compile(
        r"\b(?:the|on the|for the) (?P<day>\d{1,2}) ?(?:st|nd|rd|th)\b(?! (?:one|option|time|slot|choice|floor))"
    ),
    re.compile(r"^(?P<day>\d{1,2}) ?(?:st|nd|rd|th)(?: please)?$"),
]
_NEXT_WEEK = re.compile(r"\b(?:next week|week after|following week)\b")
_WEEKEND = re.compile(r"\b(?:this |the |at |on )*weekend\b")
_NAMED_WEEKDAY = re.compile(rf"\b{_WEEKDAY}\b")


@remembered
def find_date(text: str, today: date, anchor: date | None = None) -> date | None:
    """The LAST day in a text (a caller corrects forward). `anchor` is the day talked about, for "the day after"."""
    found = _dates(text, today, anchor)
    return found[max(found)][1] if found else None


def _dates(text: str, today: date, anchor: date | None) -> dict[int, tuple[re.Match[str], date]]:
    plain = prepared(text)
    found: dict[int, tuple[re.Match[str], date]] = {}
    for pattern in _PATTERNS:
        for match in pattern.finditer(plain):
            day = _read(match.groupdict(), today, anchor)
            if day is not None:
                found[match.start()] = (match, day)
                plain = plain[: match.start()] + "#" * len(match[0]) + plain[match.end() :]
    return found


@remembered
def find_range(text: str, today: date) -> tuple[date, date] | None:
    """The first and the last day of a stretch: "from the 3rd to the 6th of December"."""
    plain = prepared(text)
    for match in re.finditer(r" (?:to|until|till|through|and) ", plain):
        before, after = plain[: match.start()], plain[match.end() :]
        last = find_date(after, today)
        first = find_date(before, today) if last is not None else None
        if first is None or last is None:
            continue
        # "From the 3rd to the 6th of December": the month stands once, at the end.
        bare = re.search(r"\b(?P<day>\d{1,2}) ?(?:st|nd|rd|th)$", before)
        first = (_valid(last.year, last.month, int(bare["day"])) or first) if bare else first
        if first < last:
            return first, last
    return None


@remembered
def mask_dates(text: str, today: date) -> str:
    """The text (prepared) with every day it names blanked out, so that their figures are not read as times."""
    plain = prepared(text)
    for pattern in _PATTERNS:
        for match in pattern.finditer(plain):
            # "This afternoon" and "tonight" say a time of day as well: they stay readable.
            parts = match.groupdict()
            if parts.get("word") not in _DAY_AND_TIME and _read(parts, today, today) is not None:
                plain = plain[: match.start()] + "#" * len(match[0]) + plain[match.end() :]
    return plain


_DAY_AND_TIME = ("tonight", "later on", "this morning", "this afternoon", "this evening")


def prepared(text: str) -> str:
    """Lower case, with figures for number words and without the punctuation that separates words."""
    plain = text.lower().replace("’", "'").replace("to-morrow", "tomorrow").replace("to-day", "today")
    plain = plain.replace("to-night", "tonight").replace("new year's", "new years").replace("valentine's", "valentines")
    plain = re.sub(r"(?<=[a-z])'s\b", "", plain)
    plain = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", plain)
    plain = re.sub(r"(?<!\d)[.,!?;]|[.,!?;](?!\s?\d)|(?<=th),|(?<=\d),", " ", plain)
    return digits_for_words(plain)


def next_week(text: str) -> bool:
    """Whether a text names next week, which of its days or not."""
    return bool(_NEXT_WEEK.search(prepared(text)))


def weekend(text: str) -> bool:
    """Whether a text names the weekend and neither of its days."""
    plain = prepared(text)
    return bool(_WEEKEND.search(plain)) and not _NAMED_WEEKDAY.search(plain)


def before_next_week(today: date) -> date:
    """The day that makes a bare weekday mean the one of next week: the Sunday that ends this week."""
    return today + timedelta(days=6 - today.weekday())


@remembered
def odd_date(text: str, today: date) -> str | None:
    """What is wrong with a day as said: no such day in that month, or on another weekday than was said."""
    plain = prepared(text)
    for pattern in _PATTERNS[1:3]:
        for match in pattern.finditer(plain):
            month, day = _month_number(match["month"]), int(match["day"])
            if day < 1 or day > monthrange(2024, month)[1]:
                return f"{MONTHS[month - 1].capitalize()} has no {day}{'st' if day == 31 else 'th'}."
    found = find_date(text, today)
    weekdays = {_weekday_number(match["weekday"]) for match in _NAMED_WEEKDAY.finditer(plain)}
    if (
        found is None
        or len(weekdays) != 1
        or found.weekday() in weekdays
        or not re.search(r"\d(?:st|nd|rd|th)\b|\d \w", plain)
    ):
        return None
    named = re.search(rf"\b{found.day}(?: ?(?:st|nd|rd|th))?\b", plain)
    return f"{found.day} {found:%B} is a {found:%A}, not a {WEEKDAYS[weekdays.pop()].capitalize()}." if named else None


def _read(parts: dict[str, str | None], today: date, anchor: date | None) -> date | None:
    if parts.get("iso"):
        return _valid(*(int(piece) for piece in str(parts["iso"]).split("-")))
    if parts.get("feast"):
        month, day = _FEASTS[str(parts["feast"])]
        return _in_year(None, month, day, today)
    if parts.get("rank"):
        return _ranked(parts, today)
    if parts.get("base"):
        return _from_base(parts, today)
    if parts.get("count") or parts.get("count2"):
        return _later(str(parts.get("count") or parts["count2"]), str(parts.get("unit") or parts["unit2"]), today)
    if parts.get("word"):
        return _relative_word(str(parts["word"]), today)
    if parts.get("move"):
        return _moved(str(parts["move"]), anchor)
    if parts.get("day"):
        return _numbered(parts, today)
    return _weekday(parts, today)


def _numbered(parts: dict[str, str | None], today: date) -> date | None:
    day = int(parts["day"] or 0)
    if parts.get("month"):
        return _in_year(parts.get("year"), _month_number(str(parts["month"])), day, today)
    if parts.get("number"):
        month = int(parts["number"] or 0)
        day, month = (month, day) if month > 12 >= day else (day, month)
        return _in_year(parts.get("year"), month, day, today)
    return _this_or_next_month(day, today)


def _ranked(parts: dict[str, str | None], today: date) -> date | None:
    """ "The first Friday of December", "the last Monday in May"."""
    month, weekday = _month_number(str(parts["month"])), _weekday_number(str(parts["weekday"]))
    for year in [int(parts["year"] or 0)] if parts.get("year") else [today.year, today.year + 1]:
        days = [date(year, month, n) for n in range(1, monthrange(year, month)[1] + 1)]
        days = [day for day in days if day.weekday() == weekday]
        rank = len(days) if parts["rank"] == "last" else int(parts["rank"] or 0)
        if 1 <= rank <= len(days) and days[rank - 1] >= today:
            return days[rank - 1]
    return None


def _from_base(parts: dict[str, str | None], today: date) -> date | None:
    """ "A week on Thursday", "two weeks tomorrow", "Thursday week"."""
    base = str(parts["base"]).split()
    start = _relative_word(base[-1], today)
    if base[-1] in WEEKDAYS:
        start = _weekday({"weekday": base[-1], "next": base[0] if len(base) > 1 else ""}, today)
    return _later(parts.get("count") or "a", parts.get("unit") or "week", start)


def _relative_word(word: str, today: date) -> date:
    days = {"tomorrow": 1, "day after tomorrow": 2, "yesterday": -1, "day before yesterday": -2}
    return today + timedelta(days=days.get(word, 0))


def _moved(words: str, anchor: date | None) -> date | None:
    if anchor is None:
        return None
    back = re.search(r"before|earlier|sooner", words)
    return anchor + timedelta(days=(7 if "week" in words else 1) * (-1 if back else 1))


def _later(count: str, unit: str, start: date) -> date:
    number = {"a": 1, "an": 1, "a couple of": 2}.get(count) or int(count)
    if unit in ("month", "year"):
        return _months_later(start, number * (12 if unit == "year" else 1))
    return start + timedelta(days=number * {"day": 1, "week": 7, "fortnight": 14}[unit])


def _months_later(start: date, months: int) -> date:
    """The same day of a later month, or that month's last: a month from 31 January is 28 February."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _weekday(parts: dict[str, str | None], today: date) -> date:
    ahead = (_weekday_number(str(parts["weekday"])) - today.weekday()) % 7 or 7
    before = (parts.get("next") or "").strip()
    if before == "last":
        return today + timedelta(days=ahead - 7 if ahead < 7 else -7)
    if parts.get("after_next") is not None:
        ahead += 7
    elif (before == "next" or parts.get("next_after") is not None) and ahead < 7 - today.weekday():
        ahead += 7  # "next Thursday" said on a Tuesday is not the day after tomorrow
    return today + timedelta(days=ahead)


def _weekday_number(name: str) -> int:
    return next(n for n, day in enumerate(WEEKDAYS) if day.startswith(name[:3]))


def _month_number(name: str) -> int:
    return next(n for n, month in enumerate(MONTHS, 1) if month.startswith(name[:3]))


def _in_year(year: str | None, month: int, day: int, today: date) -> date | None:
    if year:
        return _valid(int(year), month, day)
    this_year = _valid(today.year, month, day)
    if this_year is None or this_year < today:
        return _valid(today.year + 1, month, day) or this_year
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
