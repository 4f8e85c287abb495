"""One installation as its callers meet it: signed webhooks on the real app, a real database, jobs run when told to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.testclient import TestClient
from twilio.request_validator import RequestValidator

from server import migrations, ports, routes_twilio, tasks_calls
from server.asgi import create_app
from server.config.settings import Settings
from server.db import db
from server.domain.verdicts import Cancel, Done, Retry, Step
from server.models_sql import Business, CallEvent, CallLease, CallLog, OutboundCall, ProviderEvent
from server.services import access
from server.services.businesses import demo_business, save_business
from tests.support.clock import FakeClock
from tests.support.fakes import FakeWorld

PUBLIC = "https://desk.example.com"
TOKEN = "the account's token"
SALON = "+441632960101"
CALLER = "+447700900123"


@dataclass
class Desk:
    """A salon with its phone."""

    app: FastAPI
    world: FakeWorld
    clock: FakeClock
    client: TestClient
    business_id: int
    run_up_to: int = 0
    retries: list[Retry] = field(default_factory=list)

    # --- Twilio's side ---

    def post(self, address: str, form: Mapping[str, str], *, token: str | None = None) -> Any:
        """A signed webhook, at a path or at a public address with its query."""
        parts = urlsplit(address)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(PUBLIC + path, dict(form))}
        if token:
            headers["I-Twilio-Idempotency-Token"] = token
        return self.client.post(path, data=dict(form), headers=headers)

    def rings(self, sid: str = "CA1", **more: str) -> Any:
        """A caller rings the salon."""
        form = {"CallSid": sid, "From": CALLER, "To": SALON, "CallStatus": "ringing", "Direction": "inbound"}
        return self.post("/webhook/voice", form | more, token=f"voice-{sid}")

    def reports(self, status: str, sid: str = "CA1", **more: str) -> Any:
        """A status callback."""
        return self.post("/webhook/call_status", {"CallSid": sid, "CallStatus": status} | more)

    # --- the integrator's side ---

    def key(self, business_id: int | None = None) -> dict[str, str]:
        """The headers of a fresh API key."""
        with db.scope() as session:
            made = access.create_api_key("test", business_id)
            session.commit()
        return {"Authorization": f"Bearer {made}"}

    def asks(self, dedup_key: str = "order-1", *, headers: dict[str, str] | None = None, **more: Any) -> Any:
        """POST /api/v1/calls."""
        body = {"business": self.business_id, "to": CALLER, "dedup_key": dedup_key} | more
        return self.client.post("/api/v1/calls", json=body, headers=headers or self.key())

    # --- the worker's side ---

    def work(self, limit: int = 200) -> list[str]:
        """Run the call jobs enqueued so far and those they enqueue, waiting for delayed ones; what came of each."""
        outcomes: list[str] = []
        while self.run_up_to < len(self.world.jobs.jobs) and len(outcomes) < limit:
            kind, key, payload = self.world.jobs.jobs[self.run_up_to]
            self.run_up_to += 1
            if kind in tasks_calls.JOBS:
                self.clock.advance(self.world.jobs.delays.get(key, 0.0))
                outcome = tasks_calls.JOBS[kind](payload, self.run)
                outcomes.append(outcome.reason if isinstance(outcome, Cancel) else str(outcome.value))
        return outcomes

    def run(self, name: str, step: Step) -> Done | Cancel:
        """A durable step, on the test's clock."""
        tried = 0
        while True:
            said = step(tried)
            if not isinstance(said, Retry):
                return said
            self.retries.append(said)
            self.clock.advance(said.delay_s)
            tried += said.counts
            assert len(self.retries) < 100, f"{name} never ends: {said}"

    # --- what is stored ---

    def call(self, sid: str = "CA1") -> CallLog:
        """A call as it is stored."""
        with db.scope(write=False):
            found: CallLog = CallLog.query.filter_by(call_sid=sid).one()
            return found

    def request(self, request_id: str) -> OutboundCall:
        """A requested call as it is stored."""
        with db.scope(write=False):
            found: OutboundCall = OutboundCall.query.filter_by(request_id=request_id).one()
            return found

    def timeline(self, sid: str = "CA1") -> list[tuple[str, dict[str, Any]]]:
        """What a call's timeline says, oldest first."""
        with db.scope(write=False):
            return [(row.kind, row.detail) for row in CallEvent.query.filter_by(call_sid=sid).order_by(CallEvent.id)]

    def lines_in_use(self) -> int:
        """How many leases there are."""
        with db.scope(write=False):
            return int(CallLease.query.count())

    def events(self, **wanted: Any) -> list[ProviderEvent]:
        """The inbox."""
        with db.scope(write=False):
            return list(ProviderEvent.query.filter_by(**wanted).order_by(ProviderEvent.id))

    def change(self, **values: Any) -> None:
        """Save the business with other values."""
        with db.scope() as session:
            save_business(**demo_business() | values)
            session.commit()


@contextmanager
def salon(folder: Path, *, url: str | None = None, max_calls: int = 100) -> Iterator[Desk]:
    """The app on a migrated database, with every port faked but the inbox's own function."""
    migrations.upgrade(db.configure(url or f"sqlite:///{folder / 'desk.db'}"))
    clock = FakeClock()
    world = FakeWorld(folder, clock=clock)
    ports.install(
        world.ports(
            public_url=PUBLIC, media_url="wss://desk.example.com/ws/twilio-media",
            apply_event=routes_twilio.apply_event, max_calls=max_calls,
        )
    )  # fmt: skip
    app = create_app(
        Settings(home=folder, database_url="", public_url=PUBLIC, twilio_account_sid="AC1", twilio_auth_token=TOKEN)
    )
    with db.scope() as session:
        business: Business = save_business(**demo_business())
        session.commit()
    try:
        yield Desk(app, world, clock, TestClient(app, raise_server_exceptions=False), business.id)
    finally:
        ports.install(None)
        db.dispose()


def token_of(twiml: str) -> str:
    """The stream's pass in TwiML."""
    found = re.search(r'name="token" value="([^"]+)"', twiml)
    assert found is not None, twiml
    return found[1]
