"""The policy while an errand is under way: filling it, and side remarks in between."""

from __future__ import annotations

import re

from engine.dialogue import answers, asides, choosing, corrections, filling, phones, social, steps, switching
from engine.dialogue.acts import Heard
from engine.dialogue.confirming import confirming
from engine.dialogue.slots import CALLERS_OWN_NUMBER
from engine.dialogue.state import Errand, State, World
from engine.dialogue.tools import by_family
from engine.dialogue.wishes import unable_to_come
from engine.realtime.brain import Output, Say

_MOST_FAILURES = 3
_WHY = re.compile(
    r"^(?:\w+ ){0,3}?why\b|\bwhat (?:do you need|is) (?:it|that|this|my \w+) for\b|\bdo you (?:really )?need\b|"
    r"\bis (?:that|it) necessary\b"
)
_RATHER_NOT = re.compile(
    r"\b(?:rather not|prefer not|do not want to (?:say|give|leave|tell)|not (?:going to|comfortable) (?:tell|giv|"
    r"say)\w*|none of your business|no number|"
    r"do not have (?:a|an|one)|i do not know|no idea|not sure|can not remember|do not remember|forgot)\b"
)
_NOT_KNOWN = re.compile(
    r"\b(?:look (?:it|that|me) up|(?:do|can) not (?:know|remember)|forgot|forgotten|no idea|"
    r"not sure (?:when|what|which)|"
    r"(?:can|could) you (?:check|see|find|look)|when (?:is|was) it)\b"
)
_WHATEVER = re.compile(
    r"\b(?:any ?time|whenever|any day|whatever(?: you have| is free)?|what(?:ever)? (?:do you have|have you got|"
    r"is (?:free|available))|you (?:choose|decide|tell me)|"
    r"as soon as possible|asap|earliest|first available|next available|soonest|do not mind|no preference|flexible)\b"
)


def pursue(state: State, heard: Heard, world: World) -> list[Output]:
    """The reply to what was said during an errand that was not called yet."""
    errand = state.errand
    assert errand is not None
    if choosing.chosen(errand, heard, world.context.now.date()):
        return steps.advance(state, world)
    early = switching.set_aside(state, errand, heard, world) or switching.switched(state, errand, heard, world)
    if early is not None:
        return early
    if (looked := _look_up(state, errand, heard, world)) is not None:
        return looked
    if errand.confirming:
        return confirming(state, errand, heard, world) or _side_step(state, errand, heard, world)
    return _gathering(state, errand, heard, world)


def _gathering(state: State, errand: Errand, heard: Heard, world: World) -> list[Output]:
    own = _own_number(state, errand, heard, world)
    if own is not None:
        return own
    if corrections.denied(errand, heard, world):
        return steps.advance(state, world)
    if filling.choose_option(errand, heard):
        return steps.advance(state, world)
    known, told = asides.questions_apart(state, errand, heard, world)
    if told and not _is_remark(errand, heard) and filling.take(errand, Heard(told), world):
        errand.failures = 0
        return steps.before(known, steps.go_on(state, errand, world))
    if known:
        return [Say(f"{known} {steps.again(errand, world)}")]
    return _side_step(state, errand, heard, world)


def _is_remark(errand: Errand, heard: Heard) -> bool:
    """Words that are no value even where any words would do."""
    if heard.hello or (heard.words <= 4 and (heard.machine or heard.how_are_you)):
        return True
    return (
        asides.in_free_words(errand)
        and heard.words <= 4
        and (heard.yes or heard.no or heard.goodbye or heard.finished or heard.thanks)
    )


def _own_number(state: State, errand: Errand, heard: Heard, world: World) -> list[Output] | None:
    """A yes or no to being called back on the caller's own number."""
    asking = errand.tool.slot(errand.asking) if errand.asking else None
    if asking is None or asking.kind != "phone" or any(char.isdigit() for char in heard.text):
        return None
    held = errand.values.get(asking.name, "")
    if held[-1:].isdigit() and (heard.finished or heard.yes or heard.no):
        return steps.advance(state, world)  # "That's all of it": a short number is one all the same.
    if _RATHER_NOT.search(heard.plain) and not asking.required:
        errand.refusals += 1
        return steps.advance(state, world)
    if not world.context.number_known or phones.only_digits(heard.text):
        return None
    if heard.yes and not heard.no:
        errand.values[asking.name] = CALLERS_OWN_NUMBER
        return steps.advance(state, world)
    return [Say("What number can we call you back on?")] if heard.no and heard.words <= 4 else None


def _side_step(state: State, errand: Errand, heard: Heard, world: World) -> list[Output]:
    """Something else in the middle of an errand: a remark, a question, a goodbye, or words that fit nothing."""
    if heard.goodbye or heard.finished:
        return steps.leave(state, world)
    again = steps.again(errand, world)
    if _WHATEVER.search(heard.plain) and (looked := _whatever(state, errand, world)) is not None:
        return looked
    if _WHATEVER.search(heard.plain):
        return [Say(again)]
    if _WHY.search(heard.plain):
        return [Say(f"I need it for the {_matter(errand)}. {again}")]
    if heard.wait and heard.words <= 8:
        return [Say("Of course, take your time.")]
    if unable_to_come(heard) and errand.tool.family in ("book", "reschedule"):
        return [Say(f"All right. {again}")]
    small = social.small_talk(heard, world)
    if small:
        return [Say(f"{small} {again}")]
    known = answers.answer_all(asides.about_errand(errand, heard), world, state.topic)
    if known is not None:
        state.topic = known.topic
        return [Say(f"{known.words} {again}")]
    if heard.thanks or (heard.yes and heard.words <= 3 and not errand.confirming):
        return [Say(again)]
    return _not_understood(state, errand, heard, world, again)


def _look_up(state: State, errand: Errand, heard: Heard, world: World) -> list[Output] | None:
    """The caller does not know when their appointment is: the tool that looks them up may."""
    tool = by_family(world.tools, "lookup")
    if tool is None or errand.tool.family not in ("cancel", "reschedule") or not _NOT_KNOWN.search(heard.plain):
        return None
    if any(slot.required for slot in tool.slots):
        return None
    state.parked = errand
    return steps.start(state, tool, heard.text, world)


def _not_understood(state: State, errand: Errand, heard: Heard, world: World, again: str) -> list[Output]:
    errand.failures += 1
    if errand.failures >= _MOST_FAILURES and errand.tool.family != "message":
        state.errand = None
        state.last = errand if errand.values else state.last
        return steps.unknown(state, heard, world, "I'm sorry, I'm having trouble understanding.")
    if heard.question and ("?" in heard.text or asides.asks_facts(heard)):
        return [Say(f"I'm sorry, I don't know that. {again}")]
    if _RATHER_NOT.search(heard.plain):
        return [Say(f"I can't do it without that, I'm afraid. {again}")]
    return [Say(f"Sorry, I didn't catch that. {again}")]


def _whatever(state: State, errand: Errand, world: World) -> list[Output] | None:
    """Any time will do: ask the diary what is free."""
    tool = by_family(world.tools, "availability")
    asked = errand.tool.slot(errand.asking) if errand.asking else None
    if tool is None or asked is None or asked.kind not in ("date", "time"):
        return None
    return switching.look_for(state, errand, tool, "", world)


def _matter(errand: Errand) -> str:
    return {"message": "message", "cancel": "cancellation", "reschedule": "change"}.get(errand.tool.family, "booking")
