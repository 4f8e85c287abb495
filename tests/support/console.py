"""An installation to look at: the real app on a real database, with calls that their owners wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.testclient import TestClient

from server import migrations, ports
from server.asgi import create_app
from server.config.settings import Settings
from server.db import db
from server.domain.commands import RecordTurn
from server.models_sql import Appointment, Business, CallLog, Contact
from server.services import access, businesses, messages, timeline
from server.services.conversation import store_turns
from tests.support.fakes import FakeWorld

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)
SECRET = "a secret that only this test knows"


@contextmanager
def installation(folder: Path, *, url: str | None = None, public_url: str = "http://testserver") -> Iterator[FastAPI]:
    """The app on a migrated database, with every port faked."""
    database_url = url or f"sqlite:///{folder / 'frontdesk.db'}"
    migrations.upgrade(db.configure(database_url))
    world = FakeWorld(folder)
    ports.install(world.ports())
    app = create_app(Settings(home=folder, database_url=database_url, public_url=public_url, secret_key=SECRET))
    app.state.world = world
    try:
        yield app
    finally:
        ports.install(None)
        db.dispose()


def login_token(minutes: int = 15) -> str:
    """A fresh one-time link's token."""
    with db.scope() as session:
        token = access.create_login_link(minutes)
        session.commit()
    return token


def sign_in(client: TestClient) -> None:
    """Open a session, as a person does."""
    assert client.post("/login", data={"token": login_token()}, follow_redirects=False).status_code == 303


def api_key(business_id: int | None = None) -> dict[str, str]:
    """The headers of a fresh API key."""
    with db.scope() as session:
        key = access.create_api_key("test", business_id)
        session.commit()
    return {"Authorization": f"Bearer {key}"}


def add_business(name: str = "Harbour Hair", phone: str = "+441632960101") -> Business:
    """A business in London that is open on weekdays."""
    with db.scope() as session:
        row = businesses.save_business(name=name, phone_e164=phone, timezone="Europe/London")
        session.commit()
    return row


def add_call(
    business: Business, sid: str, *, ago_s: float = 3600, caller: str = "+447700900123", **values: Any
) -> CallLog:
    """A call, completed unless told otherwise; `ago_s` is how long ago it began."""
    began = NOW - timedelta(seconds=ago_s)
    given = {"direction": "inbound", "status": "completed", "from_number": caller, "to_number": business.phone_e164}
    row = CallLog(call_sid=sid, business_id=business.id, started_at=began, **{**given, **values})
    with db.scope("server.routes_twilio") as session:
        session.add(row)
        session.commit()
    return row


def change_call(sid: str, *, owner: str = "server.routes_twilio", **values: Any) -> None:
    """Set columns of a call in their owner's name."""
    with db.scope(owner) as session:
        row = CallLog.query.filter_by(call_sid=sid).one()
        for name, value in values.items():
            setattr(row, name, value)
        session.commit()


def finish(sid: str, transcript: str, summary: str | None, *, source: str = "recording") -> None:
    """What the worker writes after a call."""
    owner = "server.tasks_recording"
    change_call(sid, owner=owner, final_transcript=transcript, transcript_source=source, summary=summary)


def say(call: CallLog, *turns: RecordTurn) -> None:
    """Turns, as the media bridge stores them."""
    with db.scope("server.media_ws_ai") as session:
        store_turns(call.call_sid, call.business_id, turns)
        session.commit()


def turn(sequence: int, speaker: str, message: str, **values: Any) -> RecordTurn:
    """One thing said."""
    return RecordTurn(item_id=f"item_{sequence}", sequence=sequence, speaker=speaker, message=message, **values)


def note(call: CallLog, kind: str, detail: dict[str, Any] | None = None, *, source: str = "routes_twilio") -> None:
    """A line of the call's timeline."""
    with db.scope() as session:
        timeline.append(call.call_sid, kind, detail, source=source, business_id=call.business_id)
        session.commit()


def book(call: CallLog, name: str, starts_at: datetime, service: str | None = None) -> None:
    """An appointment that the call made."""
    with db.scope("server.services.appointments") as session:
        session.add(
            Appointment(
                business_id=call.business_id, call_sid=call.call_sid, customer_name=name, service=service,
                local_date=starts_at.date(), starts_at=starts_at, request_key=f"{call.call_sid}:{starts_at}",
            )
        )  # fmt: skip
        session.commit()


def leave_message(call: CallLog, body: str, name: str | None = None) -> None:
    """A message that the caller left."""
    with db.scope() as session:
        messages.take(
            business_id=call.business_id, call_sid=call.call_sid, request_key=f"{call.call_sid}:m", body=body,
            customer_name=name, callback_number=call.from_number,
        )  # fmt: skip
        session.commit()


def name_caller(call: CallLog, name: str) -> None:
    """The caller is known by name."""
    contact = Contact(business_id=call.business_id, phone_e164=str(call.from_number), name=name)
    with db.scope("server.services.contacts") as session:
        session.add(contact)
        session.commit()
    change_call(call.call_sid, contact_id=contact.id)


def add_story(business: Business, sid: str = "CA" + "1" * 32, *, ago_s: float = 1500) -> CallLog:
    """A finished call with everything that one can have: an interruption, a booking, a recording, a summary."""
    call = add_call(
        business, sid, ago_s=ago_s, duration=94, ended_at=NOW - timedelta(seconds=ago_s - 94), recording_duration=94,
        recording_status="completed", recording_url="https://api.twilio.com/rec/RE1", recording_sid="RE1",
        recording_requested_at=NOW - timedelta(seconds=ago_s),
    )  # fmt: skip
    say(call, *STORY)
    for kind, source, detail in (
        ("received", "routes_twilio", {"direction": "inbound"}),
        ("status", "routes_twilio", {"status": "in-progress"}),
        ("recording_started", "routes_twilio", {}),
        ("barge_in", "media_ws_ai", {"sequence": 3, "heard_ms": 2900, "sent_ms": 6400}),
        ("tool", "call_tools", {"name": "book_appointment", "ok": True}),
        ("hang_up", "media_ws_ai", {"reason": "goodbye", "barge_ins": 1}),
        ("status", "routes_twilio", {"status": "completed"}),
        ("recording_completed", "routes_twilio", {"seconds": 94}),
        ("recording_fetched", "recording_service", {"bytes": 1504044, "ms": 412}),
        ("transcript_ready", "tasks_recording", {"source": "recording", "chars": 612}),
        ("summary_ready", "tasks_recording", {"chars": 214}),
    ):
        note(call, kind, detail, source=source)
    book(call, "Emma Clarke", datetime(2026, 11, 26, 14, 30, tzinfo=UTC), "Cut")
    name_caller(call, "Emma Clarke")
    finish(
        sid,
        "[00:00] Agent: Thank you for calling Harbour Hair.\n[00:06] Caller: Hi, when are you open on Saturday?",
        "Emma Clarke asked for the opening hours on Saturday and booked a cut for Thursday 26 November at 14:30. "
        "She was told that parking is free behind the building for two hours. Nothing is left to be done.",
    )
    return call


STORY: Final = (
    turn(1, "assistant", "Thank you for calling Harbour Hair. This call is recorded. How can I help you?",
         started_ms=900),
    turn(2, "user", "Hi, when are you open on Saturday?", started_ms=6200),
    turn(3, "assistant", "On Saturday we are open from ten to four. On weekdays we open at nine and close at six.",
         started_ms=9100, latency_ms=820, heard="On Saturday we are open from ten to four.", heard_ms=2900),
    turn(4, "user", "Great. Can I book a cut for Thursday at half past two? The name is Emma Clarke.",
         started_ms=12400),
    turn(5, "assistant", "A cut on Thursday 26 November at 14:30 for Emma Clarke. Shall I book that?",
         started_ms=19800, latency_ms=1240),
    turn(6, "user", "Yes please.", started_ms=25100),
    turn(7, "assistant", "It is booked. You can park behind the building for two hours. Anything else?",
         started_ms=28400, latency_ms=2310),
    turn(8, "user", "No, that is all. Goodbye!", started_ms=35000),
    turn(9, "assistant", "Goodbye, Emma. See you on Thursday.", started_ms=37600, latency_ms=760),
)  # fmt: skip
"""What is said in `add_story`."""
