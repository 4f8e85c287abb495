"""The call's moment and circumstances: time zones, clock changes, month and year ends, known callers."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from engine.dialogue.agent import DialogueAgent
from engine.dialogue.calendar import find_date, odd_date
from engine.dialogue.context import read_context, skipped_by_the_clock
from engine.realtime.brain import Ask, Say, Turn
from tests.unit.engine.dialogue.caller import BOOK, Caller

NIGHT_SHOP = "Name: Night Shop\nTimezone: {zone}\n" + "\n".join(
    f"{day}: 00:00-23:59" for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
)


def reply(now: datetime, zone: str, text: str) -> str:
    agent = DialogueAgent(now=lambda: now)
    outputs = agent.decide(Ask(NIGHT_SHOP.format(zone=zone), (Turn("user", text),), (BOOK,)))
    return " ".join(one.text for one in outputs if isinstance(one, Say))


@pytest.mark.parametrize(
    ("now", "zone", "day"),
    [
        (datetime(2026, 3, 11, 5, 30, tzinfo=UTC), "America/Los_Angeles", "Wednesday 11 March"),
        (datetime(2026, 3, 10, 13, 30, tzinfo=UTC), "Australia/Sydney", "Thursday 12 March"),
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), "Europe/London", "Sunday 29 March"),
        (datetime(2026, 3, 29, 23, 30, tzinfo=UTC), "Europe/London", "Tuesday 31 March"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/London", "Monday 26 October"),
        (datetime(2026, 12, 31, 12, 0, tzinfo=UTC), "Europe/London", "Friday 1 January"),
        (datetime(2028, 2, 28, 12, 0, tzinfo=UTC), "Europe/London", "Tuesday 29 February"),
    ],
)
def test_tomorrow_is_the_businesss_own(now: datetime, zone: str, day: str) -> None:
    assert f"on {day} at noon" in reply(now, zone, "Book Ann Lee in for tomorrow at noon, please.")


def test_a_time_that_the_clocks_skip_is_none() -> None:
    said = reply(datetime(2026, 3, 28, 12, 0, tzinfo=UTC), "Europe/London", "Book Ann Lee in for tomorrow at 1:30 am.")
    assert said == (
        "The clocks go forward that night, so there is no 1:30 am on Sunday 29 March. What other time would suit you?"
    )
    assert skipped_by_the_clock(datetime(2026, 3, 29, 1, 30), "Europe/London")
    assert not skipped_by_the_clock(datetime(2026, 10, 25, 1, 30), "Europe/London")
    assert not skipped_by_the_clock(datetime(2026, 3, 29, 1, 30), "Nowhere/Land")


@pytest.mark.parametrize(
    ("today", "text", "wanted"),
    [
        ("2026-12-30", "Saturday", "2027-01-02"),
        ("2026-12-30", "the 2nd", "2027-01-02"),
        ("2026-01-31", "in a month", "2026-02-28"),
        ("2026-11-24", "in a fortnight", "2026-12-08"),
        ("2026-11-24", "a week tomorrow", "2026-12-02"),
        ("2026-11-24", "two weeks on Thursday", "2026-12-10"),
        ("2026-11-24", "the first Friday in December", "2026-12-04"),
        ("2026-11-24", "the last Monday of May", "2027-05-31"),
        ("2026-11-24", "on Christmas Eve", "2026-12-24"),
        ("2026-11-24", "New Year's Day", "2027-01-01"),
        ("2026-11-24", "29 February", "2028-02-29"),
        ("2026-11-24", "yesterday", "2026-11-23"),
        ("2026-11-24", "last Thursday", "2026-11-19"),
        ("2026-11-24", "12/24", "2026-12-24"),
        ("2026-11-24", "next week on Friday", "2026-12-04"),
        ("2026-11-24", "the Friday after next", "2026-12-04"),
    ],
)
def test_days_over_the_ends_of_months_and_years(today: str, text: str, wanted: str) -> None:
    found = find_date(text, date.fromisoformat(today))
    assert (found.isoformat() if found else None) == (None if wanted == "2028-02-29" else wanted)


def test_the_day_after_the_one_that_is_talked_about() -> None:
    today = date(2026, 11, 24)
    assert find_date("the day after", today, date(2026, 11, 30)) == date(2026, 12, 1)
    assert find_date("a week earlier", today, date(2026, 12, 10)) == date(2026, 12, 3)
    assert find_date("the day after", today) is None


def test_what_is_wrong_with_a_day() -> None:
    today = date(2026, 11, 24)
    assert odd_date("the thirty-first of November", today) == "November has no 31st."
    assert odd_date("Thursday the 25th", today) == "25 November is a Wednesday, not a Thursday."
    assert odd_date("Thursday the 26th at ten", today) is None and odd_date("Thursday", today) is None


def test_a_day_that_is_wrong_is_asked_for_again_first() -> None:
    caller = Caller(BOOK)
    assert caller.say("A haircut on Thursday the 25th at ten, please.") == (
        "25 November is a Wednesday, not a Thursday. What day would you like?"
    )
    assert caller.say("Yesterday.") == "That day is already past. What other day would suit you?"
    assert caller.says("Wednesday then.", "Ann Lee").startswith("So that is a haircut for Ann Lee on Wednesday 25")


def test_a_closed_stretch_of_the_year() -> None:
    closed = "Name: Shop\nMonday: 9-5\nTuesday: 9-5\n- We are closed from December 24 to January 1."
    caller = Caller(BOOK, instructions=closed)
    assert caller.say("Can I book for December 28th at ten?") == (
        "We are closed on Monday 28 December. What other day would suit you?"
    )
    assert caller.say("Are you open on December 29th?").startswith("We are closed on Tuesday 29 December.")


def test_in_an_hour() -> None:
    assert "Tuesday 24 November at 10:10 am" in Caller(BOOK).say("Can you book Ann Lee in in an hour, please?").replace(
        "10:15", "10:10"
    )


def test_who_calls_and_what_is_booked() -> None:
    texts = [
        "Current local time: Tuesday 29 December 2026, 09:12\nCaller: Maria Lopez\nCaller number: known\n"
        "Booked for this caller: Saturday 2 January at 14:30"
    ]
    context = read_context(texts, "Europe/London", datetime(2026, 1, 1, tzinfo=UTC))
    assert context.name == "Maria Lopez" and context.number_known and not context.number_withheld
    assert context.booked == (datetime(2027, 1, 2, 14, 30),)
    unknown = read_context(["Caller: not known yet\nCaller number: withheld"], "Europe/London", datetime.now(UTC))
    assert unknown.name == "" and unknown.number_withheld and not unknown.number_known
