"""One step of the conversation: what was heard and where it stands decide what to say and call."""

from __future__ import annotations

import re

from engine.dialogue import answers, between, cases, outcomes, pursuing, social, steps
from engine.dialogue.acts import Heard
from engine.dialogue.names import find_name
from engine.dialogue.state import State, World
from engine.realtime.brain import Output, Say

NOT_HEARD = "Sorry, I didn't catch that. Could you say it again?"
# Two minutes of speech; looking for everything in more than that would keep other calls waiting.
_LONGEST = 2000
_STILL_THERE = "Are you still there?"


def on_user(state: State, text: str, world: World) -> list[Output]:
    """The reply to what a caller said; `state` moves on."""
    text = text[:_LONGEST]
    state.name = find_name(text, behalf=False) or state.name
    return _noted(state, _reply(state, Heard(text), world))


def on_result(state: State, name: str, output: str, world: World) -> list[Output]:
    """The reply to a tool's output."""
    return _noted(state, outcomes.on_result(state, name, output, world, _meant))


def on_silence(state: State) -> list[Output]:
    """The reply when the agent is asked to speak although it spoke last: the caller has been silent."""
    return [Say(f"{_STILL_THERE} {state.said}" if state.errand and _STILL_THERE not in state.said else _STILL_THERE)]


def greeting(world: World) -> str:
    """The words for a call's first moment when the client gave none."""
    at = f" {world.knowledge.business}" if world.knowledge.business else ""
    return f"Hello, thank you for calling{at}. How can I help you?"


def _noted(state: State, outputs: list[Output]) -> list[Output]:
    said = " ".join(one.text for one in outputs if isinstance(one, Say))
    if said:
        state.said = said
    return outputs


def _reply(state: State, heard: Heard, world: World) -> list[Output]:
    if state.left and (
        not heard.plain or (heard.words <= 4 and (heard.thanks or heard.yes or heard.hello or heard.goodbye))
    ):
        # "Goodbye" came in two breaths, or the line only rustled: the farewell was cut off and is said again.
        return steps.leave(state, world)
    if not heard.plain and not heard.text:
        state.silences += 1
        return [Say(_unheard(state))]
    state.silences = 0
    return _meta(state, heard, world) or cases.ruled(state, heard, world) or _meant(state, heard, world)


def _unheard(state: State) -> str:
    """Nothing was understood: the question again; after a while, whether anybody is there."""
    if state.errand and state.said:
        return state.said
    return NOT_HEARD if state.silences < 2 else f"I'm sorry, I can't hear you. {_STILL_THERE}"


def _meta(state: State, heard: Heard, world: World) -> list[Output] | None:
    """What is about the conversation itself, whatever is under way."""
    words = social.refusal(heard, world) or social.foreign_words(heard, world)
    if words is None:
        return _again(state, heard, world)
    known = [one.words for part in answers.pieces(heard.text) if (one := _besides(Heard(part), world)) is not None]
    words = " ".join([words, *known])
    if state.errand is not None and not state.errand.called:
        return [Say(f"{words} {steps.again(state.errand, world)}")]
    return [Say(f"{words} {social.HELP}")]


def _again(state: State, heard: Heard, world: World) -> list[Output] | None:
    """Saying it once more, and waiting."""
    if heard.repeat and heard.words <= 12 and not heard.no:
        if heard.words > 5 and state.errand is None and (told := answers.answer_all(heard, world)) is not None:
            return [Say(told.words)]
        return [Say(state.said or greeting(world))]
    waits = heard.wait and (
        not heard.question
        or re.match(r"(?:can|could|would) you (?:just |please )?(?:give|hold|wait|hang|bear)", heard.plain)
    )
    if waits and heard.words <= 8 and state.errand is None:
        return [Say("Of course, take your time.")]
    return None


def _besides(part: Heard, world: World) -> answers.Answered | None:
    """What can be answered in the same breath as something that is turned down."""
    return answers.answer_all(part, world) if part.question and social.refusal(part, world) is None else None


def _meant(state: State, heard: Heard, world: World) -> list[Output]:
    if state.errand is not None and not state.errand.called:
        return pursuing.pursue(state, heard, world)
    return between.offered(state, heard, world) or between.fresh(state, heard, world)
