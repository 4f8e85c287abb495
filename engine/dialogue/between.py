"""The policy when nothing is under way: what a caller wants or asks, and the answers to the agent's own offers."""

from __future__ import annotations

import re

from engine.dialogue import answers, asides, own, social, steps, talking, wanting
from engine.dialogue.acts import Heard
from engine.dialogue.state import State, World
from engine.dialogue.steps import ANYTHING_ELSE
from engine.dialogue.text import normal
from engine.dialogue.tools import Tool, repairing, wanted_other
from engine.dialogue.values import trouble
from engine.dialogue.wishes import asks_about
from engine.realtime.brain import Output, Say

_IS_THAT = re.compile(
    r"\b(?i:is (?:this|that)|have I (?:reached|called|got)|am I (?:through to|speaking to|"
    r"calling))(?i: the)? (?P<name>[A-Z][\w'’]+(?: (?:&|and|of|[A-Z][\w'’]+))*)[?,.]?"
)
_WHEN_CAN = re.compile(r"\b(?:when|what days?|which days?) (?:can|could|do|are) (?:i|we|you)\b")
_DAYS = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\bweek(?:end|day)s?\b", re.IGNORECASE)
_NEED_I = re.compile(r"\bdo (?:i|we|you) (?:need|have) to\b")


def offered(state: State, heard: Heard, world: World) -> list[Output] | None:
    """The answer to "anything else?", "shall I take a message?" or "move it or cancel it?"."""
    offer, state.offer = state.offer, None
    if offer is None:
        return None
    if offer == "move or cancel":
        return own.move_or_cancel(state, heard, world)
    if steps.family_of(heard, world) is not None:
        return None
    if (heard.goodbye or heard.finished) and "?" not in heard.text:
        return steps.leave(state, world)
    short = heard.words <= 4
    if offer == "message" and heard.yes and not heard.no and not _asks_more(heard):
        return steps.take_message(state, heard, world)
    if offer == "message" and heard.no and not heard.goodbye and (short or heard.thanks):
        state.offer = "more"
        return [Say(f"All right. {ANYTHING_ELSE}")]
    declined = heard.no or (heard.thanks and not heard.yes)
    if offer == "more" and declined and not heard.question and (short or heard.thanks):
        return steps.leave(state, world)
    return [Say("What else can I help you with?")] if offer == "more" and heard.yes and heard.words <= 3 else None


def _asks_more(heard: Heard) -> bool:
    return any(Heard(part).question and Heard(part).words > 3 for part in answers.pieces(heard.text)[1:])


def fresh(state: State, heard: Heard, world: World) -> list[Output]:
    """A wish, a question, small talk, or what cannot be understood."""
    if (named := _asks_who(state, heard, world)) is not None:
        return named
    if heard.wrong_number or heard.unwanted:
        return steps.leave(state, world, "No problem." if heard.wrong_number else "I'm sorry to have bothered you.")
    family = steps.family_of(heard, world)
    if (heard.goodbye or heard.finished) and family is None and "?" not in heard.text:
        return steps.leave(state, world)
    if answers.asks_limit(heard) and (told := answers.answer_all(heard, world)) is not None:
        return steps.told(state, heard, told)
    if _only_asks_about(heard, world) and (known := answers.answer_all(heard, world, state.topic)):
        return steps.told(state, heard, known)
    if (days := _days_told(heard, world)) is not None:
        return steps.told(state, heard, days)
    if (about_own := own.about_own(state, heard, world, family)) is not None:
        return about_own
    repair = _broken(heard, world) if family in (None, "book", "availability") else None
    if repair is not None:
        return steps.start(state, repair, heard.text, world)
    if family is not None and not (asks_about(heard) and (family == "cancel" or _NEED_I.search(heard.plain))):
        return wanting.wanted(state, heard, world, family)
    other = wanted_other(heard, world.tools)
    if other is not None:
        return steps.start(state, other, heard.text, world)
    return talking.talk(state, heard, world)


def _broken(heard: Heard, world: World) -> Tool | None:
    """The tool for what a caller reports broken; "do you fix taps?" reports nothing."""
    return repairing(world.tools) if trouble(heard.text) and not asides.asks_facts(heard) else None


def _asks_who(state: State, heard: Heard, world: World) -> list[Output] | None:
    """ "Is that Harbour Hair?": yes and on with the rest; for another place, who this is."""
    match = _IS_THAT.search(heard.text)
    business = world.knowledge.business
    if match is None or not business or heard.machine:
        return None
    ours = set(normal(match["name"]).split()) & set(normal(business).split())
    rest = f"{heard.text[: match.start()]} {heard.text[match.end() :]}".strip(" ,.?!")
    if ours and len(rest.split()) > 3:
        return steps.before(f"Yes, this is {business}.", fresh(state, Heard(rest), world))
    return [Say(f"{'Yes, this' if ours else 'This'} is {business}, the automated assistant speaking. {social.HELP}")]


def _days_told(heard: Heard, world: World) -> answers.Answered | None:
    """ "When can I get my bike washed?" where a fact names the days: no wish for a particular one yet."""
    if not _WHEN_CAN.search(heard.plain) or steps.dated(heard, world):
        return None
    known = answers.answer_all(heard, world)
    named = known is not None and known.topic == "facts" and _DAYS.search(known.words)
    return known if named else None


def _only_asks_about(heard: Heard, world: World) -> bool:
    parts = [Heard(part) for part in answers.pieces(heard.text)]
    wishes = [part for part in parts if steps.family_of(part, world) is not None] or [heard]
    return all(asks_about(part) for part in wishes)
