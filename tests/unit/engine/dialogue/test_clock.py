"""Times of day as they are said and as recognisers write them."""

from __future__ import annotations

from datetime import time

import pytest

from engine.dialogue.clock import find_time, resolve, spoken_time

OPEN = ((time(9), time(18)),)

SAID = [
    ("at half past two", "14:30"),
    ("Thursday at half past two.", "14:30"),
    ("half-past two", "14:30"),
    ("half two", "14:30"),
    ("2.30", "14:30"),
    ("2:30", "14:30"),
    ("2.30 p.m.", "14:30"),
    ("two thirty in the afternoon", "14:30"),
    ("14:30", "14:30"),
    ("at 230 please", "14:30"),
    ("quarter to five", "16:45"),
    ("a quarter past nine", "09:15"),
    ("ten past three", "15:10"),
    ("twenty-five past two", "14:25"),
    ("five to three", "14:55"),
    ("at 2", "14:00"),
    ("2 o'clock", "14:00"),
    ("nine thirty in the morning", "09:30"),
    ("Tomorrow at 9.30 in the morning.", "09:30"),
    ("tomorrow afternoon at two", "14:00"),
    ("at 3 p.m.", "15:00"),
    ("3pm", "15:00"),
    ("10:15am please", "10:15"),
    ("noon", "12:00"),
    ("midday on Friday", "12:00"),
    ("around eleven", "11:00"),
    ("nine oh five", "09:05"),
    ("A table for 4 at 7", "07:00"),
    ("not at two, at three", "15:00"),
    ("eight in the evening", "20:00"),
]
BARE = [
    ("230", "14:30"),
    ("Two thirty.", "14:30"),
    ("to 30", "14:30"),
    ("for 15", "16:15"),
    ("three", "15:00"),
    ("ten", "10:00"),
]
NONE = [
    "I'll be ten minutes late",
    "it costs 45 pounds",
    "my number is 07700 900123",
    "for two people",
    "the 26th",
    "",
    "25:00",
]


@pytest.mark.parametrize(("text", "wanted"), SAID)
def test_a_time_in_a_sentence(text: str, wanted: str) -> None:
    said = find_time(text)
    assert said is not None
    assert resolve(said, OPEN).strftime("%H:%M") == wanted


@pytest.mark.parametrize(("text", "wanted"), BARE)
def test_a_bare_time_counts_only_when_it_was_asked_for(text: str, wanted: str) -> None:
    said = find_time(text, asked=True)
    assert said is not None
    assert resolve(said, OPEN).strftime("%H:%M") == wanted


@pytest.mark.parametrize("text", NONE)
def test_other_figures_are_no_times(text: str) -> None:
    assert find_time(text) is None


def test_an_open_hour_falls_into_the_opening_hours() -> None:
    said = find_time("at eight")
    assert said is not None
    assert resolve(said, ((time(7), time(12)),)) == time(8)
    assert resolve(said, ((time(17), time(23)),)) == time(20)
    assert resolve(said, ()) == time(8)


@pytest.mark.parametrize(
    ("moment", "words"), [(time(9), "9 am"), (time(14, 30), "2:30 pm"), (time(12), "noon"), (time(0, 5), "12:05 am")]
)
def test_a_time_is_said_plainly(moment: time, words: str) -> None:
    assert spoken_time(moment) == words
