"""The tools about appointments: what is free, book, move, cancel."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from server.models_sql import Business, CallLog
from server.services import appointments, contacts, own_appointments, slots
from server.services.tools.answers import Answer, BadArguments
from server.services.tools.specs import LONGEST_RANGE_DAYS

_MOST_TIMES: Final = 48


def check(business: Business, call: CallLog, key: str, given: dict[str, Any]) -> Answer:
    """Which times are free on a day, or in a range of days."""
    first = _day(given["date"])
    last = _day(given["until"]) if given.get("until") else first
    if last < first:
        raise BadArguments(f"until: {last} is before date; give the later day.")
    if (last - first).days >= LONGEST_RANGE_DAYS:
        raise BadArguments(f"until: the range is longer than {LONGEST_RANGE_DAYS} days; ask for a shorter one.")
    minutes = slots.minutes_for(business, given.get("service"))
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    free = {day: found for day in days if (found := slots.free_times(business, day, minutes))}
    data = {"minutes": minutes, "days": [_data(business, day, free.get(day, [])) for day in days]}
    if first == last:
        data["free"] = [f"{slot:%H:%M}" for slot in free.get(first, [])][:_MOST_TIMES]
    return Answer(True, _free_in_words(business, first, last, free, minutes), data)


def book(business: Business, call: CallLog, key: str, given: dict[str, Any]) -> Answer:
    """Book, and remember the name that the caller gave."""
    booking = appointments.book(
        business_id=business.id,
        call_sid=call.call_sid,
        request_key=key,
        customer_name=given["customer_name"],
        day=_day(given["date"]),
        at=_time(given["time"]),
        service=given.get("service"),
        contact_id=call.contact_id,
    )
    if booking.ok and call.contact_id is not None:
        contacts.remember_name(call.contact_id, given["customer_name"])
    return Answer(booking.ok, booking.message)


def reschedule(business: Business, call: CallLog, key: str, given: dict[str, Any]) -> Answer:
    """Move the caller's appointment."""
    booked_for = _day(given["booked_for"]) if given.get("booked_for") else None
    found = own_appointments.find(business, call.contact_id, given.get("customer_name"), booked_for)
    if found.appointment is None:
        return Answer(False, found.question)
    moved = appointments.move(found.appointment.id, _day(given["date"]), _time(given["time"]))
    return Answer(moved.ok, moved.message)


def cancel(business: Business, call: CallLog, key: str, given: dict[str, Any]) -> Answer:
    """Cancel the caller's appointment."""
    day = _day(given["date"]) if given.get("date") else None
    found = own_appointments.find(business, call.contact_id, given.get("customer_name"), day)
    if found.appointment is None:
        return Answer(False, found.question)
    gone = appointments.cancel(found.appointment.id)
    return Answer(gone.ok, gone.message)


def _data(business: Business, day: date, free: list[datetime]) -> dict[str, Any]:
    if slots.opening(business, day) is None:
        return {"date": day.isoformat(), "closed": True, "free": []}
    return {"date": day.isoformat(), "free": [f"{slot:%H:%M}" for slot in free][:_MOST_TIMES]}


def _free_in_words(business: Business, first: date, last: date, free: dict[date, list[datetime]], minutes: int) -> str:
    if free:
        grid = timedelta(minutes=business.slot_minutes)
        listed = [f"on {slots.spoken_day(day)}: {_spans(found, grid)}" for day, found in free.items()]
        return f"Free {'; '.join(listed[:5])}."
    wanted = datetime.combine(first, time(12), ZoneInfo(business.timezone))
    when = f"on {first:%A}" if first == last else f"from {slots.spoken_day(first)} to {slots.spoken_day(last)}"
    return f"Nothing is free {when}. {slots.offer(business, wanted, minutes)}"


def _spans(free: list[datetime], grid: timedelta) -> str:
    """Free starts as they are said: `09:00 to 12:30 and 15:00`."""
    spans: list[list[datetime]] = []
    for slot in free:
        if spans and slot - spans[-1][-1] == grid:
            spans[-1].append(slot)
        else:
            spans.append([slot])
    return " and ".join(f"{s[0]:%H:%M} to {s[-1]:%H:%M}" if len(s) > 1 else f"{s[0]:%H:%M}" for s in spans)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as problem:
        raise BadArguments(f"{text!r} is not a date; use YYYY-MM-DD.") from problem


def _time(text: str) -> time:
    return time.fromisoformat(text).replace(second=0, tzinfo=None)
