"""A salon with a caller on the line: what the tools of a call work on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from server import ports
from server.db import Database
from server.models_sql import Business, CallLog
from server.services import call_tools
from server.services.businesses import demo_business, save_business
from server.services.contacts import contact_for
from tests.support.clock import FakeClock
from tests.support.tools import FakeWeb, Tool

CALLER = "+447700900123"


@pytest.fixture
def salon(database: Database, clock: FakeClock) -> Business:
    """Harbour Hair, and call CA1 of a caller whose number shows (contact 1)."""
    with database.scope() as session:
        saved = save_business(**demo_business())
        contact_for(saved.id, CALLER)
        session.commit()
    with database.scope("server.routes_twilio") as session:
        session.add(
            CallLog(
                call_sid="CA1", business_id=saved.id, direction="inbound", status="in-progress", contact_id=1,
                from_number=CALLER,
            )
        )  # fmt: skip
        session.commit()
    return saved


@pytest.fixture
def web(salon: Business) -> FakeWeb:
    """Other systems, as the salon's own tools see them."""
    fake = FakeWeb()
    ports.install(dataclasses.replace(ports.current(), web=fake))
    return fake


@pytest.fixture
def new_call(database: Database, salon: Business) -> Callable[..., None]:
    """Stores another call of the salon: `new_call("CA2", "+44…")`, without a number for one that is withheld."""

    def make(call_sid: str, number: str | None = None) -> None:
        with database.scope() as session:
            contact = contact_for(salon.id, number) if number else None
            session.commit()
        with database.scope("server.routes_twilio") as session:
            session.add(
                CallLog(
                    call_sid=call_sid, business_id=salon.id, direction="inbound", status="in-progress",
                    contact_id=contact.id if contact else None, from_number=number or "anonymous",
                )
            )  # fmt: skip
            session.commit()

    return make


@pytest.fixture
def tool(salon: Business) -> Tool:
    """Runs a tool in the salon's call and gives what the model is given. Each run has an id of its own unless named."""
    number = iter(range(1000))

    def run(name: str, arguments: Any = None, *, id: str | None = None, call: str = "CA1") -> dict[str, Any]:
        text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
        answer = call_tools.run_tool(
            business_id=salon.id, call_sid=call, tool_call_id=id or f"t{next(number)}", name=name, arguments=text
        )
        return dict(json.loads(answer))

    return run
