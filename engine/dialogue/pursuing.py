"""The policy while an errand is under way: filling it, side remarks, changes of mind, and the yes that lets it happen."""

from __future__ import annotations

import re

from engine.dialogue import answers, errands, filling, phones, questions, social, steps
from engine.dialogue.acts import Heard
from engine.dialogue.slots import CALLERS_OWN_NUMBER
from engine.dialogue.state import Errand, State, World
from engine.dialogue.steps import ANYTHING_ELSE
from engine.dialogue.tools import Tool, by_family
from engine.dialogue.wishes import asks_about, unable_to_come
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
_WHATEVER = re.compile(
    r"\b(?:any ?time|whenever|any day|whatever(?: you have| is free)?|what(?:ever)? (?:do you have|have you got|"
    r"is (?:free|available))|you (?:choose|decide|tell me)|"
    r"as soon as possible|asap|earliest|first available|next available|soonest|do not mind|no preference|flexible)\b"
)
_ANOTHER = re.compile(r"\b(?:another|second|other|one more|as well|too|also|for both)\b")


def pursue(state: State, heard: Heard, world: World) -> list[Output]:
    """The reply to what was said during an errand that was not called yet."""
    errand = state.errand
    assert errand is not None
    early = _set_aside(state, errand, heard, world) or _switched(state, errand, heard, world)
    if early is not None:
        return early
    if errand.confirming:
        return _confirming(state, errand, heard, world)
    return _gathering(state, errand, heard, world)


def _set_aside(state: State, errand: Errand, heard: Heard, world: World) -> list[Output] | None:
    """Dropping, postponing or beginning the errand anew."""
    if _in_free_words(errand) and heard.words > 5:
        return None
    if heard.start_again:
        return steps.before("Of course, let us start again.", steps.start(state, errand.tool, "", world))
    if (
        _forgets(errand, heard)
        or _cancels_this(errand, heard)
        or (heard.changed_mind and not _holds_value(errand, heard, world))
    ):
        return steps.leave(state, world, "All right.") if heard.goodbye else drop(state, heard, world)
    if heard.later and not heard.wait and errand.tool.family != "message":
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


def _switched(state: State, errand: Errand, heard: Heard, world: World) -> list[Output] | None:
    """Another errand is wanted: instead of this one, or in between."""
    if _in_free_words(errand) and not heard.person:
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
        can_not = steps.before(CANNOT[str(family)], [Say(steps.again(errand, world))])
        return can_not if errand.tool.family != "cancel" or family != "reschedule" else None
    if family == "message" and errand.tool.family != "message":
        state.parked = errand
    return steps.start(state, tool, heard.text, world, errand)


CANNOT = {
    "book": "I can't book appointments on this line.",
    "cancel": "I can't cancel appointments myself.",
    "reschedule": "I can't move appointments myself.",
    "transfer": "I can't put you through from here.",
    "message": "I can't take messages on this line.",
    "availability": "I can't see which times are free.",
    "lookup": "I can't look up appointments.",
}


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
    return look_for(state, errand, tool, world)


def look_for(state: State, errand: Errand, tool: Tool, world: World) -> list[Output]:
    """Ask the diary about the errand's day, and come back to the errand with what it says."""
    clock = errand.tool.of_kind("time", "new") or errand.tool.of_kind("time")
    errand.confirming = False
    state.parked = errand
    state.errand = errands.begin(tool, "", world, caller=state.name)
    for slot in tool.slots:
        source = errand.tool.of_kind(slot.kind, "new") or errand.tool.of_kind(slot.kind)
        if source is not None and source.role != "old" and source.name in errand.values and slot.kind != "time":
            state.errand.values[slot.name] = errand.values[source.name]
    if clock is not None and clock.name not in errand.said:
        errand.values.pop(clock.name, None)
    return steps.advance(state, world)


def _transfer_between(state: State, errand: Errand, heard: Heard, world: World) -> list[Output]:
    tool = by_family(world.tools, "transfer")
    if tool is None:
        return [Say(f"{CANNOT['transfer']} {steps.again(errand, world)}")]
    return steps.start(state, tool, heard.text, world, errand)


# -- filling -----------------------------------------------------------------------------------------------------------


def _gathering(state: State, errand: Errand, heard: Heard, world: World) -> list[Output]:
    own = _own_number(state, errand, heard, world)
    if own is not None:
        return own
    if filling.choose_option(errand, heard):
        return steps.advance(state, world)
    known, told = _questions_apart(state, errand, heard, world)
    if told and not _is_remark(errand, heard) and filling.take(errand, Heard(told), world):
        errand.failures = 0
        return steps.before(known, _continued(state, errand, world))
    if known:
        return [Say(f"{known} {steps.again(errand, world)}")]
    return _side_step(state, errand, heard, world)


def _continued(state: State, errand: Errand, world: World) -> list[Output]:
    """What comes next; a number that is too short to be whole is asked to go on."""
    asked = errand.tool.slot(errand.asking) if errand.asking else None
    number = errand.values.get(asked.name, "") if asked is not None and asked.kind == "phone" else ""
    if number[-1:].isdigit() and phones.unfinished(number):
        return [Say(f"{phones.spoken_digits(number)}, and the rest?")]
    return steps.advance(state, world)


def _is_remark(errand: Errand, heard: Heard) -> bool:
    """Words that are no value even where any words would do."""
    if heard.hello or (heard.words <= 4 and (heard.machine or heard.how_are_you)):
        return True
    return (
        _in_free_words(errand)
        and heard.words <= 4
        and (heard.yes or heard.no or heard.goodbye or heard.finished or heard.thanks)
    )


def _questions_apart(state: State, errand: Errand, heard: Heard, world: World) -> tuple[str, str]:
    """The answers to the questions in what was said, and the rest, in which values are looked for."""
    if _in_free_words(errand) or not heard.question:
        return "", heard.text
    told: list[str] = []
    known: list[str] = []
    for part in answers.pieces(heard.text):
        piece = Heard(part)
        if not piece.question or answers.proposes(piece) or piece.words < 2:
            told.append(part)
            continue
        found = answers.answer_all(_about_errand(errand, piece), world, state.topic)
        if found is not None:
            state.topic = found.topic
            known.append(found.words)
        elif not asks_facts(piece):
            told.append(part)
    return " ".join(dict.fromkeys(known)), " ".join(told)


def asks_facts(heard: Heard) -> bool:
    """A question that asks for something, rather than a value said with a rising voice."""
    return heard.words > 2 and bool(
        re.match(
            r"(?:\w+ ){0,2}?(?:what|where|who|which|why|how|do|does|is there|are there|are you|have you)\b", heard.plain
        )
    )


def _about_errand(errand: Errand, heard: Heard) -> Heard:
    """ "How much does it cost?" during a booking is about what is being booked."""
    service = errand.tool.of_kind("service")
    thing = errand.values.get(service.name) if service else None
    if not thing or not re.search(r"\b(?:it|that|this)\b", heard.plain):
        return heard
    return Heard(re.sub(r"\b(?:it|that|this)\b", f"the {thing}", heard.text, count=1))


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
    if _WHY.search(heard.plain):
        return [Say(f"I need it for the {_matter(errand)}. {again}")]
    if heard.wait and heard.words <= 8:
        return [Say("Of course, take your time.")]
    if unable_to_come(heard) and errand.tool.family in ("book", "reschedule"):
        return [Say(f"All right. {again}")]
    small = social.small_talk(heard, world)
    if small:
        return [Say(f"{small} {again}")]
    known = answers.answer_all(_about_errand(errand, heard), world, state.topic)
    if known is not None:
        state.topic = known.topic
        return [Say(f"{known.words} {again}")]
    if heard.thanks or (heard.yes and heard.words <= 3 and not errand.confirming):
        return [Say(again)]
    return _not_understood(state, errand, heard, world, again)


def _not_understood(state: State, errand: Errand, heard: Heard, world: World, again: str) -> list[Output]:
    errand.failures += 1
    if errand.failures >= _MOST_FAILURES and errand.tool.family != "message":
        state.errand = None
        state.last = errand if errand.values else state.last
        return steps.unknown(state, heard, world, "I'm sorry, I'm having trouble understanding.")
    if heard.question and ("?" in heard.text or asks_facts(heard)):
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
    return look_for(state, errand, tool, world)


def _matter(errand: Errand) -> str:
    return {"message": "message", "cancel": "cancellation", "reschedule": "change"}.get(errand.tool.family, "booking")


def _in_free_words(errand: Errand) -> bool:
    """Whether what was asked for may be any words at all."""
    return (
        not errand.confirming
        and errand.asking is not None
        and errand.tool.slot(errand.asking).kind in ("message", "text", "reason")
    )


# -- the yes -----------------------------------------------------------------------------------------------------------


def _confirming(state: State, errand: Errand, heard: Heard, world: World) -> list[Output]:
    known, told = _questions_apart(state, errand, heard, world)
    said = Heard(told)
    if told and not _plain_yes(said) and not _another(state, said, world) and filling.correct(errand, said, world):
        errand.confirming = False
        return steps.before(known, _continued(state, errand, world))
    if heard.yes and not heard.no:
        return _agreed(state, heard, world)
    slot = errands.named_slot(errand, heard)
    if slot is not None and (heard.no or not heard.question):
        errands.clear(errand, slot)
        errand.confirming = False
        return steps.advance(state, world)
    if heard.goodbye:
        return steps.leave(state, world)
    if known:
        return [Say(f"{known} {questions.read_back(errand)}")]
    if heard.no:
        return [Say("Sorry about that. What should I change?")]
    return _side_step(state, errand, heard, world)


def _plain_yes(heard: Heard) -> bool:
    return heard.yes and heard.words <= 2


def _another(state: State, heard: Heard, world: World) -> bool:
    """ "Yes, and another one for my son" is a second wish, not a correction of the first."""
    return (
        heard.yes
        and bool(_ANOTHER.search(heard.plain))
        and any(steps.family_of(Heard(part), world) is not None for part in answers.pieces(heard.text)[1:])
    )


def _agreed(state: State, heard: Heard, world: World) -> list[Output]:
    """Do it; what was asked for besides comes after."""
    state.leaving = heard.goodbye or (heard.finished and "that is it" not in heard.plain)
    for part in answers.pieces(heard.text)[1:] if not state.leaving else []:
        piece = Heard(part)
        if (piece.question and piece.words > 2) or steps.family_of(piece, world) is not None:
            state.later.append(part)
    return steps.make_call(state)
