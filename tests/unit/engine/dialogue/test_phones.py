"""Telephone numbers in one go, in pieces, and put right."""

from __future__ import annotations

import pytest

from engine.dialogue.phones import only_digits, phone_number, unfinished
from tests.unit.engine.dialogue.caller import CONTEXT, MESSAGE, TEXT, Caller, tool


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("oh seven seven double oh nine hundred one two three", "07700900123"),
        ("it's 503 555 0123", "5035550123"),
        ("triple five, two one seven seven", "5552177"),
        ("seventy-seven, forty-two, ninety-nine", "774299"),
    ],
)
def test_numbers_as_they_are_said(text: str, number: str) -> None:
    assert phone_number(text) == number


def test_a_piece_consists_of_digits_only() -> None:
    assert only_digits("and then nine hundred") == "900" and only_digits("nine pounds") is None


@pytest.mark.parametrize(("number", "short"), [("07700", True), ("0770090", True), ("5551234", False), ("+44", True)])
def test_whether_a_number_is_whole(number: str, short: bool) -> None:
    assert unfinished(number) is short


def test_a_number_in_pieces() -> None:
    caller = Caller(MESSAGE)
    caller.says("Please tell the team that I am late.", "Bob Jones", "No.")
    assert caller.say("oh seven seven double oh") == "0 7 7 0 0, and the rest?"
    assert caller.say("nine hundred") == "0 7 7 0 0, 9 0 0, and the rest?"
    assert "They can call back on 0 7 7 0 0, 9 0 0, 1 2 3." in caller.say("one two three")
    assert "1 2 4." in caller.say("No, one two four.")


def test_a_short_number_is_kept_when_it_is_all() -> None:
    caller = Caller(MESSAGE)
    caller.says("Please tell the team that I am late.", "Bob Jones", "No.", "five five five")
    assert "call back on 5 5 5." in caller.say("That's all of it.")


def test_a_hidden_number_is_asked_for_although_the_tool_does_not_need_it() -> None:
    optional = tool(
        "take_message", ["customer_name", "message"], customer_name=TEXT, message=TEXT, callback_number=TEXT
    )
    hidden = CONTEXT.replace("number: known", "number: withheld")
    caller = Caller(optional, context=hidden)
    assert caller.says("Please tell the team that I am late.", "Bob Jones") == "What number can we call you back on?"
    assert caller.say("I'd rather not say.").endswith("Is that right?")
    assert Caller(optional).says("Please tell the team that I am late.", "Bob Jones").endswith("Is that right?")
