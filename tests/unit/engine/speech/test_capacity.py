"""How many sessions a machine of a given speed gets."""

from __future__ import annotations

import pytest

from engine.speech.capacity import REFERENCE_S, SESSIONS_PER_CORE, best_time_s, cores, sessions_carried


def test_the_measured_machine_gets_what_was_measured() -> None:
    assert sessions_carried(REFERENCE_S, 2) == 2 * SESSIONS_PER_CORE == 14


@pytest.mark.parametrize(
    ("hearing_s", "core_count", "carried"),
    [(REFERENCE_S * 2, 2, 7), (REFERENCE_S / 2, 2, 28), (REFERENCE_S, 8, 56), (REFERENCE_S * 100, 1, 1)],
)
def test_slower_machines_get_fewer_and_larger_ones_more(hearing_s: float, core_count: int, carried: int) -> None:
    assert sessions_carried(hearing_s, core_count) == carried


def test_the_shortest_run_counts() -> None:
    runs: list[int] = []
    assert best_time_s(lambda: runs.append(1), tries=5) < 0.5
    assert len(runs) == 5


def test_this_process_has_a_core() -> None:
    assert cores() >= 1
