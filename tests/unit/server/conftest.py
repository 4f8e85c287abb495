"""A real database for every test of the server, migrated as in production."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from server import migrations, ports
from server.db import Database, db
from server.models_sql import Business, CallLog
from tests.support.clock import FakeClock


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


class Nowhere:
    """A port that this test must not use."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the test reached for a port's {name!r}, which it did not set")


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[FakeClock]:
    """The ports of a process in which nothing but the clock may be used."""
    fake, nowhere = FakeClock(), cast(Any, Nowhere())
    ports.install(ports.Ports(nowhere, nowhere, nowhere, nowhere, nowhere, fake, tmp_path / "cache"))
    yield fake
    ports.install(None)
