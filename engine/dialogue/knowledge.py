"""What the agent may know of the business: facts, hours and names read out of the instructions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from engine.dialogue.hours import Hours, hours_in_words, read_closures, read_hours
from engine.dialogue.memo import remembered
from engine.dialogue.rules import Rule, read_rule

_HEADING = re.compile(r"^\s*#{1,6}\s*(?P<title>.+?)\s*#*$")
_PLAIN_HEADING = re.compile(r"^(?P<title>[A-Z][\w'’&-]*(?: [\w'’&-]+){0,4}):?$")
_ZONE = re.compile(r"time ?zone(?: is|:)? (?P<zone>[A-Z]\w+/[\w/]+)", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_KEYED = re.compile(r"^(?P<key>[A-Za-z][\w /'&-]{0,40}):\s+(?P<value>.+)$")
# Sections that tell the agent how to behave; reading them out would be answering with stage directions.
_BEHAVIOUR = re.compile(
    r"\b(role|how to|speak|speaking|style|tone|this call|call direction|rules?|behaviou?r|behave|guidelines?|"
    r"instructions?|safety|"
    r"language|tools?|personality|voice|conversation|goal|task|never|always|policy for you)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bMrs\.)(?<!\bNo\.)\s+(?=[A-Z0-9])")
_NAMED = re.compile(
    r"\b(?:receptionist|assistant|calls|phone|telephone|front desk|agent|voice|"
    r"speak|answer|work)\b[^.\n]{0,20}? (?:of|for|at) (?:the )?"
    r"(?P<name>[A-Z][\w'’]*(?: (?:[A-Z][\w'’]*|&|and(?= [A-Z])))*)"
)
_ABOUT_HOURS = re.compile(r"\b(?:hours|open|opening|office|reception)\b", re.IGNORECASE)
_LEANS = re.compile(r"(?:they|it|this|these|those|that|after that|both|otherwise|then) ", re.IGNORECASE)
_HOLIDAYS = re.compile(r"\bholidays?\b|\bchristmas\b|\beaster\b", re.IGNORECASE)
_TO_THE_AGENT = re.compile(
    r"^(you are|you're|"
    r"you must(?! (?:be (?:\d+|over|at least|aged|able)|bring|have|wear|show|pay|arrive|sign|come)\b)|"
    r"you should(?! (?:bring|wear|arrive|come)\b)|"
    r"you answer|always|never|do not|don't|be |speak|greet|keep|"
    r"ask|use|say|if the caller|"
    r"if they|when the caller|offer|confirm|answer|respond|act|introduce|only|give|for [^,]+ (?:offer|transfer|tell|"
    r"take)|you cannot|you can't|"
    r"if you (?:cannot|can't|can not|do not|don't|are not|are unsure)|you take|you can not|if an?)\b",
    re.IGNORECASE,
)
# Written for the staff: never said to a caller, whatever is asked.
_PRIVATE = re.compile(
    r"\b(?:internal(?:ly)?(?: only| use)?|confidential|secret|staff only|private)\b|"
    r"\b(?:do not|don't|never|must not|not to be|should not) (?:\w+ ){0,2}(?:share|shared|tell|reveal|revealed|"
    r"mention|mentioned|disclose|give|say|read)\b",
    re.IGNORECASE,
)


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
    rules: tuple[Rule, ...] = ()


@remembered
def read_knowledge(instructions: str) -> Knowledge:
    """Read instructions of any layout: headed sections, `Key: value` lines, bullets, plain sentences."""
    facts: list[Fact] = []
    rules: list[Rule] = []
    section = ""
    lines = instructions.splitlines()
    for at, line in enumerate(lines):
        heading = _HEADING.match(line) or _plain_heading(lines, at)
        if heading:
            section = heading["title"]
            continue
        plain = _BULLET.sub("", line).strip().replace("**", "")
        rules.extend(rule for piece in _sentences(plain) if (rule := read_rule(piece)) is not None)
        if plain and not _BEHAVIOUR.search(section):
            facts.extend(_facts_of(plain, section))
    days, rest = read_hours([(fact.key, fact.value) for fact in facts])
    kept = [Fact(key, value) for key, value in rest]
    hours = Hours(days, read_closures([fact.text for fact in kept]))
    business = _value(kept, "name", "business", "business name") or _named(instructions)
    return Knowledge(_answers(kept), hours, business, _timezone(kept, instructions), tuple(rules))


def _plain_heading(lines: list[str], at: int) -> re.Match[str] | None:
    """A few words on a line of their own, a blank line above and text right below."""
    alone = at > 0 and not lines[at - 1].strip() and at + 1 < len(lines) and bool(lines[at + 1].strip())
    return _PLAIN_HEADING.match(lines[at]) if alone else None


def _sentences(plain: str) -> list[str]:
    return [piece.strip() for piece in _SENTENCE.split(plain) if piece.strip()]


def _named(instructions: str) -> str:
    """The business's name where it only stands in a sentence: "You are the receptionist of Harbour Hair"."""
    match = _NAMED.search(instructions)
    return match["name"].rstrip(".,") if match else ""


def _facts_of(plain: str, section: str) -> list[Fact]:
    keyed = _KEYED.match(plain)
    about_hours = bool(_ABOUT_HOURS.search(keyed["key"] if keyed else "")) or bool(_ABOUT_HOURS.search(section))
    if about_hours and (days := hours_in_words(keyed["value"] if keyed else plain)):
        holidays = [piece for piece in _sentences(plain) if _HOLIDAYS.search(piece)]
        return [*(Fact(key, value) for key, value in days), *(Fact("", _holiday_fact(piece)) for piece in holidays)]
    if keyed:
        return [Fact(keyed["key"].strip(), keyed["value"].strip())]
    kept = [piece for piece in _sentences(plain) if len(piece.split()) > 1 and not _TO_THE_AGENT.match(piece)]
    return [Fact("", piece) for piece in _whole_thoughts(kept)]


def _whole_thoughts(pieces: list[str]) -> list[str]:
    """Sentences, each with those after it that only make sense with it: "They are free"."""
    thoughts: list[str] = []
    for piece in pieces:
        if thoughts and _LEANS.match(piece):
            thoughts[-1] = f"{thoughts[-1]} {piece}"
        else:
            thoughts.append(piece)
    return thoughts


def _holiday_fact(piece: str) -> str:
    return f"We are {piece[0].lower()}{piece[1:]}" if re.match(r"(?:closed|open)\b", piece, re.IGNORECASE) else piece


_NOT_ANSWERS = frozenset({"name", "business", "business name", "timezone", "time zone", "language", "currency"})


def _answers(facts: list[Fact]) -> tuple[Fact, ...]:
    return tuple(
        fact
        for fact in facts
        if fact.key.lower() not in _NOT_ANSWERS and not _PRIVATE.search(fact.text) and not _ZONE.search(fact.text)
    )


def _value(facts: list[Fact], *keys: str) -> str:
    return next((fact.value.rstrip(".") for fact in facts if fact.key.lower() in keys), "")


def _timezone(facts: list[Fact], instructions: str) -> str:
    written = _ZONE.search(instructions)
    return _value(facts, "timezone", "time zone") or (written["zone"] if written else "UTC")
