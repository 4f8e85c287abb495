"""The policy when nothing is under way: what a caller wants or asks, and the answers to the agent's own offers."""

from __future__ import annotations

import re

from engine.dialogue import answers, asides, errands, retrieval, social, steps, switching
from engine.dialogue.acts import Heard
from engine.dialogue.calendar import find_date
from engine.dialogue.clock import find_time
from engine.dialogue.questions import understood
from engine.dialogue.services import find_choice, find_service
from engine.dialogue.state import State, World
from engine.dialogue.steps import ANYTHING_ELSE, CANNOT
from engine.dialogue.text import normal
from engine.dialogue.tools import Tool, by_family, repairing, wanted_other
from engine.dialogue.values import trouble
from engine.dialogue.wishes import asks_about, desires, unable_to_come
from engine.realtime.brain import Output, Say

NOT_UNDERSTOOD = "Sorry, I didn't quite follow. Could you say that another way?"
_MINE = re.compile(
    r"\b(?:when|what time|what day|which day|where) (?:is|was|am|did|are) (?:my|our|i|we)\b.*\b(?:appointment|"
    r"booking|reservation|booked|coming|in|visit)\b|"
    r"\b(?:do|have|did) i (?:have|got|already have|make|book)\b.*\b(?:appointment|booking|reservation|"
    r"anything booked|booked)\b|"
    r"\b(?:check|confirm|look up|find) (?:\w+ )?(?:my|our) (?:appointment|booking|reservation)\b|"
    r"\bam i (?:still )?booked\b|"
    r"\bwhat (?:have|did) (?:i|you) (?:just )?(?:got )?(?:book|booked)\b"
)
_HAS_BOOKED = re.compile(r"\b(?:booked|reserved|have (?:a|an|my) (?:\w+ )?(?:appointment|booking|reservation|table))\b")
_IS_THAT = re.compile(
    r"\b(?i:is (?:this|that)|have I (?:reached|called|got)|am I (?:through to|speaking to|"
    r"calling))(?i: the)? (?P<name>[A-Z][\w'’]+(?: (?:&|and|of|[A-Z][\w'’]+))*)[?,.]?"
)
_NEED_I = re.compile(r"\bdo (?:i|we|you) (?:need|have) to\b")
_OF_ONESELF = re.compile(r"\b(?:i|my|me|we|our|us|you|your)\b")
_LATE = re.compile(r"\b(?:running|going to be|will be|be|am) (?:\w+ ){0,4}?late\b|\bstuck in traffic\b|\bdelayed\b")
_UNDO = re.compile(r"\b(?:cancel|undo|scrap|forget) (?:that|it|the (?:booking|appointment))\b|\bchange(?:d)? my mind\b")
_ALTER = re.compile(
    r"\b(?:change|move|make|switch|do|have) (?:that|it|the (?:time|day|booking|appointment))\b|\binstead\b"
)


def offered(state: State, heard: Heard, world: World) -> list[Output] | None:
    """The answer to "anything else?", "shall I take a message?" or "move it or cancel it?"."""
    offer, state.offer = state.offer, None
    if offer is None:
        return None
    if offer == "move or cancel":
        return _move_or_cancel(state, heard, world)
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


def _move_or_cancel(state: State, heard: Heard, world: World) -> list[Output] | None:
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


def fresh(state: State, heard: Heard, world: World) -> list[Output]:
    """A wish, a question, small talk, or what cannot be understood."""
    if (named := _asks_who(state, heard, world)) is not None:
        return named
    if heard.wrong_number or heard.unwanted:
        return steps.leave(state, world, "No problem." if heard.wrong_number else "I'm sorry to have bothered you.")
    family = steps.family_of(heard, world)
    if (heard.goodbye or heard.finished) and family is None and "?" not in heard.text:
        return steps.leave(state, world)
    about_last = _about_last(state, heard, world)
    if about_last is not None:
        return about_last
    if answers.asks_limit(heard) and (told := answers.answer_all(heard, world)) is not None:
        return _told(state, heard, told)
    if _MINE.search(heard.plain):
        return _own_appointment(state, heard, world)
    if _only_asks_about(heard, world) and (known := answers.answer_all(heard, world, state.topic)):
        return _told(state, heard, known)
    has_one = _HAS_BOOKED.search(heard.plain) or errands.own_appointment(heard)
    if unable_to_come(heard) and (family in (None, "message") or (family == "book" and has_one)):
        return _unable(state, heard, world)
    repair = _broken(heard, world) if family in (None, "book", "availability") else None
    if repair is not None:
        return steps.start(state, repair, heard.text, world)
    if family is not None and not (asks_about(heard) and (family == "cancel" or _NEED_I.search(heard.plain))):
        return _wanted(state, heard, world, family)
    other = wanted_other(heard, world.tools)
    if other is not None:
        return steps.start(state, other, heard.text, world)
    return _talk(state, heard, world)


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
    return _wanted(state, heard, world, family) if family is not None else None


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


def _only_asks_about(heard: Heard, world: World) -> bool:
    parts = [Heard(part) for part in answers.pieces(heard.text)]
    wishes = [part for part in parts if steps.family_of(part, world) is not None] or [heard]
    return all(asks_about(part) for part in wishes)


def _unable(state: State, heard: Heard, world: World) -> list[Output]:
    """ "I can't make it on Thursday": moved or cancelled, by what the session can do."""
    able = [family for family in ("reschedule", "cancel") if by_family(world.tools, family) is not None]
    if not able:
        return steps.unknown(state, heard, world, "I can't move or cancel appointments myself.")
    if len(able) == 1:
        return _wanted(state, heard, world, able[0])
    state.offer, state.offered_text = "move or cancel", heard.text
    return [Say("I see. Would you like to move it to another day, or cancel it?")]


def _wanted(state: State, heard: Heard, world: World, family: str) -> list[Output]:
    family, tool = _tool_for(family, heard, world)
    if tool is None:
        return _can_not(state, heard, world, family)
    parts = answers.pieces(heard.text)
    asked = [
        part
        for part in parts
        if Heard(part).question and steps.family_of(Heard(part), world) is None and not answers.proposes(Heard(part))
    ]
    found = [answers.answer_all(Heard(part), world) for part in asked]
    known = [one.words for one in found if one is not None]
    rest = [part for part in parts if part not in asked or not known]
    told, state.later = _first_wish(rest, heard, family, world)
    if family == "availability":
        return steps.before(" ".join(known), look(state, tool, told, world))
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
        return _told(state, heard, known)
    return steps.unknown(state, heard, world, CANNOT[family])


def look(state: State, tool: Tool, text: str, world: World) -> list[Output]:
    """Ask the diary; when there is a tool to book, what it says leads to a booking."""
    book = by_family(world.tools, "book")
    if book is not None:
        return switching.look_for(state, errands.begin(book, text, world, caller=state.name), tool, world)
    return steps.start(state, tool, text, world)


def _talk(state: State, heard: Heard, world: World) -> list[Output]:
    if heard.machine or heard.how_are_you or heard.hello:
        return [Say(f"{social.small_talk(heard, world)} {social.HELP}")]
    book = by_family(world.tools, "book")
    dated = _dated(heard, world)
    proposed = answers.proposes(heard)
    wished = (
        (desires(heard) or proposed) and (dated or not heard.question) and (proposed or not asides.asks_facts(heard))
    )
    if (
        book is not None
        and wished
        and (_names_service(heard, book, world) or (proposed and _day_and_time(heard, world)))
    ):
        return _wanted(state, heard, world, "book")
    if dated and desires(heard) and (not heard.question or answers.proposes(heard)):
        return _wanted(state, heard, world, "book")
    known = answers.answer_all(heard, world, state.topic, state.asked)
    if known is not None:
        return _told(state, heard, known)
    if dated and desires(heard):
        return _wanted(state, heard, world, "book")
    asks = asides.asks_facts(heard) and not answers.proposes(heard)
    if book is not None and _names_booking(heard, book, world) and not asks:
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


def _dated(heard: Heard, world: World) -> bool:
    return bool(find_date(heard.text, world.context.now.date()) or find_time(heard.text))


def _day_and_time(heard: Heard, world: World) -> bool:
    return bool(find_date(heard.text, world.context.now.date()) and find_time(heard.text))


def _names_booking(heard: Heard, book: Tool, world: World) -> bool:
    """ "Haircut for Helen on Friday": no wish is spoken, but a service, a choice, a day or a time is named."""
    if re.search(r"\b(?:is|was|does|do) not (?:it|that|he|she|they)$", heard.plain):
        return False
    day, clock = find_date(heard.text, world.context.now.date()), find_time(heard.text)
    if heard.question and heard.words > 8 and not answers.proposes(heard):
        return False
    return _names_service(heard, book, world) or bool((day and clock) or ((day or clock) and heard.words <= 4))


def _names_service(heard: Heard, book: Tool, world: World) -> bool:
    """Whether something that can be booked is named: a choice of the tool's, or what the facts write of."""
    known = tuple(fact.text for fact in world.knowledge.facts)
    chosen = any(find_choice(slot.choices, heard.text, asked=False) for slot in book.slots if slot.kind == "choice")
    return chosen or (book.of_kind("service") is not None and find_service(heard.text, False, known) is not None)


def _told(state: State, heard: Heard, known: answers.Answered) -> list[Output]:
    state.topic, state.misses = known.topic, 0
    state.asked = heard.text if heard.words > 4 or not state.asked else state.asked
    return [Say(f"{known.words} I'm afraid I don't know about the rest." if known.lost else known.words)]
