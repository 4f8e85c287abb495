"""The policy for a wish: the tool that does it, what was asked in the same breath, and what cannot be done here."""

from __future__ import annotations

import re

from engine.dialogue import answers, errands, steps, switching
from engine.dialogue.acts import Heard
from engine.dialogue.state import State, World
from engine.dialogue.steps import CANNOT
from engine.dialogue.tools import Tool, by_family
from engine.realtime.brain import Output

_CAN_YOU = re.compile(r"(?:can|could|would|will) (?:you|someone|somebody|anyone)\b")


def wanted(state: State, heard: Heard, world: World, family: str) -> list[Output]:
    """Begin the errand that was asked for, with the answers to what was asked besides."""
    family, tool = _tool_for(family, heard, world)
    if tool is None:
        return _can_not(state, heard, world, family)
    parts = answers.pieces(heard.text)
    asked = [
        part
        for part in parts
        if Heard(part).question
        and steps.family_of(Heard(part), world) is None
        and not answers.proposes(Heard(part))
        and not (_CAN_YOU.match(Heard(part).plain) and steps.dated(Heard(part), world))
    ]
    found = [answers.answer_all(Heard(part), world) for part in asked]
    known = [one.words for one in found if one is not None]
    if not asked and (beside := answers.besides(heard.text, world)):
        known = [beside]
    rest = [part for part in parts if part not in asked or not known]
    told, state.later = _first_wish(rest, heard, family, world)
    if family == "availability":
        return steps.before(" ".join(known), _look(state, tool, told, world))
    carried = state.last if family in ("reschedule", "cancel") else None
    reply = steps.start(state, tool, told, world, carried)
    return steps.before(" ".join(known), reply)


def _tool_for(family: str, heard: Heard, world: World) -> tuple[str, Tool | None]:
    tool = by_family(world.tools, family)
    if tool is None and family == "availability":
        return "book", by_family(world.tools, "book")
    return family, tool


def _first_wish(parts: list[str], heard: Heard, family: str, world: World) -> tuple[str, list[str]]:
    """What belongs to the first wish, and the wishes of other kinds, which wait."""
    first: list[str] = []
    later: list[str] = []
    for part in parts:
        kind = steps.family_of(Heard(part), world)
        apart = kind not in (None, family, "availability") and not answers.proposes(Heard(part))
        (later if (later and kind is None) or (apart and first) else first).append(part)
    return (" ".join(first), [" ".join(later)] if later else []) if first else (heard.text, [])


def _can_not(state: State, heard: Heard, world: World, family: str) -> list[Output]:
    known = answers.answer_all(heard, world) if heard.question else None
    if known is not None and family != "transfer":
        return steps.told(state, heard, known)
    return steps.unknown(state, heard, world, CANNOT[family])


def _look(state: State, tool: Tool, text: str, world: World) -> list[Output]:
    """Ask the diary; when there is a tool to book, what it says leads to a booking."""
    book = by_family(world.tools, "book")
    if book is not None:
        return switching.look_for(state, errands.begin(book, text, world, caller=state.name), tool, text, world)
    return steps.start(state, tool, text, world)
