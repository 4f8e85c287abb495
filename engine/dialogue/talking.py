"""The policy for what is no clear wish: questions, small talk, hints, and words that fit nothing."""

from __future__ import annotations

import re

from engine.dialogue import answers, hints, retrieval, social, steps, wanting
from engine.dialogue.acts import Heard
from engine.dialogue.state import State, World
from engine.dialogue.steps import ANYTHING_ELSE
from engine.dialogue.tools import by_family
from engine.dialogue.wishes import desires
from engine.realtime.brain import Output, Say

NOT_UNDERSTOOD = "Sorry, I didn't quite follow. Could you say that another way?"
_OF_ONESELF = re.compile(r"\b(?:i|my|me|we|our|us|you|your)\b")
_LATE = re.compile(r"\b(?:running|going to be|will be|be|am) (?:\w+ ){0,4}?late\b|\bstuck in traffic\b|\bdelayed\b")


def talk(state: State, heard: Heard, world: World) -> list[Output]:
    """A question, small talk, a booking that is only hinted at, or what cannot be understood."""
    if heard.machine or heard.how_are_you or heard.hello:
        return [Say(f"{social.small_talk(heard, world)} {social.HELP}")]
    book = by_family(world.tools, "book")
    wish = hints.dated(heard, world) and desires(heard)
    if wish and (not heard.question or answers.proposes(heard)):
        return wanting.wanted(state, heard, world, "book")
    if book is not None and hints.wishes_for(heard, book, world):
        return wanting.wanted(state, heard, world, "book")
    known = answers.answer_all(heard, world, state.topic, state.asked)
    if known is not None:
        return steps.told(state, heard, known)
    if wish:
        return wanting.wanted(state, heard, world, "book")
    if book is not None and hints.names_booking(heard, book, world):
        return steps.start(state, book, heard.text, world)
    return _remark(state, heard, world) or _not_answered(state, heard, world)


def _remark(state: State, heard: Heard, world: World) -> list[Output] | None:
    """Small talk, and words that lead nowhere by themselves."""
    small = social.small_talk(heard, world)
    if small:
        upset = heard.rude or "frustrating" in small
        return [Say(f"{small} {'Tell me what you need, and I will do my best.' if upset else social.HELP}")]
    if _LATE.search(heard.plain):
        return steps.unknown(state, heard, world, "Thank you for telling us.")
    if heard.later and heard.words <= 10:
        return steps.leave(state, world, "Of course.")
    found = retrieval.answer(heard.text, world.knowledge.facts) if not heard.question and heard.words > 2 else []
    if found:
        return [Say(" ".join(found))]
    if heard.forget or heard.changed_mind or (heard.no and heard.words <= 4):
        state.offer = "more"
        return [Say(f"All right. {ANYTHING_ELSE}")]
    return None


def _not_answered(state: State, heard: Heard, world: World) -> list[Output]:
    if heard.question and heard.words > 1:
        return steps.unknown(state, heard, world, "I'm sorry, I don't know that.")
    if heard.thanks:
        state.offer = "more"
        return [Say(f"You're welcome. {ANYTHING_ELSE}")]
    if heard.yes and heard.words <= 4:
        return [Say(social.HELP)]
    if heard.words >= 4 and _OF_ONESELF.search(heard.plain):
        # A statement of theirs, and nothing it could be about: asking for other words would lead nowhere.
        return steps.unknown(state, heard, world, "I'm sorry, I can't help with that myself.")
    state.misses += 1
    if state.misses >= 2:
        return steps.unknown(state, heard, world, "I'm sorry, I still don't follow.")
    return [Say(NOT_UNDERSTOOD)]
