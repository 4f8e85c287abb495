"""The policy for a caller's own appointments: when they are, and changing one that was just made or cannot be kept."""

from __future__ import annotations

import re

from engine.dialogue import errands, steps, wanting
from engine.dialogue.acts import Heard
from engine.dialogue.questions import understood
from engine.dialogue.state import State, World
from engine.dialogue.steps import ANYTHING_ELSE
from engine.dialogue.tools import by_family
from engine.dialogue.wishes import asks_about, unable_to_come
from engine.realtime.brain import Output, Say

_MINE = re.compile(
    r"\b(?:when|what time|what day|which day|where) (?:is|was|am|did|are) (?:my|our|i|we)\b.*\b(?:appointment|"
    r"booking|reservation|booked|coming|in|visit)\b|"
    r"\b(?:do|have|did) i (?:have|got|already have|make|book)\b.*\b(?:appointment|booking|reservation|"
    r"anything booked|booked)\b|"
    r"\b(?:check|confirm|look up|find) (?:\w+ )?(?:my|our) (?:appointment|booking|reservation)\b|"
    r"\b(?:what|which|any|all) (?:\w+ )?(?:appointments?|bookings?|reservations?|lessons?|sessions?) "
    r"(?:do |have |did )?"
    r"(?:i|we) (?:have|got|booked|made)\b|"
    r"\bwhen (?:is|was) (?:my|our) (?:next|last|first|one|appointment|booking|lesson|session|visit)\b|"
    r"\b(?:what|anything|something) (?:do i have |have i got |is )?(?:coming up|booked in|in the diary|on file)\b"
    r".*\b(?:me|my|i)\b|"
    r"\bwhat (?:do|have) (?:i|we|you) (?:have|got) (?:me )?(?:coming up|booked(?: in)?|down for)\b|"
    r"\b(?:my|our) (?:upcoming|next|existing|current) (?:appointments?|bookings?|visits?|lessons?|sessions?)\b.*\?|"
    r"\b(?:is|are) (?:my|our) (?:\w+ )?(?:appointments?|bookings?|reservations?|lessons?|sessions?)\b.*"
    r"\b(?:still on|confirmed|booked|going ahead)\b|"
    r"\bam i (?:still )?booked\b|"
    r"\bwhat (?:have|did) (?:i|you) (?:just )?(?:got )?(?:book|booked)\b"
)
_ELSEWHEN = re.compile(r"\binstead\b|\b(?:can|could) (?:we|i|you) (?:do|make it|come|move|change|have)\b|\bhow about\b")
_TELL = re.compile(r"\b(?:tell|let) (?:him|her|them|the \w+(?: \w+)?|\w+) (?:know )?that\b|\bmessage\b")
_IF_UNABLE = re.compile(r"\b(?:if|when|whenever|in case) (?:i|we) (?:can not|will not|am not|are not)\b")
_HAS_BOOKED = re.compile(r"\b(?:booked|reserved|have (?:a|an|my) (?:\w+ )?(?:appointment|booking|reservation|table))\b")
_UNDO = re.compile(r"\b(?:cancel|undo|scrap|forget) (?:that|it|the (?:booking|appointment))\b|\bchange(?:d)? my mind\b")
_ALTER = re.compile(
    r"\b(?:change|move|make|switch|do|have) (?:that|it|the (?:time|day|booking|appointment))\b|\binstead\b"
)


def about_own(state: State, heard: Heard, world: World, family: str | None) -> list[Output] | None:
    """What is said of an appointment that the caller has: the one just made, the one on file, one they cannot keep."""
    last = _about_last(state, heard, world)
    if last is not None:
        return last
    if _MINE.search(heard.plain):
        return _own_appointment(state, heard, world)
    has_one = _HAS_BOOKED.search(heard.plain) or errands.own_appointment(heard)
    if (
        unable_to_come(heard)
        and not (_IF_UNABLE.search(heard.plain) or _TELL.search(heard.plain))
        and (family in (None, "message") or (family == "book" and has_one))
    ):
        return _unable(state, heard, world)
    return None


def _about_last(state: State, heard: Heard, world: World) -> list[Output] | None:
    """A change to what was just booked: it is booked already, so it must be moved or cancelled."""
    last = state.last
    if last is None or last.tool.family not in ("book", "reschedule") or asks_about(heard):
        return None
    if (
        re.search(r"\b(?:when|what time|what day|which day)\b.*\b(?:that|it|appointment|booking|again)\b", heard.plain)
        and heard.words <= 12
    ):
        return [Say(f"{understood(last)} {ANYTHING_ELSE}")]
    family = "cancel" if _UNDO.search(heard.plain) and steps.family_of(heard, world) in (None, "cancel") else None
    if family is None and _ALTER.search(heard.plain) and steps.family_of(heard, world) in (None, "reschedule", "book"):
        another = re.search(r"\b(?:another|book|new)\b", heard.plain)
        family = None if another else "reschedule"
    return wanting.wanted(state, heard, world, family) if family is not None else None


def _own_appointment(state: State, heard: Heard, world: World) -> list[Output]:
    """When the caller's own appointment is: as the context says, else by the tool that looks it up."""
    if world.context.booked:
        told = " and ".join(f"{when:%A} {when.day} {when:%B} at {when:%H:%M}" for when in world.context.booked)
        state.offer = "more"
        return [Say(f"You are booked on {told}. {ANYTHING_ELSE}")]
    tool = by_family(world.tools, "lookup")
    if tool is not None:
        return steps.start(state, tool, heard.text, world)
    return steps.unknown(state, heard, world, "I'm sorry, I can't see your appointments from here.")


def _unable(state: State, heard: Heard, world: World) -> list[Output]:
    """ "I can't make it on Thursday": moved or cancelled, by what the session can do."""
    able = [family for family in ("reschedule", "cancel") if by_family(world.tools, family) is not None]
    if not able:
        return steps.unknown(state, heard, world, "I can't move or cancel appointments myself.")
    if "reschedule" in able and _ELSEWHEN.search(heard.plain):
        return wanting.wanted(state, heard, world, "reschedule")
    if len(able) == 1:
        return wanting.wanted(state, heard, world, able[0])
    state.offer, state.offered_text = "move or cancel", heard.text
    return [Say("I see. Would you like to move it to another day, or cancel it?")]


def move_or_cancel(state: State, heard: Heard, world: World) -> list[Output] | None:
    """The answer to "move it or cancel it?"."""
    family = steps.family_of(heard, world)
    if family is None:
        cancels, moves = (
            re.search(r"\bcancel|\bcall it off|\bdrop\b", heard.plain),
            re.search(r"\bmov|another|different|resched|change|later|instead|day|first", heard.plain),
        )
        family = "cancel" if cancels or (heard.no and not moves) else "reschedule" if moves else None
    tool = by_family(world.tools, family) if family in ("cancel", "reschedule", "book") else None
    if tool is None:
        return None
    reschedule = by_family(world.tools, "reschedule")
    tool = reschedule if family == "book" and reschedule is not None else tool
    begun = errands.begin(tool, state.offered_text, world, state.last, state.name)
    return steps.start(state, tool, heard.text, world, begun)
