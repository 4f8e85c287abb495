"""After a tool has answered: refusals, offers, other words for the programmer, and what was asked besides."""

from __future__ import annotations

import pytest

from engine.dialogue.tools import Result, read_result
from tests.unit.engine.dialogue.caller import AVAILABLE, BOOK, BYE, CANCEL, END, MESSAGE, MORE, TEXT, Caller, tool

WISH = "A haircut on Thursday at two for Ann Lee, please."


def refused(message: str) -> dict[str, object]:
    return {"ok": False, "message": message}


def test_another_time_of_the_offered_day() -> None:
    caller = Caller(BOOK, results=[refused("That is taken. Free on Friday 27 November: 09:00 or 16:30.")])
    assert caller.says(WISH, "Yes.").endswith("What other day or time would suit you?")
    assert "on Friday 27 November at 4:30 pm" in caller.say("The later one.")


def test_half_of_the_day_is_that_of_the_times_on_offer() -> None:
    caller = Caller(BOOK, results=[refused("That is taken. Free on Thursday 26 November: 18:30 or 19:00.")])
    caller.says(WISH, "Yes.")
    assert "at 7 pm" in caller.say("Seven, please.")


def test_a_failure_that_offers_a_message_leads_to_one() -> None:
    caller = Caller(BOOK, MESSAGE, results=[refused("That did not work just now. I can take a message instead.")])
    assert caller.says(WISH, "Yes.").endswith("Shall I take a message for the team?")
    assert "call you back" in caller.say("Yes, please.")
    assert "a haircut for Ann Lee on Thursday 26 November at 2 pm" in caller.say("Yes.")


def test_words_for_a_programmer_are_not_read_out() -> None:
    caller = Caller(BOOK, results=[refused("customer_name is too short: ask for the full name.")])
    said = caller.says(WISH, "Yes.")
    assert "customer_name" not in said and said.endswith("What name is it for, please?")
    assert "for Ann Lee Smith" in caller.say("Ann Lee Smith")


def test_nothing_found_is_looked_for_under_another_name() -> None:
    caller = Caller(CANCEL, results=[refused("There is no appointment for Karen Wu on Thursday 26 November.")])
    said = caller.says("Cancel my appointment on Thursday, my name is Karen Wu.", "Yes.")
    assert said.endswith("Could it be under another name or day?")
    assert "for Karen Holt on Thursday" in caller.say("It's under my married name, Karen Holt.")


def test_a_third_refusal_ends_in_a_message() -> None:
    caller = Caller(BOOK, MESSAGE, results=[refused("That is taken.")] * 3)
    caller.say(WISH)
    for hour in ("three", "four"):
        caller.says("Yes.", hour)
    assert caller.say("Yes.").endswith("Shall I take a message for the team?")


def test_declining_after_a_refusal_leaves_it() -> None:
    caller = Caller(BOOK, results=[refused("That is taken.")])
    caller.says(WISH, "Yes.")
    assert caller.say("Never mind.") == f"All right, I will leave that. {MORE}"


def test_what_was_asked_with_the_yes_is_answered_after_it() -> None:
    caller = Caller(BOOK, END)
    assert caller.says(WISH, "Yes, and do you take cards?") == (
        f"*book_appointment It is done. We take cards and cash. {MORE}"
    )
    assert caller.say("No, thanks.") == BYE


def test_a_second_wish_waits_for_the_first() -> None:
    caller = Caller(BOOK, CANCEL)
    caller.say(
        "I'd like to cancel my appointment on Friday and book a haircut for Saturday at noon. My name is Eve Adams."
    )
    assert "So that is a haircut for Eve Adams on Saturday 28 November at noon." in caller.say("Yes.")


def test_a_second_booking_on_the_same_day() -> None:
    caller = Caller(BOOK)
    caller.says(WISH, "Yes.")
    assert caller.say("And another haircut for my son Jack Lee, same day at half past two.") == (
        "So that is a haircut for Jack Lee on Thursday 26 November at 2:30 pm. Is that right?"
    )


def test_the_diary_is_asked_in_the_middle_of_a_booking() -> None:
    caller = Caller(BOOK, AVAILABLE, results=[{"ok": True, "message": "Free on Friday 27 November: 09:00 to 12:00."}])
    caller.says("I'd like a haircut.", "Tom Jones")
    assert caller.say("What times do you have on Friday?").endswith("Which time would you like?")
    assert "Tom Jones on Friday 27 November at 11 am" in caller.say("Eleven.")


def test_a_tool_that_changes_something_is_read_back_whatever_it_is_called() -> None:
    refill = tool(
        "refill_prescription",
        ["owner_name", "pet_name", "medicine"],
        "Order a refill of a prescription, after the owner confirmed.",
        owner_name=TEXT,
        pet_name={**TEXT, "description": "What is your pet's name?"},
        medicine={**TEXT, "description": "the name of the medicine"},
    )
    caller = Caller(refill)
    assert caller.say("I need a refill for my cat, please. I'm Nancy Drew.") == "What is your pet's name?"
    assert caller.says("Mittens", "It's called Thyronorm.") == (
        "So I will order a refill of a prescription for Nancy Drew, pet name: Mittens, medicine: Thyronorm. "
        "Is that right?"
    )
    assert caller.say("Yes.").startswith("*refill_prescription")


@pytest.mark.parametrize(
    ("output", "result"),
    [
        ("Message saved.", Result(True, "Message saved.")),
        ('{"ok": false, "message": "No."}', Result(False, "No.")),
        ('{"error": "No such day"}', Result(False, "No such day")),
        ('{"forecast": "sunny", "degrees": 21}', Result(True, "forecast: sunny; degrees: 21")),
        ('{"success": true}', Result(True, "")),
        ("[1]", Result(True, "[1]")),
    ],
)
def test_any_output_is_read(output: str, result: Result) -> None:
    assert read_result(output) == result


def test_free_times_are_read_from_a_list_or_from_words() -> None:
    assert [f"{one:%H:%M}" for one in read_result('{"ok": true, "slots": ["2026-11-26T09:00", "10:30"]}').free] == [
        "09:00",
        "10:30",
    ]
    assert [f"{one:%H:%M}" for one in read_result("14:30 is taken. Free: 15:00 or 4 pm.").free] == ["15:00", "16:00"]
    assert read_result("Free from 09:00 to 12:30.").free == ()
