"""A real database for every test of the server, migrated as in production."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server import migrations
from server.db import Database, db
from server.models_sql import Business, CallLog


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A fresh SQLite database at the newest schema."""
    migrations.upgrade(db.configure(f"sqlite:///{tmp_path / 'test.db'}"))
    yield db
    db.dispose()


@pytest.fixture
def business(database: Database) -> Business:
    """A stored business."""
    row = Business(name="Harbour Hair", phone_e164="+441632960101", timezone="Europe/London")
    with database.scope("server.services.businesses") as session:
        session.add(row)
        session.commit()
    return row


@pytest.fixture
def call(database: Database, business: Business) -> CallLog:
    """A stored call that is ringing."""
    row = CallLog(call_sid="CA1", business_id=business.id, direction="inbound", status="ringing")
    with database.scope("server.routes_twilio") as session:
        session.add(row)
        session.commit()
    return row
