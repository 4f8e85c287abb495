"""Cases that the instructions name themselves, and who may be put through where."""

from __future__ import annotations

import pytest

from engine.dialogue.rules import applies, read_rule
from engine.dialogue.text import concepts
from tests.unit.engine.dialogue.caller import BOOK, CONTEXT, MESSAGE, TEXT, Caller, tool

TRANSFER = tool(
    "transfer_call", ["department"], department={**TEXT, "enum": ["dentist on duty", "billing"], "description": "who"}
)
EMERGENCY = tool("transfer_to_emergency_line", [], "Connect the caller to the 24 hour emergency line.")
CLINIC = """Name: Clinic
Timezone: Europe/London
Tuesday: 08:00-18:00
- For emergencies when we are closed, call the Riverside Hospital at 503-555-0199.
# Rules
If a caller is in severe pain or bleeding, transfer the call to the dentist on duty.
For billing questions transfer to billing.
If the caller smells gas, tell them to leave the building and call 000 at once.
If an animal is in danger while the clinic is open, transfer the caller to the dentist on duty.
When the caller is done, say goodbye.
"""


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("If they smell gas, tell them to leave their house.", "tell", "Please leave your house."),
        ('When somebody asks for a refund, say "Refunds take a week."', "tell", "Refunds take a week."),
        ("For a burst pipe, transfer the caller to the line.", "transfer", "transfer the caller to the line."),
        ("Colour needs a test, so for colour offer to take a message.", "message", "Colour needs a test."),
        ("Transfer the caller to Tom if a pipe has burst.", "transfer", "Transfer the caller to Tom"),
    ],
)
def test_a_rule_is_read(text: str, kind: str, words: str) -> None:
    rule = read_rule(text)
    assert rule is not None and (rule.kind, rule.words) == (kind, words)


@pytest.mark.parametrize(
    "text", ["If you do not know something, take a message.", "When the caller is done, say goodbye.", "Be kind."]
)
def test_how_the_agent_behaves_is_no_case(text: str) -> None:
    assert read_rule(text) is None


def test_a_question_on_a_matter_is_no_case_of_it() -> None:
    rule = read_rule("If a burst pipe floods a kitchen, transfer the caller.")
    assert rule is not None
    assert applies(rule, set(concepts("a burst pipe flooded my kitchen")), False, True)
    assert not applies(rule, set(concepts("my kitchen is small")), False, True)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("I'm bleeding!", "One moment, please. *transfer_call It is done."),
        ("My tooth hurts so much", "One moment, please. *transfer_call It is done."),
        ("I think I smell gas", "Please leave the building and call 000 at once."),
        ("My dog was hit by a car", "One moment, please. *transfer_call It is done."),
    ],
)
def test_a_case_is_handled_at_once(said: str, answer: str) -> None:
    assert Caller(TRANSFER, BOOK, instructions=CLINIC).say(said).startswith(answer)


def test_which_of_several_places_the_rule_names() -> None:
    caller = Caller(TRANSFER, instructions=CLINIC)
    caller.say("I have a question about my bill.")
    caller.say("I am bleeding.")
    assert [arguments for _, arguments in caller.calls] == [
        {"department": "billing"},
        {"department": "dentist on duty"},
    ]


def test_when_the_clinic_is_closed_its_other_rule_holds() -> None:
    night = CONTEXT.replace("09:12", "22:12")
    caller = Caller(TRANSFER, instructions=CLINIC, context=night)
    assert caller.say("Help, my dog was hit by a car!").startswith(
        "For emergencies when we are closed, call the Riverside"
    )


def test_a_case_in_the_middle_of_a_booking() -> None:
    caller = Caller(TRANSFER, BOOK, instructions=CLINIC)
    caller.say("I'd like to book a cleaning.")
    assert caller.say("Oh no, it is bleeding again!").startswith("One moment, please. *transfer_call")


def test_an_emergency_line_is_not_for_everybody() -> None:
    caller = Caller(EMERGENCY, MESSAGE)
    assert caller.say("Can I speak to Dave, please?").startswith("I can't put you through from here.")
    assert not caller.calls
