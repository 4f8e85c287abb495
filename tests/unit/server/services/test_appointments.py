"""Bookings: made once, moved, cancelled, never two at one time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from server.db import Database
from server.models_sql import Appointment, BookedUnit, Business
from server.services import appointments, slots
from server.services.businesses import BadBusiness, demo_business, save_business
from server.services.realtime_prompt_builder import build_realtime_system_prompt

THURSDAY = date(2026, 11, 26)


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
        assert (
            "There is no 01:30 on Sunday 28 March: the clocks go forward."
            in _book(night, "k1", date(2027, 3, 28), time(1, 30)).message
        )


def _salon(**rules: Any) -> Business:
    return save_business(**demo_business() | rules)


def test_two_lengths_can_t_overlap(database: Database, salon: Business) -> None:
    with database.scope():
        business = _salon(slot_minutes=15, services=[{"name": "Cut", "minutes": 45}, {"name": "Perm", "minutes": 120}])

        def book(key: str, at: time, service: str) -> bool:
            return appointments.book(
                business_id=business.id, call_sid=None, request_key=key, customer_name="M", day=THURSDAY, at=at,
                service=service,
            ).ok  # fmt: skip

        assert book("k1", time(10, 0), "Perm")
        assert [book(f"a{at}", time(9, at), "Cut") for at in (30, 15)] == [False, True]
        assert [book(f"b{at}", time(11, at), "Cut") for at in (0, 45)] == [False, False]
        assert book("k2", time(12, 0), "Cut")


def test_an_appointment_must_end_before_closing(database: Database, salon: Business) -> None:
    with database.scope():
        business = _salon(services=[{"name": "Perm", "minutes": 120}])
        late = appointments.book(
            business_id=business.id, call_sid=None, request_key="k", customer_name="M", day=THURSDAY, at=time(16, 30),
            service="perm",
        )  # fmt: skip
        assert late.message.startswith("It takes 120 minutes, and we close at 18:00 on Thursday. Free on Thursday")
        assert slots.free_times(business, THURSDAY, 120)[-1].time() == time(16, 0)


@pytest.mark.parametrize(
    ("rules", "day", "at", "says"),
    [
        (
            {"least_notice_minutes": 120},
            date(2026, 11, 24),
            time(11, 0),
            "too soon: appointments need 2 hours' notice",
        ),
        ({"least_notice_minutes": 90}, date(2026, 11, 24), time(10, 30), "is too soon: appointments need 90 minutes'"),
        ({"book_ahead_days": 7}, date(2026, 12, 2), time(10, 0), "is more than 7 days away. Free on Tuesday 24"),
    ],
)
def test_a_business_s_notice_and_reach(
    database: Database, salon: Business, rules: dict[str, int], day: date, at: time, says: str
) -> None:
    with database.scope():
        assert says in _book(_salon(**rules), "k1", day, at).message


def test_the_notice_also_narrows_what_is_offered(database: Database, salon: Business) -> None:
    with database.scope():
        free = slots.free_times(_salon(least_notice_minutes=240), date(2026, 11, 24))
        assert free[0].time() == time(13, 30)


def test_a_moved_appointment_frees_its_time_and_a_refused_move_keeps_it(database: Database, salon: Business) -> None:
    with database.scope():
        first, other = _book(salon, "k1"), _book(salon, "k2", at=time(15, 0))
        assert first.appointment is not None and other.appointment is not None
        taken = appointments.move(first.appointment.id, THURSDAY, time(15, 0))
        assert not taken.ok and "15:00 is already taken. Free on Thursday 26 November: 14:00 or 15:30" in taken.message
        assert not _book(salon, "k3").ok
        assert appointments.move(first.appointment.id, THURSDAY, time(14, 30)).message.endswith("at 14:30 already.")
        assert appointments.move(first.appointment.id, THURSDAY, time(9, 0)).ok
        assert _book(salon, "k4").ok and not _book(salon, "k5", at=time(9, 0)).ok
        closed = appointments.move(first.appointment.id, date(2026, 11, 29), time(9, 0))
        assert "We are closed on Sunday. Free on Monday 30 November" in closed.message


def test_an_appointment_may_move_into_its_own_time(database: Database, salon: Business) -> None:
    with database.scope():
        business = _salon(slot_minutes=15, services=[{"name": "Perm", "minutes": 60}])
        booked = appointments.book(
            business_id=business.id, call_sid=None, request_key="k", customer_name="M", day=THURSDAY, at=time(10, 0),
            service="Perm",
        ).appointment  # fmt: skip
        assert booked is not None
        assert appointments.move(booked.id, THURSDAY, time(10, 15)).ok
        assert [row.unit for row in BookedUnit.query.order_by(BookedUnit.unit)] == list(
            slots.units(datetime(2026, 11, 26, 10, 15, tzinfo=UTC), 60)
        )


def test_a_cancelled_appointment_frees_its_time_and_stays_cancelled(database: Database, salon: Business) -> None:
    with database.scope():
        booked = _book(salon, "k1").appointment
        assert booked is not None
        assert appointments.cancel(booked.id) == appointments.cancel(booked.id)
        assert BookedUnit.query.count() == 0 and _book(salon, "k2").ok


def test_the_hour_that_comes_twice_is_booked_once(database: Database, salon: Business) -> None:
    """On 31 October 2027 London has 01:00 to 02:00 twice; the first one counts."""
    with database.scope():
        night = save_business(
            **demo_business()
            | {"phone_e164": "+441632960102", "hours": {"sunday": "00:00-03:00"}, "services": [
                {"name": "Long", "minutes": 120}]}
        )  # fmt: skip
        day = date(2027, 10, 31)
        free = slots.free_times(night, day)
        assert [f"{slot:%H:%M}" for slot in free] == ["00:00", "00:30", "01:00", "01:30", "02:00", "02:30"]
        booked = _book(night, "k1", day, time(1, 30)).appointment
        assert booked is not None and booked.starts_at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
        # Two hours from half past midnight end at half past one, of the second time.
        assert [f"{slot:%H:%M}" for slot in slots.free_times(night, day, 120)] == []
        appointments.cancel(booked.id)
        assert [f"{slot:%H:%M}" for slot in slots.free_times(night, day, 120)] == [
            "00:00", "00:30", "01:00", "01:30",
        ]  # fmt: skip


def test_opening_between_two_units_starts_on_the_next(database: Database, salon: Business) -> None:
    with database.scope():
        free = slots.free_times(_salon(hours={"thursday": "09:07-10:30"}), THURSDAY)
        assert [f"{slot:%H:%M}" for slot in free] == ["09:10", "09:40"]


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"slot_minutes": 7}, "slot_minutes: 7 minutes is no multiple of 5"),
        ({"slot_minutes": 0}, "slot_minutes is 0: give a number from 5 to 1440"),
        ({"book_ahead_days": 0}, "book_ahead_days is 0"),
        ({"least_notice_minutes": -1}, "least_notice_minutes is -1"),
        ({"services": [{"name": "", "minutes": 30}]}, "services: give each a name"),
        ({"services": [{"name": "Cut", "minutes": "30"}]}, "services: 'Cut' takes '30' minutes"),
        ({"services": [{"name": "Cut", "minutes": 31}]}, "31 minutes is no multiple of 5"),
        ({"services": [{"name": "Cut", "minutes": 30}, {"name": "cut", "minutes": 30}]}, "'cut' is there twice"),
        ({"services": [{"name": "Cut", "minutes": 30, "price": "x" * 61}]}, "the price of 'Cut' is longer"),
    ],
)
def test_rules_that_make_no_sense_are_named(database: Database, rules: dict[str, Any], says: str) -> None:
    with database.scope(), pytest.raises(BadBusiness, match=says):
        _salon(**rules)


def test_what_is_offered_and_booked_is_in_the_prompt(database: Database, salon: Business) -> None:
    with database.scope() as session:
        _salon(services=[{"name": "Cut", "minutes": 45, "price": "45 pounds"}, {"name": "Perm", "minutes": 120}])
        session.commit()
    prompt = build_realtime_system_prompt(salon.id, "inbound")
    assert "# Services\n- Cut takes 45 minutes and costs 45 pounds.\n- Perm takes 120 minutes.\n" in prompt
