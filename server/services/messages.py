"""Messages callers leave."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server.db import acting_as, db
from server.models_sql import Message


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
