"""How things read for a person."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from server.console import words
from server.domain.call_states import TRANSITIONS

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "read"),
    [
        ("+441632960101", "+44 1632 960101"),
        ("+14155550123", "+1 415-555-0123"),
        ("client:anna", "client:anna"),
        ("", "Number withheld"),
        (None, "Number withheld"),
    ],
)
def test_numbers_read_as_people_write_them(number: str | None, read: str) -> None:
    assert words.phone(number) == read


@pytest.mark.parametrize(
    ("at", "zone", "read"),
    [
        (datetime(2026, 11, 24, 0, 5, tzinfo=UTC), "UTC", "Today"),
        (datetime(2026, 11, 24, 0, 5, tzinfo=UTC), "America/New_York", "Yesterday"),
        (datetime(2026, 11, 22, 12, 0, tzinfo=UTC), "UTC", "Sunday 22 November"),
        (datetime(2025, 11, 22, 12, 0, tzinfo=UTC), "UTC", "Saturday 22 November 2025"),
    ],
)
def test_a_day_is_named_in_the_business_s_own_zone(at: datetime, zone: str, read: str) -> None:
    assert words.day_name(at, zone, NOW) == read


def test_times_are_in_the_business_s_own_zone() -> None:
    summer = datetime(2026, 7, 3, 13, 30, tzinfo=UTC)
    assert words.local_time(summer, "Europe/London") == "14:30"
    assert words.short_date(summer, "Europe/London") == "Fri 3 Jul, 14:30"
    assert words.appointment_time(summer, "Europe/London") == "Friday 3 July, 14:30"


@pytest.mark.parametrize(
    ("seconds", "read"), [(None, ""), (0, "0:00"), (61, "1:01"), (3599, "59:59"), (3661, "1:01:01")]
)
def test_durations(seconds: int | None, read: str) -> None:
    assert words.length(seconds) == read


@pytest.mark.parametrize(("values", "middle"), [([5], 5), ([9, 1, 5], 5), ([1, 2, 4, 8], 3)])
def test_the_median_is_the_middle(values: list[int], middle: int) -> None:
    assert words.median(values) == middle


@pytest.mark.parametrize(
    ("at_ms", "feels"), [(0, "quick"), (1000, "quick"), (1001, "fair"), (2000, "fair"), (2001, "slow")]
)
def test_how_fast_an_answer_feels(at_ms: int, feels: str) -> None:
    assert words.speed(at_ms) == feels


def test_every_status_has_words() -> None:
    assert set(words.STATUS_WORDS) == set(TRANSITIONS)


@pytest.mark.parametrize(
    ("message", "heard", "rest"),
    [
        ("We open at nine.", None, ""),
        ("We open at nine.", "We open at nine.", ""),
        ("We open at nine.", "We open", " at nine."),
        ("We open at nine.", "", "We open at nine."),
        ("We open at nine.", "something else", "We open at nine."),
    ],
)
def test_what_was_not_heard(message: str, heard: str | None, rest: str) -> None:
    assert words.unheard(message, heard) == rest


def test_the_last_words_are_whole_words() -> None:
    assert words.last_words("We are open from ten to four.") == "… from ten to four."
    assert words.last_words("We open") == "We open"


def test_a_detail_says_yes_and_no() -> None:
    assert [words.plain(value) for value in (True, False, 3, "goodbye")] == ["yes", "no", "3", "goodbye"]


def test_a_kind_without_words_of_its_own_still_reads() -> None:
    assert words.event_words("recording_started") == "Recording started"
    assert words.event_words("barge_in") == "Caller interrupted"


def test_the_first_line_says_something() -> None:
    assert words.first_line("\n  \nShe booked.\nMore.") == "She booked."
    assert words.first_line("  ") == ""
