"""Tools nobody wrote code for: found by their words, filled from their schema."""

from __future__ import annotations

import pytest

from engine.dialogue.acts import Heard
from engine.dialogue.moves import from_and_to
from engine.dialogue.tools import read_tools, wanted_other
from tests.unit.engine.dialogue.caller import TEXT, Caller, tool

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
