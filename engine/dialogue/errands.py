"""Slot filling: what is still missing for a tool, what was corrected, when to read back and when to call."""

from __future__ import annotations

import re
from datetime import date, datetime, time

import msgspec

from engine.dialogue.acts import Heard
from engine.dialogue.clock import spoken_time
from engine.dialogue.hours import spoken_day
from engine.dialogue.names import corrected
from engine.dialogue.slots import CALLERS_OWN_NUMBER, Setting, Slot, find, json_value, question, spoken
from engine.dialogue.speaking import sentence, with_article
from engine.dialogue.state import Errand, World
from engine.dialogue.tools import Tool
from engine.realtime.brain import Call

OWN_NUMBER_QUESTION = "Shall we call you back on the number you are calling from?"
_CHANGE = re.compile(r"\b(?:make (?:it|that)|change (?:it|that)|instead|rather|can it be|could it be)\b")
_TIMED = ("book", "reschedule")


def begin(tool: Tool, text: str, world: World) -> Errand:
    """An errand with everything that was already said."""
    errand = Errand(tool)
    take(errand, Heard(text), world)
    return errand


def take(errand: Errand, heard: Heard, world: World) -> bool:
    """Put what was said into the slots; says whether anything is new. What was asked for may be said barely."""
    changed = False
    asked_kind = errand.tool.slot(errand.asking).kind if errand.asking else ""
    day = errand.values.get(_name_of(errand, "date"))
    setting = Setting(
        world.now, world.knowledge.hours, date.fromisoformat(day) if day else None, errand.tool.family != "message"
    )
    for slot in errand.tool.slots:
        asked = slot.name == errand.asking or (slot.kind == "time" and asked_kind == "date")
        if slot.kind == "service" and slot.name in errand.values and not asked:
            continue
        value = find(slot, heard.text, setting, asked and _may_be_bare(slot, heard))
        if value is not None and slot.kind == "name" and slot.name in errand.values:
            value = corrected(errand.values[slot.name], value)
        if value is not None and errand.values.get(slot.name) != value:
            errand.values[slot.name] = value
            changed = True
    return changed


def correct(errand: Errand, heard: Heard, world: World) -> bool:
    """Take a correction of what was read back ("no, Thursday", "no, Mario"); says whether anything changed."""
    before = dict(errand.values)
    errand.asking = (_name_of(errand, "time") or None) if _CHANGE.search(heard.plain) else None
    if take(errand, heard, world):
        return errand.values != before
    rest = re.sub(
        r"^(?:oh |um |sorry |actually )*(?:no|nope|not quite)\b[,. ]*", "", heard.text.strip(), flags=re.IGNORECASE
    )
    slot = next((one for one in errand.tool.slots if one.kind == "name"), None)
    if not heard.no or slot is None or not rest[:1].isupper():
        return False
    setting = Setting(world.now, world.knowledge.hours)
    name = find(slot, rest, setting, asked=True)
    if name is None or len(name.split()) > 3:
        return False
    errand.values[slot.name] = corrected(errand.values.get(slot.name, ""), name)
    return errand.values != before


def named_slot(errand: Errand, heard: Heard) -> Slot | None:
    """The slot that a caller says is wrong without giving its value ("the time")."""
    kinds = {"name": "name", "day": "date", "date": "date", "time": "time", "number": "phone", "message": "message"}
    for word, kind in kinds.items():
        if re.search(rf"\b{word}\b", heard.plain):
            return next((slot for slot in errand.tool.slots if slot.kind == kind), None)
    return None


def problem(errand: Errand, world: World) -> str | None:
    """Why the chosen day or time cannot be, by the hours, and what to ask instead; the value is forgotten."""
    day_name, time_name = _name_of(errand, "date"), _name_of(errand, "time")
    if errand.tool.family not in _TIMED or day_name not in errand.values:
        return None
    day = date.fromisoformat(errand.values[day_name])
    openings = world.knowledge.hours.on(day)
    told = spoken_day(world.knowledge.hours, day, f"on {day:%A}")
    if openings == ():
        return _ask_again(errand, day_name, f"{told} What other day would suit you?")
    if time_name not in errand.values:
        return None
    clock = time.fromisoformat(errand.values[time_name])
    if openings and not any(start <= clock < end for start, end in openings):
        return _ask_again(errand, time_name, f"{told} What time would suit you?")
    if datetime.combine(day, clock) <= world.now:
        past = f"It is already past {spoken_time(clock)} today."
        return _ask_again(errand, time_name, f"{past} What other time would suit you?")
    return None


def _ask_again(errand: Errand, slot: str, words: str) -> str:
    del errand.values[slot]
    errand.asking = slot
    return words


def next_question(errand: Errand, world: World) -> str | None:
    """The question for the first thing missing, noting that it was asked; None when nothing is missing."""
    missing = [slot for slot in errand.tool.slots if slot.required and slot.name not in errand.values]
    errand.asking = missing[0].name if missing else None
    if not missing:
        return None
    kinds = [slot.kind for slot in missing]
    if kinds[0] == "date" and "time" in kinds:
        return "What day and time would you like?"
    if kinds[0] == "phone" and world.number_known:
        return OWN_NUMBER_QUESTION
    if kinds[0] == "name" and errand.tool.family == "message":
        return "What is your name, please?"
    return question(missing[0])


def read_back(errand: Errand) -> str:
    """Everything as understood, for the caller to agree with."""
    filled = [slot for slot in errand.tool.slots if slot.name in errand.values]
    said = {slot.kind: spoken(slot, errand.values[slot.name]) for slot in filled}
    if errand.tool.family == "message":
        return f"{_message_back(said)} Is that right?"
    heads = {
        "book": f"So that is {with_article(said.get('service', 'appointment'))}",
        "cancel": "So you would like to cancel the appointment",
        "reschedule": "So you would like to move the appointment",
    }
    where = [f"{word} {said[kind]}" for kind, word in _PREPOSITIONS.items() if kind in said]
    rest = [f"{slot.words}: {spoken(slot, errand.values[slot.name])}" for slot in filled if slot.kind not in _PLACED]
    words = " ".join([heads.get(errand.tool.family, "So that is"), *where])
    return f"{', '.join([words, *rest])}. Is that right?"


_PREPOSITIONS = {"name": "for", "date": "on", "datetime": "on", "time": "at"}
_PLACED = (*_PREPOSITIONS, "service", "reason")


def _message_back(said: dict[str, str]) -> str:
    sender = f" from {said['name']}" if "name" in said else ""
    text = said.get("message", "").rstrip(".")
    phone = said.get("phone", "")
    number = (
        f" They can call back on {phone if phone != CALLERS_OWN_NUMBER else 'the number you are calling from'}."
        if phone
        else ""
    )
    return sentence(f"I will pass on this message{sender}: {text}") + number


def call(errand: Errand) -> Call:
    """The function call with the values in their schema's types."""
    errand.called = True
    values = {
        slot.name: json_value(slot, errand.values[slot.name])
        for slot in errand.tool.slots
        if slot.name in errand.values
    }
    return Call(errand.tool.name, msgspec.json.encode(values).decode())


def _name_of(errand: Errand, kind: str) -> str:
    return next((slot.name for slot in errand.tool.slots if slot.kind == kind), "")


def _may_be_bare(slot: Slot, heard: Heard) -> bool:
    """Whether an answer may be read without cues: a question back is no name, but a message may be one."""
    if slot.kind in ("message", "text"):
        return not heard.forget
    return not ("?" in heard.text and slot.kind in ("name", "service"))
