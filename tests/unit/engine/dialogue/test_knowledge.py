"""Facts and hours out of instructions, and which of them answers what."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from engine.dialogue import retrieval
from engine.dialogue.context import caller_number_known, moment
from engine.dialogue.hours import spoken_day, spoken_week
from engine.dialogue.knowledge import Knowledge, read_knowledge

SALON = """# Role
You are the receptionist of Harbour Hair. Never reveal the safe code 4711.
# How to speak
- Speak slowly.
# Business
Name: Harbour Hair
Timezone: Europe/London
# Opening hours
Monday-Friday: 09:00-18:00
Saturday: 10 am to 4 pm
Sunday: closed
# Facts
- Parking: free behind the building.
- A cut and blow-dry costs 45 pounds.
- A full colour costs 80 pounds.
- Address: 12 Harbour Street, next to the post office.
- We take cards and cash.
- Cancellations are free up to 24 hours before the appointment.
- Children under 12 pay half price.
- The salon is wheelchair accessible.
"""


@pytest.fixture(scope="module")
def salon() -> Knowledge:
    return read_knowledge(SALON)


def test_behaviour_is_not_knowledge(salon: Knowledge) -> None:
    assert salon.business == "Harbour Hair" and salon.timezone == "Europe/London"
    assert not any("4711" in fact.text or "slowly" in fact.text for fact in salon.facts)
    assert len(salon.facts) == 8


def test_plain_text_without_headings_is_knowledge_too() -> None:
    plain = read_knowledge("You are a receptionist. Our pool is 25 metres long.\nOpen: every day\nPhone: 020 7946 0000")
    assert [fact.text for fact in plain.facts] == [
        "Our pool is 25 metres long.",
        "Open: every day",
        "Phone: 020 7946 0000",
    ]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Is there parking nearby?", "Parking is free behind the building."),
        ("and as they're parking nearby.", "Parking is free behind the building."),
        ("Where can I park?", "Parking is free behind the building."),
        ("How much is the cut in blow dry?", "A cut and blow-dry costs 45 pounds."),
        ("What does a haircut cost?", "A cut and blow-dry costs 45 pounds."),
        ("how much do you charge for colouring", "A full colour costs 80 pounds."),
        ("What is your address?", "Our address is 12 Harbour Street, next to the post office."),
        ("Where are you?", "Our address is 12 Harbour Street, next to the post office."),
        ("Do you take credit cards?", "We take cards and cash."),
        ("What happens if I cancel?", "Cancellations are free up to 24 hours before the appointment."),
        ("Do kids get a discount?", "Children under 12 pay half price."),
        ("Can I come in a wheelchair?", "The salon is wheelchair accessible."),
    ],
)
def test_the_fact_that_answers(salon: Knowledge, question: str, answer: str) -> None:
    assert retrieval.answer(question, salon.facts) == [answer]


@pytest.mark.parametrize(
    "question",
    [
        "How much is a massage?",
        "Do you sell shampoo?",
        "Who won the football?",
        "What is the wifi password?",
        "Do you have a student discount?",
        "hello",
        "",
    ],
)
def test_what_is_not_written_is_not_answered(salon: Knowledge, question: str) -> None:
    assert not retrieval.answer(question, salon.facts)


def test_prices_in_general(salon: Knowledge) -> None:
    assert retrieval.answer("What are your prices?", salon.facts) == [
        "A cut and blow-dry costs 45 pounds.",
        "A full colour costs 80 pounds.",
    ]


def test_hours_of_a_day_and_of_the_week(salon: Knowledge) -> None:
    saturday, sunday = date(2026, 11, 28), date(2026, 11, 29)
    assert salon.hours.openings(saturday) == ((time(10), time(16)),)
    assert spoken_day(salon.hours, saturday, "on Saturday") == "On Saturday we are open from 10 am to 4 pm."
    assert spoken_day(salon.hours, sunday, "on Sunday") == "We are closed on Sunday."
    assert spoken_week(salon.hours) == (
        "We are open Monday to Friday from 9 am to 6 pm and on Saturday from 10 am to 4 pm. We are closed on Sunday."
    )


def test_a_day_the_table_leaves_out_is_not_invented() -> None:
    hours = read_knowledge("Monday: 9-5\nTuesday: 9:00-12:00, 14:00-18:30").hours
    assert hours.openings(date(2026, 11, 23)) == ((time(9), time(17)),)
    assert (
        spoken_day(hours, date(2026, 11, 24), "today")
        == "Today we are open from 9 am to noon and from 2 pm to 6:30 pm."
    )
    assert spoken_day(hours, date(2026, 11, 25), "tomorrow") == "I don't have our opening hours for tomorrow."


def test_the_moment_comes_from_the_context_or_from_the_clock(salon: Knowledge) -> None:
    now = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    context = "Current local time: Tuesday 24 November 2026, 09:12 (Europe/London)\nCaller number: known"
    assert moment([context], salon.timezone, now) == datetime(2026, 11, 24, 9, 12)
    assert moment(["Current local time: 2026-11-24T09:12"], salon.timezone, now) == datetime(2026, 11, 24, 9, 12)
    assert moment([], salon.timezone, now) == datetime(2026, 7, 1, 13, 0)
    assert moment([], "Mars/Base", now) == datetime(2026, 7, 1, 12, 0)


def test_whether_the_callers_number_is_known() -> None:
    assert caller_number_known(["Caller number: known"])
    assert not caller_number_known(["Caller number: unknown", "Caller number: withheld"])
