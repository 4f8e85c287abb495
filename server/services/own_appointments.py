"""Which appointment a caller means: one of their own number's, or the one of a name and a day. Never anybody else's.

Who shows a number is known by it. Who does not, or whose number has none that fits, must give the full name and the day
exactly; whether the name or the day was wrong is not told.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server import ports
from server.db import db
from server.models_sql import Appointment, Business
from server.services import slots

_ALIKE: Final = 0.6
"""How much a name that was heard must look like the stored one where the number vouches for the caller already."""
_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Found:
    """The appointment, or a question for the caller that leads to it."""

    appointment: Appointment | None
    question: str = ""


def find(business: Business, contact_id: int | None, name: str | None, day: date | None) -> Found:
    """The one appointment that is meant. Several of the caller's own are named; of nobody else's anything is said."""
    own = upcoming(business, contact_id)
    fitting = [row for row in own if day is None or row.local_date == day]
    by_name = [row for row in fitting if name is None or _alike(row.customer_name, name)]
    if len(by_name) == 1:
        return Found(by_name[0])
    if len(by_name) > 1:
        return Found(None, f"You have appointments on {_listed(business, by_name)}. Which one do you mean?")
    if name is not None and day is not None:
        named = _of_name_and_day(business, name, day)
        if len(named) == 1:
            return Found(named[0])
        if len(named) > 1:
            return Found(None, "There are several in that name on that day. Shall I take a message instead?")
    return Found(None, _question(business, own, name, day))


def upcoming(business: Business, contact_id: int | None) -> list[Appointment]:
    """What this contact has booked from now on, soonest first; nothing for a caller who shows no number."""
    query = _of_contact(business, contact_id).where(Appointment.starts_at > ports.current().clock.now())
    return list(db.session.scalars(query.order_by(Appointment.starts_at).limit(_MOST)))


def past(business: Business, contact_id: int | None, most: int) -> list[Appointment]:
    """What this contact had, newest first."""
    query = _of_contact(business, contact_id).where(Appointment.starts_at <= ports.current().clock.now())
    return list(db.session.scalars(query.order_by(Appointment.starts_at.desc()).limit(most)))


def spoken(business: Business, row: Appointment) -> str:
    """An appointment's start in words, in the business's own time."""
    return slots.spoken(row.starts_at.astimezone(ZoneInfo(business.timezone)))


def _of_contact(business: Business, contact_id: int | None) -> sa.Select[Appointment]:
    return sa.select(Appointment).where(
        Appointment.business_id == business.id, Appointment.cancelled_at.is_(None),
        Appointment.contact_id == contact_id if contact_id is not None else sa.false(),
    )  # fmt: skip


def _of_name_and_day(business: Business, name: str, day: date) -> list[Appointment]:
    query = sa.select(Appointment).where(
        Appointment.business_id == business.id, Appointment.cancelled_at.is_(None), Appointment.local_date == day,
        Appointment.starts_at > ports.current().clock.now(),
    )  # fmt: skip
    return [row for row in db.session.scalars(query) if _plain(row.customer_name) == _plain(name)]


def _question(business: Business, own: Sequence[Appointment], name: str | None, day: date | None) -> str:
    if own:
        return f"I find none that fits; yours is on {_listed(business, own)}. Which day do you mean?"
    if name is None and day is None:
        return "What day is the appointment on, and what full name is it booked under?"
    if day is None:
        return "What day is the appointment on?"
    if name is None:
        return "What full name is the appointment booked under?"
    return f"I find no appointment for {name} on {slots.spoken_day(day)}. What full name and day is it booked for?"


def _listed(business: Business, rows: Sequence[Appointment]) -> str:
    return " and on ".join(spoken(business, row) for row in rows[:5])


def _alike(stored: str, heard: str) -> bool:
    one, other = _plain(stored), _plain(heard)
    return bool(set(one.split()) & set(other.split())) or SequenceMatcher(None, one, other).ratio() >= _ALIKE


def _plain(name: str) -> str:
    """A name without accents, case and needless blanks."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(one for one in letters if not unicodedata.combining(one)).replace("-", " ").split())
