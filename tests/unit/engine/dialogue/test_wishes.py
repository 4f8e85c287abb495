"""What callers want done, in many words; and what only sounds like it."""

from __future__ import annotations

import pytest

from engine.dialogue.acts import Heard
from engine.dialogue.wishes import asks_about, unable_to_come, wanted_family

WISHES = {
    "book": [
        "I'd like to make an appointment",
        "Can I book a haircut?",
        "could you fit me in tomorrow",
        "I need to get my hair cut",
        "I was hoping to get booked in for a trim",
        "Could somebody see me today?",
        "table for two please",
        "I'll take the two o'clock",
        "And another one for my son",
    ],
    "cancel": ["I need to cancel", "Can you cancel my appointment?", "I want to call off my booking"],
    "reschedule": [
        "I'd like to move my appointment",
        "Can we change my booking to Friday?",
        "I need to reschedule",
        "could I come another day instead",
        "can my appointment be moved",
    ],
    "message": [
        "Can I leave a message?",
        "Could you tell Anna that I'm late?",
        "Please ask Dr. Patel to call me back",
        "tell him the pipes are here",
        "I'd like a callback",
        "I want to make a complaint",
    ],
    "transfer": [
        "Can I speak to a human?",
        "Put me through to the manager, please",
        "Is Dave about?",
        "I don't want to talk to a machine",
        "Could I have five minutes with the owner?",
    ],
    "availability": [
        "What times do you have free?",
        "when could you see me",
        "When is your next available appointment?",
        "do you have any availability",
    ],
}
NOTHING = [
    "What time do you open tomorrow?",
    "do you have a ramp for a wheelchair",
    "I don't want to cancel",
    "Are you a real person?",
    "Can I change my mind?",
    "My name is Booker",
    "Tell me about your prices",
]


@pytest.mark.parametrize(("family", "text"), [(family, text) for family, texts in WISHES.items() for text in texts])
def test_a_wish(family: str, text: str) -> None:
    assert wanted_family(Heard(text)) == family


@pytest.mark.parametrize("text", NOTHING)
def test_no_wish(text: str) -> None:
    assert wanted_family(Heard(text)) is None


def test_a_day_makes_a_question_for_space_one_for_the_diary() -> None:
    heard = Heard("Do you have anything on Thursday?")
    assert wanted_family(heard, dated=True) == "availability" and wanted_family(heard) is None


@pytest.mark.parametrize(
    "text", ["What happens if I cancel?", "is there a fee for cancelling", "How much notice to move it?"]
)
def test_asking_about_an_errand(text: str) -> None:
    assert asks_about(Heard(text))


@pytest.mark.parametrize("text", ["Cancel it, please", "Can I book a table?"])
def test_ordering_one(text: str) -> None:
    assert not asks_about(Heard(text))


def test_who_cannot_come() -> None:
    assert unable_to_come(Heard("I can't make it tomorrow")) and not unable_to_come(Heard("My mother can't do stairs"))
