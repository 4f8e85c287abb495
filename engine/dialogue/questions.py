"""The agent's own words around a tool's slots: asking for one, saying a value, reading everything back."""

from __future__ import annotations

import re
from datetime import date, time

from engine.dialogue.calendar import spoken_date
from engine.dialogue.clock import spoken_time
from engine.dialogue.phones import spoken_digits
from engine.dialogue.slots import CALLERS_OWN_NUMBER, Slot
from engine.dialogue.speaking import listed, sentence, with_article
from engine.dialogue.state import Errand

OWN_NUMBER_QUESTION = "Shall we call you back on the number you are calling from?"
_MOST_CHOICES = 6
_QUESTIONS = {
    "date": "What day would you like?",
    "time": "What time would suit you?",
    "name": "What name is it for, please?",
    "phone": "What number can we call you back on?",
    "email": "What is your email address?",
    "service": "What would you like to come in for?",
    "message": "What would you like me to pass on?",
    "staff": "Who would you like to see?",
    "reason": "What is it about, please?",
    "problem": "What is the problem?",
    "address": "What is the address?",
}
_OF_A_MOVE = {
    ("date", "new"): "What day would you like to move it to?",
    ("time", "new"): "What time would you like to move it to?",
    ("date", "old"): "What day is your appointment now?",
    ("time", "old"): "What time is your appointment now?",
}


def question(slot: Slot, family: str = "") -> str:
    """How to ask for a slot: the schema's own question when it has one, else by its kind, else from its description."""
    if "?" in slot.description:
        return _own_question(slot)
    if family == "reschedule" and (slot.kind, slot.role or "new") in _OF_A_MOVE:
        return _OF_A_MOVE[slot.kind, slot.role or "new"]
    if family == "cancel" and slot.kind in ("date", "time"):
        return f"What {'day' if slot.kind == 'date' else 'time'} is it booked for?"
    if slot.kind == "name" and family != "book":
        return "What is your name, please?" if family == "message" else "What name is it under, please?"
    if slot.kind == "choice":
        asked = _asked(slot) if slot.description else f"Which {slot.words} would you like"
        if family == "transfer":
            asked = "Who should I put you through to"
        elif slot.is_service:
            asked = _QUESTIONS["service"].rstrip("?")
        return f"{asked}: {either(slot)}?" if len(slot.choices) <= _MOST_CHOICES else f"{asked}?"
    if slot.kind == "number" and not slot.description:
        return f"How many {slot.words}?" if slot.words.endswith("s") else f"How many, for the {slot.words}?"
    return _QUESTIONS.get(slot.kind) or f"{_asked(slot)}?"


def _own_question(slot: Slot) -> str:
    """The schema's question, ending in its mark, with what it says after it: "Where is the job? Street, please."."""
    before, after = slot.description.strip().split("?", 1)
    hint = after.strip().rstrip(".")
    return f"{before.strip()}: {hint[0].lower()}{hint[1:]}?" if hint else f"{before.strip()}?"


def either(slot: Slot) -> str:
    """A slot's choices as words."""
    return " or ".join(listed([choice.replace("_", " ") for choice in slot.choices]).rsplit(" and ", 1))


def _asked(slot: Slot) -> str:
    """A description as the beginning of a question: "how urgent it is" becomes "How urgent is it"."""
    plain = re.split(r"[.(;,]", slot.description)[0].strip() or f"the {slot.words}"
    plain = re.sub(r"\b(?:the )?(?:caller|customer|client|patient|user|guest|owner)['’]s\b", "your", plain)
    plain = re.sub(r"\b(?:the )?(?:caller|customer|client|patient|user|guest|owner)\b", "you", plain)
    lowered = plain[0].lower() + plain[1:] if not plain[:2].isupper() else plain
    told = re.match(r"(?P<wh>(?:who|what|which|where|when|how)\b.*?) (?P<what>it|they|you) (?P<verb>is|are)$", lowered)
    if told:
        return sentence(f"{told['wh']} {told['verb']} {told['what']}")[:-1]
    lowered = re.sub(r"\b(?:transfer|connect)(?= to\b)", lambda verb: f"{verb[0]} you", lowered)
    should = re.match(r"(?P<wh>who|what|which|where|when|how) to (?P<do>.+)$", lowered)
    if should:
        return sentence(f"{should['wh']} should I {should['do']}")[:-1]
    if re.match(r"(?:who|what|which|where|when|how|why)\b", lowered):
        return sentence(lowered)[:-1]
    article = "" if re.match(r"(?:the|a|an|your|their|any|whether)\b", lowered) else "the "
    return f"What is {article}{lowered}"


def both_question(family: str, role: str) -> str:
    """Day and time asked for at once."""
    if family == "reschedule":
        return (
            "What day and time is your appointment now?"
            if role == "old"
            else "What day and time would you like to move it to?"
        )
    return "What day and time is your appointment?" if family == "cancel" else "What day and time would you like?"


def spoken(slot: Slot, value: str) -> str:
    """A value for the ear, ready for a sentence."""
    if slot.kind == "date":
        return spoken_date(date.fromisoformat(value))
    if slot.kind == "time":
        return spoken_time(time.fromisoformat(value))
    if slot.kind == "phone" and value != CALLERS_OWN_NUMBER:
        return spoken_digits(value)
    if slot.kind == "flag":
        return "yes" if value == "true" else "no"
    if slot.kind == "choice":
        plain = value.replace("_", " ")
        # "Colour" in a list of services is "a colour" in a sentence; an MOT stays one.
        return plain[0].lower() + plain[1:] if slot.is_service and plain[1:2].islower() else plain
    return value


def read_back(errand: Errand) -> str:
    """Everything as understood, for the caller to agree with."""
    return f"{understood(errand)} Is that right?"


def understood(errand: Errand) -> str:
    """Everything as understood, as a statement."""
    said = {(slot.kind, slot.role): spoken(slot, errand.values[slot.name]) for slot in _filled(errand)}
    by_kind = {
        "service" if slot.is_service else slot.kind: spoken(slot, errand.values[slot.name]) for slot in _filled(errand)
    }
    if errand.tool.family == "message":
        return _message_back(by_kind)
    if errand.tool.family == "reschedule":
        words = f"So you would like to move the {_booked_thing(errand)}{_move(said, by_kind)}"
    else:
        words = " ".join([_head(errand, by_kind), *_places(by_kind)])
    rest = [
        _apart(slot, errand.values[slot.name])
        for slot in _filled(errand)
        if (slot.kind not in _PLACED and not slot.is_service) or slot.role == "until"
    ]
    return f"{', '.join([words, *rest])}."


def _apart(slot: Slot, value: str) -> str:
    """A value that has no place of its own in the sentence: "party size: 4"."""
    return f"{slot.words}: {spoken(slot, value).rstrip('.')}"


def _filled(errand: Errand) -> list[Slot]:
    return [slot for slot in errand.tool.slots if slot.name in errand.values]


def _head(errand: Errand, said: dict[str, str]) -> str:
    if errand.tool.family == "cancel":
        return f"So you would like to cancel the {_booked_thing(errand)}"
    if errand.tool.family == "book":
        return f"So that is {with_article(said.get('service', _booked_thing(errand)))}"
    does = re.split(r"[.,(;:]| (?:after|once|when) (?:the|a|it|they)\b", errand.tool.description)[0].strip()
    return f"So I will {does[0].lower()}{does[1:]}" if does else f"So that is the {errand.tool.words.lower()}"


def _booked_thing(errand: Errand) -> str:
    """What a tool books, by its own name: "reserve_table" is about a table, "book_taxi" about a taxi."""
    match = _TWO_WORDS.match(errand.tool.words.lower()) or _BOOKED.search(errand.tool.words.lower())
    return match["thing"] if match else "appointment"


_TWO_WORDS = re.compile(r"^(?:book|reserve|order|cancel|reschedule|move) (?:a |an |the )?(?P<thing>[a-z]+)$")
_BOOKED = re.compile(r"\b(?P<thing>table|visit|lesson|viewing|consultation|room|session|class|reservation|booking)\b")
_PREPOSITIONS = {"name": "for", "staff": "with", "date": "on", "time": "at"}
_PLACED = (*_PREPOSITIONS, "service", "reason")


def _places(said: dict[str, str]) -> list[str]:
    return [f"{word} {said[kind]}" for kind, word in _PREPOSITIONS.items() if kind in said]


def _move(said: dict[tuple[str, str], str], by_kind: dict[str, str]) -> str:
    old = _moment(said, "old")
    new = _moment(said, "new") or _moment(said, "")
    whose = f" for {by_kind['name']}" if "name" in by_kind else ""
    return f"{whose}{f' from {old}' if old else ''}{f' to {new}' if new else ''}"


def _moment(said: dict[tuple[str, str], str], role: str) -> str:
    return " at ".join(said[kind, role] for kind in ("date", "time") if (kind, role) in said)


def _message_back(said: dict[str, str]) -> str:
    sender = f" from {said['name']}" if "name" in said else ""
    whom = f" to {said['staff']}" if "staff" in said else ""
    text = said.get("message", "").rstrip(".")
    phone = said.get("phone", "")
    shown = phone if phone != CALLERS_OWN_NUMBER else "the number you are calling from"
    number = f" They can call back on {shown}." if phone else ""
    return sentence(f"I will pass on this message{whom}{sender}: {text}") + number
