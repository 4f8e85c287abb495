"""The people a business knows by a phone number."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server.db import acting_as, db
from server.domain.callers import withheld
from server.models_sql import Contact
from server.services.businesses import BadBusiness, e164


def shown_number(number: str | None) -> str | None:
    """The caller's number in E.164; None for a caller who shows none, and for what is no phone number."""
    if number is None or withheld(number):
        return None
    try:
        return e164(number, "caller")
    except BadBusiness:
        return None


def contact_for(business_id: int, phone: str) -> Contact | None:
    """The contact with this number, made if there is none; None for a caller who shows no number.

    ✅ OWNER: the `contacts` table. Joins the open transaction; two that race meet the unique constraint.
    """
    number = shown_number(phone)
    if number is None:
        return None
    query = sa.select(Contact).where(Contact.business_id == business_id, Contact.phone_e164 == number)
    found = db.session.scalars(query).one_or_none()
    if found is not None:
        return found
    with acting_as("server.services.contacts"):
        try:
            with db.session.begin_nested():
                row = Contact(business_id=business_id, phone_e164=number)
                db.session.add(row)
            return row
        except IntegrityError:
            return db.session.scalars(query).one()


def remember_name(contact_id: int, name: str, *, only_if_unknown: bool = False) -> None:
    """Keep the name a caller gave; the newest wins, unless it is to fill a gap only."""
    with acting_as("server.services.contacts"):
        row = db.session.get_one(Contact, contact_id)
        if only_if_unknown and row.name:
            return
        if name.strip() and row.name != name.strip():
            row.name = name.strip()[:200]
