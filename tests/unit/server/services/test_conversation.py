"""Storing turns: one row per item, in the provider's order, whatever comes late or twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from server.db import Database, OwnershipViolation
from server.domain.commands import Note, RecordTurn
from server.models_sql import CallEvent, CallLog, ConversationTurn
from server.services import turn_writer
from server.services.conversation import store_turns
from server.services.turn_writer import TurnWriter
from tests.support.clock import FakeClock

MEDIA = "server.media_ws_ai"


def _turn(item: str, sequence: int, text: str, speaker: str = "user", **more: Any) -> RecordTurn:
    return RecordTurn(item, sequence, speaker, text, **more)


def _stored(database: Database) -> list[tuple[int, str, str]]:
    with database.scope(write=False):
        rows = ConversationTurn.query.order_by(ConversationTurn.sequence)
        return [(row.sequence, row.speaker, row.message) for row in rows]


def test_an_item_is_one_row_that_is_brought_up_to_date(database: Database, call: CallLog) -> None:
    turns = [_turn("a", 2, "At nine.", "assistant"), _turn("a", 2, "At nine.", "assistant", heard="At", heard_ms=300)]
    with database.scope(MEDIA) as session, session.begin():
        store_turns("CA1", 1, turns)
    with database.scope(MEDIA) as session, session.begin():
        store_turns("CA1", 1, [_turn("u", 1, "When do you open?")])
    assert _stored(database) == [(1, "user", "When do you open?"), (2, "assistant", "At nine.")]
    with database.scope(write=False):
        assert ConversationTurn.query.filter_by(item_id="a").one().heard == "At"


def test_only_the_realtime_handler_stores_turns(database: Database, call: CallLog) -> None:
    with database.scope("server.tasks_recording"), pytest.raises(OwnershipViolation, match="media_ws_ai"):
        store_turns("CA1", 1, [_turn("u", 1, "Hello")])


def test_turns_of_an_unknown_call_are_refused_by_name(database: Database) -> None:
    with database.scope(MEDIA), pytest.raises(LookupError, match="call CA7 is not known"):
        store_turns("CA7", 1, [_turn("u", 1, "Hello")])


@pytest.fixture
def writer(database: Database) -> Iterator[TurnWriter]:
    made = TurnWriter(lambda: database.scope(MEDIA))
    yield made
    made.stop()


async def test_the_writer_stores_turns_and_notes_off_the_loop(
    database: Database, clock: FakeClock, call: CallLog, writer: TurnWriter
) -> None:
    for number in range(1, 301):
        writer.put("CA1", 1, _turn(f"i{number}", number, f"turn {number}"))
    writer.put("CA1", 1, Note("barge_in", {"heard_ms": 5}))
    await writer.flush()
    assert len(_stored(database)) == 300
    with database.scope(write=False):
        assert CallEvent.query.one().kind == "barge_in"


async def test_one_call_s_bad_turn_does_not_stop_another_s(
    database: Database, call: CallLog, writer: TurnWriter
) -> None:
    writer.put("CA-unknown", 1, _turn("x", 1, "lost"))
    writer.put("CA1", 1, _turn("u", 1, "kept"))
    await writer.flush()
    assert _stored(database) == [(1, "user", "kept")]


async def test_a_database_that_stands_still_is_waited_for(
    database: Database, call: CallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_writer, "RETRY_S", (0.01, 0.01, 0.01))
    refusals = [OperationalError("x", None, Exception("database is locked")) for _ in range(2)]

    @contextmanager
    def scope() -> Iterator[Any]:
        if refusals:
            raise refusals.pop()
        with database.scope(MEDIA) as session:
            yield session

    writer = TurnWriter(scope)
    writer.put("CA1", 1, _turn("u", 1, "kept"))
    await writer.flush()
    await asyncio.to_thread(writer.stop)
    assert _stored(database) == [(1, "user", "kept")]


def test_a_full_queue_never_blocks_the_call(database: Database) -> None:
    blocked = threading.Event()

    @contextmanager
    def scope() -> Iterator[Any]:
        blocked.wait(5)
        yield None

    writer = TurnWriter(scope, limit=3)
    for number in range(50):
        writer.put("CA1", 1, _turn("u", number, "x"))
    assert len(writer._waiting) <= 3
    blocked.set()
