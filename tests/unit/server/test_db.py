"""The guard: regressions 1 (status written by others) and 33 (objects after their session), and the scopes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server.db import Database, NoScope, OwnershipViolation, UnownedColumn, acting_as, db
from server.models_sql import Business, CallLog, ConversationTurn

MEDIA = "server.media_ws_ai"
WEBHOOKS = "server.routes_twilio"


def _attribute() -> None:
    CallLog.query.filter_by(call_sid="CA1").one().status = "completed"
    db.session.flush()


WRONG_WRITES: dict[str, Callable[[], object]] = {
    "an attribute at flush": _attribute,
    "Query.update": lambda: CallLog.query.update({"status": "completed"}),
    "update()": lambda: db.session.execute(sa.update(CallLog).values(status="completed")),
    "a table's update on the connection": lambda: db.session.connection().execute(
        sa.update(CallLog.__table__).values(status="completed")
    ),
    "bulk_update_mappings": lambda: db.session.bulk_update_mappings(CallLog, [{"id": 1, "status": "completed"}]),
    "delete()": lambda: db.session.execute(sa.delete(CallLog)),
    "insert()": lambda: db.session.execute(sa.insert(CallLog).values(call_sid="CA2", business_id=1, status="x")),
}


@pytest.mark.parametrize("how", WRONG_WRITES)
def test_regression_1_a_status_of_another_owner_is_refused(database: Database, call: CallLog, how: str) -> None:
    with database.scope(MEDIA), pytest.raises(OwnershipViolation) as refusal:
        WRONG_WRITES[how]()
    assert refusal.value.owner == WEBHOOKS
    assert refusal.value.offender == MEDIA
    with database.scope(write=False):
        assert CallLog.query.one().status == "ringing"


def test_the_refusal_names_column_owner_entry_point_and_offender(database: Database, call: CallLog) -> None:
    with database.scope(MEDIA), pytest.raises(OwnershipViolation) as refusal:
        _attribute()
    assert str(refusal.value).startswith(
        "CallLog.status is owned by server.routes_twilio; 'server.media_ws_ai' tried to write it. "
        "Use server.routes_twilio.update_call_status"
    )


def test_without_a_context_nothing_owned_is_written(database: Database, call: CallLog) -> None:
    with database.scope(), pytest.raises(OwnershipViolation, match="acts as nobody"):
        _attribute()


def test_the_owner_writes(database: Database, call: CallLog) -> None:
    with database.scope(WEBHOOKS) as session:
        _attribute()
        session.commit()
    with database.scope(write=False):
        assert CallLog.query.one().status == "completed"


def test_a_creator_may_not_set_another_owner_s_column(database: Database, business: Business) -> None:
    with database.scope(WEBHOOKS) as session:
        session.add(
            CallLog(
                call_sid="CA2", business_id=business.id, direction="inbound", status="ringing", final_transcript="x"
            )
        )
        with pytest.raises(OwnershipViolation, match="final_transcript"):
            session.flush()
        session.commit()
    with database.scope(write=False):
        assert CallLog.query.count() == 0


def test_changes_are_flushed_in_the_name_of_who_made_them(database: Database, call: CallLog) -> None:
    with database.scope(WEBHOOKS) as session:
        CallLog.query.one().status = "in-progress"
        with acting_as(MEDIA):
            session.add(ConversationTurn(call_sid="CA1", call_log_id=call.id, speaker="user", message="Hello"))
        session.commit()
    with database.scope(write=False):
        assert (CallLog.query.one().status, ConversationTurn.query.one().message) == ("in-progress", "Hello")


def test_an_owner_that_owns_nothing_is_refused() -> None:
    with pytest.raises(UnownedColumn, match="owns nothing"), acting_as("server.nobody"):
        pass


def test_without_a_scope_the_session_says_so(database: Database) -> None:
    with pytest.raises(NoScope, match="an edge opens one"):
        _ = database.session


async def test_a_task_inherits_neither_session_nor_owner(database: Database, call: CallLog) -> None:
    async def child() -> str:
        with pytest.raises(NoScope):
            _ = database.session
        with database.scope(), pytest.raises(OwnershipViolation, match="acts as nobody"):
            _attribute()
        return "refused"

    with database.scope(WEBHOOKS):
        assert await asyncio.create_task(child()) == "refused"


def test_a_thread_inherits_no_session(database: Database) -> None:
    seen: list[type[BaseException]] = []

    def child() -> None:
        try:
            _ = database.session
        except NoScope as problem:
            seen.append(type(problem))

    with database.scope():
        thread = threading.Thread(target=child)
        thread.start()
        thread.join()
    assert seen == [NoScope]


def test_begin_joins_the_transaction_a_read_began_and_allows_commit_inside(database: Database, call: CallLog) -> None:
    with database.scope(WEBHOOKS):
        assert CallLog.query.one().status == "ringing"
        with db.session.begin():
            CallLog.query.with_for_update().one().status = "in-progress"
            db.session.commit()
    with database.scope(write=False):
        assert CallLog.query.one().status == "in-progress"


def _write_then_fail() -> None:
    with db.session.begin():
        CallLog.query.one().status = "completed"
        db.session.flush()
        raise RuntimeError("no")


def test_begin_rolls_back_on_an_error(database: Database, call: CallLog) -> None:
    with database.scope(WEBHOOKS), pytest.raises(RuntimeError, match="no"):
        _write_then_fail()
    with database.scope(write=False):
        assert CallLog.query.one().status == "ringing"


def test_two_writers_wait_for_each_other_instead_of_failing(database: Database, call: CallLog) -> None:
    """SQLite: a read that later writes would fail at once with "database is locked"."""

    def add(number: int) -> None:
        with database.scope(MEDIA) as session, session.begin():
            seen = ConversationTurn.query.count()
            session.add(
                ConversationTurn(call_sid="CA1", call_log_id=call.id, speaker="user", message=f"{number}:{seen}")
            )

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.scope(write=False):
        assert sorted(turn.sequence for turn in ConversationTurn.query) == list(range(1, 9))


def test_regression_33_a_row_is_readable_after_its_scope(database: Database, call: CallLog) -> None:
    with database.scope(write=False):
        row = CallLog.query.one()
    assert (row.call_sid, row.status) == ("CA1", "ringing")


def test_regression_35_what_a_caller_said_is_in_no_database_error(database: Database, call: CallLog) -> None:
    with database.scope(MEDIA) as session:
        for _ in range(2):
            session.add(
                ConversationTurn(
                    call_sid="CA1", call_log_id=call.id, sequence=1, speaker="user", message="my number is secret"
                )
            )
        with pytest.raises(IntegrityError) as problem:
            session.flush()
    assert "secret" not in str(problem.value)
