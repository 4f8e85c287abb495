"""The migrations make exactly the models, on both databases, whoever runs them at the same time."""

from __future__ import annotations

import threading
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
