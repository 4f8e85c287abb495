"""Days relative to Tuesday 24 November 2026."""

from __future__ import annotations

from datetime import date

import pytest

from engine.dialogue.calendar import find_date, mask_dates, spoken_date

TODAY = date(2026, 11, 24)

SAID = [
    ("Thursday", "2026-11-26"),
    ("on Thursday at half past two", "2026-11-26"),
    ("this Friday", "2026-11-27"),
    ("next Thursday", "2026-12-03"),
    ("next Monday", "2026-11-30"),
    ("Tuesday", "2026-12-01"),
    ("Friday next week", "2026-12-04"),
    ("a week on Thursday", "2026-12-03"),
    ("Thursday week", "2026-12-03"),
    ("today", "2026-11-24"),
    ("this afternoon", "2026-11-24"),
    ("tomorrow", "2026-11-25"),
    ("to-morrow", "2026-11-25"),
    ("the day after tomorrow", "2026-11-26"),
    ("in two weeks", "2026-12-08"),
    ("in three days", "2026-11-27"),
    ("the third of December", "2026-12-03"),
    ("the 3rd of December in the afternoon", "2026-12-03"),
    ("December the third", "2026-12-03"),
    ("3 Dec", "2026-12-03"),
    ("the twenty-third of December", "2026-12-23"),
    ("on the 26th", "2026-11-26"),
    ("the 2nd", "2026-12-02"),
    ("the 5th of January", "2027-01-05"),
    ("3/12", "2026-12-03"),
    ("2026-12-01", "2026-12-01"),
    ("1 December 2027", "2027-12-01"),
    ("No, Thursday", "2026-11-26"),
    ("not Thursday, Friday", "2026-11-27"),
]


@pytest.mark.parametrize(("text", "wanted"), SAID)
def test_a_day_in_a_sentence(text: str, wanted: str) -> None:
    found = find_date(text, TODAY)
    assert found is not None and found.isoformat() == wanted


@pytest.mark.parametrize("text", ["31 February", "at half past two", "my name is Maria", "for two people", ""])
def test_what_names_no_day(text: str) -> None:
    assert find_date(text, TODAY) is None


def test_a_day_is_hidden_from_the_search_for_a_time() -> None:
    assert "3th" not in mask_dates("the third of December at 4:45", TODAY)
    assert "4:45" in mask_dates("the third of December at 4:45", TODAY)


def test_a_day_is_said_in_full() -> None:
    assert spoken_date(date(2026, 11, 26)) == "Thursday 26 November"
