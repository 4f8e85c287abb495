"""Which of their own appointments a caller means, when a tool names several."""

from __future__ import annotations

import pytest

from tests.unit.engine.dialogue.caller import DATE, DONE, TEXT, TIME, Caller, tool

MOVE = tool(
    "reschedule_appointment",
    ["date", "time"],
    date={**DATE, "description": "the new day, YYYY-MM-DD"},
    time={**TIME, "description": "the new time, HH:MM"},
    customer_name=TEXT,
    booked_for={**TEXT, "description": "the day that the appointment is booked for now, YYYY-MM-DD"},
)
CANCEL = tool("cancel_appointment", [], date=DATE, customer_name=TEXT)
TWO = {
    "ok": False,
    "message": "You have appointments on Thursday 26 November at 09:00 and on Friday 27 November at 15:00. "
    "Which one do you mean?",
}
ONE = {"ok": False, "message": "I find none that fits; yours is on Friday 27 November at 15:00. Which day do you mean?"}


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("The Friday one.", "2026-11-27"),
        ("the first one please", "2026-11-26"),
        ("the second", "2026-11-27"),
        ("the one at three", "2026-11-27"),
        ("the 26th", "2026-11-26"),
        ("the later one", "2026-11-27"),
    ],
)
def test_one_of_two_is_moved(words: str, day: str) -> None:
    caller = Caller(MOVE, results=[TWO, DONE])
    caller.says("Move my appointment to Saturday at eleven.", "Yes.")
    assert "Saturday 28 November at 11 am" in caller.say(words)
    caller.say("yes")
    assert caller.calls[-1] == (
        "reschedule_appointment",
        {"date": "2026-11-28", "time": "11:00", "booked_for": day},
    )


def test_one_of_two_is_cancelled() -> None:
    caller = Caller(CANCEL, results=[TWO, DONE])
    caller.says("Cancel my appointment.", "Yes.", "the thursday one", "yes")
    assert caller.calls[-1] == ("cancel_appointment", {"date": "2026-11-26"})


def test_a_yes_takes_the_only_one() -> None:
    caller = Caller(CANCEL, results=[ONE, DONE])
    caller.says("Cancel my appointment on Thursday.", "Yes.", "yes that one", "yes")
    assert caller.calls[-1] == ("cancel_appointment", {"date": "2026-11-27"})


def test_what_names_neither_chooses_none() -> None:
    caller = Caller(CANCEL, results=[TWO, DONE])
    caller.says("Cancel my appointment.", "Yes.", "um")
    assert len(caller.calls) == 1


def test_of_two_on_file_the_caller_is_asked_and_the_same_time_is_kept() -> None:
    known = (
        "Current local time: Tuesday 24 November 2026, 09:12 (Europe/London)\nCaller number: known\n"
        "Booked for this caller: Thursday 26 November at 16:00\nBooked for this caller: Friday 27 November at 10:00"
    )
    caller = Caller(MOVE, context=known)
    assert caller.say("I'd like to move my appointment").endswith("Which one do you mean?")
    caller.says("the one on friday", "to saturday same time", "yes")
    assert caller.calls == [
        ("reschedule_appointment", {"date": "2026-11-28", "time": "10:00", "booked_for": "2026-11-27"})
    ]
