"""What an errand needs next: a question, a reason why it cannot be, or its call."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from engine.dialogue import choosing, filling, questions, retrieval
from engine.dialogue.acts import Heard
from engine.dialogue.calendar import spoken_date, weekend
from engine.dialogue.clock import spoken_time
from engine.dialogue.context import skipped_by_the_clock
from engine.dialogue.hours import spoken_day
from engine.dialogue.services import for_what
from engine.dialogue.slots import Slot, arguments
from engine.dialogue.state import Errand, World
from engine.dialogue.tools import Tool
from engine.realtime.brain import Call

_TIMED = ("book", "reschedule")
_FOR_OTHERS = re.compile(
    r"\bfor (?:my|our|a|his|her|the) (?:\w+ )?(?:husband|wife|partner|son|daughter|child|kid|mum|mother|dad|father|"
    r"sister|brother|friend|boss|colleague|"
    r"girlfriend|boyfriend|grand\w+|aunt|uncle|niece|nephew|neighbour|client|mate|baby|boy|girl)\b|\bfor (?:him|her|"
    r"them|someone else|somebody else)\b"
)
_OWN = re.compile(
    r"\b(?:my|our) (?:\w+ ){0,2}(?:appointment|booking|reservation|visit)\b|\bi have (?:\w+ ){0,3}(?:appointment|"
    r"booking|reservation)\b"
)


def begin(tool: Tool, text: str, world: World, known: Errand | None = None, caller: str = "") -> Errand:
    """An errand with everything that was already said.

    `known` is another one whose name, day and time still hold, `caller` the name that the caller gave before.
    """
    errand = Errand(tool, wish=text)
    if known is not None:
        _carry_over(errand, known)
    name = tool.of_kind("name")
    if (
        name is not None
        and (caller or world.context.name)
        and not (_FOR_OTHERS.search(text.lower()) and not re.search(r"\bfor me\b", text.lower()))
    ):
        errand.values.setdefault(name.name, caller or world.context.name)
    _from_context(errand, world)
    filling.take(errand, Heard(text), world)
    choosing.of_context(errand, world.context.booked)
    for slot in tool.slots:
        if slot.kind == "reason" and tool.family == "transfer" and text:
            errand.values.setdefault(slot.name, text)
        if slot.choices and tool.family == "transfer" and slot.name not in errand.values:
            filling.put(errand, slot, for_what(slot.choices, f"{tool.description} {slot.description}", text))
        if slot.required and len(slot.choices) == 1:
            errand.values.setdefault(slot.name, slot.choices[0])
    return errand


def _carry_over(errand: Errand, known: Errand) -> None:
    """The same caller's name; and what a new appointment was becomes what is moved or cancelled."""
    moves = errand.tool.family == "reschedule"
    for slot in errand.tool.slots:
        role = "old" if moves and slot.kind in ("date", "time") else None
        if role and slot.role != "old":
            continue
        source = (
            known.tool.of_kind(slot.kind, "old")
            if known.tool.family == "reschedule" and known.called is False
            else None
        )
        source = source or known.tool.of_kind(slot.kind, "new") or known.tool.of_kind(slot.kind)
        value = known.values.get(source.name) if source else None
        if value is not None and slot.kind in ("name", "date", "time", "phone", "service", "staff"):
            errand.values[slot.name] = value
    clock = known.tool.of_kind("time", "new") or known.tool.of_kind("time")
    if moves and clock is not None and clock.name in known.values:
        errand.values["_old_time"] = known.values[clock.name]


def same_as(errand: Errand, last: Errand, text: str) -> None:
    """ "Another for my son, same day at four": what is the same as in the booking before."""
    for kind, said in (
        ("date", r"\b(?:same|that) day\b"),
        ("time", r"\bsame time\b"),
        ("service", r"\bsame (?:thing|again|for|one)\b|\banother (?:one|for)\b"),
    ):
        slot, source = errand.tool.of_kind(kind), last.tool.of_kind(kind, "new") or last.tool.of_kind(kind)
        if (
            slot is not None
            and source is not None
            and source.name in last.values
            and re.search(said, text, re.IGNORECASE)
        ):
            errand.values.setdefault(slot.name, last.values[source.name])


def _from_context(errand: Errand, world: World) -> None:
    """The one appointment that is booked for this caller is the one they mean to move or cancel."""
    if errand.tool.family not in ("reschedule", "cancel") or len(world.context.booked) != 1:
        return
    when = world.context.booked[0]
    role = "old" if errand.tool.family == "reschedule" else None
    for kind, value in (("date", when.date().isoformat()), ("time", f"{when:%H:%M}")):
        slot = errand.tool.of_kind(kind, role)
        if slot is not None:
            errand.values.setdefault(slot.name, value)
    errand.values.setdefault("_old_time", f"{when:%H:%M}")


def problem(errand: Errand, world: World) -> str | None:
    """Why the chosen day or time cannot be, by the calendar and the hours, and what to ask; the value is forgotten."""
    if errand.tool.family not in (*_TIMED, "availability"):
        return None
    day_slot = errand.tool.of_kind("date", "new") or errand.tool.of_kind("date", "") or errand.tool.of_kind("date")
    if day_slot is None or day_slot.name not in errand.values or day_slot.role == "old":
        return None
    day = date.fromisoformat(errand.values[day_slot.name])
    if day < world.context.now.date():
        return _ask_again(errand, day_slot, "That day is already past. What other day would suit you?")
    if world.knowledge.hours.on(day) == ():
        named = spoken_date(day) if world.knowledge.hours.closed_specially(day) else f"{day:%A}"
        told = spoken_day(world.knowledge.hours, day, f"on {named}")
        return _ask_again(errand, day_slot, f"{told} What other day would suit you?")
    clock = errand.tool.of_kind("time", day_slot.role)
    if clock is None or clock.name not in errand.values:
        return None
    return _bad_time(errand, clock, datetime.combine(day, time.fromisoformat(errand.values[clock.name])), world)


def too_many(errand: Errand, world: World) -> str | None:
    """A number beyond what the tool takes: what the business says of that, or the limit."""
    for slot in errand.tool.slots:
        value = errand.values.get(slot.name, "")
        if slot.most is not None and value.isdigit() and int(value) > slot.most:
            told = retrieval.answer(f"more than {slot.most} people, {slot.words}", world.knowledge.facts)
            return told[0] if told else f"I can take at most {slot.most} for the {slot.words}."
    return None


def _bad_time(errand: Errand, slot: Slot, when: datetime, world: World) -> str | None:
    openings = world.knowledge.hours.on(when.date())
    if openings and not any(start <= when.time() < end for start, end in openings):
        told = spoken_day(world.knowledge.hours, when.date(), f"on {when:%A}")
        return _ask_again(errand, slot, f"{told} What time would suit you?")
    if when <= world.context.now:
        past = f"It is already past {spoken_time(when.time())} today."
        return _ask_again(errand, slot, f"{past} What other time would suit you?")
    if skipped_by_the_clock(when, world.knowledge.timezone):
        skipped = (
            f"The clocks go forward that night, so there is no {spoken_time(when.time())} on "
            f"{spoken_date(when.date())}."
        )
        return _ask_again(errand, slot, f"{skipped} What other time would suit you?")
    return None


def _ask_again(errand: Errand, slot: Slot, words: str) -> str:
    value = errand.values.pop(slot.name)
    errand.last_day = value if slot.kind == "date" else errand.last_day
    errand.said.pop(slot.name, None)
    errand.asking = slot.name
    return words


def next_question(errand: Errand, world: World) -> str | None:
    """The question for the first thing missing, noting that it was asked; None when nothing is missing."""
    if (which := choosing.question(errand)) is not None:
        return which
    missing = [slot for slot in errand.tool.slots if _needed(slot, errand, world) and slot.name not in errand.values]
    if errand.tool.family == "reschedule":
        # Whose it is and where it is now come before where it goes.
        missing.sort(key=lambda slot: (slot.kind != "name", slot.role == "new"))
    errand.asking = missing[0].name if missing else None
    if not missing:
        return _which_half(errand, world)
    days = [slot for slot in missing if slot.kind == "date" and slot.role != "old"]
    # A day that was named and cannot be is asked for at once.
    first = days[0] if days and errand.bad_day else missing[0]
    errand.asking, errand.bad_day = first.name, False
    clock = next((slot for slot in missing if slot.kind == "time" and slot.role == first.role), None)
    if first.kind == "date":
        vague = _which_day(errand)
        if vague is not None:
            return vague
        return (
            questions.both_question(errand.tool.family, first.role)
            if clock
            else questions.question(first, errand.tool.family)
        )
    if first.kind == "phone" and world.context.number_known:
        return questions.OWN_NUMBER_QUESTION
    if first.kind == "time" and errand.part is not None:
        return f"What time in the {errand.part} would suit you?"
    return questions.question(first, errand.tool.family)


def _needed(slot: Slot, errand: Errand, world: World) -> bool:
    """What must be known before the call. Nobody can call back a hidden number, unless the caller gives one."""
    if slot.required:
        return True
    hidden = errand.tool.family == "message" and slot.kind == "phone" and world.context.number_withheld
    return hidden and errand.refusals == 0


def _which_day(errand: Errand) -> str | None:
    """The question for a day when only its week or weekend was named."""
    if weekend(errand.wish) and not errand.values.get(errand.asking or "") and not errand.failures and not errand.week:
        return "Would you like Saturday or Sunday?"
    return "What day next week would suit you?" if errand.week else None


def _which_half(errand: Errand, world: World) -> str | None:
    unsure = filling.both_halves(errand, world)
    if unsure is None:
        return None
    slot, fitting = unsure
    errand.asking = slot.name
    return f"Is that {' or '.join(spoken_time(one) for one in fitting)}?"


def named_slot(errand: Errand, heard: Heard) -> Slot | None:
    """The slot that a caller says is wrong without giving its value ("the time")."""
    kinds = {
        "name": "name", "spelling": "name", "spelled": "name", "day": "date", "date": "date", "time": "time",
        "hour": "time", "number": "phone",
        "phone": "phone", "message": "message", "service": "service", "treatment": "service",
    }  # fmt: skip
    words = heard.plain.split()
    found = [
        errand.tool.of_kind(kind, "new") or errand.tool.of_kind(kind) for word, kind in kinds.items() if word in words
    ]
    return next((slot for slot in found if slot is not None), None)


def clear(errand: Errand, slot: Slot) -> None:
    """Forget a slot's value, to be asked for anew."""
    errand.values.pop(slot.name, None)
    errand.said.pop(slot.name, None)


def own_appointment(heard: Heard) -> bool:
    """Whether a caller speaks of an appointment that they already have."""
    return bool(_OWN.search(heard.plain))


def call(errand: Errand) -> Call:
    """The function call with the values in their schema's types."""
    errand.called = True
    return Call(errand.tool.name, arguments(errand.tool.slots, errand.values))
