"""Appointments: booked, moved and cancelled. The time one takes is in `booked_units`, whose key rules overlaps out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server import ports
from server.db import acting_as, db
from server.models_sql import Appointment, BookedUnit, Business
from server.services import slots


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
    """Book a time in the open transaction, or say why not and what is free.

    ✅ OWNER: the `appointments` table. The unique (business, unit) of `booked_units` decides a race, also between
    appointments of different lengths; the same `request_key` again gives the same booking.
    """
    business = db.session.get_one(Business, business_id)
    zone = ZoneInfo(business.timezone)
    if (again := _booked_before(request_key)) is not None:
        return Booking(True, _booked(again, zone), again)
    starts, minutes = datetime.combine(day, at, zone), slots.minutes_for(business, service)
    refusal = slots.refusal(business, starts, minutes)
    if refusal:
        return Booking(False, f"{refusal} {slots.offer(business, starts, minutes)}")
    row = Appointment(
        business_id=business_id, call_sid=call_sid, contact_id=contact_id, customer_name=customer_name,
        service=service, local_date=day, starts_at=starts.astimezone(UTC), minutes=minutes, request_key=request_key,
    )  # fmt: skip
    with acting_as("server.services.appointments"):
        try:
            with db.session.begin_nested():
                db.session.add(row)
                db.session.flush()
                _hold(row)
        except IntegrityError:
            if (again := _booked_before(request_key)) is not None:
                return Booking(True, _booked(again, zone), again)
            if not slots.is_taken(business_id, starts, minutes):
                raise
            return Booking(False, f"{slots.spoken(starts)} is already taken. {slots.offer(business, starts, minutes)}")
    return Booking(True, _booked(row, zone), row)


def move(appointment_id: int, day: date, at: time) -> Booking:
    """Move an appointment in the open transaction, or say why not and what is free; it then stays where it was."""
    row = _locked(appointment_id)
    business = db.session.get_one(Business, row.business_id)
    zone = ZoneInfo(business.timezone)
    starts = datetime.combine(day, at, zone)
    if row.starts_at == starts.astimezone(UTC):
        return Booking(True, f"The appointment is on {slots.spoken(starts)} already.", row)
    own = slots.units(row.starts_at, row.minutes)
    refusal = slots.refusal(business, starts, row.minutes)
    if refusal:
        return Booking(False, f"{refusal} {slots.offer(business, starts, row.minutes, but=own)}", row)
    with acting_as("server.services.appointments"):
        try:
            with db.session.begin_nested():
                _let_go(row)
                row.local_date, row.starts_at = day, starts.astimezone(UTC)
                db.session.flush()
                _hold(row)
        except IntegrityError:
            db.session.refresh(row)
            free = slots.offer(business, starts, row.minutes, but=own)
            return Booking(False, f"{slots.spoken(starts)} is already taken. {free}", row)
    return Booking(True, f"Moved to {slots.spoken(starts)} for {row.customer_name}.", row)


def cancel(appointment_id: int) -> Booking:
    """Cancel an appointment in the open transaction and free its time; one that is cancelled already stays so."""
    row = _locked(appointment_id)
    zone = ZoneInfo(db.session.get_one(Business, row.business_id).timezone)
    if row.cancelled_at is None:
        with acting_as("server.services.appointments"):
            row.cancelled_at = ports.current().clock.now()
            _let_go(row)
    return Booking(True, f"The appointment on {slots.spoken(row.starts_at.astimezone(zone))} is cancelled.", row)


def _hold(row: Appointment) -> None:
    """Take the appointment's time. In ascending order, so that two that race wait and never lock each other out."""
    held = [
        {"business_id": row.business_id, "unit": unit, "appointment_id": row.id}
        for unit in slots.units(row.starts_at, row.minutes)
    ]
    db.session.execute(sa.insert(BookedUnit), held)


def _let_go(row: Appointment) -> None:
    db.session.execute(sa.delete(BookedUnit).where(BookedUnit.appointment_id == row.id))


def _locked(appointment_id: int) -> Appointment:
    query = sa.select(Appointment).where(Appointment.id == appointment_id).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def _booked_before(request_key: str) -> Appointment | None:
    return db.session.scalars(sa.select(Appointment).where(Appointment.request_key == request_key)).one_or_none()


def _booked(row: Appointment, zone: ZoneInfo) -> str:
    return f"Booked for {row.customer_name} on {slots.spoken(row.starts_at.astimezone(zone))}."
