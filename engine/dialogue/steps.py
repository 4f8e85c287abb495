"""The steps that every part of the policy takes: ask or call next, begin an errand, offer a message, say goodbye."""

from __future__ import annotations

import re

import msgspec

from engine.dialogue import errands, filling, phones, questions
from engine.dialogue.acts import Heard
from engine.dialogue.answers import Answered
from engine.dialogue.calendar import find_date
from engine.dialogue.clock import find_time
from engine.dialogue.messages import told_plainly
from engine.dialogue.slots import CALLERS_OWN_NUMBER
from engine.dialogue.state import Errand, State, World
from engine.dialogue.tools import Tool, by_family
from engine.dialogue.wishes import wanted_family
from engine.realtime.brain import Call, Output, Say

ANYTHING_ELSE = "Is there anything else I can help you with?"
NOT_DONE = {
    "book": "I have not booked anything.",
    "reschedule": "I have not moved anything.",
    "cancel": "I have not cancelled anything.",
    "message": "I have not passed on a message.",
}


CANNOT = {
    "book": "I can't book appointments on this line.",
    "cancel": "I can't cancel appointments myself.",
    "reschedule": "I can't move appointments myself.",
    "transfer": "I can't put you through from here.",
    "message": "I can't take messages on this line.",
    "availability": "I can't see which times are free.",
    "lookup": "I can't look up appointments.",
}
_COMPLAINS = re.compile(r"\bcomplain(?:t|ts|ing)?\b|\bunhappy\b|\bdisappointed\b", re.IGNORECASE)


def family_of(heard: Heard, world: World) -> str | None:
    """The errand in what was said; naming a day or a time makes a wish a booking."""
    return wanted_family(heard, dated(heard, world))


def dated(heard: Heard, world: World) -> bool:
    """Whether a day or a time is named."""
    return find_date(heard.text, world.context.now.date()) is not None or find_time(heard.text) is not None


def before(words: str, outputs: list[Output]) -> list[Output]:
    """Outputs with words said first, in the same message."""
    if not words:
        return outputs
    if outputs and isinstance(outputs[0], Say):
        return [Say(f"{words} {outputs[0].text}"), *outputs[1:]]
    return [Say(words), *outputs]


def start(state: State, tool: Tool, text: str, world: World, known: Errand | None = None) -> list[Output]:
    """Begin an errand with what was said."""
    state.errand = errands.begin(tool, text, world, known, state.name)
    if state.last is not None and tool.family == "book" and known is None:
        errands.same_as(state.errand, state.last, text)
    reply = advance(state, world)
    first = reply[0]
    if isinstance(first, Say) and tool.family == "message" and first.text.endswith("?") and not state.errand.confirming:
        sorry = "I'm sorry to hear that." if _COMPLAINS.search(text) else "Certainly,"
        return before(f"{sorry} I can take a message.", reply)
    if isinstance(first, Say) and tool.family == "book" and re.match(r"W[hi]|How", first.text):
        return before("Certainly.", reply)
    return reply


def advance(state: State, world: World) -> list[Output]:
    """Ask for what is missing, else read back, else call."""
    errand = state.errand
    assert errand is not None
    note, errand.note = errand.note, ""
    limit = errands.too_many(errand, world)
    if limit is not None:
        return _beyond(state, errand, limit, world)
    words = errands.problem(errand, world) or errands.next_question(errand, world)
    if words is not None:
        return before(note, [Say(words)])
    if errand.tool.confirmed:
        errand.confirming = True
        return before(note, [Say(questions.read_back(errand))])
    return make_call(state)


def _beyond(state: State, errand: Errand, limit: str, world: World) -> list[Output]:
    """More than the tool takes: leave it, and offer a message with what was wanted."""
    state.errand, state.last = None, errand
    return unknown(state, Heard(errand.wish), world, limit)


def go_on(state: State, errand: Errand, world: World) -> list[Output]:
    """What comes next; a number that is too short to be whole is asked to go on."""
    asked = errand.tool.slot(errand.asking) if errand.asking else None
    number = errand.values.get(asked.name, "") if asked is not None and asked.kind == "phone" else ""
    if number[-1:].isdigit() and phones.unfinished(number):
        return [Say(f"{phones.spoken_digits(number)}, and the rest?")]
    return advance(state, world)


def again(errand: Errand, world: World) -> str:
    """What was asked last, once more: after a side remark."""
    if errand.confirming:
        return questions.read_back(errand)
    asking = errand.asking
    words = errands.next_question(errand, world)
    if words is None:
        errand.confirming = errand.tool.confirmed
        return questions.read_back(errand) if errand.confirming else ""
    errand.asking = asking or errand.asking
    return words


def make_call(state: State) -> list[Output]:
    """Call the errand's tool with what it holds."""
    errand = state.errand
    assert errand is not None
    errand.confirming = False
    made: list[Output] = [errands.call(errand)]
    return before("One moment, please.", made) if errand.tool.family == "transfer" else made


def told(state: State, heard: Heard, known: Answered) -> list[Output]:
    """Say what was found; the next question may go on from this one."""
    state.topic, state.misses = known.topic, 0
    state.asked = heard.text if heard.words > 4 or not state.asked else state.asked
    return [Say(f"{known.words} I'm afraid I don't know about the rest." if known.lost else known.words)]


def unknown(state: State, heard: Heard, world: World, why: str) -> list[Output]:
    """An honest "I don't know" or "I can't", with a way on when there is one."""
    state.misses = 0
    if by_family(world.tools, "message") is None:
        return [Say(f"{why} Is there something else I can help you with?")]
    state.offer, state.offered_text = "message", heard.text
    return [Say(f"{why} Shall I take a message for the team?")]


def take_message(state: State, heard: Heard, world: World) -> list[Output]:
    """Begin the message that was offered: in the words that came with the yes, else about what was not answered."""
    tool = by_family(world.tools, "message")
    if tool is None:
        return [Say(f"I'm sorry, I can't take messages on this line. {ANYTHING_ELSE}")]
    known = state.errand or state.last
    state.errand = errands.begin(tool, "", world, known, state.name)
    about = tool.of_kind("message")
    filling.take(state.errand, heard, world)
    if about is not None and state.offered_text and about.name not in state.errand.values:
        filling.take(state.errand, Heard(state.offered_text), world)
        state.errand.values[about.name] = state.errand.values.get(about.name) or told_plainly(state.offered_text)
    return advance(state, world)


def own_number(errand: Errand) -> None:
    """The caller is to be called back where they call from."""
    errand.values[str(errand.asking)] = CALLERS_OWN_NUMBER


def leave(state: State, world: World, words: str = "") -> list[Output]:
    """Say goodbye, and that nothing was done when something was under way; hang up when there is a tool for it."""
    errand = state.errand
    undone = NOT_DONE.get(errand.tool.family, "") if errand is not None and not errand.called else ""
    state.errand = state.parked = state.offer = None
    state.later.clear()
    state.left = True
    return [Say(" ".join(part for part in (words, undone, farewell(world)) if part)), *hang_up(world)]


def farewell(world: World) -> str:
    """The last words."""
    name = world.knowledge.business
    return f"Thank you for calling{f' {name}' if name else ''}. Goodbye."


def hang_up(world: World) -> list[Output]:
    """The call of the tool that ends the call, if there is one."""
    tool = by_family(world.tools, "end")
    if tool is None:
        return []
    values = {slot.name: "The caller said goodbye." for slot in tool.slots if slot.required or slot.kind == "reason"}
    return [Call(tool.name, msgspec.json.encode(values).decode())]
