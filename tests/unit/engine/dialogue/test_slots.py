"""Slots out of any JSON schema: their kinds, how they are asked for, how a call gets its types back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.dialogue.questions import question
from engine.dialogue.services import find_choice, find_service
from engine.dialogue.slots import arguments, read_slots
from tests.unit.engine.dialogue.caller import DATE, TEXT, TIME, Caller, tool


def kinds(**properties: dict[str, Any]) -> dict[str, str]:
    return {slot.name: slot.kind for slot in read_slots({"properties": properties})}


def test_kinds_by_format_type_and_name() -> None:
    assert kinds(
        when=DATE,
        start_time=TEXT,
        customer_name=TEXT,
        phone_number=TEXT,
        party_size=TEXT,
        guests={"type": ["integer", "null"]},
        area={**TEXT, "enum": ["inside", "garden"]},
        service_name=TEXT,
        address=TEXT,
        day={**TEXT, "description": "YYYY-MM-DD"},
        remarks=TEXT,
    ) == {
        "when": "date",
        "start_time": "time",
        "customer_name": "name",
        "phone_number": "phone",
        "party_size": "number",
        "guests": "number",
        "area": "choice",
        "service_name": "service",
        "address": "address",
        "day": "date",
        "remarks": "text",
    }


def test_the_two_ends_of_a_move() -> None:
    roles = {
        slot.name: slot.role for slot in read_slots({"properties": {"date": DATE, "new_date": DATE, "new_time": TIME}})
    }
    assert roles == {"date": "old", "new_date": "new", "new_time": "new"}


def test_of_two_names_one_is_the_callers() -> None:
    assert kinds(pet_name=TEXT, owner_name=TEXT) == {"pet_name": "label", "owner_name": "name"}


def test_a_date_time_is_asked_for_in_halves_and_joined_again() -> None:
    slots = tuple(read_slots({"properties": {"start": {**TEXT, "format": "date-time"}}, "required": ["start"]}))
    assert [slot.kind for slot in slots] == ["date", "time"]
    values = {slots[0].name: "2026-11-26", slots[1].name: "14:30"}
    assert json.loads(arguments(slots, values)) == {"start": "2026-11-26T14:30:00"}
    caller = Caller(tool("book_slot", ["start"], start={**TEXT, "format": "date-time"}))
    assert caller.say("I'd like to book for Thursday, please.") == "Certainly. What time would suit you?"
    caller.says("Half past two", "Yes")
    assert caller.calls == [("book_slot", {"start": "2026-11-26T14:30:00"})]


@pytest.mark.parametrize(
    ("schema", "asked"),
    [
        ({"description": "how many people"}, "How many people?"),
        ({"description": "how urgent it is", "enum": ["today", "later"]}, "How urgent is it: today or later?"),
        ({"description": "who to transfer to"}, "Who should I transfer you to?"),
        (
            {"description": "Where is the job? Street and suburb, please."},
            "Where is the job: street and suburb, please?",
        ),
        ({"description": "the customer's account"}, "What is your account?"),
        ({"enum": ["a_b", "c"]}, "Which thing would you like: a b or c?"),
        ({}, "What is the thing?"),
    ],
)
def test_the_question_for_a_slot(schema: dict[str, Any], asked: str) -> None:
    assert question(read_slots({"properties": {"thing": {**TEXT, **schema}}})[0]) == asked


def test_numbers_are_told_apart_by_what_they_count() -> None:
    room = tool(
        "book_room",
        ["guest_name", "arrival", "nights"],
        guest_name=TEXT,
        arrival=DATE,
        nights={"type": "integer", "description": "how many nights"},
        guests={"type": "integer", "description": "how many guests"},
    )
    caller = Caller(room)
    caller.say("I'd like to book a room from tomorrow for three nights, two guests, name of Ann Lee.")
    caller.say("Yes.")
    assert caller.calls[0][1] == {"guest_name": "Ann Lee", "arrival": "2026-11-25", "nights": 3, "guests": 2}


def test_more_than_a_tool_takes_is_said_before_anything_is_asked() -> None:
    table = tool("reserve_table", ["guests", "date"], guests={"type": "integer", "maximum": 8}, date=DATE)
    assert Caller(table).say("I'd like to book a table for ten people on Saturday.").startswith("I can take at most 8")


def test_a_time_that_fits_morning_and_evening_is_asked_about() -> None:
    open_long = "Name: Café\nFriday: 07:00-23:00"
    caller = Caller(tool("book_table", ["date", "time"], date=DATE, time=TIME), instructions=open_long)
    assert caller.say("Book a table for Friday at eight, please.") == "Is that 8 am or 8 pm?"
    assert "at 8 pm" in caller.say("In the evening.")


@pytest.mark.parametrize(
    ("text", "asked", "choice"),
    [
        ("the billing department", False, "billing"),
        ("It's about an invoice", True, "billing"),
        ("front desk please", True, "front_desk"),
        ("in side", True, "inside"),
        ("as soon as possible", True, "today"),
        ("no rush", True, "whenever"),
        ("hello", True, None),
    ],
)
def test_choices(text: str, asked: bool, choice: str | None) -> None:
    assert find_choice(("billing", "front_desk", "inside", "today", "whenever"), text, asked) == choice


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("I'd like to book a haircut, please", "haircut"),
        ("I need to get my hair cut", "haircut"),
        ("Can I come in on Friday for a beard trim?", "beard trim"),
        ("a beard trim, no sorry, a haircut for me", "haircut"),
        ("A cut and blow-dry on Saturday", "cut and blow dry"),
        ("Haircut for Helen on Friday", "haircut"),
        ("I want to see Dr. Nguyen on Thursday", None),
        ("I'd like an appointment for tomorrow", None),
        ("I have a question", None),
    ],
)
def test_services(text: str, service: str | None) -> None:
    assert find_service(text, False, ("A cut and blow-dry costs 45 pounds.", "A haircut costs 38 pounds.")) == service
