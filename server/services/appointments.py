"""Appointments: one per business and start, within opening hours, in the business's own time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server import ports
from server.db import acting_as, db
from server.models_sql import Appointment, Business
from server.services._facts import DAYS

GRID = timedelta(minutes=30)
"""Appointments start at the opening time and every half hour after it: two that start between would overlap."""
LOOK_AHEAD_DAYS = 14
BOOK_AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Booking:
    """What came of a wish: `message` is in words for the caller."""

    ok: bool
    message: str
    appointment: Appointment | None = None


def book(
    *, business_id: int, call_sid: str | None, request_key: str, customer_name: str, day: date, at: time,
    service: str | None = None, contact_id: int | None = None,
) -> Booking:  # fmt: skip
    """Book a slot in the open transaction, or say why not and what is free.

    ✅ OWNER: the `appointments` table. The unique (business, start) decides a race; the same `request_key` again gives
    the same booking.
    """
    business = db.session.get_one(Business, business_id)
    zone = ZoneInfo(business.timezone)
    if (again := _booked_before(request_key)) is not None:
        return Booking(True, _booked(again, zone), again)
    starts = datetime.combine(day, at, zone)
    refusal = _refusal(business, starts)
    if refusal:
        return Booking(False, f"{refusal} {offer(business, starts)}")
    row = Appointment(
        business_id=business_id, call_sid=call_sid, contact_id=contact_id, customer_name=customer_name,
        service=service, local_date=day, starts_at=starts.astimezone(UTC), request_key=request_key,
    )  # fmt: skip
    with acting_as("server.services.appointments"):
        try:
            with db.session.begin_nested():
                db.session.add(row)
        except IntegrityError:
            if (again := _booked_before(request_key)) is not None:
                return Booking(True, _booked(again, zone), again)
            return Booking(False, f"{spoken(starts)} is already taken. {offer(business, starts)}")
    return Booking(True, _booked(row, zone), row)


def free_times(business: Business, day: date) -> list[datetime]:
    """The free starts of a day, in the business's own time, from now on and up to a year ahead."""
    now = ports.current().clock.now()
    if not now.date() - timedelta(days=1) <= day <= (now + BOOK_AHEAD).date():
        return []
    taken = set(
        db.session.scalars(
            sa.select(Appointment.starts_at).where(
                Appointment.business_id == business.id, Appointment.local_date == day
            )
        )
    )
    return [slot for slot in _slots(business, day) if slot > now and slot.astimezone(UTC) not in taken]


def offer(business: Business, wanted: datetime) -> str:
    """The free times nearest to what was wanted, in words; nearest to now for a past day or one too far away."""
    now = ports.current().clock.now().astimezone(wanted.tzinfo)
    if not now < wanted < now + BOOK_AHEAD:
        wanted = now
    for ahead in range(LOOK_AHEAD_DAYS):
        day = wanted.date() + timedelta(days=ahead)
        free = free_times(business, day)
        if free:
            near = sorted(free, key=lambda slot: abs(slot - wanted))[:3]
            times = " or ".join(f"{slot:%H:%M}" for slot in sorted(near))
            return f"Free on {spoken_day(day)}: {times}."
    return f"Nothing is free in the two weeks from {spoken_day(wanted.date())}."


def spoken(starts: datetime) -> str:
    """A start in words: `Thursday 26 November at 14:30`."""
    return f"{spoken_day(starts.date())} at {starts:%H:%M}"


def spoken_day(day: date) -> str:
    """A day in words."""
    return f"{day:%A} {day.day} {day:%B}"


def _slots(business: Business, day: date) -> list[datetime]:
    """Every start of a day, free or not. A time that the clocks skip in spring is none."""
    zone = ZoneInfo(business.timezone)
    span = (business.hours or {}).get(DAYS[day.weekday()])
    if not span:
        return []
    begin, end = (datetime.combine(day, time.fromisoformat(part), zone) for part in span.split("-"))
    starts = [begin + GRID * step for step in range(-((begin - end) // GRID))]
    return [start for start in starts if start.astimezone(UTC).astimezone(zone) == start]


def _refusal(business: Business, starts: datetime) -> str | None:
    now = ports.current().clock.now()
    if starts <= now:
        return f"{spoken(starts)} is in the past."
    if starts >= now + BOOK_AHEAD:
        return f"{spoken_day(starts.date())} {starts.year} is more than a year away."
    span = (business.hours or {}).get(DAYS[starts.weekday()])
    if not span:
        return f"We are closed on {starts:%A}."
    opens, closes = span.split("-")
    if not opens <= f"{starts:%H:%M}" < closes:
        return f"On {starts:%A} we are open from {opens} to {closes}."
    if starts not in _slots(business, starts.date()):
        return f"There is no appointment at {starts:%H:%M}: they start every {GRID.seconds // 60} minutes."
    return None


def _booked_before(request_key: str) -> Appointment | None:
    return db.session.scalars(sa.select(Appointment).where(Appointment.request_key == request_key)).one_or_none()


def _booked(row: Appointment, zone: ZoneInfo) -> str:
    return f"Booked for {row.customer_name} on {spoken(row.starts_at.astimezone(zone))}."
