"""Messages callers leave."""

from __future__ import annotations

import sqlalchemy as sa

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
    found = db.session.scalars(sa.select(Message).where(Message.request_key == request_key)).one_or_none()
    if found is not None:
        return found
    row = Message(
        business_id=business_id, call_sid=call_sid, request_key=request_key, body=body,
        customer_name=customer_name, callback_number=callback_number,
    )  # fmt: skip
    with acting_as("server.services.messages"):
        db.session.add(row)
    return row
