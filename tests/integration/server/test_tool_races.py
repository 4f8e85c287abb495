"""The tools of a call under copies and rivals that arrive at the same instant, on both databases."""

from __future__ import annotations

import json
import random
import threading
import time as clock_time
from collections.abc import Callable, Iterator
from datetime import date, time
from pathlib import Path
from typing import Any, cast

import pytest

from server import migrations, ports
from server.db import db
from server.models_sql import Appointment, BookedUnit, CallEvent, CallLog, Message, ToolRun
from server.services import appointments, call_tools, slots
from server.services.businesses import demo_business, save_business
from server.services.tools import http_tools
from server.services.tools.answers import FAILED
from tests.support.clock import FakeClock
from tests.support.tools import FakeWeb, json_answer

DAY = date(2026, 11, 26)
TURNS_S = 20.0
SERVICES = [{"name": "Cut", "minutes": 45}, {"name": "Perm", "minutes": 120}]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def web(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FakeWeb]:
    """A salon with two calls in progress; other systems as the tools see them."""
    url = (
        f"sqlite:///{tmp_path / 'i.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    )
    migrations.upgrade(db.configure(url))
    nothing, fake = cast(Any, None), FakeWeb()
    ports.install(ports.Ports(nothing, nothing, nothing, nothing, nothing, FakeClock(), tmp_path, web=fake))
    with db.scope() as session:
        save_business(**demo_business() | {"services": SERVICES, "slot_minutes": 15})
        session.commit()
    with db.scope("server.routes_twilio") as session:
        for sid in ("CA1", "CA2"):
            session.add(CallLog(call_sid=sid, business_id=1, direction="inbound", status="in-progress"))
        session.commit()
    yield fake
    ports.install(None)
    db.dispose()


def _tool(name: str, arguments: dict[str, Any], *, id: str = "t1", call: str = "CA1") -> dict[str, Any]:
    answer = call_tools.run_tool(
        business_id=1, call_sid=call, tool_call_id=id, name=name, arguments=json.dumps(arguments)
    )
    return dict(json.loads(answer))


def _book(name: str, at: str, service: str = "Cut", **more: str) -> dict[str, Any]:
    return _tool(
        "book_appointment", {"customer_name": name, "date": "2026-11-26", "time": at, "service": service}, **more
    )


def _together(*works: Callable[[], Any]) -> list[Any]:
    """Start all at one barrier, each in a thread of its own; gives what each returned."""
    results: list[Any] = [None] * len(works)
    barrier = threading.Barrier(len(works))

    def run(number: int) -> None:
        barrier.wait(TURNS_S)
        results[number] = works[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return results


def _wait_for_a_lock() -> None:
    """On PostgreSQL the rival is seen waiting; on SQLite it can't begin before the first commits."""
    if db.engine.dialect.name == "sqlite":
        return
    deadline = clock_time.monotonic() + TURNS_S
    while clock_time.monotonic() < deadline:
        with db.engine.connect() as watcher:
            if watcher.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar_one():
                return
        clock_time.sleep(0.01)
    raise AssertionError("the rival never waited: the two did not race")


def _no_overlap() -> None:
    """Every appointment that is not cancelled holds exactly its units, and nobody else any of them."""
    with db.scope(write=False):
        held = {row.unit: row.appointment_id for row in BookedUnit.query}
        live = Appointment.query.filter_by(cancelled_at=None).all()
        assert held == {unit: row.id for row in live for unit in slots.units(row.starts_at, row.minutes)}
        assert len(held) == sum(row.minutes // 5 for row in live)


def test_two_who_want_one_slot_and_the_loser_is_told_what_is_free(web: FakeWeb) -> None:
    """The second one has checked that the time is free, and meets the constraint while the first commits."""
    answers: list[dict[str, Any]] = []
    rival = threading.Thread(target=lambda: answers.append(_book("Emma", "14:15", call="CA2")))
    with db.scope() as session:
        booked = appointments.book(
            business_id=1, call_sid="CA1", request_key="k", customer_name="Maria", day=DAY, at=time(14, 0),
            service="Perm",
        )  # fmt: skip
        session.flush()
        rival.start()
        _wait_for_a_lock()
        session.commit()
    rival.join(30)
    assert booked.ok and answers == [
        {
            "ok": False,
            "message": "Thursday 26 November at 14:15 is already taken. "
            "Free on Thursday 26 November: 12:45 or 13:00 or 13:15.",
        }
    ]
    _no_overlap()


def test_of_many_who_want_overlapping_times_none_gets_what_another_holds(web: FakeWeb) -> None:
    wishes = [("14:00", "Perm"), ("14:30", "Cut"), ("15:45", "Cut"), ("13:30", "Cut"), ("14:00", "Perm")]
    answers = _together(
        *(
            (lambda n=number, at=at, what=what: _book(f"Caller {n}", at, what, id=f"t{n}"))
            for number, (at, what) in enumerate(wishes)
        )
    )
    assert any(answer["ok"] for answer in answers)
    assert all(answer["ok"] or "already taken. Free on" in answer["message"] for answer in answers)
    _no_overlap()


def test_two_that_swap_their_times_neither_hang_nor_overlap(web: FakeWeb) -> None:
    """Each holds what the other wants: PostgreSQL breaks the deadlock, the one it broke is tried once more."""
    assert _book("Maria Lopez", "10:00", id="a")["ok"] and _book("Emma Clarke", "12:00", id="b")["ok"]

    def move(name: str, at: str, id: str) -> dict[str, Any]:
        wanted = {"customer_name": name, "booked_for": "2026-11-26", "date": "2026-11-26", "time": at}
        return _tool("reschedule_appointment", wanted, id=id)

    answers = _together(lambda: move("Maria Lopez", "12:00", "c"), lambda: move("Emma Clarke", "10:00", "d"))
    assert all(answer["ok"] or "already taken" in answer["message"] for answer in answers)
    _no_overlap()


def test_one_tool_call_that_comes_many_times_at_once_runs_once(web: FakeWeb) -> None:
    note = {"customer_name": "Maria", "message": "Call me"}
    works = [lambda: _tool("take_message", note), lambda: _book("Maria", "10:00", id="t2")]
    answers = _together(*works * 3)
    assert all(answer["ok"] for answer in answers)
    assert len({json.dumps(answer) for answer in answers}) == 2
    with db.scope(write=False):
        counts = (Message.query.count(), Appointment.query.count(), CallEvent.query.count(), ToolRun.query.count())
    assert counts == (1, 1, 2, 2)


def test_one_http_tool_call_that_comes_twice_at_once_asks_once(web: FakeWeb) -> None:
    with db.scope() as session:
        http_tools.allow_host(1, "crm.example.com")
        http_tools.save_tool(1, name="ping", description="d", url="https://crm.example.com/", method="POST")
        session.commit()
    let_go = threading.Event()
    web.meanwhile = lambda: let_go.wait(TURNS_S)
    web.answers = [json_answer('{"message": "Pong."}')]
    answers: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(_tool("ping", {}))) for _ in range(2)]
    for thread in threads:
        thread.start()
    deadline = clock_time.monotonic() + TURNS_S
    while not answers and clock_time.monotonic() < deadline:
        clock_time.sleep(0.01)
    let_go.set()
    for thread in threads:
        thread.join(30)
    assert len(web.asked) == 1
    assert [answer["message"].split(";")[0] for answer in answers] == ["That was asked already", "Pong."]
    assert _tool("ping", {})["message"] == "Pong."


def test_a_crowd_of_bookings_moves_and_cancellations_leaves_no_overlap(web: FakeWeb) -> None:
    chance = random.Random(7)

    def caller(number: int) -> list[dict[str, Any]]:
        own = random.Random(number)
        name, done = f"Caller {'abcdef'[number]}", []
        for step in range(6):
            at = f"{own.randrange(9, 17)}:{own.choice(('00', '15', '30', '45'))}".zfill(5)
            named = {"customer_name": name, "date": "2026-11-26"}
            id = f"{number}-{step}"
            match own.randrange(4):
                case 0:
                    done.append(_tool("cancel_appointment", named, id=id))
                case 1:
                    wanted = {**named, "booked_for": "2026-11-26", "time": at}
                    done.append(_tool("reschedule_appointment", wanted, id=id))
                case _:
                    done.append(_book(name, at, own.choice(("Cut", "Perm")), id=id))
        return done

    numbers = list(range(6))
    chance.shuffle(numbers)
    answers = _together(*((lambda n=number: caller(n)) for number in numbers))
    assert not [one for each in answers for one in each if "did not work" in one["message"]]
    _no_overlap()


def test_regression_12_a_locked_database_is_told_in_words(web: FakeWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    """regression 12: silent after a tool call. Who waits for a lock gives up while the caller is still there."""
    monkeypatch.setattr(call_tools, "_LOCK_WAIT_MS", 200)
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "sqlite":
            monkeypatch.setattr("server.db.BUSY_TIMEOUT_MS", 200)
            db.configure(str(db.engine.url))
            connection = db.engine.execution_options(begin_immediate=True).connect()
        with connection.begin():
            connection.exec_driver_sql("UPDATE businesses SET version = version + 1")
            if db.engine.dialect.name == "postgresql":
                connection.exec_driver_sql("LOCK TABLE booked_units")
            assert _book("Maria", "14:00")["message"] == FAILED
    connection.close()
    assert _book("Maria", "14:00", id="t2")["ok"]
