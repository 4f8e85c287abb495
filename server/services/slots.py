"""When a business can be booked: its hours, its grid of starts, what is free, and how that is said.

Times are the business's own; what is taken is counted in UTC, in units of five minutes, so that a clock change neither
loses nor doubles any.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server import ports
from server.db import db
from server.models_sql import BookedUnit, Business
from server.services._booking_rules import UNIT_MINUTES
from server.services._facts import DAYS

LOOK_AHEAD_DAYS: Final = 14
_UNIT_S: Final = UNIT_MINUTES * 60
_NOTHING: Final = range(0)


def minutes_for(business: Business, service: str | None) -> int:
    """How long an appointment takes: the service's own time, else one slot."""
    wanted = (service or "").casefold()
    return next(
        (one["minutes"] for one in business.services or [] if one["name"].casefold() == wanted), business.slot_minutes
    )


def units(starts: datetime, minutes: int) -> range:
    """The units of time that an appointment holds."""
    first = int(starts.astimezone(UTC).timestamp()) // _UNIT_S
    return range(first, first - (-minutes // UNIT_MINUTES))


def free_times(business: Business, day: date, minutes: int | None = None, *, but: range = _NOTHING) -> list[datetime]:
    """The starts of a day at which so many minutes are free, in the business's own time.

    Past times, those within the least notice and those too far ahead are none. Units in `but` count as free (they are
    held by the appointment that is to be moved).
    """
    now = ports.current().clock.now()
    earliest, latest = _window(business, now)
    if not earliest.date() - timedelta(days=1) <= day <= latest.date() + timedelta(days=1):
        return []
    length = minutes or business.slot_minutes
    starts = [start for start in starts_of(business, day, length) if earliest < start < latest]
    if not starts:
        return []
    taken = _taken(business.id, units(starts[0], length)[0], units(starts[-1], length)[-1]) - set(but)
    return [start for start in starts if taken.isdisjoint(units(start, length))]


def starts_of(business: Business, day: date, minutes: int) -> list[datetime]:
    """Every start of a day, free or not, that ends before closing. A time that the clocks skip in spring is none."""
    hours = opening(business, day)
    if hours is None:
        return []
    opens, closes = hours
    step, length = timedelta(minutes=business.slot_minutes), timedelta(minutes=minutes)
    starts, start = [], opens
    while start < closes:
        if _exists(start) and start.astimezone(UTC) + length <= closes.astimezone(UTC):
            starts.append(start)
        start += step
    return starts


def opening(business: Business, day: date) -> tuple[datetime, datetime] | None:
    """Opening and closing time of a day, the opening on a whole unit; None on a closed day."""
    span = (business.hours or {}).get(DAYS[day.weekday()])
    if not span:
        return None
    zone = ZoneInfo(business.timezone)
    opens, closes = (datetime.combine(day, time.fromisoformat(part), zone) for part in span.split("-"))
    return opens + timedelta(minutes=-opens.minute % UNIT_MINUTES), closes


def refusal(business: Business, starts: datetime, minutes: int) -> str | None:
    """Why no appointment can start then, whatever is booked already; None if one can."""
    now = ports.current().clock.now()
    earliest, latest = _window(business, now)
    if starts <= now:
        return f"{spoken(starts)} is in the past."
    if starts <= earliest:
        return f"{spoken(starts)} is too soon: appointments need {_notice(business.least_notice_minutes)} notice."
    if starts >= latest:
        return f"{spoken_day(starts.date())} {starts.year} is more than {_ahead(business.book_ahead_days)} away."
    if opening(business, starts.date()) is None:
        return f"We are closed on {starts:%A}."
    return _off_the_grid(business, starts, minutes)


def _off_the_grid(business: Business, starts: datetime, minutes: int) -> str | None:
    opens, closes = business.hours[DAYS[starts.weekday()]].split("-")
    if not opens <= f"{starts:%H:%M}" < closes:
        return f"On {starts:%A} we are open from {opens} to {closes}."
    if not _exists(starts):
        return f"There is no {starts:%H:%M} on {spoken_day(starts.date())}: the clocks go forward."
    if starts in starts_of(business, starts.date(), minutes):
        return None
    if starts in starts_of(business, starts.date(), UNIT_MINUTES):
        return f"It takes {minutes} minutes, and we close at {closes} on {starts:%A}."
    return f"There is no appointment at {starts:%H:%M}: they start every {business.slot_minutes} minutes."


def offer(business: Business, wanted: datetime, minutes: int | None = None, *, but: range = _NOTHING) -> str:
    """The free times nearest to what was wanted, in words; nearest to now for a past day or one too far away.

    `but` is what the appointment to be moved holds: its time counts as free, but where it starts now is no offer.
    """
    now = ports.current().clock.now()
    earliest, latest = _window(business, now)
    if not earliest < wanted < latest:
        wanted = earliest.astimezone(wanted.tzinfo)
    for ahead in range(LOOK_AHEAD_DAYS):
        day = wanted.date() + timedelta(days=ahead)
        free = [slot for slot in free_times(business, day, minutes, but=but) if units(slot, 1)[0] not in but[:1]]
        if free:
            near = sorted(free, key=lambda slot: abs(slot - wanted))[:3]
            times = " or ".join(f"{slot:%H:%M}" for slot in sorted(near))
            return f"Free on {spoken_day(day)}: {times}."
    return f"Nothing is free in the two weeks from {spoken_day(wanted.date())}."


def is_taken(business_id: int, starts: datetime, minutes: int) -> bool:
    """Whether another appointment holds any of this time."""
    wanted = units(starts, minutes)
    return bool(_taken(business_id, wanted[0], wanted[-1]))


def spoken(starts: datetime) -> str:
    """A start in words: `Thursday 26 November at 14:30`."""
    return f"{spoken_day(starts.date())} at {starts:%H:%M}"


def spoken_day(day: date) -> str:
    """A day in words."""
    return f"{day:%A} {day.day} {day:%B}"


def _window(business: Business, now: datetime) -> tuple[datetime, datetime]:
    """From when and until when appointments may start."""
    return now + timedelta(minutes=business.least_notice_minutes), now + timedelta(days=business.book_ahead_days)


def _exists(start: datetime) -> bool:
    return start.astimezone(UTC).astimezone(start.tzinfo) == start


def _taken(business_id: int, first: int, last: int) -> set[int]:
    query = sa.select(BookedUnit.unit).where(
        BookedUnit.business_id == business_id, BookedUnit.unit.between(first, last)
    )
    return set(db.session.scalars(query))


def _notice(minutes: int) -> str:
    if minutes % 60:
        return f"{minutes} minutes'"
    return "an hour's" if minutes == 60 else f"{minutes // 60} hours'"


def _ahead(days: int) -> str:
    return "a year" if days in (365, 366) else f"{days} days"
