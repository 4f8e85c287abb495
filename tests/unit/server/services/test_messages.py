"""Messages: kept once per request."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from server.db import Database
from server.models_sql import Business, Message
from server.services import messages


def _take(business_id: int, key: str, body: str = "Call me") -> Message:
    return messages.take(
        business_id=business_id, call_sid="CA1", request_key=key, body=body, customer_name=None, callback_number=None
    )


def test_the_same_request_again_gives_the_same_row(database: Database, business: Business) -> None:
    with database.scope() as session:
        first, again, other = _take(business.id, "k1"), _take(business.id, "k1", "Else"), _take(business.id, "k2")
        session.commit()
        assert (first is again, first.body, other.id != first.id) == (True, "Call me", True)
        assert Message.query.count() == 2


def test_another_broken_constraint_is_not_taken_for_a_repetition(database: Database, business: Business) -> None:
    with database.scope(), pytest.raises(IntegrityError):
        _take(99, "k1")
