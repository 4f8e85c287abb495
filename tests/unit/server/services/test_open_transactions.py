"""Only a transaction that has read is ended for its owner."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from server.db import Database, acting_as, db
from server.models_sql import CallEvent, CallLog, JobKey
from server.services import timeline
from server.services.open_transactions import UncommittedChanges, leave_read_transaction, open_session
from tests.support.clock import FakeClock


def test_without_a_scope_there_is_nothing_to_end(database: Database) -> None:
    assert open_session() is None
    leave_read_transaction()


def test_a_read_is_ended_and_its_objects_stay(database: Database, call: CallLog) -> None:
    with db.scope() as session:
        found = session.scalars(sa.select(CallLog)).one()
        leave_read_transaction()
        assert not session.in_transaction()
        assert found.call_sid == "CA1" and found in session


@pytest.mark.parametrize("flushed", [True, False])
def test_a_write_is_not(database: Database, clock: FakeClock, call: CallLog, flushed: bool) -> None:
    with db.scope() as session:
        timeline.append("CA1", "noted", source="test")
        if flushed:
            session.flush()
        with pytest.raises(UncommittedChanges):
            leave_read_transaction()
        session.rollback()
        session.scalars(sa.select(CallEvent)).all()
        leave_read_transaction()


def test_a_bulk_update_is_a_write(database: Database, call: CallLog) -> None:
    with db.scope("server.routes_twilio") as session:
        session.execute(sa.update(CallLog).values(recording_sid="RE1"))
        with pytest.raises(UncommittedChanges):
            leave_read_transaction()


def test_a_write_inside_a_savepoint_is_remembered_behind_it(database: Database) -> None:
    with db.scope() as session, acting_as("server.services.job_keys"):
        with session.begin_nested():
            session.add(JobKey(job_key="a:1", kind="a"))
        with pytest.raises(UncommittedChanges):
            leave_read_transaction()
        session.commit()
        session.scalars(sa.select(JobKey)).all()
        leave_read_transaction()
