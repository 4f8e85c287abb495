"""One line that is free and many that want it, on both databases: exactly one gets it. Regression 16."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.db import db
from server.models_sql import Business, CallLease
from server.services import capacity
from tests.support.desk import Desk, salon

RACERS = 6


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    with salon(tmp_path, url=url, max_calls=20) as made:
        yield made


def race(keys: list[str]) -> list[capacity.Full | Exception | None]:
    start = threading.Barrier(len(keys))
    results: list[capacity.Full | Exception | None] = [RuntimeError("never ran")] * len(keys)

    def run(number: int) -> None:
        start.wait()
        try:
            with db.scope() as session:
                results[number] = capacity.take_line(keys[number], session.get_one(Business, 1), limit_s=60)
                session.commit()
        except Exception as problem:
            results[number] = problem

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(keys))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("lines", [1, 3])
def test_so_many_get_a_line_as_there_are(desk: Desk, lines: int) -> None:
    desk.change(max_calls=lines)
    results = race([f"call-{number}" for number in range(RACERS)])
    assert sorted(map(str, results)) == ["None"] * lines + ["business"] * (RACERS - lines)
    with db.scope(write=False):
        assert {lease.business_slot for lease in CallLease.query} == set(range(lines))


def test_copies_of_one_call_take_one_line(desk: Desk) -> None:
    assert race(["call-1"] * RACERS) == [None] * RACERS
    assert desk.lines_in_use() == 1


def test_lines_that_expired_are_taken_over_by_as_many(desk: Desk) -> None:
    desk.change(max_calls=2)
    race(["old-1", "old-2"])
    desk.clock.advance(3600)
    results = race([f"new-{number}" for number in range(4)])
    assert sorted(map(str, results)) == ["None", "None", "business", "business"]
