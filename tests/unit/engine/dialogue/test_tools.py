"""Tools nobody wrote code for: found by their words, filled from their schema."""

from __future__ import annotations

import pytest

from engine.dialogue.acts import Heard
from engine.dialogue.moves import from_and_to
from engine.dialogue.tools import read_tools, wanted_other
from tests.unit.engine.dialogue.caller import DATE, TEXT, TIME, Caller, tool

TAXI = tool(
    "book_taxi",
    ["passenger_name", "pickup_address", "destination", "pickup_time"],
    "Book a taxi after the caller confirmed.",
    passenger_name=TEXT,
    pickup_address={**TEXT, "description": "Where should we pick you up?"},
    destination={**TEXT, "description": "Where are you going?"},
    pickup_time={**TEXT, "format": "date-time"},
    passengers={"type": "integer", "description": "number of passengers"},
)
TICKET = tool(
    "create_ticket",
    ["caller_name", "issue", "priority"],
    "Create a support ticket after the caller confirmed.",
    caller_name=TEXT,
    issue={**TEXT, "description": "What is the problem?"},
    priority={**TEXT, "enum": ["low", "normal", "high"], "description": "how urgent it is"},
)
STATUS = tool("ticket_status", ["ticket_number"], "Look up the status of a ticket.", ticket_number=TEXT)
WHERE = tool("get_taxi_status", ["reference"], "Tell where a booked taxi is.", reference=TEXT)
RESET = tool("reset_password", ["email"], "Reset a password.", email={**TEXT, "format": "email"})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("What's the status of my ticket?", "ticket_status"),
        ("Where's my taxi?", "get_taxi_status"),
        ("I forgot my password", "reset_password"),
        ("Please create a ticket", "create_ticket"),
        ("Do you like tickets?", None),
        ("What is a password?", None),
        ("Good morning", None),
    ],
)
def test_which_tool_is_meant(text: str, wanted: str | None) -> None:
    found = wanted_other(Heard(text), read_tools((TICKET, STATUS, WHERE, RESET)))
    assert (found.name if found else None) == wanted or (wanted is None and text.endswith("?") and found is None)


def test_a_journey_in_one_breath() -> None:
    caller = Caller(TAXI, instructions="Name: City Cabs")
    said = caller.say(
        "Book a taxi for two tonight at half past eight, Brad Pitt, from the Queens Hotel to Roundhay Road."
    )
    assert said == (
        "So that is a taxi for Brad Pitt on Tuesday 24 November at 8:30 pm, pickup address: the Queens Hotel, "
        "destination: Roundhay Road, passengers: 2. Is that right?"
    )
    caller.say("Yes.")
    assert caller.calls[0][1]["pickup_time"] == "2026-11-24T20:30:00" and caller.calls[0][1]["passengers"] == 2


def test_a_journey_in_pieces() -> None:
    caller = Caller(TAXI)
    assert caller.says("Can I get a cab?", "Meg Ryan") == "Where should we pick you up?"
    assert caller.say("Yes.") == "Where should we pick you up?"
    assert caller.say("22 Mill Street") == "Where are you going?"
    assert "destination: the airport" in caller.says("To the airport.", "Today at 3 pm.")


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("from 14 Park Lane to the station tomorrow", {"from": "14 Park Lane", "to": "the station"}),
        ("to the airport at six", {"to": "the airport"}),
        ("I want to go home", {}),
        ("I'd like to book", {}),
    ],
)
def test_the_ends_of_a_way(text: str, ends: dict[str, str]) -> None:
    assert from_and_to(text) == ends


def test_a_report_of_something_broken_fills_the_problem() -> None:
    caller = Caller(TICKET)
    assert caller.says("Hello, my laptop won't start, can you help?", "Ada Lovelace") == (
        "How urgent is it: low, normal or high?"
    )
    assert "issue: My laptop won't start, priority: high" in caller.say("As soon as possible.")
    asked = Caller(TICKET).say("Do you repair broken laptops?")
    assert asked.startswith("I'm sorry, I don't know that.")


# -- the server's own tools --------------------------------------------------------------------------------------------

SERVICES = {**TEXT, "enum": ["Haircut", "Cut and blow-dry", "Colour"], "description": "the service that is wanted"}
DIARY = tool("check_availability", ["date"], date=DATE, until=DATE, service=SERVICES)
BOOK_SERVICE = tool(
    "book_appointment",
    ["customer_name", "date", "time", "service"],
    customer_name=TEXT,
    date=DATE,
    time=TIME,
    service=SERVICES,
)
MOVE_UNKNOWN = tool(
    "reschedule_appointment",
    ["date", "time", "customer_name", "booked_for"],
    date={**DATE, "description": "the new day, YYYY-MM-DD"},
    time={**TIME, "description": "the new time, HH:MM"},
    customer_name=TEXT,
    booked_for={**TEXT, "description": "the day that the appointment is booked for now, YYYY-MM-DD"},
)
CANCEL_KNOWN = tool("cancel_appointment", [], date=DATE, customer_name=TEXT)
LOOK_UP = tool("look_up_caller", [], "Look up what is known of the caller: name, appointments, open messages.")
COLLEAGUE = tool("transfer_call", ["colleague"], colleague={**TEXT, "enum": ["Anna", "Billing"]}, reason=TEXT)


def test_a_service_out_of_a_list() -> None:
    caller = Caller(BOOK_SERVICE)
    assert caller.says("I'd like an appointment on Thursday at two.", "Ann Lee") == (
        "What would you like to come in for: Haircut, Cut and blow-dry or Colour?"
    )
    assert caller.say("A colour, please.").startswith("So that is a colour for Ann Lee on Thursday")
    caller.say("Yes.")
    assert caller.calls[0][1]["service"] == "Colour"


def test_several_days_in_the_diary() -> None:
    caller = Caller(DIARY, BOOK_SERVICE)
    said = caller.say("What's free between Tuesday and Thursday next week?")
    assert caller.calls == [("check_availability", {"date": "2026-12-01", "until": "2026-12-03"})]
    assert said.endswith("?")
    caller = Caller(DIARY, BOOK_SERVICE)
    caller.say("What do you have free on Thursday for a colour?")
    assert caller.calls == [("check_availability", {"date": "2026-11-26", "service": "Colour"})]


def test_a_move_by_who_shows_no_number_asks_for_what_is_there_first() -> None:
    caller = Caller(MOVE_UNKNOWN)
    assert caller.say("I need to move my appointment.") == "What name is it under, please?"
    assert caller.say("Ann Lee") == "What day is your appointment now?"
    assert caller.say("It's on Thursday.") == "What day and time would you like to move it to?"
    caller.says("Friday at four.", "Yes.")
    assert caller.calls[0][1] == {
        "date": "2026-11-27",
        "time": "16:00",
        "customer_name": "Ann Lee",
        "booked_for": "2026-11-26",
    }


def test_which_of_several_appointments_is_cancelled() -> None:
    several = (
        "You have appointments on Thursday 26 November at 14:00 and Friday 27 November at 10:00. Which one do you mean?"
    )
    caller = Caller(CANCEL_KNOWN, results=[{"ok": False, "message": several}])
    assert caller.says("Please cancel my appointment.", "Yes.").endswith("Which one do you mean?")
    assert "on Friday 27 November" in caller.say("The Friday one.")
    caller.say("Yes.")
    assert caller.calls[1] == ("cancel_appointment", {"date": "2026-11-27"})


def test_the_callers_own_appointments_are_looked_up() -> None:
    assert Caller(LOOK_UP).say("When is my appointment?").startswith("*look_up_caller")


def test_whom_to_put_through_to() -> None:
    caller = Caller(COLLEAGUE)
    assert caller.say("Can I speak to a human?") == "Who should I put you through to: Anna or Billing?"
    caller.say("Anna")
    assert caller.calls == [("transfer_call", {"colleague": "Anna", "reason": "Can I speak to a human?"})]
    only = tool("transfer_call", ["colleague"], colleague={**TEXT, "enum": ["Tom"]})
    caller = Caller(only)
    caller.say("Can I speak to a human?")
    assert caller.calls == [("transfer_call", {"colleague": "Tom"})]


def test_a_stay_from_one_day_to_another() -> None:
    room = tool("book_room", ["arrival", "nights"], arrival=DATE, nights={"type": "integer"})
    caller = Caller(room, instructions="Name: Inn")
    assert "on Thursday 3 December, nights: 3" in caller.say(
        "I'd like to book a room from the 3rd to the 6th of December."
    )
