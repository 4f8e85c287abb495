"""Correcting what was read back, by value, by name of what is wrong, and by what it is not."""

from __future__ import annotations

import pytest

from engine.dialogue.spelling import spelled, with_letter
from engine.dialogue.values import affirmed
from tests.unit.engine.dialogue.caller import BOOK, DATE, MESSAGE, TEXT, TIME, Caller, tool

WISH = "I'd like to book a haircut for Maria Lopes on Thursday at two."


@pytest.mark.parametrize(
    ("correction", "understood"),
    [
        ("No, Friday.", "Friday 27 November at 2 pm"),
        ("Friday, not Thursday.", "Friday 27 November at 2 pm"),
        ("Not Thursday but Friday.", "Friday 27 November at 2 pm"),
        ("No, the day after.", "Friday 27 November at 2 pm"),
        ("A week later, please.", "Thursday 3 December at 2 pm"),
        ("No, half past three.", "Thursday 26 November at 3:30 pm"),
        ("Half an hour later, please.", "Thursday 26 November at 2:30 pm"),
        ("Could you make it an hour earlier?", "Thursday 26 November at 1 pm"),
        ("Yes, but make it four.", "Thursday 26 November at 4 pm"),
        ("Not at two, at three.", "Thursday 26 November at 3 pm"),
        ("Friday at ten, no, eleven.", "Friday 27 November at 11 am"),
        ("Lopez with a z.", "Maria Lopez on Thursday"),
        ("No, it's L O P E Z.", "Maria Lopez on Thursday"),
        ("The name is Mario Lopez.", "Mario Lopez on Thursday"),
        ("No, a colour.", "a colour for Maria Lopes"),
    ],
)
def test_a_correction_changes_what_it_names_and_nothing_else(correction: str, understood: str) -> None:
    caller = Caller(BOOK)
    caller.say(WISH)
    said = caller.say(correction)
    assert understood in said and said.endswith("Is that right?") and not caller.calls


@pytest.mark.parametrize(
    ("wrong", "question"),
    [
        ("The name is wrong.", "What name is it for, please?"),
        ("No, the day.", "What day would you like?"),
        ("The time isn't right.", "What time would suit you?"),
        ("No.", "Sorry about that. What should I change?"),
    ],
)
def test_what_is_wrong_is_asked_for_again(wrong: str, question: str) -> None:
    caller = Caller(BOOK)
    assert caller.says(WISH, wrong) == question


def test_a_number_that_is_denied_is_not_taken_for_a_time() -> None:
    table = tool(
        "reserve_table",
        ["guest_name", "party_size", "date", "time"],
        guest_name=TEXT,
        party_size={"type": "integer"},
        date=DATE,
        time=TIME,
    )
    caller = Caller(table)
    caller.say("A table for two on Friday at five for Ann Lee, please.")
    assert "at 5 pm, party size: 3" in caller.say("No, not two, three.")


def test_a_message_is_corrected_and_added_to() -> None:
    caller = Caller(MESSAGE)
    caller.says("Tell the team that Dr. Patel must send my X-rays.", "Irene Adler", "Yes.")
    assert "Dr. Nguyen must send my X-rays" in caller.say("Sorry, Dr. Nguyen, not Dr. Patel.").replace(
        "Dr Nguyen", "Dr. Nguyen"
    )
    assert "my X-rays. I am sorry" in caller.say("And also tell them that I am sorry.")
    assert caller.say("Yes, and hurry up.").startswith("*take_message")


def test_a_question_between_is_no_correction() -> None:
    caller = Caller(BOOK)
    said = caller.says(WISH, "What time do you close on Saturday?")
    assert said.startswith("On Saturday we are open") and "on Thursday 26 November at 2 pm" in said


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Friday, not Thursday", "Friday"),
        ("not Thursday, Friday", "Friday"),
        ("Friday instead of Thursday", "Friday"),
        ("why not Thursday?", "Thursday"),
        ("if not, Thursday", "Thursday"),
    ],
)
def test_what_is_denied_is_left_out(text: str, kept: str) -> None:
    other = {"Friday": "Thursday", "Thursday": "Friday"}[kept]
    assert kept in affirmed(text) and other not in affirmed(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("L O P E Z", ["Lopez"]),
        ("It's M-A-R-I-A, L-O-P-E-Z", ["Maria", "Lopez"]),
        ("S, M, I, T, H", ["Smith"]),
        ("S C O double T", ["Scott"]),
        ("L for Lima, E for Echo, E as in egg", ["Lee"]),
        ("I am at a party", None),
    ],
)
def test_spelled_words(text: str, words: list[str] | None) -> None:
    assert spelled(text) == words


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Lopes with a z", "Lopez"),
        ("Lopez with a z", "Lopez"),
        ("Catherine with a K", "Katherine"),
        ("with a friend", None),
    ],
)
def test_a_word_with_a_letter(text: str, word: str | None) -> None:
    assert with_letter(text) == word
