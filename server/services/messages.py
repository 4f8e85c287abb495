"""Messages callers leave."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server import ports
from server.db import acting_as, db
from server.models_sql import CallLog, Message


def take(
    *,
    business_id: int,
    call_sid: str,
    request_key: str,
    body: str,
    customer_name: str | None,
    callback_number: str | None,
) -> Message:
    """Keep a message in the open transaction; the same `request_key` again gives the same row.

    ✅ OWNER: the `messages` table.
    """
    query = sa.select(Message).where(Message.request_key == request_key)
    found = db.session.scalars(query).one_or_none()
    if found is not None:
        return found
    row = Message(
        business_id=business_id, call_sid=call_sid, request_key=request_key, body=body,
        customer_name=customer_name, callback_number=callback_number,
    )  # fmt: skip
    with acting_as("server.services.messages"):
        try:
            with db.session.begin_nested():
                db.session.add(row)
            return row
        except IntegrityError:
            found = db.session.scalars(query).one_or_none()
            if found is None:
                raise
            return found


def open_of_contact(business_id: int, contact_id: int, most: int) -> list[Message]:
    """The messages that a contact left in calls and that nobody has dealt with, newest first."""
    calls = sa.select(CallLog.call_sid).where(CallLog.business_id == business_id, CallLog.contact_id == contact_id)
    query = sa.select(Message).where(
        Message.business_id == business_id, Message.handled_at.is_(None), Message.call_sid.in_(calls)
    )
    return list(db.session.scalars(query.order_by(Message.id.desc()).limit(most)))


def mark_handled(business_id: int, message_id: int) -> bool:
    """Say in the open transaction that a message was dealt with; False when the business has no such message."""
    query = sa.select(Message).where(Message.business_id == business_id, Message.id == message_id).with_for_update()
    row = db.session.scalars(query).one_or_none()
    if row is None:
        return False
    if row.handled_at is None:
        with acting_as("server.services.messages"):
            row.handled_at = ports.current().clock.now()
    return True
