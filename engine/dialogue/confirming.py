"""The policy when everything was read back: a yes lets it happen, a correction is read back again."""

from __future__ import annotations

import re

from engine.dialogue import answers, asides, corrections, errands, questions, steps
from engine.dialogue.acts import Heard
from engine.dialogue.state import Errand, State, World
from engine.realtime.brain import Output, Say

_ANOTHER = re.compile(r"\b(?:another|second|other|one more|as well|too|also|for both)\b")


def confirming(state: State, errand: Errand, heard: Heard, world: World) -> list[Output] | None:
    """The reply to what was said to a read-back; None when it is neither a yes, a no nor a correction."""
    known, told = asides.questions_apart(state, errand, heard, world)
    said = Heard(told)
    if told and not _plain_yes(said) and not _another(state, said, world) and corrections.correct(errand, said, world):
        errand.confirming = False
        return steps.before(known, steps.go_on(state, errand, world))
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
    return None


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
