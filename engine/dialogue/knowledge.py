"""What the agent may know: facts, hours and names read out of the instructions, and the caller's moment in time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.dialogue.calendar import MONTHS
from engine.dialogue.hours import Hours, read_hours

_HEADING = re.compile(r"^\s*#{1,6}\s*(?P<title>.+?)\s*#*$")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_KEYED = re.compile(r"^(?P<key>[A-Za-z][\w /'&-]{0,40}):\s+(?P<value>.+)$")
# Sections that tell the agent how to behave; reading them out would be answering with stage directions.
_BEHAVIOUR = re.compile(
    r"\b(role|how to|speak|speaking|style|tone|this call|call direction|rules?|behaviou?r|guidelines?|"
    r"instructions?|safety|"
    r"language|tools?|personality|voice|conversation|goal|task|never|always|policy for you)\b",
    re.IGNORECASE,
)
_TO_THE_AGENT = re.compile(
    r"^(you are|you're|you must|you should|you answer|always|never|do not|don't|be |speak|greet|keep|"
    r"ask|use|say|if the caller|"
    r"if they|when the caller|offer|confirm|answer|respond|act|introduce)\b",
    re.IGNORECASE,
)
_LOCAL_TIME = re.compile(
    r"local time:?\s*(?:[A-Za-z]+,?\s+)?(?P<day>\d{1,2}) (?P<month>[A-Za-z]+) (?P<year>\d{4}),? (?:at )?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)",
    re.IGNORECASE,
)
_NUMBER_KNOWN = re.compile(
    r"caller(?:'s)? (?:phone )?number:\s+(?!unknown|withheld|hidden|not|private|anonymous)\S", re.IGNORECASE
)
_ISO_TIME = re.compile(r"local time:?\s*(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing the business wrote down: `key` is empty for a plain sentence."""

    key: str
    value: str

    @property
    def text(self) -> str:
        """The whole of it."""
        return f"{self.key}: {self.value}" if self.key else self.value


@dataclass(frozen=True, slots=True)
class Knowledge:
    """✅ OWNER of everything an answer may be made of; what is not here is not known."""

    facts: tuple[Fact, ...] = ()
    hours: Hours = field(default_factory=Hours)
    business: str = ""
    timezone: str = "UTC"


def read_knowledge(instructions: str) -> Knowledge:
    """Read instructions of any layout: headed sections, `Key: value` lines, bullets, plain sentences."""
    facts: list[Fact] = []
    section = ""
    for line in instructions.splitlines():
        heading = _HEADING.match(line)
        if heading:
            section = heading["title"]
        elif line.strip() and not _BEHAVIOUR.search(section):
            facts.extend(_facts_of(line))
    hours, rest = read_hours([(fact.key, fact.value) for fact in facts])
    kept = [Fact(key, value) for key, value in rest]
    return Knowledge(_answers(kept), hours, _value(kept, "name", "business", "business name"), _timezone(kept))


def moment(system_texts: list[str], knowledge: Knowledge, now: datetime) -> datetime:
    """The business's local time: as the caller context says, else `now` in the business's timezone."""
    for text in reversed(system_texts):
        found = _written_time(text)
        if found is not None:
            return found
    try:
        return now.astimezone(ZoneInfo(knowledge.timezone)).replace(tzinfo=None)
    except (ZoneInfoNotFoundError, ValueError):
        return now.replace(tzinfo=None)


def caller_number_known(system_texts: list[str]) -> bool:
    """Whether the caller context says that the caller's number is known."""
    return any(_NUMBER_KNOWN.search(text) for text in system_texts)


def _facts_of(line: str) -> list[Fact]:
    plain = _BULLET.sub("", line).strip().replace("**", "")
    keyed = _KEYED.match(plain)
    if keyed:
        return [Fact(keyed["key"].strip(), keyed["value"].strip())]
    pieces = [piece.strip() for piece in re.split(r"(?<=[.!?])\s+(?=[A-Z])", plain)]
    return [Fact("", piece) for piece in pieces if len(piece.split()) > 1 and not _TO_THE_AGENT.match(piece)]


_NOT_ANSWERS = frozenset({"name", "business", "business name", "timezone", "time zone", "language", "currency"})


def _answers(facts: list[Fact]) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts if fact.key.lower() not in _NOT_ANSWERS)


def _value(facts: list[Fact], *keys: str) -> str:
    return next((fact.value.rstrip(".") for fact in facts if fact.key.lower() in keys), "")


def _timezone(facts: list[Fact]) -> str:
    return _value(facts, "timezone", "time zone") or "UTC"


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
