"""What a tool needs to know: slots from its JSON schema, found in what callers say, asked for and read back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from engine.dialogue import names
from engine.dialogue.calendar import find_date, mask_dates, spoken_date
from engine.dialogue.clock import find_time, resolve, spoken_time
from engine.dialogue.hours import Hours
from engine.dialogue.numbers import digits_for_words, phone_number, spoken_digits
from engine.dialogue.speaking import sentence
from engine.dialogue.text import normal

CALLERS_OWN_NUMBER = "the number the caller is calling from"


@dataclass(frozen=True, slots=True)
class Slot:
    """One property of a tool's parameters; `kind` decides how it is found, asked and said."""

    name: str
    kind: str
    required: bool
    description: str = ""
    choices: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The slot's name as words."""
        return self.name.replace("_", " ").replace("-", " ")


@dataclass(frozen=True, slots=True)
class Setting:
    """What finding a value depends on beside the words: the business's now and hours, and the day chosen so far."""

    now: datetime
    hours: Hours
    day: date | None = None
    behalf: bool = True


def read_slots(parameters: Any) -> list[Slot]:
    """The slots of a function's JSON schema, required ones first, each group in the schema's order."""
    if not isinstance(parameters, dict) or not isinstance(parameters.get("properties"), dict):
        return []
    required = set(parameters.get("required") or ())
    slots = [
        _slot(name, schema, name in required)
        for name, schema in parameters["properties"].items()
        if isinstance(schema, dict)
    ]
    return sorted(slots, key=lambda slot: not slot.required)


_KINDS_BY_WORD = [
    ("phone", r"phone|telephone|callback|number to call|mobile"),
    ("email", r"e-?mail"),
    ("name", r"\bname\b|customer$|caller$|who\b"),
    ("time", r"\btime\b|\bhour\b"),
    ("date", r"\bdate\b|\bday\b"),
    ("service", r"service|treatment|appointment type|type of appointment"),
    ("message", r"message|note|comment|details"),
    ("reason", r"reason"),
]


def _slot(name: str, schema: dict[str, Any], required: bool) -> Slot:
    description = str(schema.get("description") or "")
    choices = tuple(str(choice) for choice in schema.get("enum") or ())
    return Slot(name, _kind(name, schema, choices), required, description, choices)


def _kind(name: str, schema: dict[str, Any], choices: tuple[str, ...]) -> str:
    given_format = {"date": "date", "time": "time", "date-time": "datetime", "email": "email"}.get(
        str(schema.get("format"))
    )
    if choices or given_format:
        return "choice" if choices else str(given_format)
    if schema.get("type") in ("integer", "number", "boolean"):
        return "flag" if schema["type"] == "boolean" else "number"
    words = re.sub(r"[_-]", " ", name.lower())
    return next((kind for kind, pattern in _KINDS_BY_WORD if re.search(pattern, words)), "text")


def find(slot: Slot, text: str, setting: Setting, asked: bool = False) -> str | None:
    """The slot's value in a text, in the form its schema wants; `asked` when the agent has just asked for it."""
    finder = _FINDERS.get(slot.kind)
    return finder(slot, text, setting, asked) if finder else (_whole(text) if asked else None)


def _find_date(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    found = find_date(text, setting.now.date())
    return found.isoformat() if found else None


def _find_time(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    said = find_time(mask_dates(text, setting.now.date()), asked)
    if said is None:
        return None
    day = find_date(text, setting.now.date()) or setting.day
    opens, closes = setting.hours.bounds(day) or (None, None)
    return resolve(said, opens, closes).strftime("%H:%M")


def _find_datetime(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    day, clock = _find_date(slot, text, setting, asked), _find_time(slot, text, setting, asked)
    return f"{day}T{clock}:00" if day and clock else None


def _find_name(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    return names.find_name(text, asked, setting.behalf)


def _find_phone(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    number = phone_number(text)
    if number is None and re.search(
        r"\b(this (?:number|one|phone)|same number|number i am calling (?:from|on))\b", normal(text)
    ):
        return CALLERS_OWN_NUMBER
    return number


def _find_email(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    spelled = re.sub(r"\s+at\s+", "@", re.sub(r"\s+dot\s+", ".", text.lower()))
    match = re.search(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", spelled)
    return match[0].rstrip(".") if match else None


def _find_choice(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    plain = f" {normal(text)} "
    return next((choice for choice in slot.choices if f" {normal(choice.replace('_', ' '))} " in plain), None)


def _find_number(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    figures = re.findall(r"\b\d+(?:\.\d+)?\b", digits_for_words(normal(text)))
    people = re.search(
        r"\b(?:for|of) (\d+)\b|\b(\d+) (?:people|persons|guests|of us|adults)\b", digits_for_words(normal(text))
    )
    if people:
        return people[1] or people[2]
    return figures[-1] if figures and asked else None


def _find_flag(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    first = normal(text).split(" ", 1)[0] if asked else ""
    return {"yes": "true", "yeah": "true", "sure": "true", "no": "false", "nope": "false"}.get(first)


_OBJECT = re.compile(
    r"\b(?:book|booking|reserve|schedule|arrange|make|get|have|need|want|like)(?: in| up| to book|"
    r" to have| to get)?(?: me| my \w+| us)?(?: in)? (?:for )?(?:a|an|some|my|the)? ?"
    r"(?P<thing>[a-z][a-z' &-]*?)(?= (?:for|on|at|with|tomorrow|today|tonight|this|next|please|in|"
    r"under|and my|if|as soon)\b|$)"
)
_FOR_A = re.compile(
    r"\b(?:appointment|booking|slot|reservation|session) for (?:a|an|"
    r"some) (?P<thing>[a-z][a-z' &-]*?)(?= (?:for|on|at|with|tomorrow|today|this|next|please|in|"
    r"under)\b|$)"
)
_NOT_A_SERVICE = re.compile(
    r"\b(appointment|booking|slot|reservation|book|table|time|something|anything|it|one|know|to|that|"
    r"i|you|question|message|visit|in|available|with|today|tomorrow)\b"
)


def _find_service(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    for piece in re.split(r"(?<=[.?!,])\s+", text):
        plain = normal(piece)
        for pattern in (_FOR_A, _OBJECT):
            for match in pattern.finditer(plain):
                thing = match["thing"].strip().removeprefix("book ").removeprefix("a ").removeprefix("an ")
                if thing and not _NOT_A_SERVICE.search(thing) and len(thing.split()) <= 4:
                    return thing
    return re.sub(r"^(?:a|an|the|just|for) ", "", normal(text)) if asked and len(normal(text).split()) <= 5 else None


_MESSAGE = re.compile(
    r"\b(?i:tell (?:him|her|them|the \w+|[A-Z]\w+) (?:that )?|let (?:him|her|them|the \w+|"
    r"[A-Z]\w+) know (?:that )?|(?:the |my )?message is (?:that )?|say that |pass on that |"
    r"(?:leave|take) (?:a |the )?message (?:for [\w ]+? )?(?:that|saying|to say) )(?P<rest>.+)$"
)


def _find_message(slot: Slot, text: str, setting: Setting, asked: bool) -> str | None:
    match = _MESSAGE.search(text.strip())
    if match:
        # "Could you tell Anna that I am late?" is a question; what Anna is told is not.
        return sentence(match["rest"].rstrip("?. "))
    return _whole(text) if asked else None


def _whole(text: str) -> str | None:
    kept = re.sub(r"^(?:yes|okay|ok|sure|um|uh|well|please)[,. ]+", "", text.strip(), flags=re.IGNORECASE).strip()
    return kept or None


_FINDERS: dict[str, Callable[[Slot, str, Setting, bool], str | None]] = {
    "date": _find_date,
    "time": _find_time,
    "datetime": _find_datetime,
    "name": _find_name,
    "phone": _find_phone,
    "email": _find_email,
    "choice": _find_choice,
    "number": _find_number,
    "flag": _find_flag,
    "service": _find_service,
    "message": _find_message,
}

_QUESTIONS = {
    "date": "What day would you like?",
    "time": "What time would suit you?",
    "datetime": "What day and time would you like?",
    "name": "What name is it for, please?",
    "phone": "What number can we call you back on?",
    "email": "What is your email address?",
    "service": "What would you like to come in for?",
    "message": "What would you like me to pass on?",
}


def question(slot: Slot) -> str:
    """How to ask for a slot: the schema's own question when it has one, else by its kind, else from its description."""
    if slot.description.strip().endswith("?"):
        return slot.description.strip()
    if slot.kind in _QUESTIONS:
        return _QUESTIONS[slot.kind]
    if slot.kind == "choice":
        return f"Which {slot.words} would you like: {', '.join(choice.replace('_', ' ') for choice in slot.choices)}?"
    if slot.kind == "number":
        return f"How many, for the {slot.words}?" if not slot.description else f"{_what_is(slot)}?"
    return f"{_what_is(slot)}?"


def _what_is(slot: Slot) -> str:
    thing = re.split(r"[.(;,]", slot.description)[0].strip() or f"the {slot.words}"
    lowered = thing[0].lower() + thing[1:] if not thing[:2].isupper() else thing
    article = "" if re.match(r"(the|a|an|your|their|any|whether|which)\b", lowered) else "the "
    return f"What is {article}{lowered.replace('caller', 'your', 1) if lowered.startswith('caller ') else lowered}"


def spoken(slot: Slot, value: str) -> str:
    """A value for the ear, ready for a sentence."""
    if slot.kind == "date":
        return spoken_date(date.fromisoformat(value))
    if slot.kind == "time":
        return spoken_time(time.fromisoformat(value))
    if slot.kind == "datetime":
        when = datetime.fromisoformat(value)
        return f"{spoken_date(when.date())} at {spoken_time(when.time())}"
    if slot.kind == "phone" and value != CALLERS_OWN_NUMBER:
        return spoken_digits(value)
    return value.replace("_", " ") if slot.kind == "choice" else value


def json_value(slot: Slot, value: str) -> Any:
    """The value with the JSON type of its schema."""
    if slot.kind == "flag":
        return value == "true"
    if slot.kind == "number":
        return float(value) if "." in value else int(value)
    return value
