"""The policy where the instructions say what to do in a case: put through, tell something, take a message."""

from __future__ import annotations

import re

from engine.dialogue import steps
from engine.dialogue.acts import Heard
from engine.dialogue.rules import Rule, applies
from engine.dialogue.services import find_choice
from engine.dialogue.state import State, World
from engine.dialogue.text import concepts
from engine.dialogue.tools import Tool
from engine.realtime.brain import Output, Say

_OWN_TROUBLE = re.compile(r"\b(?:i|we|my|our|me|us|there is|there are|it is|help|has|have|just)\b")
_EMERGENCY = re.compile(
    r"\b(?:emergency|(?:hit|run over|knocked down|struck) by a|run over|can not breathe|cannot breathe|not breathing|"
    r"stopped breathing|bleed\w*|blood everywhere|"
    r"chok\w+|collaps\w+|unconscious|passed out|(?:ate|eaten|eat|swallow\w*|drank) (?:\w+ ){0,3}?(?:chocolate|"
    r"poison\w*|grapes?|raisins?|onions?|bleach|antifreeze|pills?|tablets?|battery|sock|bone|something)|"
    r"seizures?|fitting|convuls\w+|dying|heart attack|stroke|on fire|broken (?:leg|arm|bone)|attacked|badly hurt|"
    r"in danger|poisoned)\b"
)
_ASKS = re.compile(r"^(?:\w+ ){0,2}?(?:do|does|are|is|what|how|when|where|which|would|will) (?!i\b|we\b|my\b)")


def ruled(state: State, heard: Heard, world: World) -> list[Output] | None:
    """What a rule of the instructions says to do about what was said, if it is such a case."""
    if _takes_down_words(state):
        return None
    said = set(concepts(heard.text))
    if _EMERGENCY.search(heard.plain):
        said |= {"emergency", *concepts("danger")}
    asking = heard.question and bool(_ASKS.search(heard.plain)) and not _OWN_TROUBLE.search(heard.plain)
    is_open = world.knowledge.hours.open_at(world.context.now)
    for rule in world.knowledge.rules:
        if applies(rule, said, asking, is_open) and not (asking and rule.kind != "tell"):
            done = _do(state, rule, heard, world)
            if done is not None:
                return done
    return None


def _takes_down_words(state: State) -> bool:
    errand = state.errand
    return errand is not None and errand.tool.family == "message" and not errand.called


def _do(state: State, rule: Rule, heard: Heard, world: World) -> list[Output] | None:
    if rule.kind == "tell":
        state.offer = None
        return [Say(rule.words)]
    if rule.kind == "message":
        wish = steps.family_of(heard, world) in ("book", "availability")
        if state.errand is None and not wish:
            return None
        state.errand = None
        return steps.unknown(state, heard, world, rule.words or "I can't do that myself.")
    tool = _transfer(rule, world)
    if tool is None or heard.plain == "":
        return None
    choice = next((slot for slot in tool.slots if slot.kind == "choice"), None)
    outputs = steps.start(state, tool, heard.text, world)
    chosen = find_choice(choice.choices, rule.words, asked=True) if choice is not None else None
    if state.errand is not None and choice is not None and chosen and not state.errand.called:
        state.errand.values[choice.name] = chosen
        return steps.advance(state, world)
    return outputs


def _transfer(rule: Rule, world: World) -> Tool | None:
    """The tool that puts through to where the rule says: of several, the one whose name fits best."""
    tools = [tool for tool in world.tools if tool.family == "transfer"]
    where = set(concepts(rule.words))
    return max(tools, key=lambda tool: len(where & set(concepts(f"{tool.words} {tool.description}"))), default=None)
