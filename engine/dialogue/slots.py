"""What a tool needs to know: slots from its JSON schema, each of a kind that says how it is found, asked and said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

CALLERS_OWN_NUMBER = "the number the caller is calling from"


@dataclass(frozen=True, slots=True)
class Slot:
    """One property of a tool's parameters.

    `role` tells the two ends of a move apart: "old" where an appointment is now, "new" where it goes; of a journey they
    are "from" and "to", and "until" is the last day of a stretch. Else it is empty.
    `part_of` names the date-time property that this day or time is half of; `most` is a number's maximum.
    """

    name: str
    kind: str
    required: bool
    description: str = ""
    choices: tuple[str, ...] = ()
    role: str = ""
    part_of: str = ""
    most: int | None = None

    @property
    def words(self) -> str:
        """The slot's name as words."""
        return re.sub(r"[_-]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.name)).lower()

    @property
    def is_service(self) -> bool:
        """Whether it says what somebody comes in for, in free words or as a choice."""
        return self.kind == "service" or (self.kind == "choice" and bool(_SERVICE.search(self.words)))


_KINDS_BY_WORD = [
    ("phone", r"phone|telephone|callback|call back|number to call|mobile|contact number|\bcell\b"),
    ("email", r"e-?mail"),
    (
        "staff",
        r"stylist|\bstaff|provider|doctor|dentist|therapist|barber|practitioner|recipient|for whom|addressee|"
        r"hairdresser|\bwith\b",
    ),
    ("service", r"service|treatment|appointment type|type of appointment|booking type|procedure"),
    (
        "code",
        r"ticket|reference|\bref\b|registration|\bplate\b|\bcode\b|\bid$|post ?code|\bzip\b|"
        r"\b(?:order|booking|account|invoice|membership|member|policy|case|job|customer|tracking|confirmation|claim|"
        r"card|serial|repair|file) (?:number|no)\b",
    ),
    ("name", r"\bname\b|customer$|caller$|patient$|client$|guest$|who\b|booked by"),
    ("number", r"party size|size of party|number of|how many|\bguests\b|\bpeople\b|quantity|\bcount\b|\bcovers\b"),
    ("time", r"\btime\b|\bhour\b"),
    ("date", r"\bdate\b|\bday\b"),
    ("address", r"address|\bstreet\b|location|destination|pick ?up(?! time)|drop ?off(?! time)|\borigin\b"),
    ("problem", r"problem|issue|fault|symptom|what is wrong"),
    ("message", r"message|note|comment|details"),
    ("reason", r"reason|summary|topic|subject|purpose"),
]
_FORMATS = {"date": "date", "time": "time", "date-time": "datetime", "email": "email"}
_WRITTEN = [("datetime", r"iso ?8601|yyyy-mm-ddthh|date and time"), ("date", r"yyyy-mm-dd"), ("time", r"\bhh:mm")]
_NEW = re.compile(r"\b(?:new|to|target|desired|wanted|requested|preferred)\b")
_OLD = re.compile(r"\b(?:old|current|existing|original|from|present|now|previous)\b")
_UNTIL = re.compile(r"^until|\b(?:until|end date|to date|last day|departure|check ?out|return)\b")
_SERVICE = re.compile(r"service|treatment|appointment type|type of appointment|procedure")
_PERSON = re.compile(r"customer|caller|guest|owner|client|patient|your|full|person|contact|^name$")
_TIMED = ("date", "time")


def read_slots(parameters: Any) -> list[Slot]:
    """The slots of a function's JSON schema, required ones first, each group in the schema's order."""
    if not isinstance(parameters, dict) or not isinstance(parameters.get("properties"), dict):
        return []
    required = set(parameters.get("required") or ())
    slots = [
        slot
        for name, schema in parameters["properties"].items()
        if isinstance(schema, dict)
        for slot in _slots(name, schema, name in required)
    ]
    return sorted(_told_apart(_with_roles(slots)), key=lambda slot: not slot.required)


def _slots(name: str, schema: dict[str, Any], required: bool) -> Iterator[Slot]:
    description = str(schema.get("description") or "")
    choices = tuple(str(choice) for choice in schema.get("enum") or ())
    slot = Slot(name, "", required, description, choices)
    kind = _kind(slot, schema)
    role = _role(slot)
    if kind == "datetime":
        # A day and a time are said, asked for and corrected apart; the call joins them again.
        yield Slot(f"{name} date", "date", required, role=role, part_of=name)
        yield Slot(f"{name} time", "time", required, role=role, part_of=name)
    else:
        most = schema.get("maximum")
        role = _end_of_way(name) if kind == "address" else role if kind in _TIMED else ""
        if kind == "date" and _UNTIL.search(slot.words):
            role = "until"
        yield Slot(
            name, kind, required, description, choices, role, most=int(most) if isinstance(most, (int, float)) else None
        )


def _kind(slot: Slot, schema: dict[str, Any]) -> str:
    given = _FORMATS.get(str(schema.get("format")))
    if slot.choices or given:
        return "choice" if slot.choices else str(given)
    if _type(schema) in ("integer", "number", "boolean"):
        return "flag" if _type(schema) == "boolean" else "number"
    by_name = next((kind for kind, pattern in _KINDS_BY_WORD if re.search(pattern, slot.words)), "text")
    by_format = next((kind for kind, pattern in _WRITTEN if re.search(pattern, slot.description.lower())), None)
    return by_format if by_format and by_name in (*_TIMED, "text") else by_name


def _type(schema: dict[str, Any]) -> str:
    given = schema.get("type")
    return next((str(one) for one in given if one != "null"), "") if isinstance(given, list) else str(given)


def _role(slot: Slot) -> str:
    """New or old by the property's name, else by its description."""
    for words in (slot.words, slot.description.lower()):
        if _NEW.search(words) and not _OLD.search(words):
            return "new"
        if _OLD.search(words) and not _NEW.search(words):
            return "old"
    return ""


def _end_of_way(name: str) -> str:
    """Which end of a journey a place is, by the property's name."""
    if re.search(r"pick|origin|from|start|depart", name, re.IGNORECASE):
        return "from"
    return "to" if re.search(r"dest|drop|to_|_to|arriv", name, re.IGNORECASE) else ""


def _with_roles(slots: list[Slot]) -> list[Slot]:
    """A plain `date` beside a `new_date` is the old one; roles that nothing stands against are none."""
    has = {(slot.kind, slot.role) for slot in slots}
    kinds_moved = {kind for kind, role in has if role == "new"}
    mended = []
    for slot in slots:
        role = slot.role
        if slot.role == "until":
            pass
        elif slot.kind in _TIMED and not role and slot.kind in kinds_moved:
            role = "old"
        elif slot.kind in _TIMED and not role and (slot.kind, "old") in has:
            role = "new"
        mended.append(replace(slot, role=role))
    return mended


def _told_apart(slots: list[Slot]) -> list[Slot]:
    """Of several names one is the caller's; the others (a pet's) are labels. A visit's reason is its service."""
    named = [slot for slot in slots if slot.kind == "name"]
    own = next((slot for slot in named if _PERSON.search(slot.words)), named[0] if named else None)
    visit = any(slot.kind == "date" for slot in slots) and not any(slot.kind == "service" for slot in slots)
    kinds = {
        slot.name: "label"
        if slot.kind == "name" and slot is not own
        else "service"
        if slot.kind == "reason" and visit
        else slot.kind
        for slot in slots
    }
    return [replace(slot, kind=kinds[slot.name]) for slot in slots]


def arguments(slots: tuple[Slot, ...], values: dict[str, str]) -> str:
    """The values as a JSON object of the schema's types and property names."""
    given: dict[str, Any] = {}
    for slot in slots:
        if slot.name not in values:
            continue
        if slot.part_of:
            joined = {one.kind: values.get(one.name, "") for one in slots if one.part_of == slot.part_of}
            given[slot.part_of] = f"{joined['date']}T{joined['time']}:00"
        else:
            given[slot.name] = _typed(slot, values[slot.name])
    return msgspec.json.encode(given).decode()


def _typed(slot: Slot, value: str) -> Any:
    if slot.kind == "flag":
        return value == "true"
    if slot.kind == "number" and re.fullmatch(r"\d+(?:\.\d+)?", value):
        return float(value) if "." in value else int(value)
    return value
