"""The migrations make exactly the models, on both databases, whoever runs them at the same time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy.engine import Engine

from server import migrations
from server.db import Database


def _engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    url = (
        f"sqlite:///{tmp_path / 'm.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    )
    return Database().configure(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    made = _engine(request, tmp_path)
    yield made
    made.dispose()


def test_the_migrations_make_the_models(engine: Engine) -> None:
    assert migrations.pending(engine)
    migrations.upgrade(engine)
    assert not migrations.pending(engine)
    with engine.begin() as connection:
        command.check(migrations.config(connection))


def test_they_can_be_undone(engine: Engine) -> None:
    migrations.upgrade(engine)
    with engine.begin() as connection:
        command.downgrade(migrations.config(connection), "base")
    assert migrations.pending(engine)
    migrations.upgrade(engine)


def test_two_that_start_at_once_run_them_once(engine: Engine) -> None:
    problems: list[BaseException] = []

    def run() -> None:
        try:
            migrations.upgrade(engine)
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert not migrations.pending(engine)


def test_what_was_booked_before_holds_its_time_afterwards(engine: Engine) -> None:
    """Half an hour each; of two that overlapped under older hours, the first keeps what both want."""
    with engine.begin() as connection:
        command.upgrade(migrations.config(connection), "0003")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO businesses (id, name, phone_e164, timezone, language, voice, hours, facts, record_calls,"
            " version, created_at) VALUES (1, 'B', '+441632960101', 'UTC', 'en', 'marin', '{}', '[]', true,"
            " 1, '2026-11-01')"
        )
        for number, starts in enumerate(("2026-11-26 14:30:00+00:00", "2026-11-26 14:45:00+00:00"), start=1):
            at = starts if engine.dialect.name == "postgresql" else starts[:19]
            connection.exec_driver_sql(
                "INSERT INTO appointments (id, business_id, customer_name, local_date, starts_at, request_key,"
                f" created_at) VALUES ({number}, 1, 'M', '2026-11-26', '{at}', 'k{number}', '2026-11-01')"
            )
    migrations.upgrade(engine)
    first = int(datetime(2026, 11, 26, 14, 30, tzinfo=UTC).timestamp()) // 300
    with engine.begin() as connection:
        held = connection.exec_driver_sql("SELECT unit, appointment_id FROM booked_units ORDER BY unit").all()
        rows = connection.exec_driver_sql("SELECT minutes, cancelled_at FROM appointments ORDER BY id").all()
    assert [tuple(row) for row in held] == [(first + n, 1 if n < 6 else 2) for n in range(9)]
    assert [tuple(row) for row in rows] == [(30, None), (30, None)]
    with engine.begin() as connection:
        command.downgrade(migrations.config(connection), "0003")
        assert connection.exec_driver_sql("SELECT count(*) FROM appointments").scalar_one() == 2
