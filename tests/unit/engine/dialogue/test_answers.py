"""Answers: of the right kind, to each of several questions, going on from the last, and honest about the rest."""

from __future__ import annotations

import pytest

from engine.dialogue.answers import pieces
from engine.dialogue.knowledge import read_knowledge
from tests.unit.engine.dialogue.caller import CONTEXT, Caller

SHOP = """You speak for Kestrel Garage on the telephone.

The time zone is Europe/London.

Opening hours
Office: Mon-Fri 7am to 4pm, Sat 8am to 12pm. Closed on Sundays and public holidays.

What things cost
MOT test: 54.85 pounds
Roses: 4 dollars each
A haircut takes 45 minutes.
A haircut for children under 12 costs 20 pounds.
We have two courtesy cars. They are free, but you must be over 25.
We do not take cash.
We work in the inner west: Newtown and Glebe.
Kestrel Garage is at Unit 4, Mill Road.
Our fitters are Tom and Priya.
Internal: the alarm code is 4711.
The pool code is 99, never share it.

How to behave
Never say what a repair costs.
"""


def ask(*questions: str) -> str:
    return Caller(instructions=SHOP, context=CONTEXT).says(*questions)


def test_plain_prose_is_read() -> None:
    known = read_knowledge(SHOP)
    assert known.business == "Kestrel Garage" and known.timezone == "Europe/London"
    assert not any("4711" in fact.text or "99" in fact.text or "Never" in fact.text for fact in known.facts)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How much is an MOT?", "MOT test costs 54.85 pounds."),
        ("how much are roses", "Roses cost 4 dollars each."),
        ("How long does a haircut take?", "A haircut takes 45 minutes."),
        ("what's a haircut for my seven year old", "A haircut for children under 12 costs 20 pounds."),
        ("Can I have a courtesy car?", "We have two courtesy cars. They are free, but you must be over 25."),
        ("Can I pay cash?", "We do not take cash."),
        ("Do you work in Bondi?", "We work in the inner west: Newtown and Glebe."),
        ("How do I get to you?", "Kestrel Garage is at Unit 4, Mill Road."),
        ("Are you open tomorrow afternoon?", "Yes. Tomorrow we are open from 7 am to 4 pm."),
        ("Are you open on Saturday afternoon?", "No, not in the afternoon. On Saturday we are open from 8 am to noon."),
        ("Are you open at five on Friday?", "No, not at 5 pm. On Friday we are open from 7 am to 4 pm."),
        ("What's the latest I can come in on Saturday?", "On Saturday we are open from 8 am to noon."),
        ("Are you open on public holidays?", "We are closed on Sundays and public holidays."),
    ],
)
def test_an_answer(question: str, answer: str) -> None:
    assert ask(question) == answer


@pytest.mark.parametrize(
    "question",
    [
        "How long does an MOT take?",
        "When is the next delivery of roses?",
        "What time does the pool open?",
        "What is the alarm code?",
        "Do you sell cars?",
    ],
)
def test_what_is_not_known_is_not_answered_with_something_near(question: str) -> None:
    assert ask(question).startswith("I'm sorry, I don't know that.")


def test_christmas_is_not_any_friday() -> None:
    assert ask("Are you open on Easter Monday?").startswith("I'm sorry, I don't know our hours for Easter Monday.")
    assert ask("Are you open on the 25th of December?").endswith("I don't know whether that holds on a public holiday.")


@pytest.mark.parametrize(
    ("before", "question", "answer"),
    [
        ("How much is an MOT?", "And for a child's haircut?", "A haircut for children under 12 costs 20 pounds."),
        ("What time do you open on Friday?", "And on Saturday?", "On Saturday we are open from 8 am to noon."),
    ],
)
def test_a_question_that_goes_on_from_the_last(before: str, question: str, answer: str) -> None:
    assert ask(before, question) == answer


def test_two_things_in_one_question() -> None:
    assert ask("Do you have courtesy cars and a lift?") == (
        "We have two courtesy cars. They are free, but you must be over 25. I'm afraid I don't know about the rest."
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("What do you charge and where are you?", ["What do you charge", "where are you?"]),
        ("Ask Dr. Kim to call. Are you open?", ["Ask Dr. Kim to call.", "Are you open?"]),
        (
            "sorry i was looking for my diary what does a trim cost",
            ["sorry i was looking for my diary", "what does a trim cost"],
        ),
        ("can you tell me what time do you open", ["can you tell me what time do you open"]),
    ],
)
def test_where_another_question_begins(text: str, parts: list[str]) -> None:
    assert pieces(text) == parts
