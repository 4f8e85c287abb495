"""Which of their own appointments a caller means, out of those that a tool named."""

from __future__ import annotations

import re
from datetime import date, datetime

from engine.dialogue.acts import Heard
from engine.dialogue.calendar import MONTHS, WEEKDAYS
from engine.dialogue.clock import all_times, find_time
from engine.dialogue.numbers import digits_for_words
from engine.dialogue.slots import Slot
from engine.dialogue.state import Errand

_WHICH = re.compile(r"\bwhich (?:one|of|day|appointment|booking)\b[^?]{0,60}\?\s*$", re.IGNORECASE)
_NAMED = re.compile(
    rf"\b(?P<weekday>{'|'.join(WEEKDAYS)}),? (?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?:of )?"
    rf"(?P<month>{'|'.join(MONTHS)})(?:,? (?:at )?(?P<time>\d{{1,2}}[:.]\d\d))?",
    re.IGNORECASE,
)
_EARLY = re.compile(r"\b(?:first|1st|earlier|earliest|sooner|soonest|next)\b")
_LATE = re.compile(r"\b(?:last|later|latest)\b")
_SECOND = re.compile(r"\b(?:second|2nd|other)\b")
_LONGEST = 14


def offered(errand: Errand, message: str) -> str | None:
    """Keep the appointments that a refusal names, to choose from; gives its words, or None when it names none."""
    slot = _slot(errand)
    found = [(match["weekday"].lower(), int(match["day"]), match["month"].lower(), match["time"] or "")
             for match in _NAMED.finditer(message)]  # fmt: skip
    if slot is None or not found or not _WHICH.search(message):
        return None
    errand.own = tuple(found)
    errand.asking = slot.name
    return message


def chosen(errand: Errand, heard: Heard, today: date) -> bool:
    """Take the choice out of what was said; says whether one was made."""
    slot = _slot(errand)
    if slot is None or not errand.own or heard.words > _LONGEST:
        return False
    at = _place(errand, heard)
    if at is None:
        return False
    _, day, month, clock = errand.own[at]
    if clock:
        errand.values["_old_time"] = clock.replace(".", ":").zfill(5)
    errand.values[slot.name] = _next(today, day, MONTHS.index(month) + 1)
    errand.own = ()
    errand.asking = None
    return True


def of_context(errand: Errand, booked: tuple[datetime, ...]) -> None:
    """Of several appointments that are on file for the caller, which one is meant is still to be said."""
    slot = _slot(errand)
    if slot is not None and len(booked) > 1 and slot.name not in errand.values:
        errand.own = tuple(
            (WEEKDAYS[when.weekday()], when.day, MONTHS[when.month - 1], f"{when:%H:%M}") for when in booked
        )


def question(errand: Errand) -> str | None:
    """The question for which one is meant, noting that it was asked."""
    slot = _slot(errand)
    if slot is None or not errand.own or slot.name in errand.values:
        return None
    errand.asking = slot.name
    told = [
        f"{weekday.capitalize()} {day} {month.capitalize()} at {clock}" for weekday, day, month, clock in errand.own
    ]
    return f"You have appointments on {' and on '.join(told)}. Which one do you mean?"


def _slot(errand: Errand) -> Slot | None:
    if errand.tool.family == "reschedule":
        return errand.tool.of_kind("date", "old")
    return errand.tool.of_kind("date") if errand.tool.family == "cancel" else None


def _place(errand: Errand, heard: Heard) -> int | None:
    plain = digits_for_words(heard.plain)
    said = find_time(heard.text)
    fits = {
        "day": [weekday in plain for weekday, *_ in errand.own],
        "date": [bool(re.search(rf"\b{day}(?:st|nd|rd|th)\b|\b{day} (?:of )?{month}\b", plain))
                 for _, day, month, _ in errand.own],
        "time": [said is not None and bool(set(said.candidates()) & set(all_times(clock)))
                 for *_, clock in errand.own],
    }  # fmt: skip
    for fitting in fits.values():
        if fitting.count(True) == 1:
            return fitting.index(True)
    if len(errand.own) == 1:
        return 0 if heard.yes and not heard.no else None
    return (
        0
        if _EARLY.search(heard.plain)
        else 1
        if _SECOND.search(heard.plain)
        else len(errand.own) - 1
        if _LATE.search(heard.plain)
        else None
    )


def _next(today: date, day: int, month: int) -> str:
    year = today.year if (month, day) >= (today.month, today.day) else today.year + 1
    return date(year, month, day).isoformat()
