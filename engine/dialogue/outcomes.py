"""The policy after a tool has answered: say what came of it, try again where it failed, and go on with what waits."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.dialogue import choosing, filling, steps
from engine.dialogue.acts import Heard
from engine.dialogue.calendar import find_date
from engine.dialogue.questions import question, understood
from engine.dialogue.slots import Slot
from engine.dialogue.state import Errand, State, World
from engine.dialogue.steps import ANYTHING_ELSE
from engine.dialogue.tools import Result, by_family, read_result
from engine.realtime.brain import Output, Say

_MOST_REFUSALS = 3
_OF_TIME = re.compile(
    r"\b(?:free|taken|available|booked|full|closed|open|past|times?|slots?|o'?clock|day|date|year|minutes|busy|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b|\d[:.]\d\d",
    re.IGNORECASE,
)
_DAY_NAME = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b")
_NOT_FOUND = re.compile(
    r"\b(?:no (?:\w+ )?(?:appointment|booking|reservation|visit)s?\b(?!.*\bat\b.*they start)|(?:not|"
    r"n't) (?:be )?(?:find|found)|nothing (?:is )?(?:booked|found))\b",
    re.IGNORECASE,
)
_OFFERS_MESSAGE = re.compile(r"\btake a message\b|\bleave a message\b", re.IGNORECASE)


def on_result(
    state: State, name: str, output: str, world: World, resume: Callable[[State, Heard, World], list[Output]]
) -> list[Output]:
    """The reply to a tool's output; `resume` answers what was said besides and waited for its turn."""
    tool = next((one for one in world.tools if one.name == name), None)
    if tool is not None and tool.family == "end":
        return []
    result = read_result(output)
    errand = state.errand if state.errand is not None and state.errand.tool.name == name else None
    if state.parked is not None and errand is not None and errand.tool.family == "availability":
        return _looked(state, result, world)
    if not result.ok and errand is not None:
        return _failed(state, errand, result, world)
    return _done(state, errand, result, world, resume)


def _done(
    state: State,
    errand: Errand | None,
    result: Result,
    world: World,
    resume: Callable[[State, Heard, World], list[Output]],
) -> list[Output]:
    state.last, state.errand = errand or state.last, None
    message = result.message or ("That is done." if result.ok else "I'm sorry, that did not work.")
    if state.leaving:
        return steps.leave(state, world, message)
    if state.later:
        waiting, state.later = state.later[0], state.later[1:]
        reply = steps.before(message, resume(state, Heard(waiting), world))
        if state.errand is None and state.offer is None and not state.left and len(reply) == 1:
            state.offer = "more"
            return [*reply, Say(ANYTHING_ELSE)]
        return reply
    if state.parked is not None:
        state.errand, state.parked = state.parked, None
        return [Say(f"{message} Now, to go on. {steps.again(state.errand, world)}")]
    if result.ok and errand is not None and errand.tool.family == "transfer":
        return [Say(message)]  # They are being put through: nothing more is asked.
    state.offer = "more"
    return [Say(message if message.endswith("?") else f"{message} {ANYTHING_ELSE}")]


def _looked(state: State, result: Result, world: World) -> list[Output]:
    """The diary's answer, and back to the booking it was asked for."""
    looked, errand = state.errand, state.parked
    assert errand is not None and looked is not None
    state.errand, state.parked = errand, None
    errand.options = result.free
    message = result.message or "I could not see what is free."
    _keep_day(errand, looked, message, world)
    clock = errand.tool.of_kind("time", "new") or errand.tool.of_kind("time")
    until = looked.tool.of_kind("date", "until")
    day = errand.tool.of_kind("date", "new") or errand.tool.of_kind("date")
    several = len(set(_DAY_NAME.findall(message.lower()))) > 1
    if until is not None and until.name in looked.values and day is not None and several:
        # Several days were looked at: which of them is still open.
        errand.values.pop(day.name, None)
        errand.bad_day = True
        return steps.before(message, steps.advance(state, world))
    filling.settle_times(errand, world)
    if (
        clock is not None
        and clock.name in errand.values
        and result.free
        and errand.values[clock.name] not in [f"{one:%H:%M}" for one in result.free]
    ):
        errand.values.pop(clock.name)
        errand.said.pop(clock.name, None)
    if clock is not None and clock.name not in errand.values:
        errand.asking = clock.name
        return [Say(f"{message} Which time would you like?")]
    return steps.before(message, steps.advance(state, world))


def _keep_day(errand: Errand, looked: Errand, message: str, world: World) -> None:
    """The booking is for the day that was asked about, or for the one that was offered instead."""
    day = errand.tool.of_kind("date", "new") or errand.tool.of_kind("date")
    asked = looked.tool.of_kind("date")
    if day is None or day.role == "old":
        return
    offered = find_date(message, world.context.now.date()) if errand.options else None
    if offered is not None:
        errand.values[day.name] = offered.isoformat()
    elif asked is not None and asked.name in looked.values:
        errand.values[day.name] = looked.values[asked.name]


def _failed(state: State, errand: Errand, result: Result, world: World) -> list[Output]:
    """Say why, and ask for what could help: another time, other details, or a message."""
    state.leaving = False
    errand.called = errand.confirming = False
    errand.refusals += 1
    message = result.message or "That did not work."
    wrong = next((slot for slot in errand.tool.slots if slot.name in message and "_" in slot.name), None)
    if wrong is not None:
        # Words for a programmer: the caller is asked instead.
        errand.asking = wrong.name
        return [
            Say(
                f"I'm sorry, I need {'the full ' + wrong.kind if wrong.kind == 'name' else 'that'} again. "
                f"{question(wrong, errand.tool.family)}"
            )
        ]
    if (own := choosing.offered(errand, message)) is not None:
        return [Say(own)]
    if (wanted := _asked_slot(errand, message)) is not None:
        errand.asking = wanted.name
        return [Say(message)]
    if _NOT_FOUND.search(message):
        named = errand.tool.of_kind("name")
        errand.asking = named.name if named else None
        return [Say(message if message.endswith("?") else f"{message} Could it be under another name or day?")]
    offers = by_family(world.tools, "message") is not None and errand.tool.family != "message"
    about_time = bool(_OF_TIME.search(message)) and not _OFFERS_MESSAGE.search(message)
    timed = [slot for slot in errand.tool.slots if slot.kind in ("date", "time") and slot.role != "old"]
    if offers and (
        _OFFERS_MESSAGE.search(message)
        or (errand.refusals >= _MOST_REFUSALS)
        or not ((timed and about_time) or errand.tool.confirmed)
    ):
        return _offer_message(state, errand, message)
    if timed and (about_time or errand.tool.family == "book"):
        return _ask_for_another_time(errand, result, message, timed[0].name, world)
    errand.asking = None
    return [Say(message if message.rstrip().endswith("?") else f"{message} What should I change?")]


def _asked_slot(errand: Errand, message: str) -> Slot | None:
    """What a refusal asks for: "What full name is it booked under?" is not about the time."""
    last = re.split(r"(?<=[.!?;])\s+", message.strip())[-1]
    if not last.endswith("?") or _OFFERS_MESSAGE.search(last):
        return None
    if re.search(r"\bname\b", last, re.IGNORECASE):
        return errand.tool.of_kind("name")
    if errand.tool.family in ("cancel", "reschedule") and re.search(
        r"\bday\b.*\b(?:appointment|booked|now|mean)\b", last
    ):
        return errand.tool.of_kind("date", "old") or errand.tool.of_kind("date")
    return None


def _ask_for_another_time(errand: Errand, result: Result, message: str, asking: str, world: World) -> list[Output]:
    errand.asking = asking
    if errand.tool.family == "cancel":
        return [Say(message if message.rstrip().endswith("?") else f"{message} What other day could it be?")]
    errand.options = result.free
    offered = find_date(message.rsplit("ree on", 1)[-1], world.context.now.date()) if result.free else None
    day = errand.tool.of_kind("date", "new") or errand.tool.of_kind("date")
    if offered is not None and day is not None and day.role != "old":
        errand.values[day.name] = offered.isoformat()
    return [Say(message if message.rstrip().endswith("?") else f"{message} What other day or time would suit you?")]


def _offer_message(state: State, errand: Errand, message: str) -> list[Output]:
    state.errand, state.last = None, errand
    wish = re.sub(r"^So (?:that is|you would like to) ?", "", understood(errand)).rstrip(".")
    state.offer, state.offered_text = "message", f"{errand.tool.words}: {wish}."
    return [Say(message if message.rstrip().endswith("?") else f"{message} Shall I take a message for the team?")]
