"""A job is a row in the caller's own transaction, on both databases."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from server import migrations, ports
from server.adapters.job_queue import DbosQueue, prepare
from server.db import db
from server.models_sql import JobKey
from server.services.job_keys import enqueue_once
from server.tasks_recording import enqueue_recording_download_only
from tests.support.fakes import FakeWorld
from tests.support.machine import ROOT


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def url(fresh: str, tmp_path: Path) -> Iterator[str]:
    """A migrated database with the job engine's tables, and the real queue among the ports."""
    migrations.upgrade(db.configure(fresh))
    prepare(fresh)
    ports.install(dataclasses.replace(FakeWorld(tmp_path).ports(), jobs=DbosQueue(db.engine)))
    yield fresh
    ports.install(None)
    db.dispose()


def jobs() -> list[tuple[str, str, str]]:
    """Id, state and serialization of every job, as the job engine has them."""
    table = "workflow_status" if db.engine.dialect.name == "sqlite" else "dbos.workflow_status"
    with db.scope(write=False) as session:
        rows = session.execute(sa.text(f"SELECT workflow_uuid, status, serialization FROM {table}"))
        return [tuple(row) for row in rows]


def keys() -> list[str]:
    with db.scope(write=False) as session:
        return list(session.scalars(sa.select(JobKey.job_key)))


def test_a_commit_leaves_the_job_and_its_key(url: str) -> None:
    with db.scope() as session:
        assert enqueue_once("call_followup", "CA1", {"call_sid": "CA1"}) is True
        session.commit()
    assert jobs() == [("call_followup:CA1", "ENQUEUED", "portable_json")]
    assert keys() == ["call_followup:CA1"]


def test_regression_20_a_rollback_leaves_neither(url: str) -> None:
    with db.scope() as session:
        enqueue_once("call_followup", "CA1", {"call_sid": "CA1"})
        session.rollback()
    assert jobs() == [] and keys() == []
    assert enqueue_recording_download_only("CA1", "https://api.twilio.com/rec/RE1", 1) is True
    assert len(jobs()) == 1


def test_a_repeated_enqueue_is_one_job_and_leaves_the_transaction_usable(url: str) -> None:
    for expected in (True, False):
        with db.scope() as session:
            assert enqueue_once("call_followup", "CA1", {"call_sid": "CA1"}) is expected
            assert enqueue_once("other", f"CA1-{expected}", {}) is True
            session.commit()
    assert len(jobs()) == 3


def test_regression_21_processes_that_enqueue_at_once_leave_one_job(url: str, tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, dataclasses\n"
        "from server import ports; from server.db import db\n"
        "from server.adapters.job_queue import DbosQueue\n"
        "from server.tasks_recording import enqueue_recording_download_only\n"
        "from tests.support.fakes import FakeWorld\n"
        "engine = db.configure(sys.argv[1])\n"
        "ports.install(dataclasses.replace(FakeWorld(pathlib.Path(sys.argv[2])).ports(), jobs=DbosQueue(engine)))\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "print(enqueue_recording_download_only('CA1', 'https://api.twilio.com/rec/RE1', 1), flush=True)\n"
    )
    command = [sys.executable, "-c", program, url, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    racing = [subprocess.Popen(command, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    for process in racing:
        assert process.stdout.readline() == "ready\n"
    for process in racing:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = sorted(process.communicate(timeout=30)[0].strip() for process in racing)
    assert said == ["False", "True"]
    assert len(jobs()) == 1


def test_two_processes_may_prepare_an_empty_database_at_once(fresh: str) -> None:
    program = "import sys; from server.adapters.job_queue import prepare; prepare(sys.argv[1])"
    racing = [subprocess.Popen([sys.executable, "-c", program, fresh], cwd=ROOT) for _ in range(2)]
    assert [process.wait(60) for process in racing] == [0, 0]
    prepare(fresh)
