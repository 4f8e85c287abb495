"""Bookings, messages, contacts and businesses under copies that arrive at the same instant, on both databases."""

from __future__ import annotations

import threading
import time as clock_time
from collections.abc import Callable, Iterator
from datetime import date, time
from pathlib import Path
from typing import Any, cast

import pytest

from server import migrations, ports
from server.db import db
from server.models_sql import Appointment, Business, CallLog, Contact, Message
from server.services import appointments, contacts, messages
from server.services.businesses import demo_business, save_business
from tests.support.clock import FakeClock

DAY = date(2026, 11, 26)
LOCK_WAIT_S = 5.0


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    url = (
        f"sqlite:///{tmp_path / 'i.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    )
    migrations.upgrade(db.configure(url))
    nothing = cast(Any, None)
    ports.install(ports.Ports(nothing, nothing, nothing, nothing, nothing, FakeClock(), tmp_path))
    with db.scope() as session:
        save_business(**demo_business())
        session.commit()
    with db.scope("server.routes_twilio") as session:
        session.add(CallLog(call_sid="CA1", business_id=1, direction="inbound", status="in-progress"))
        session.commit()
    yield request.param
    ports.install(None)
    db.dispose()


def _second_comes_before_the_first_commits(kind: str, first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """Run `first`, start `second` in another thread until it waits for the first's lock, then commit both."""
    results: list[Any] = [None, None]

    def late() -> None:
        with db.scope() as session:
            try:
                results[1] = second()
                session.commit()
            except Exception as problem:
                results[1] = problem

    thread = threading.Thread(target=late)
    with db.scope() as session:
        results[0] = first()
        session.flush()
        thread.start()
        _wait_for_the_lock(kind)
        session.commit()
    thread.join(20)
    return results


def _wait_for_the_lock(kind: str) -> None:
    """On PostgreSQL the second one is seen waiting; on SQLite it can't begin before the first commits."""
    if kind == "sqlite":
        return
    for _ in range(int(LOCK_WAIT_S / 0.01)):
        with db.engine.connect() as watcher:
            if watcher.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar_one():
                return
        clock_time.sleep(0.01)
    raise AssertionError("the second never waited for the first: the two did not race")


def _book(key: str, name: str = "Maria") -> appointments.Booking:
    return appointments.book(
        business_id=1, call_sid="CA1", request_key=key, customer_name=name, day=DAY, at=time(14, 30)
    )


def _count(model: Any) -> int:
    with db.scope(write=False):
        return cast(int, model.query.count())


def test_two_who_want_one_slot(installation: str) -> None:
    won, lost = _second_comes_before_the_first_commits(installation, lambda: _book("k1"), lambda: _book("k2", "Emma"))
    assert won.ok and not lost.ok
    assert "already taken. Free on Thursday 26 November: 13:30 or 14:00 or 15:00." in lost.message
    assert _count(Appointment) == 1


def test_one_request_that_comes_twice_at_once(installation: str) -> None:
    first, copy = _second_comes_before_the_first_commits(installation, lambda: _book("k1"), lambda: _book("k1"))
    assert first.ok and copy.ok and first.message == copy.message
    assert _count(Appointment) == 1


def test_one_message_that_comes_twice_at_once(installation: str) -> None:
    def take() -> int:
        row = messages.take(
            business_id=1, call_sid="CA1", request_key="k1", body="b", customer_name=None, callback_number=None
        )
        db.session.flush()
        return row.id

    first, copy = _second_comes_before_the_first_commits(installation, take, take)
    assert first == copy and _count(Message) == 1


def test_one_new_caller_who_rings_twice_at_once(installation: str) -> None:
    def contact() -> int:
        row = contacts.contact_for(1, "+447700900123")
        assert row is not None
        return row.id

    first, copy = _second_comes_before_the_first_commits(installation, contact, contact)
    assert first == copy and _count(Contact) == 1


def test_one_business_that_is_added_twice_at_once(installation: str) -> None:
    def add(name: str) -> Callable[[], tuple[int, str, int]]:
        def work() -> tuple[int, str, int]:
            row = save_business(name=name, phone_e164="+441632960102")
            return row.id, row.name, row.version

        return work

    first, second = _second_comes_before_the_first_commits(installation, add("First"), add("Second"))
    assert first == (2, "First", 1) and second == (2, "Second", 2)


def test_no_raise_of_the_version_is_lost_to_a_copy_that_was_loaded_before(installation: str) -> None:
    with db.scope() as session:
        held = Business.query.one()
        session.commit()
        with db.engine.begin() as other_process:
            other_process.exec_driver_sql("UPDATE businesses SET greeting = 'Hello', version = version + 1")
        saved = save_business(name="Harbour Hair", phone_e164="+441632960101", greeting="Good day")
        session.commit()
    assert saved is held and (saved.version, saved.greeting) == (3, "Good day")
