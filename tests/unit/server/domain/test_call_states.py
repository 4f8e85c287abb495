"""Regression 2: a late or repeated callback never moves a finished call; regression 1's table has one home."""

from itertools import permutations

import pytest

from server.domain.call_states import FINAL, TRANSITIONS, UnknownStatus, advance, is_final


def _play(reports: tuple[str, ...]) -> str | None:
    status: str | None = None
    for report in reports:
        status = advance(status, report) or status
    return status


@pytest.mark.parametrize("final", sorted(FINAL))
def test_nothing_follows_a_final_state(final: str) -> None:
    assert all(advance(final, report) is None for report in TRANSITIONS)
    assert is_final(final)


def test_every_order_of_a_call_s_callbacks_ends_completed() -> None:
    reports = ("initiated", "ringing", "in-progress", "completed")
    assert {_play(order) for order in permutations(reports * 2, 5) if "completed" in order} == {"completed"}


def test_a_late_ringing_does_not_move_a_call_in_progress() -> None:
    assert advance("in-progress", "ringing") is None


def test_twilio_s_other_words_are_the_table_s() -> None:
    assert advance(None, "queued") == "initiated"
    assert advance("ringing", "answered") == "in-progress"


def test_an_unknown_status_is_refused_by_name() -> None:
    with pytest.raises(UnknownStatus, match="'lost' is not one of initiated, ringing"):
        advance("ringing", "lost")
