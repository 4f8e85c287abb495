"""Answers to questions: opening hours from the table, everything else from the facts, and nothing that is not there."""

from __future__ import annotations

import re
from datetime import timedelta

from engine.dialogue import retrieval
from engine.dialogue.acts import Heard
from engine.dialogue.calendar import WEEKDAYS, find_date, spoken_date
from engine.dialogue.hours import spoken_day, spoken_week
from engine.dialogue.state import World
from engine.dialogue.text import normal

_HOURS = re.compile(
    r"\b(open|opens|opening|opened|close|closes|closing|closed|shut|hours|what time (?:do|are|can) (?:you|i))\b"
)
_NOW = re.compile(r"\b(now|right now|at the moment|currently|still open|open yet)\b")
_DAY_WORDS = re.compile(
    rf"\b(?:{'|'.join(WEEKDAYS)})s?\b|\b(?:today|tomorrow|tonight|weekends?|this|next|week|morning|"
    rf"afternoon|evening|time|hours|opening|open|closed?|now)\b",
    re.IGNORECASE,
)
_FOLLOWS = re.compile(r"^(?:and|what about|how about|or)\b")
_WEEKEND = re.compile(r"\bweekends?\b")
_PIECES = re.compile(
    r"(?<=[.?!])\s+|,?\s+and (?=(?:also )?(?:what|when|where|how|do|does|is|are|can|could|which|who|"
    r"i would|i'd|i want|i need)\b)|,\s+(?=(?:what|when|where|how|do you|is there|are you|can you|"
    r"could you)\b)",
    re.IGNORECASE,
)
HOURS = "hours"


def pieces(text: str) -> list[str]:
    """What was said, cut where another question or wish begins."""
    return [piece.strip() for piece in _PIECES.split(text) if piece and re.search(r"\w", piece)]


def answer(text: str, world: World) -> tuple[str, str] | None:
    """The answer to one question and its topic, or None when the instructions do not hold one."""
    knowledge = world.knowledge
    about_hours = knowledge.hours.known and _HOURS.search(normal(text))
    question = _DAY_WORDS.sub(" ", text) if about_hours else text
    found = retrieval.answer(question, knowledge.facts)
    if found is not None:
        return found, "facts"
    return (_about_hours(text, world), HOURS) if about_hours else None


def more_hours(heard: Heard, topic: str, world: World) -> str | None:
    """ "And on Sunday?", or just "Sunday?" after a question about hours."""
    if heard.words > 6 or not (topic == HOURS or _FOLLOWS.search(heard.plain)) or not world.knowledge.hours.known:
        return None
    named = find_date(heard.text, world.now.date()) is not None or _WEEKEND.search(heard.plain)
    return _about_hours(heard.text, world) if named else None


def _about_hours(text: str, world: World) -> str:
    hours, today, plain = world.knowledge.hours, world.now.date(), normal(text)
    if _NOW.search(plain):
        state = "open" if hours.open_at(world.now) else "closed"
        return f"We are {state} right now. {spoken_day(hours, today, 'today')}"
    if _WEEKEND.search(plain):
        saturday = today + timedelta(days=(5 - today.weekday()) % 7)
        sunday = saturday + timedelta(days=1)
        return f"{spoken_day(hours, saturday, 'on Saturday')} {spoken_day(hours, sunday, 'on Sunday')}"
    day = find_date(text, today)
    if day is None:
        return spoken_week(hours)
    if day == today:
        return spoken_day(hours, day, "today")
    if day == today + timedelta(days=1):
        return spoken_day(hours, day, "tomorrow")
    named = f"on {day:%A}" if re.search(rf"\b{day:%A}".lower(), plain) else f"on {spoken_date(day)}"
    return spoken_day(hours, day, named)
