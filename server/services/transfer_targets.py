"""Colleagues and departments that calls can be put through to."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server.db import acting_as, db
from server.models_sql import TransferTarget
from server.services.businesses import BadBusiness, e164, raise_version


def save_target(
    business_id: int, name: str, phone: str, purpose: str | None = None, *, warm: bool = True
) -> TransferTarget:
    """Add a colleague, or update the one of this name, in the open transaction. Raises `BadBusiness`.

    A `warm` colleague is told what it is about and accepts by key; another one is connected at once.

    ✅ OWNER: the `transfer_targets` table. Names differ by more than their case; the unique key decides a race.
    """
    shown, number = _name(name), e164(phone, "phone")
    said = " ".join((purpose or "").split())[:300] or None
    raise_version(business_id)
    with acting_as("server.services.transfer_targets"):
        row = find_target(business_id, shown)
        if row is None:
            row = TransferTarget(
                business_id=business_id, name=shown, name_key=_key(shown), phone_e164=number, warm=warm
            )
            try:
                with db.session.begin_nested():
                    db.session.add(row)
            except IntegrityError:
                row = find_target(business_id, shown)
                if row is None:
                    raise
        row.name, row.phone_e164, row.purpose, row.warm = shown, number, said, warm
    return row


def remove_target(business_id: int, name: str) -> bool:
    """Remove a colleague in the open transaction; False when there is none of this name."""
    row = find_target(business_id, name)
    if row is None:
        return False
    raise_version(business_id)
    with acting_as("server.services.transfer_targets"):
        db.session.delete(row)
        db.session.flush()
    return True


def list_targets(business_id: int) -> list[TransferTarget]:
    """A business's colleagues, in the order they were added."""
    query = sa.select(TransferTarget).where(TransferTarget.business_id == business_id)
    return list(db.session.scalars(query.order_by(TransferTarget.id)))


def find_target(business_id: int, name: str) -> TransferTarget | None:
    """The colleague of this name, of this business and no other."""
    query = sa.select(TransferTarget).where(
        TransferTarget.business_id == business_id, TransferTarget.name_key == _key(name)
    )
    return db.session.scalars(query).one_or_none()


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > 100:
        raise BadBusiness("name of the colleague: give one of at most 100 characters, such as Anna or Accounts")
    if any(letter.isdigit() for letter in name) and sum(letter.isdigit() for letter in name) > 4:
        raise BadBusiness("name of the colleague looks like a number: give a name, the model is told it")
    return name


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()[:100]
