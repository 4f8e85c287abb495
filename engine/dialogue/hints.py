"""What hints at a booking that is not spelled out: a service, a day, a time, a wish for what can be booked."""

from __future__ import annotations

import re

from engine.dialogue import answers, asides
from engine.dialogue.acts import Heard
from engine.dialogue.calendar import find_date
from engine.dialogue.clock import find_time
from engine.dialogue.services import find_choice, find_service
from engine.dialogue.state import World
from engine.dialogue.text import concepts
from engine.dialogue.tools import Tool
from engine.dialogue.wishes import desires

_GET_ME = re.compile(r"\b(?:can|could|may) (?:i|we) (?:please )?(?:get|have|order|book)\b")


def wishes_for(heard: Heard, book: Tool, world: World) -> bool:
    """ "Can I get a taxi?", "I need an MOT", "How about Friday at five?": a wish for what the tool books."""
    proposed = answers.proposes(heard)
    gets = not heard.question or dated(heard, world) or bool(_GET_ME.search(heard.plain))
    if not gets or not (proposed or (desires(heard) and not asides.asks_facts(heard))):
        return False
    if desires(heard) and (_names_thing(heard, book) or _names_service(heard, book, world)):
        return True
    return proposed and (_day_and_time(heard, world) or _names_service(heard, book, world))


def names_booking(heard: Heard, book: Tool, world: World) -> bool:
    """ "Haircut for Helen on Friday": no wish is spoken, but a service, a choice, a day or a time is named."""
    if re.search(r"\b(?:is|was|does|do) not (?:it|that|he|she|they)$", heard.plain):
        return False
    if asides.asks_facts(heard) and not answers.proposes(heard):
        return False
    if heard.question and heard.words > 8 and not answers.proposes(heard):
        return False
    short = heard.words <= 4 and dated(heard, world)
    return short or _day_and_time(heard, world) or _names_service(heard, book, world)


def dated(heard: Heard, world: World) -> bool:
    """Whether a day or a time is named."""
    return bool(find_date(heard.text, world.context.now.date()) or find_time(heard.text))


def _day_and_time(heard: Heard, world: World) -> bool:
    return bool(find_date(heard.text, world.context.now.date()) and find_time(heard.text))


def _names_thing(heard: Heard, book: Tool) -> bool:
    """Whether what a tool books by its name is named."""
    return bool((set(concepts(book.words)) - _OF_BOOKING) & set(concepts(heard.text)))


_OF_BOOKING = frozenset({"book", "make", "reserve", "create", "schedule", "appointment", "service"})


def _names_service(heard: Heard, book: Tool, world: World) -> bool:
    """Whether something that can be booked is named: a choice of the tool's, or what the facts write of."""
    known = tuple(fact.text for fact in world.knowledge.facts)
    if any(find_choice(slot.choices, heard.text, asked=False) for slot in book.slots if slot.kind == "choice"):
        return True
    return book.of_kind("service") is not None and find_service(heard.text, False, known) is not None
