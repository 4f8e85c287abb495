"""Numbers, names, normal forms, and the kinds of things callers do."""

from __future__ import annotations

import pytest

from engine.dialogue.acts import Heard
from engine.dialogue.names import corrected, find_name
from engine.dialogue.phones import phone_number, spoken_digits
from engine.dialogue.speaking import listed, sentence, with_article
from engine.dialogue.text import concepts, normal


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("My number is 07700-900-123.", "07700900123"),
        ("0 7 7 0 0 9 0 0 1 2 3", "07700900123"),
        ("zero, seven, seven, zero, zero, nine, zero, zero. One, two, three.", "07700900123"),
        ("oh double seven double oh nine double oh one two three", "07700900123"),
        ("plus four four 20 7946 0000", "+442079460000"),
        ("half past two", None),
        ("at 14:30", None),
    ],
)
def test_telephone_numbers(text: str, number: str | None) -> None:
    assert phone_number(text) == number


def test_a_number_is_read_back_in_groups() -> None:
    assert spoken_digits("07700900123") == "0 7 7 0 0, 9 0 0, 1 2 3"
    assert spoken_digits("+442079460000").startswith("plus 4 4 2")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My name is Maria Lopez.", "Maria Lopez"),
        ("My name's Maria Lopez and I'd like a haircut", "Maria Lopez"),
        ("I'd like to book a haircut for Maria Lopez on Thursday at half past two.", "Maria Lopez"),
        ("It's John Smith.", "John Smith"),
        ("Hi, this is Peter O'Neill, I need a trim", "Peter O'Neill"),
        ("Put it under Mrs. Brown please", "Mrs. Brown"),
        ("I'm looking for a haircut on Friday", None),
        ("I would like to book for Thursday", None),
        ("Is it for Tomorrow?", None),
    ],
)
def test_names_that_are_introduced(text: str, name: str | None) -> None:
    assert find_name(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Maria Lopez", "Maria Lopez"),
        ("maria lopez", "Maria Lopez"),
        ("Yes, it's Maria Lopez.", "Maria Lopez"),
        ("Lopez, L O P E Z", "Lopez"),
        ("Maria Lopes. L-O-P-E-Z.", "Maria Lopez"),
        ("Smith, please", "Smith"),
        ("why do you need it", None),
        ("I don't know", None),
        ("230", None),
    ],
)
def test_names_that_were_asked_for(text: str, name: str | None) -> None:
    assert find_name(text, asked=True) == name


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("Mario Lopez", "Maria", "Maria Lopez"),
        ("Maria Lopes", "Lopez", "Maria Lopez"),
        ("Mario Lopez", "Anna Smith", "Anna Smith"),
        ("John", "Joan", "Joan"),
        ("John Smith", "Peter", "Peter"),
    ],
)
def test_a_corrected_word_of_a_name_leaves_the_others(old: str, new: str, name: str) -> None:
    assert corrected(old, new) == name


def test_a_message_for_somebody_is_not_from_them() -> None:
    assert find_name("I have a message for Anna", behalf=False) is None


@pytest.mark.parametrize(
    "text", ["Yes, that's right.", "yeah", "Correct.", "That's fine", "Perfect, thank you", "Okay", "Uh, yes please"]
)
def test_yes(text: str) -> None:
    assert Heard(text).yes and not Heard(text).no


@pytest.mark.parametrize("text", ["No.", "No, Thursday.", "nope", "Not quite", "That's wrong", "Sorry, no"])
def test_no(text: str) -> None:
    assert Heard(text).no and not Heard(text).yes


@pytest.mark.parametrize(
    "text", ["Goodbye.", "Thanks, bye", "No, that is all. Thank you.", "That's everything, thanks", "Have a nice day"]
)
def test_leaving(text: str) -> None:
    assert Heard(text).goodbye or Heard(text).finished


@pytest.mark.parametrize(
    "text", ["Is there parking nearby?", "tell me about prices", "do you take cards", "And where are you?"]
)
def test_questions(text: str) -> None:
    assert Heard(text).question


@pytest.mark.parametrize("text", ["Maria Lopez.", "Thursday at two.", "Yes, that's right."])
def test_statements(text: str) -> None:
    assert not Heard(text).question


def test_contractions_and_synonyms_meet() -> None:
    assert normal("What’s the Wi-Fi password?") == "what is the wifi password"
    assert set(concepts("How much are haircuts?")) & set(concepts("A cut costs 45 pounds")) == {"cut"}
    assert concepts("credit cards") == concepts("card")


def test_phrasing() -> None:
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([]) == ""
    assert sentence("free parking") == "Free parking."
    assert [with_article(word) for word in ("haircut", "appointment", "highlights", "the usual")] == [
        "a haircut",
        "an appointment",
        "highlights",
        "the usual",
    ]
