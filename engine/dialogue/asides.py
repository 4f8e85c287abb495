"""What is asked in the middle of an errand, told apart from what answers its question."""

from __future__ import annotations

import re

from engine.dialogue import answers
from engine.dialogue.acts import Heard
from engine.dialogue.state import Errand, State, World


def questions_apart(state: State, errand: Errand, heard: Heard, world: World) -> tuple[str, str]:
    """The answers to the questions in what was said, and the rest, in which values are looked for."""
    if in_free_words(errand) or not heard.question:
        return "", heard.text
    told: list[str] = []
    known: list[str] = []
    for part in answers.pieces(heard.text):
        piece = Heard(part)
        if not piece.question or answers.proposes(piece) or piece.words < 2:
            told.append(part)
            continue
        found = answers.answer_all(about_errand(errand, piece), world, state.topic)
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


def about_errand(errand: Errand, heard: Heard) -> Heard:
    """ "How much does it cost?" during a booking is about what is being booked."""
    service = errand.tool.of_kind("service")
    thing = errand.values.get(service.name) if service else None
    if not thing or not re.search(r"\b(?:it|that|this)\b", heard.plain):
        return heard
    return Heard(re.sub(r"\b(?:it|that|this)\b", f"the {thing}", heard.text, count=1))


def in_free_words(errand: Errand) -> bool:
    """Whether what was asked for may be any words at all."""
    return (
        not errand.confirming
        and errand.asking is not None
        and errand.tool.slot(errand.asking).kind in ("message", "text", "reason")
    )
