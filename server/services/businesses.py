"""The businesses of an installation: what they are called, say, know and when they are open."""

from __future__ import annotations

import re
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server.db import acting_as, db
from server.models_sql import Business
from server.services import _booking_rules as rules
from server.services._booking_rules import BadBusiness as BadBusiness
from server.services._facts import DAYS

_SPAN = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
_REMEDIES = {
    "name": "give what callers know the business as",
    "language": "give a code such as en",
    "voice": "give one of the model's voices, such as marin",
}
_TEXTS = (
    "greeting", "inbound_prompt", "outbound_prompt", "whatsapp_prompt", "consent_announcement", "voicemail_message",
)  # fmt: skip


def save_business(
    *, name: str, phone_e164: str, timezone: str | None = None, language: str | None = None, voice: str | None = None,
    hours: dict[str, str] | None = None, facts: list[str] | None = None, record_calls: bool | None = None,
    max_calls: int | None = None, fallback_number: str | None = None, outbound_countries: list[str] | None = None,
    services: list[dict[str, Any]] | None = None, slot_minutes: int | None = None, book_ahead_days: int | None = None,
    least_notice_minutes: int | None = None, **texts: str | None,
) -> Business:  # fmt: skip
    """Add a business, or update the one with this number, in the open transaction. Raises `BadBusiness`.

    What is not given, or None, stays as it is; an empty text, list or dictionary clears the field.

    ✅ OWNER: the `businesses` table; every change raises `version`, on which the prompt caches depend.
    """
    unknown = set(texts) - set(_TEXTS)
    if unknown:
        raise BadBusiness(f"{', '.join(sorted(unknown))}: no such field; the texts are {', '.join(_TEXTS)}")
    values: dict[str, Any] = {
        "name": _short(name, "name"),
        "timezone": None if timezone is None else _timezone(timezone),
        "language": None if language is None else _short(language, "language"),
        "voice": None if voice is None else _short(voice, "voice"),
        "hours": None if hours is None else _hours(hours),
        "facts": None if facts is None else [line for fact in facts if (line := " ".join(fact.split()))],
        "record_calls": record_calls,
        "max_calls": None if max_calls is None else _lines(max_calls),
        "fallback_number": None if not fallback_number else e164(fallback_number, "fallback_number"),
        "outbound_countries": None if outbound_countries is None else _countries(outbound_countries),
        "services": None if services is None else rules.services(services),
        "slot_minutes": rules.number(slot_minutes, "slot_minutes"),
        "book_ahead_days": rules.number(book_ahead_days, "book_ahead_days"),
        "least_notice_minutes": rules.number(least_notice_minutes, "least_notice_minutes"),
        **texts,
    }
    given = {key: value for key, value in values.items() if value is not None}
    return _store(e164(phone_e164, "phone"), given | ({"fallback_number": None} if fallback_number == "" else {}))


def _store(phone: str, values: dict[str, Any]) -> Business:
    """Add or update the row; of two that add it at once, the unique number decides, and the other one updates."""
    with acting_as("server.services.businesses"):
        row = _locked(phone)
        if row is None:
            try:
                with db.session.begin_nested():
                    row = Business(phone_e164=phone, version=1, **values)
                    db.session.add(row)
                return row
            except IntegrityError:
                row = _locked(phone)
                assert row is not None
        _change(row, {key: value for key, value in values.items() if getattr(row, key) != value})
        return row


def _locked(phone: str) -> Business | None:
    """The row as the database has it now, locked: an older copy of this scope would hide what others changed."""
    query = sa.select(Business).where(Business.phone_e164 == phone).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _change(row: Business, changed: dict[str, Any], *, always: bool = False) -> None:
    if not changed and not always:
        return
    for key, value in changed.items():
        setattr(row, key, value)
    row.version = Business.version + 1
    db.session.flush()
    db.session.refresh(row)


def set_tools(business_id: int, *, off: list[str] | None = None, hosts: list[str] | None = None) -> Business:
    """Say which tools a business's calls do without, and which hosts its HTTP tools may reach; None changes nothing.

    Raises `LookupError`. Which names and hosts make sense is checked by `server.services.tools.http_tools`.
    """
    given = {"tools_off": off, "tool_hosts": hosts}
    return _changed(business_id, {key: value for key, value in given.items() if value is not None})


def raise_version(business_id: int) -> Business:
    """Something beside the row that calls depend on has changed: what was made of the old must not be used again.

    Locks the row until the commit, so that two such changes of one business never run at once.
    """
    return _changed(business_id, {}, always=True)


def lock(business_id: int) -> Business:
    """The business as the database has it now, locked until the commit. Raises `LookupError`."""
    query = sa.select(Business).where(Business.id == business_id).with_for_update(key_share=True)
    row = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise LookupError(f"business {business_id} does not exist")
    return row


def _changed(business_id: int, values: dict[str, Any], *, always: bool = False) -> Business:
    row = lock(business_id)
    with acting_as("server.services.businesses"):
        _change(row, {key: value for key, value in values.items() if getattr(row, key) != value}, always=always)
    return row


def business_for_number(number: str) -> Business | None:
    """The business that has this number; None for a number nobody has, never a neighbour's."""
    try:
        wanted = e164(number, "number")
    except BadBusiness:
        return None
    return db.session.scalars(sa.select(Business).where(Business.phone_e164 == wanted)).one_or_none()


def find_business(named: int | str) -> Business | None:
    """A business by its id or its number; None for one that does not exist."""
    if isinstance(named, int) or named.isdecimal():
        return db.session.get(Business, int(named)) if 0 < int(named) < 2**31 else None
    return business_for_number(named)


def list_businesses() -> list[Business]:
    """Every business, oldest first."""
    return list(db.session.scalars(sa.select(Business).order_by(Business.id)))


def e164(number: str, field: str) -> str:
    """A phone number in E.164. Raises `BadBusiness` naming the field."""
    try:
        parsed = phonenumbers.parse(number.strip(), None)
    except phonenumbers.NumberParseException as problem:
        raise BadBusiness(f"{field} {number!r} is not a phone number: give it as +441632960101") from problem
    if not phonenumbers.is_possible_number(parsed):
        raise BadBusiness(f"{field} {number!r} has the wrong length for its country: give it as +441632960101")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def demo_business() -> dict[str, Any]:
    """The salon of `frontdesk demo`, as arguments of `save_business`."""
    return {
        "name": "Harbour Hair",
        "phone_e164": "+441632960101",
        "timezone": "Europe/London",
        "greeting": "Thank you for calling Harbour Hair. This call is recorded. How can I help you?",
        "hours": {**dict.fromkeys(DAYS[:5], "09:00-18:00"), "saturday": "10:00-16:00"},
        "facts": [
            "Parking: free behind the building for two hours.",
            "A cut and blow-dry costs 45 pounds and takes 45 minutes.",
            "Colouring needs a patch test 48 hours before the appointment.",
            "Wheelchair access is through the side door.",
            "Gift vouchers can be bought at the desk.",
        ],
    }


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:  # OSError: the name is a folder, as "Europe" is
        raise BadBusiness(f"timezone {name!r} is not known: give one such as Europe/London") from problem
    return name


def _lines(number: int) -> int:
    if not 0 <= number <= 10_000:
        raise BadBusiness(f"max_calls is {number}: give how many calls it may have at once, up to 10000")
    return number


def _countries(codes: list[str]) -> list[str]:
    wanted = [code.strip().upper() for code in codes]
    for code in wanted:
        if code not in phonenumbers.SUPPORTED_REGIONS:
            raise BadBusiness(f"outbound_countries: {code!r} is no country's code: give such as GB or US")
    return wanted


def _short(value: str, field: str) -> str:
    """The trimmed value of a one-line field, which its column must be able to hold."""
    most, value = cast(sa.String, Business.__table__.c[field].type).length or 0, " ".join(value.split())
    if not value:
        raise BadBusiness(f"{field} is empty: {_REMEDIES[field]}")
    if len(value) > most:
        raise BadBusiness(f"{field} has {len(value)} characters: give at most {most}")
    return value


def _hours(given: dict[str, str]) -> dict[str, str]:
    made = {}
    for day, span in given.items():
        if day not in DAYS:
            raise BadBusiness(f"hours: {day!r} is no day: use {', '.join(DAYS)}")
        if span == "closed":
            continue
        if not _SPAN.fullmatch(str(span)) or span[:5] >= span[6:]:
            raise BadBusiness(f"hours of {day}: {span!r} is not HH:MM-HH:MM, such as 09:00-18:00")
        made[day] = span
    return made
