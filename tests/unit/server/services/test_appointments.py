"""Bookings and the tools that make them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from server.db import Database
from server.models_sql import Appointment, Business, CallEvent, CallLog, Contact, Message
from server.services import appointments, call_tools, slots
from server.services.businesses import demo_business, save_business
from server.services.contacts import contact_for
from tests.support.clock import FakeClock

THURSDAY = date(2026, 11, 26)


@pytest.fixture
def salon(database: Database, clock: FakeClock) -> Business:
    with database.scope() as session:
        saved = save_business(**demo_business())
        contact_for(saved.id, "+447700900123")
        session.commit()
    with database.scope("server.routes_twilio") as session:
        session.add(
            CallLog(
                call_sid="CA1", business_id=saved.id, direction="inbound", status="in-progress", contact_id=1,
                from_number="+447700900123",
            )
        )  # fmt: skip
        session.commit()
    return saved


def _book(business: Business, key: str, day: date = THURSDAY, at: time = time(14, 30)) -> appointments.Booking:
    return appointments.book(
        business_id=business.id, call_sid="CA1", request_key=key, customer_name="Maria Lopez", day=day, at=at
    )


def test_a_free_slot_is_booked_in_the_business_s_own_time(database: Database, salon: Business) -> None:
    with database.scope() as session:
        booking = _book(salon, "k1")
        session.commit()
    assert booking.ok and booking.message == "Booked for Maria Lopez on Thursday 26 November at 14:30."
    with database.scope(write=False):
        assert Appointment.query.one().starts_at == datetime(2026, 11, 26, 14, 30, tzinfo=UTC)


def test_summer_time_is_the_zone_s(database: Database, salon: Business) -> None:
    with database.scope():
        booking = _book(salon, "k1", date(2027, 7, 1))
        assert booking.appointment is not None
        assert booking.appointment.starts_at == datetime(2027, 7, 1, 13, 30, tzinfo=UTC)


def test_the_same_request_again_gives_the_same_booking(database: Database, salon: Business) -> None:
    with database.scope() as session:
        first, second = _book(salon, "k1"), _book(salon, "k1")
        session.commit()
        assert first.message == second.message
        assert Appointment.query.count() == 1


@pytest.mark.parametrize(
    ("day", "at", "says"),
    [
        (date(2026, 11, 29), time(14, 30), "We are closed on Sunday. Free on Monday 30 November: 09:00"),
        (THURSDAY, time(20, 0), "On Thursday we are open from 09:00 to 18:00. Free on Thursday"),
        (date(2026, 11, 23), time(10, 0), "is in the past."),
    ],
)
def test_what_can_t_be_booked_is_told_with_what_is_free(
    database: Database, salon: Business, day: date, at: time, says: str
) -> None:
    with database.scope():
        booking = _book(salon, "k1", day, at)
        assert not booking.ok and says in booking.message


def test_a_taken_slot_offers_the_nearest_free_ones(database: Database, salon: Business) -> None:
    with database.scope() as session:
        _book(salon, "k1")
        session.commit()
        second = _book(salon, "k2")
    assert not second.ok
    assert "already taken. Free on Thursday 26 November: 13:30 or 14:00 or 15:00." in second.message


def _tool(name: str, arguments: dict[str, Any] | str, tool_call_id: str = "t1") -> dict[str, Any]:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    answer = call_tools.run_tool(business_id=1, call_sid="CA1", tool_call_id=tool_call_id, name=name, arguments=text)
    return dict(json.loads(answer))


BOOKING = {"customer_name": "Maria Lopez", "date": "2026-11-26", "time": "14:30", "service": "haircut"}


def test_the_tool_books_once_and_remembers_the_name(database: Database, salon: Business) -> None:
    assert _tool("book_appointment", BOOKING) == _tool("book_appointment", BOOKING)
    with database.scope(write=False):
        assert Appointment.query.count() == 1
        assert Contact.query.one().name == "Maria Lopez"
        assert [event.detail for event in CallEvent.query] == [{"name": "book_appointment", "ok": True}] * 2


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("book_appointment", {"customer_name": "Maria"}, "date is missing: ask for the day of the appointment"),
        ("book_appointment", BOOKING | {"date": "Thursday"}, "date 'Thursday' is not YYYY-MM-DD"),
        ("book_appointment", BOOKING | {"time": "half two"}, "time 'half two' is not HH:MM"),
        ("book_appointment", "{", "are not JSON"),
        ("book_appointment", "[]", "must be an object"),
        ("open_safe", {}, "There is no tool 'open_safe'"),
    ],
)
def test_bad_arguments_are_told_to_the_model_in_words(
    database: Database, salon: Business, name: str, arguments: Any, says: str
) -> None:
    answer = _tool(name, arguments)
    assert answer["ok"] is False and says in answer["message"]


def test_availability_and_messages(database: Database, salon: Business) -> None:
    assert _tool("check_availability", {"date": "2026-11-28"})["free"][0] == "10:00"
    assert "Nothing is free on Sunday" in _tool("check_availability", {"date": "2026-11-29"})["message"]
    left = {"customer_name": "Maria", "message": "Call me", "callback_number": "the number I am calling from"}
    assert _tool("take_message", left)["ok"]
    with database.scope(write=False):
        assert Message.query.one().callback_number == "+447700900123"


def test_a_tool_of_another_business_s_call_does_nothing(database: Database, salon: Business) -> None:
    answer = call_tools.run_tool(
        business_id=99, call_sid="CA1", tool_call_id="t", name="book_appointment", arguments=json.dumps(BOOKING)
    )
    assert json.loads(answer)["ok"] is False
    with database.scope(write=False):
        assert Appointment.query.count() == 0


def test_every_tool_has_a_schema_and_a_handler(database: Database) -> None:
    assert {spec["name"] for spec in call_tools.tool_specs(1)} == set(call_tools._TOOLS)


def test_between_the_half_hours_there_is_no_appointment_that_could_overlap(database: Database, salon: Business) -> None:
    with database.scope():
        booking = _book(salon, "k1", at=time(14, 17))
        assert not booking.ok and Appointment.query.count() == 0
        assert "start every 30 minutes. Free on Thursday 26 November: 14:00 or 14:30 or 15:00." in booking.message


@pytest.mark.parametrize(
    ("day", "says"),
    [
        (date(2025, 11, 27), "is in the past. Free on Tuesday 24 November: 09:30"),
        (date(2028, 11, 23), "2028 is more than a year away. Free on Tuesday 24 November: 09:30"),
        (date.max, "9999 is more than a year away. Free on"),
        (date.min, "is in the past. Free on"),
    ],
)
def test_a_wrong_year_is_told_with_what_is_free_from_now_on(
    database: Database, salon: Business, day: date, says: str
) -> None:
    with database.scope():
        assert says in _book(salon, "k1", day).message


def test_nothing_free_names_the_weeks_that_were_looked_at(database: Database, salon: Business) -> None:
    with database.scope() as session:
        save_business(name="B", phone_e164="+441632960102", hours={})
        session.commit()
        shut = Business.query.filter_by(name="B").one()
        assert _book(shut, "k1").message.endswith("Nothing is free in the two weeks from Thursday 26 November.")


def test_a_time_that_the_clocks_skip_is_none(database: Database, salon: Business) -> None:
    """In London 28 March 2027 has no 01:00 and no 01:30."""
    with database.scope():
        night = save_business(**demo_business() | {"phone_e164": "+441632960102", "hours": {"sunday": "00:00-03:00"}})
        free = [f"{slot:%H:%M}" for slot in slots.free_times(night, date(2027, 3, 28))]
        assert free == ["00:00", "00:30", "02:00", "02:30"]
        assert "There is no 01:30 on Sunday 28 March: the clocks go forward." in _book(night, "k1", date(2027, 3, 28), time(1, 30)).message


def test_availability_is_said_in_spans(database: Database, salon: Business) -> None:
    _tool("book_appointment", BOOKING)
    answer = _tool("check_availability", {"date": "2026-11-26"}, "t2")
    assert answer["message"] == "Free on Thursday 26 November: 09:00 to 14:00 and 15:00 to 17:30."
    assert _tool("check_availability", {"date": "2026-11-29"})["message"].startswith(
        "Nothing is free on Sunday. Free on Monday 30 November: 09:00 or"
    )
    assert _tool("check_availability", {"date": "9999-12-31"})["message"].startswith("Nothing is free on Friday.")


def test_arguments_are_cut_and_cleaned_to_what_a_database_holds(database: Database, salon: Business) -> None:
    long = BOOKING | {"customer_name": "Maria\0  " + "x" * 300, "service": "y" * 300}
    assert _tool("book_appointment", long)["ok"]
    assert _tool("book_appointment", BOOKING | {"service": {"a": 1}}, "t2")["message"].startswith("service must be a")
    note = {"customer_name": "z" * 300, "message": "m" * 5000, "callback_number": "5" * 100}
    assert _tool("take_message", note, "t3")["ok"]
    with database.scope(write=False):
        booked, left = Appointment.query.one(), Message.query.one()
    assert (booked.customer_name[:7], len(booked.customer_name), len(booked.service)) == ("Maria x", 200, 200)
    assert (len(left.customer_name), len(left.body), len(left.callback_number)) == (200, 4000, 64)


def test_what_the_model_got_wrong_is_on_the_timeline(database: Database, salon: Business) -> None:
    _tool("book_appointment", BOOKING | {"date": "Thursday"})
    _tool("open_safe", {})
    with database.scope(write=False):
        details = [event.detail for event in CallEvent.query]
    assert details == [{"name": "book_appointment", "ok": False}, {"name": "unknown", "ok": False}]


def test_a_database_that_fails_is_told_in_words(database: Database, salon: Business) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE call_events")
    for arguments in (BOOKING, {}):
        assert _tool("book_appointment", arguments) == {
            "ok": False,
            "message": "That did not work just now. I can take a message instead.",
        }


def test_a_withheld_number_is_not_called_back(database: Database, salon: Business) -> None:
    with database.scope("server.routes_twilio") as session:
        CallLog.query.one().from_number = "+86282452253"
        session.commit()
    assert _tool("take_message", {"customer_name": "M", "message": "Call me", "callback_number": "this number"})["ok"]
    with database.scope(write=False):
        assert Message.query.one().callback_number is None
