"""The policy when an errand under way is dropped, put off, or gives way to another."""

from __future__ import annotations

import re
from datetime import timedelta

from engine.dialogue import answers, asides, errands, filling, steps
from engine.dialogue.acts import Heard
from engine.dialogue.calendar import next_week
from engine.dialogue.state import Errand, State, World
from engine.dialogue.steps import ANYTHING_ELSE
from engine.dialogue.tools import Tool, by_family
from engine.dialogue.wishes import asks_about
from engine.realtime.brain import Output, Say


def set_aside(state: State, errand: Errand, heard: Heard, world: World) -> list[Output] | None:
    """Dropping, postponing or beginning the errand anew."""
    if asides.in_free_words(errand) and heard.words > 5:
        return None
    if heard.start_again:
        return steps.before("Of course, let us start again.", steps.start(state, errand.tool, "", world))
    if (
        _forgets(errand, heard)
        or _cancels_this(errand, heard)
        or (heard.changed_mind and not _holds_value(errand, heard, world))
    ):
        return steps.leave(state, world, "All right.") if heard.goodbye else drop(state, heard, world)
    if (
        heard.later
        and not (heard.wait and "back" not in heard.plain and "later" not in heard.plain)
        and errand.tool.family != "message"
    ):
        undone = steps.NOT_DONE.get(errand.tool.family, "")
        if heard.goodbye or heard.thanks:
            return steps.leave(state, world, "Of course.")
        state.errand, state.offer = None, "more"
        return [Say(f"Of course. {undone} {ANYTHING_ELSE}".replace("  ", " "))]
    return None


def drop(state: State, heard: Heard, world: World) -> list[Output]:
    """Leave an errand; one that was set aside for it comes back, and what was asked besides is answered."""
    parked, state.parked = state.parked, None
    state.errand = parked
    if parked is not None:
        return [Say(f"All right, I will leave that. {steps.again(parked, world)}")]
    parts = [Heard(part) for part in answers.pieces(heard.text)]
    asked = [part for part in parts if part.question and not part.forget]
    known = [one for part in asked if (one := answers.answer_all(part, world)) is not None]
    state.offer = "more"
    return [Say(" ".join(["All right, I will leave that.", *(one.words for one in known), ANYTHING_ELSE]))]


def _forgets(errand: Errand, heard: Heard) -> bool:
    """ "Cancel that" is what a caller who cancels an appointment wants."""
    if errand.tool.family != "cancel":
        return heard.forget
    return Heard(re.sub(r"\bcancel (?:that|it|this)\b", " ", heard.plain)).forget


def _cancels_this(errand: Errand, heard: Heard) -> bool:
    """ "Cancel it" during a booking means the booking that is not made yet."""
    plain = heard.plain
    return (
        errand.tool.family in ("book", "message")
        and heard.words <= 9
        and bool(
            re.search(r"\bcancel(?: the| this| that| my| it| booking| appointment| everything)*(?: please)?$", plain)
        )
        and not errands.own_appointment(heard)
    )


def _holds_value(errand: Errand, heard: Heard, world: World) -> bool:
    trial = Errand(errand.tool, dict(errand.values), dict(errand.said), errand.asking)
    return filling.take(trial, heard, world) or steps.family_of(heard, world) not in (None, errand.tool.family)


def switched(state: State, errand: Errand, heard: Heard, world: World) -> list[Output] | None:
    """Another errand is wanted: instead of this one, or in between."""
    if asides.in_free_words(errand) and not heard.person:
        return None
    family = steps.family_of(heard, world)
    if family in (None, errand.tool.family) or asks_about(heard):
        return None
    if family == "availability":
        return _look_between(state, errand, heard, world)
    if family == "transfer":
        return _transfer_between(state, errand, heard, world)
    instead = {
        "cancel": ("reschedule", "message"),
        "reschedule": ("cancel", "message"),
        "book": ("cancel", "reschedule", "message"),
        "message": ("book",),
    }
    tool = by_family(world.tools, str(family))
    if family not in instead.get(errand.tool.family, ()) and family != "message":
        return None
    if errand.tool.family == "book" and family == "reschedule" and not errands.own_appointment(heard):
        return None  # "Can we move it to Friday?" corrects the booking that is being made.
    if tool is None:
        can_not = steps.before(steps.CANNOT[str(family)], [Say(steps.again(errand, world))])
        return can_not if errand.tool.family != "cancel" or family != "reschedule" else None
    if family == "message" and errand.tool.family != "message":
        state.parked = errand
    return steps.start(state, tool, heard.text, world, errand)


def _look_between(state: State, errand: Errand, heard: Heard, world: World) -> list[Output] | None:
    """ "What do you have on Friday?" in the middle of a booking."""
    if errand.tool.family not in ("book", "reschedule"):
        return None
    tool = by_family(world.tools, "availability")
    filling.take(errand, heard, world)
    if tool is None:
        return steps.before(
            "I can't see which times are free, but tell me one and I will try it.", steps.advance(state, world)
        )
    return look_for(state, errand, tool, heard.text, world)


def look_for(state: State, errand: Errand, tool: Tool, text: str, world: World) -> list[Output]:
    """Ask the diary about the errand's day, and come back to the errand with what it says."""
    clock = errand.tool.of_kind("time", "new") or errand.tool.of_kind("time")
    errand.confirming = False
    state.parked = errand
    state.errand = errands.begin(tool, text, world, caller=state.name)
    for slot in tool.slots:
        source = errand.tool.of_kind(slot.kind, "new") or errand.tool.of_kind(slot.kind)
        if (
            source is not None
            and source.role != "old"
            and source.name in errand.values
            and slot.kind != "time"
            and slot.role != "until"
        ):
            state.errand.values.setdefault(slot.name, errand.values[source.name])
    _soonest(state.errand, text, world)
    if clock is not None and clock.name not in errand.said:
        errand.values.pop(clock.name, None)
    return steps.advance(state, world)


_SOON = re.compile(
    r"\b(?:soonest|earliest|next available|first available|next free|any day|as soon as possible|asap|soon)\b",
    re.IGNORECASE,
)
_DAYS_AHEAD = 6


def _soonest(looked: Errand, text: str, world: World) -> None:
    """Without a day, "the earliest" is any of the next days, and "next week" any of that week."""
    first, until = looked.tool.of_kind("date", ""), looked.tool.of_kind("date", "until")
    if first is None or until is None or first.name in looked.values:
        return
    today = world.context.now.date()
    if next_week(text):
        monday = today + timedelta(days=7 - today.weekday())
        looked.values[first.name] = monday.isoformat()
        looked.values[until.name] = (monday + timedelta(days=_DAYS_AHEAD)).isoformat()
        return
    if not _SOON.search(text):
        return
    looked.values[first.name] = today.isoformat()
    looked.values[until.name] = (today + timedelta(days=_DAYS_AHEAD)).isoformat()


def _transfer_between(state: State, errand: Errand, heard: Heard, world: World) -> list[Output]:
    tool = by_family(world.tools, "transfer")
    if tool is None:
        return [Say(f"{steps.CANNOT['transfer']} {steps.again(errand, world)}")]
    return steps.start(state, tool, heard.text, world, errand)
