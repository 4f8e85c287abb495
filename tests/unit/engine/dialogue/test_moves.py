"""Moving and cancelling appointments: which day is the old one, what is taken over, what a caller may have meant."""

from __future__ import annotations

import pytest

from engine.dialogue.moves import old_and_new
from tests.unit.engine.dialogue.caller import AVAILABLE, BOOK, CANCEL, CONTEXT, END, MESSAGE, MOVE, MOVE_BOTH, Caller


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("move my appointment from Thursday to Friday at 3", "Thursday", "Friday"),
        ("I've got an appointment on Thursday and I need to move it", "Thursday", ""),
        ("change it to Friday instead of Thursday", "Thursday", "Friday"),
        ("Can I move my Thursday appointment to Friday?", "Thursday", "Friday"),
        ("My appointment is on Thursday, could we do Friday?", "Thursday", "Friday"),
        ("Reschedule for Friday please", "", "Friday"),
        ("Could we do Friday?", "", "Friday"),
    ],
)
def test_the_day_an_appointment_has_and_the_day_it_gets(text: str, old: str, new: str) -> None:
    before, after = old_and_new(text, asked_old=False)
    assert ("Thursday" in before) == (old == "Thursday") and ("Friday" in after) == (new == "Friday")
    assert "Thursday" not in after and "Friday" not in before


def test_a_move_in_one_breath_is_read_back_with_both_ends() -> None:
    caller = Caller(MOVE_BOTH)
    said = caller.say("Can you move my appointment from Thursday at two to Friday at half past three? Anna Smith.")
    assert said == (
        "So you would like to move the appointment for Anna Smith from Thursday 26 November at 2 pm "
        "to Friday 27 November at 3:30 pm. Is that right?"
    )
    assert "to Saturday 28 November at 3:30 pm" in caller.say("No, Saturday.")
    caller.say("Yes.")
    assert caller.calls == [
        (
            "reschedule_appointment",
            {
                "customer_name": "Anna Smith",
                "date": "2026-11-26",
                "time": "14:00",
                "new_date": "2026-11-28",
                "new_time": "15:30",
            },
        )
    ]


def test_without_a_property_for_it_the_old_day_is_not_taken_for_the_new_one() -> None:
    caller = Caller(MOVE)
    assert caller.say("I have an appointment on Thursday at two and I need to move it. I'm David Brown.") == (
        "What day and time would you like to move it to?"
    )
    assert "to Friday 27 November at 10 am" in caller.say("Friday at ten")


def test_the_same_time_on_another_day() -> None:
    caller = Caller(MOVE_BOTH)
    caller.say("My appointment is on Thursday at two, David Brown, and I need to move it.")
    assert "to Friday 27 November at 2 pm" in caller.say("Could we do Friday at the same time?")


def test_next_week_and_then_its_day() -> None:
    caller = Caller(CANCEL, MOVE)
    caller.say("I need to cancel my appointment on Thursday. It's Peter Gray.")
    assert caller.say("Actually, can I move it to next week instead?") == "What day next week would suit you?"
    assert "to Wednesday 2 December at 10 am" in caller.say("Wednesday at ten")


def test_who_cannot_come_is_asked_what_to_do() -> None:
    caller = Caller(CANCEL, MOVE)
    assert (
        caller.say("I can't make it on Thursday.") == "I see. Would you like to move it to another day, or cancel it?"
    )
    assert caller.say("Cancel it, please. Jo Reed.") == (
        "So you would like to cancel the appointment for Jo Reed on Thursday 26 November. Is that right?"
    )
    assert caller.say("Yes, cancel that.").startswith("*cancel_appointment")


def test_what_is_booked_for_the_caller_needs_no_asking() -> None:
    context = f"{CONTEXT}\nCaller: Maria Lopez\nBooked for this caller: Thursday 26 November at 14:30"
    caller = Caller(CANCEL, context=context)
    assert "You are booked on Thursday 26 November at 14:30." in caller.say("When is my appointment?")
    assert caller.say("Please cancel my appointment.") == (
        "So you would like to cancel the appointment for Maria Lopez on Thursday 26 November. Is that right?"
    )


def test_a_booking_just_made_is_moved_or_cancelled_and_not_forgotten() -> None:
    caller = Caller(BOOK, MOVE, CANCEL)
    caller.says("A haircut on Friday at ten for Bob Hope, please.", "Yes.")
    assert caller.say("Actually, can we move it to eleven?") == "What day would you like to move it to?"
    caller = Caller(BOOK, MESSAGE)
    caller.says("A haircut on Friday at ten for Bob Hope, please.", "Yes.")
    assert caller.say("Actually, cancel that.").startswith("I can't cancel appointments myself.")


def test_what_this_line_cannot_do_is_said() -> None:
    caller = Caller(BOOK, MESSAGE, END)
    assert caller.say("I need to move my appointment.").startswith("I can't move appointments myself.")
    caller.say("No.")
    assert caller.say("I won't be able to make my appointment.").startswith("I can't move or cancel")


def test_times_on_offer_are_chosen_by_their_place() -> None:
    free = {"ok": True, "message": "Free on Thursday 26 November: 10:00 or 11:30 or 15:00."}
    caller = Caller(AVAILABLE, BOOK, results=[free])
    assert caller.say("What times do you have on Thursday?") == (
        "*check_availability Free on Thursday 26 November: 10:00 or 11:30 or 15:00. Which time would you like?"
    )
    assert caller.say("The second one.") == "What name is it for, please?"
    assert "Ann Lee on Thursday 26 November at 11:30 am" in caller.say("Ann Lee")


def test_a_time_asked_about_is_booked_when_it_is_free_and_not_when_it_is_taken() -> None:
    free = {"ok": True, "message": "Free on Thursday 26 November: 10:00 or 15:00.", "free": ["10:00", "15:00"]}
    caller = Caller(AVAILABLE, BOOK, results=[free])
    assert caller.say("Is three free on Thursday?").endswith("What name is it for, please?")
    caller = Caller(AVAILABLE, BOOK, results=[free])
    assert caller.say("Is two free on Thursday?").endswith("Which time would you like?")
