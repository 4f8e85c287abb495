"""Putting what was said into an errand's slots."""

from __future__ import annotations

import re
from datetime import date, time

from engine.dialogue import phones
from engine.dialogue.acts import Heard
from engine.dialogue.calendar import find_range, next_week, odd_date
from engine.dialogue.clock import TimeSaid, find_daypart, in_part, resolve
from engine.dialogue.moves import from_and_to, old_and_new
from engine.dialogue.names import corrected
from engine.dialogue.numbers import digits_for_words
from engine.dialogue.services import find_service
from engine.dialogue.slots import Slot
from engine.dialogue.speaking import sentence
from engine.dialogue.state import Errand, World
from engine.dialogue.values import Setting, affirmed, find, said_time

_WHO = ("name", "label", "staff")
FREE = ("text", "address", "problem", "message", "reason")
_BARE_TIME = re.compile(
    r"^(?:(?:at|maybe|perhaps|say|around|about|like|how about|what about|um|ok|okay) )*(?:[a-z]+|"
    r"\d{1,4})(?: (?:thirty|fifteen|forty five|then|please))?$"
)
_CHANGE = re.compile(
    r"\b(?:make (?:it|that)|change (?:it|that)|instead|rather|can it be|could it be|should be|can we|could we)\b"
)
_MATTER = re.compile(r"^(?:it's|it is|its) (?:about|regarding|to do with) (?P<matter>.+)$", re.IGNORECASE)
_SAME_TIME = re.compile(
    r"\b(?:same time|same hour|at the same|time (?:is|can) (?:the same|stay)|keep the time)\b", re.IGNORECASE
)
_PLACES = {
    "first": 0,
    "earliest": 0,
    "earlier": 0,
    "1st": 0,
    "soonest": 0,
    "second": 1,
    "2nd": 1,
    "middle": 1,
    "third": 2,
    "3rd": 2,
}
_ANY_OPTION = re.compile(r"\b(?:either|any (?:of|one)|whichever|any is fine|do not mind|you choose|do not care)\b")


def take(errand: Errand, heard: Heard, world: World) -> bool:
    """Put what was said into the slots; says whether anything is new. What was asked for may be said barely."""
    before = (dict(errand.values), errand.part, errand.week)
    asked_kind = errand.tool.slot(errand.asking).kind if errand.asking else ""
    texts = _texts(errand, heard.text)
    ways = from_and_to(affirmed(heard.text)) if errand.tool.of_kind("address", "to") else {}
    for slot in errand.tool.slots:
        asked = slot.name == errand.asking
        if slot.role == "until" and not asked:
            continue  # A day that is named is the first; the last is told by a stretch.
        if slot.kind in _WHO and not asked and (asked_kind in _WHO or asked_kind in FREE):
            continue
        text = texts.get(slot.role if slot.kind in ("date", "time") else "", heard.text)
        if slot.kind == "address" and not asked and (place := ways.get(slot.role)):
            errand.values[slot.name] = place
            continue
        if slot.kind == "time":
            bare = asked or asked_kind == "date" or bool(_CHANGE.search(heard.plain))
            _take_time(errand, slot, text, world, bare or (asked_kind in _WHO and bool(_BARE_TIME.match(heard.plain))))
        elif slot.kind == "phone":
            _take_phone(errand, slot, heard, world)
        elif not (slot.kind in ("service", "message", "reason") and slot.name in errand.values and not asked):
            value = find(slot, text, setting(errand, slot, world), asked and _may_be_bare(slot, heard))
            if value is None and slot.kind == "message" and (matter := _MATTER.match(heard.text)):
                value = sentence(f"about {matter['matter'].rstrip('.?! ')}")
            if slot.kind == "name" and value is not None and _is_other_value(errand, value, text, asked, world):
                continue
            put(errand, slot, value)
    _take_stretch(errand, heard, world)
    _take_hints(errand, heard, world)
    settle_times(errand, world)
    return (dict(errand.values), errand.part, errand.week) != before


def _is_other_value(errand: Errand, name: str, text: str, asked: bool, world: World) -> bool:
    """What looks like a name and is a pet's, or the service: "haircut" to "what name is it for?"."""
    if not asked and name in _labels(errand, text, world):
        return True
    service = find_service(text, False, tuple(fact.text for fact in world.knowledge.facts))
    return service is not None and set(name.lower().split()) <= set(service.replace("-", " ").split())


def _labels(errand: Errand, text: str, world: World) -> list[str]:
    """The names in a text that are a pet's or a child's: not the caller's."""
    found = [find(slot, text, setting(errand, slot, world)) for slot in errand.tool.slots if slot.kind == "label"]
    return [name for name in found if name]


def choose_option(errand: Errand, heard: Heard) -> bool:
    """ "The first one", "the later one", "either": one of the times that a tool offered."""
    clock = errand.tool.of_kind("time", "new") or errand.tool.of_kind("time")
    if not errand.options or clock is None or heard.words > 8:
        return False
    words = heard.plain.split()
    place = next((at for word, at in _PLACES.items() if word in words), None)
    if place is None and {"last", "latest", "later"} & set(words):
        place = len(errand.options) - 1
    if place is None and _ANY_OPTION.search(heard.plain):
        place = 0
    if place is None or place >= len(errand.options):
        return False
    chosen = errand.options[place]
    errand.said[clock.name] = TimeSaid(chosen.hour, chosen.minute, sure=True)
    errand.values[clock.name] = chosen.strftime("%H:%M")
    return True


def settle_times(errand: Errand, world: World) -> None:
    """Times as said become times of day, by what is free, the day's opening hours, and the half of the day named."""
    for slot in errand.tool.slots:
        said = errand.said.get(slot.name)
        if said is not None:
            said = errand.said[slot.name] = in_part(said, errand.part)
            free = [one for one in said.candidates() if one in errand.options]
            openings = world.knowledge.hours.openings(day_of(errand, slot))
            errand.values[slot.name] = (free[0] if free else resolve(said, openings)).strftime("%H:%M")


def day_of(errand: Errand, clock: Slot) -> date | None:
    """The day that belongs to a time: of the same role, of the same property."""
    days = [
        slot
        for slot in errand.tool.slots
        if slot.kind == "date" and slot.role == clock.role and slot.part_of == clock.part_of
    ]
    value = errand.values.get(days[0].name) if days else None
    return date.fromisoformat(value) if value else None


def both_halves(errand: Errand, world: World) -> tuple[Slot, list[time]] | None:
    """A time that could be morning or evening: the business is open at both."""
    for slot in errand.tool.slots:
        said = errand.said.get(slot.name)
        if said is None or slot.name not in errand.values or slot.role == "old":
            continue
        fitting = said.within(world.knowledge.hours.openings(day_of(errand, slot)))
        if len(fitting) > 1 and day_of(errand, slot) is not None and not any(one in errand.options for one in fitting):
            return slot, fitting
    return None


def _take_stretch(errand: Errand, heard: Heard, world: World) -> None:
    """ "From the 3rd to the 6th": the first day, and the last or how many nights lie between."""
    first, last = errand.tool.of_kind("date", ""), errand.tool.of_kind("date", "until")
    nights = next(
        (slot for slot in errand.tool.slots if slot.kind == "number" and re.search(r"night|days", slot.words)), None
    )
    if first is None or (last is None and nights is None) or errand.tool.family == "reschedule":
        return
    stretch = find_range(affirmed(heard.text), world.context.now.date())
    if stretch is None:
        return
    errand.values[first.name] = stretch[0].isoformat()
    if last is not None:
        errand.values[last.name] = stretch[1].isoformat()
    if nights is not None:
        errand.values[nights.name] = str((stretch[1] - stretch[0]).days)


def _texts(errand: Errand, text: str) -> dict[str, str]:
    """The text for days and times by role; a move's old day is never its new one."""
    if errand.tool.family != "reschedule":
        return {}
    asked_old = bool(errand.asking) and errand.tool.slot(str(errand.asking)).role == "old"
    old, new = old_and_new(text, asked_old)
    has_old = any(slot.role == "old" for slot in errand.tool.slots)
    return (
        {"old": old, "new": new, "": new} if has_old or errand.asking is None else {"": new or text, "new": new or text}
    )


def _take_time(errand: Errand, slot: Slot, text: str, world: World, bare: bool) -> None:
    moved = _moved_time(errand, slot, text)
    said = moved or said_time(text, setting(errand, slot, world), bare)
    if said is not None:
        errand.said[slot.name] = said
    elif slot.role != "old" and _SAME_TIME.search(text):
        old = next((one for one in errand.tool.slots if one.kind == "time" and one.role == "old"), None)
        known = errand.values.get(old.name, "") if old else errand.values.get("_old_time", "")
        if known:
            clock = time.fromisoformat(known)
            errand.said[slot.name] = TimeSaid(clock.hour, clock.minute, sure=True)


_MOVED = re.compile(
    r"\b(?P<count>half an|an|a|\d{1,2}|a quarter of an) (?P<unit>hour|minute|min)s? (?P<way>later|earlier|sooner|"
    r"before|after)\b",
    re.IGNORECASE,
)


def _moved_time(errand: Errand, slot: Slot, text: str) -> TimeSaid | None:
    """ "Half an hour later" than the time that is there already."""
    match = _MOVED.search(digits_for_words(text.lower()))
    if match is None or slot.name not in errand.values or slot.role == "old":
        return None
    counts = {"half an": 30, "a quarter of an": 15, "an": 60, "a": 60}
    minutes = counts.get(match["count"]) or int(match["count"]) * (60 if match["unit"] == "hour" else 1)
    clock = time.fromisoformat(errand.values[slot.name])
    at = clock.hour * 60 + clock.minute + (minutes if match["way"] in ("later", "after") else -minutes)
    return TimeSaid(at // 60, at % 60, sure=True) if 0 <= at < 24 * 60 else None


def _take_phone(errand: Errand, slot: Slot, heard: Heard, world: World) -> None:
    known = errand.values.get(slot.name, "")
    piece = phones.only_digits(heard.text)
    asked = errand.asking == slot.name
    if piece and (asked or known) and known[-1:].isdigit() and phones.unfinished(known):
        errand.values[slot.name] = known + piece
        return
    if piece and known[-1:].isdigit() and errand.confirming and len(piece) < 5:
        # "No, one two four" mends the end of what was read back.
        errand.values[slot.name] = known[: -len(piece)] + piece
        return
    value = find(slot, heard.text, setting(errand, slot, world), asked) or (piece if asked else None)
    put(errand, slot, value)


def _take_hints(errand: Errand, heard: Heard, world: World) -> None:
    """What was said of a day or time without naming it, and what is odd about a day."""
    text = affirmed(heard.text)
    part = find_daypart(text)
    clocks = [slot for slot in errand.tool.slots if slot.kind == "time"]
    if clocks and part is not None:
        errand.part = part
        for slot in clocks:
            if slot.name in errand.said and not errand.said[slot.name].sure and slot.role != "old":
                errand.said[slot.name] = in_part(errand.said[slot.name], part)
    if clocks and next_week(text):
        errand.week = True
    if errand.tool.of_kind("date"):
        errand.note = odd_date(text, world.context.now.date()) or ""
        errand.bad_day = errand.bad_day or bool(errand.note)
        for slot in errand.tool.slots if errand.note else ():
            if slot.kind == "date" and slot.role != "old":
                errand.values.pop(slot.name, None)


def put(errand: Errand, slot: Slot, value: str | None) -> None:
    """Keep a value that was found; a name that corrects one word of a name keeps the others."""
    if value is None:
        return
    if slot.kind == "name" and slot.name in errand.values:
        value = corrected(errand.values[slot.name], value)
    errand.values[slot.name] = value


def setting(errand: Errand, slot: Slot, world: World) -> Setting:
    """What finding a slot's value depends on."""
    known = errand.values.get(slot.name) or errand.last_day if slot.kind == "date" else None
    if known is None:
        day = errand.tool.of_kind("date", "old") or errand.tool.of_kind("date")
        known = errand.values.get(day.name) if day else None
    return Setting(
        world.context.now,
        world.knowledge.hours,
        date.fromisoformat(known) if known else None,
        errand.week,
        errand.tool.family != "message" and errand.tool.of_kind("label") is None,
        tuple(fact.text for fact in world.knowledge.facts),
    )


def _may_be_bare(slot: Slot, heard: Heard) -> bool:
    """Whether an answer may be read without cues: a question back is no name, but a message may be one."""
    if slot.kind in FREE:
        return not (heard.forget or heard.only_yes or heard.hello)
    return not (slot.kind in ("name", "service", "staff") and ("?" in heard.text or heard.only_yes))
