"""Cutting growing text, and making it fit to be said."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.llm.spoken import SentenceCutter, speakable
from engine.llm.words import SpokenWords


def cut(text: str, step: int) -> list[str]:
    cutter = SentenceCutter()
    pieces = [piece for at in range(0, len(text), step) for piece in cutter.feed(text[at : at + step])]
    return pieces + cutter.rest()


SENTENCES = [
    ("It is Mr. Smith. Hello! Right? Yes.", ["It is Mr. Smith.", "Hello!", "Right?", "Yes."]),
    ("At 10.30 it costs £4.50. Is that fine?", ["At 10.30 it costs £4.50.", "Is that fine?"]),
    (
        "From 9 a.m. on Monday. To 5 p.m. Then we close at 6 P.M.",
        ["From 9 am on Monday.", "To 5 pm.", "Then we close at 6 pm."],
    ),
    ("No. We are at No. 5 High Street.", ["No.", "We are at No. 5 High Street."]),
    ('He said "Come in." Then J. K. Rowe left.', ['He said "Come in."', "Then J. K. Rowe left."]),
    ("Well... so it is. Wait… Okay", ["Well... so it is.", "Wait…", "Okay"]),
    ("We offer:\n\n1. **Cut**: £45\n2. Colour\n- nails\n", ["We offer:", "1, Cut: £45.", "2, Colour.", "nails."]),
    ("**We are open.** Come *in*. 😀 Bye 👋🏽!", ["We are open.", "Come in.", "Bye!"]),
    ("## Hours\nMonday: 09:00–17:00 — then closed", ["Hours.", "Monday: 09:00 to 17:00, then closed"]),
    ("See [our page](https://a.example/x.html), or `call`.", ["See our page, or call."]),
    ("| day | hours |\n|---|---|\n| Monday | 9 to 5 |", ["day, hours.", "Monday, 9 to 5."]),
    ("```json\n```\n---\n", []),
    ("It is 20 °C. Size 3 * 4<br>or more.", ["It is 20 °C.", "Size 3 times 4 or more."]),
]


@pytest.mark.parametrize(("text", "sentences"), SENTENCES)
def test_sentences_are_the_same_however_the_text_grows(text: str, sentences: list[str]) -> None:
    assert cut(text, 1) == cut(text, 7) == cut(text, len(text)) == sentences


def test_a_sentence_leaves_with_the_first_letter_of_the_next() -> None:
    cutter = SentenceCutter()
    assert cutter.feed("We open at nine. ") == []
    assert cutter.feed("T") == ["We open at nine."]


def test_a_line_leaves_at_its_end() -> None:
    assert SentenceCutter().feed("Welcome\n") == ["Welcome"]


def test_words_without_an_end_leave_at_a_comma() -> None:
    text = ", ".join(["and then we walk on"] * 30)
    pieces = cut(text, 4)
    assert len(pieces) > 1 and all(len(piece) <= 320 for piece in pieces)
    assert " ".join(pieces).replace(",", "") == text.replace(",", "")


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="aB1 .!?\n*-£,<>/{}", max_size=80), st.integers(1, 9))
def test_any_text_is_cut_the_same_in_any_pieces(text: str, step: int) -> None:
    assert cut(text, step) == cut(text, 1)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_what_is_said_has_words(text: str) -> None:
    said = speakable(text)
    assert said == said.strip()
    assert not said or any(letter.isalnum() for letter in said)


def words(*pieces: str) -> tuple[list[str], int]:
    spoken = SpokenWords()
    said = [sentence for piece in pieces for sentence in spoken.feed(piece)]
    return said + spoken.rest(), len(spoken.written_calls())


def test_thoughts_and_written_calls_are_not_said_wherever_they_are_split() -> None:
    text = 'Yes. <think>Or no.</think>So: <tool_call>{"name": "a"}</tool_call> done < 3.'
    for step in range(1, len(text)):
        assert words(*(text[at : at + step] for at in range(0, len(text), step))) == (["Yes.", "So: done < 3."], 1)


def test_thoughts_without_an_end_are_not_said() -> None:
    assert words("Yes. <think>Hm. I ", "wonder") == (["Yes."], 0)


def test_a_call_without_its_closing_tag_counts() -> None:
    spoken = SpokenWords()
    assert spoken.feed('<tool_call>{"name": "a", "arguments": {"b": 1}}') + spoken.rest() == []
    assert [(call.name, call.arguments) for call in spoken.written_calls()] == [("a", '{"b": 1}')]
