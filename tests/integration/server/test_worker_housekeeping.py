"""What the worker keeps in order besides its jobs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta

import pytest
import sqlalchemy as sa
from dbos import DBOS

from server import bootstrap, worker
from server.config.settings import load
from server.db import acting_as, db
from server.models_sql import JobKey, WorkerBeat
from server.tasks_recording import enqueue_call_followup
from tests.integration.server.conftest import BOTH, Installation

ON_BOTH = pytest.mark.parametrize("installation", BOTH, indirect=True)


def follow_up(call_sid: str = "CA1") -> bool:
    with db.scope(), db.session.begin():
        return enqueue_call_followup(call_sid)


def clean_up(environment: Mapping[str, str]) -> None:
    """A worker's clean-up, as of far later."""
    worker.KEEP = timedelta(seconds=-5)  # type: ignore[misc]
    DBOS(config=worker._config(bootstrap.build(load(environment)), "cleaner"))
    DBOS.launch()
    worker.clean()
    DBOS.destroy()
    os.write(1, b"cleaned\n")


def records() -> int:
    """How much the job engine remembers of jobs and their steps."""
    schema = "" if db.engine.dialect.name == "sqlite" else "dbos."
    with db.scope(write=False) as session:
        counts = (
            session.scalar(sa.text(f"SELECT count(*) FROM {schema}{table}"))
            for table in ("workflow_status", "operation_outputs")
        )
        return sum(counts)


@ON_BOTH
def test_what_finished_long_ago_is_forgotten_and_still_not_done_twice(installation: Installation) -> None:
    installation.call()
    installation.call("CAwaiting")
    follow_up()
    busy = installation.worker()
    installation.wait_for_summary()
    busy.tell_to_stop()
    assert busy.wait(8) == 0
    follow_up("CAwaiting")
    assert records() > 2
    installation.process(clean_up).wait_for_line("cleaned")
    assert records() == 1, "the job that waits is kept, and nothing else"
    assert not follow_up()
    with db.scope(write=False) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(JobKey)) == 2


def test_the_jobs_of_a_worker_whose_beat_is_lost_are_resumed_too(installation: Installation) -> None:
    installation.call()
    follow_up()
    installation.provider.hold("transcription")
    doomed = installation.worker()
    installation.provider.wait_until_asked("transcription")
    doomed.kill()
    with db.scope() as session, acting_as(worker.OWNER):
        session.execute(sa.delete(WorkerBeat))
        session.commit()
    installation.provider.let_go()
    installation.worker()
    assert installation.wait_for_summary().transcript_source == "recording"


def test_a_worker_that_stops_takes_its_beat_with_it(installation: Installation) -> None:
    process = installation.worker()
    with db.scope(write=False) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(WorkerBeat)) == 1
    process.tell_to_stop()
    assert process.wait(8) == 0
    with db.scope(write=False) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(WorkerBeat)) == 0
