"""Twilio's webhooks: regressions 1-3, 15, 36 and 37, by signed requests on a real database."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from twilio.request_validator import RequestValidator

from server import ports, routes_twilio
from server.config.settings import Settings
from server.db import Database, OwnershipViolation
from server.models_sql import CallEvent, CallLog, JobKey, ProviderEvent, StreamToken
from server.services.businesses import demo_business, save_business
from server.services.stream_tokens import redeem
from server.services.timeline import append
from tests.support.clock import FakeClock

PUBLIC = "https://desk.example.com"
TOKEN = "the account's token"
SALON = "+441632960101"


class Phone:
    """The telephony port: remembers which recordings were started, and refuses on demand."""

    def __init__(self) -> None:
        self.recordings: list[tuple[str, str]] = []
        self.refusals: list[ports.ProviderError] = []

    def start_recording(self, call_sid: str, callback_url: str) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        self.recordings.append((call_sid, callback_url))
        return "RE1"


class Queue:
    """The job queue port: remembers what was enqueued."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, str]] = []

    def enqueue(self, kind: str, key: str, payload: Mapping[str, Any]) -> None:
        self.jobs.append((kind, key))


class Twilio:
    """Sends signed webhooks, as Twilio does."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.phone = Phone()
        self.queue = Queue()

    def post(self, path: str, form: dict[str, str], *, token: str | None = None, sign: str = TOKEN) -> Any:
        headers = {"X-Twilio-Signature": RequestValidator(sign).compute_signature(PUBLIC + path, form)}
        if token:
            headers["I-Twilio-Idempotency-Token"] = token
        return self.client.post(path, data=form, headers=headers)

    def rings(self, sid: str = "CA1", to: str = SALON, **more: str) -> Any:
        form = {
            "CallSid": sid, "AccountSid": "AC1", "From": "+447700900123", "To": to, "CallStatus": "ringing",
            "Direction": "inbound", "ApiVersion": "2010-04-01",
        } | more  # fmt: skip
        return self.post("/webhook/voice", form, token=f"voice-{sid}")

    def reports(self, status: str, sid: str = "CA1", **more: str) -> Any:
        return self.post("/webhook/call_status", {"CallSid": sid, "CallStatus": status} | more)


@pytest.fixture
def twilio(database: Database, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Twilio:
    monkeypatch.setattr("server.services.webhooks.RECORDING_RETRY_S", (0.0, 0.0, 0.0))
    app = FastAPI()
    app.include_router(routes_twilio.router)
    app.state.settings = Settings(
        home=tmp_path, database_url="", public_url=PUBLIC, twilio_account_sid="AC1", twilio_auth_token=TOKEN
    )
    sender = Twilio(TestClient(app, raise_server_exceptions=False))
    anything = cast(Any, None)
    ports.install(
        ports.Ports(
            telephony=cast(Any, sender.phone), transcriber=anything, writer=anything, blobs=anything,
            jobs=sender.queue, clock=clock, cache_dir=tmp_path, public_url=PUBLIC,
            media_url="wss://desk.example.com/ws/twilio-media",
        )
    )  # fmt: skip
    with database.scope() as session:
        save_business(**demo_business())
        session.commit()
    return sender


def _call(database: Database, sid: str = "CA1") -> CallLog:
    with database.scope(write=False):
        return cast(CallLog, CallLog.query.filter_by(call_sid=sid).one())


def test_a_call_is_connected_to_the_media_stream_with_a_pass(database: Database, twilio: Twilio) -> None:
    answer = twilio.rings()
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/xml")
    assert '<Stream url="wss://desk.example.com/ws/twilio-media">' in answer.text
    assert f'<Connect action="{PUBLIC}/webhook/stream_ended" method="POST">' in answer.text
    token = re.search(r'name="token" value="([^"]+)"', answer.text)
    assert token is not None
    assert redeem(token[1], "CA2") is None
    assert redeem(token[1], "CA1") == 1
    assert redeem(token[1], "CA1") is None
    call = _call(database)
    assert (call.direction, call.twilio_direction, call.status) == ("inbound", "inbound", "ringing")
    assert call.contact_id is not None


def test_an_expired_pass_is_no_good(twilio: Twilio, clock: FakeClock) -> None:
    token = re.search(r'name="token" value="([^"]+)"', twilio.rings().text)
    assert token is not None
    clock.advance(121)
    assert redeem(token[1], "CA1") is None


def test_a_repeated_voice_webhook_gets_the_same_twiml_and_one_recording(database: Database, twilio: Twilio) -> None:
    first, second = twilio.rings(), twilio.rings()
    assert first.text == second.text
    assert twilio.phone.recordings == [("CA1", f"{PUBLIC}/webhook/recording_status")]
    with database.scope(write=False):
        assert (CallLog.query.count(), StreamToken.query.count(), ProviderEvent.query.count()) == (1, 1, 1)


def test_regression_3_an_unknown_number_is_refused_in_nobody_s_name(database: Database, twilio: Twilio) -> None:
    answer = twilio.rings(to="+441632960199")
    assert "not in service" in answer.text and "<Hangup" in answer.text
    assert "Harbour" not in answer.text and "Stream" not in answer.text
    assert twilio.reports("completed").status_code == 204
    with database.scope(write=False):
        assert CallLog.query.count() == 0
    assert twilio.phone.recordings == []


@pytest.mark.parametrize("order", list(itertools.permutations(["ringing", "in-progress", "completed"])))
def test_regression_2_any_order_of_callbacks_ends_the_same(
    database: Database, twilio: Twilio, order: tuple[str, ...]
) -> None:
    twilio.rings()
    for status in (*order, *order):
        more = {"CallDuration": "52"} if status == "completed" else {}
        assert twilio.reports(status, **more).status_code == 204
    call = _call(database)
    assert (call.status, call.duration) == ("completed", 52)
    assert call.ended_at is not None
    with database.scope(write=False):
        finals = CallEvent.query.filter_by(kind="status").all()
        assert [event.detail["status"] for event in finals].count("completed") == 1


def test_a_status_that_comes_before_its_call_waits_for_it(database: Database, twilio: Twilio) -> None:
    assert twilio.reports("completed", CallDuration="7").status_code == 202
    with database.scope(write=False):
        assert ProviderEvent.query.one().state == "waiting"
    twilio.rings()
    call = _call(database)
    assert (call.status, call.duration) == ("completed", 7)


def test_regression_15_a_child_leg_is_no_call_of_its_own(database: Database, twilio: Twilio) -> None:
    twilio.rings()
    assert twilio.reports("completed", sid="CA9", ParentCallSid="CA1").status_code == 204
    assert _call(database).status == "ringing"
    with database.scope(write=False):
        assert CallLog.query.count() == 1
        assert CallEvent.query.filter_by(kind="leg_status").one().call_sid == "CA1"


def test_an_outbound_call_is_the_business_s_that_calls(database: Database, twilio: Twilio) -> None:
    twilio.rings(to="+447700900123", From=SALON, Direction="outbound-api", CallStatus="in-progress")
    call = _call(database)
    assert (call.direction, call.twilio_direction, call.status) == ("outbound", "outbound-api", "in-progress")


def test_the_recording_s_callback_enqueues_the_work_once(database: Database, twilio: Twilio) -> None:
    twilio.rings()
    form = {
        "CallSid": "CA1", "RecordingSid": "RE1", "RecordingUrl": "https://api.twilio.com/x/RE1",
        "RecordingStatus": "completed", "RecordingDuration": "50",
    }  # fmt: skip
    for token in ("t1", "t1", "t2"):
        assert twilio.post("/webhook/recording_status", form, token=token).status_code == 204
    call = _call(database)
    assert (call.recording_sid, call.recording_status, call.recording_duration) == ("RE1", "completed", 50)
    assert len(twilio.queue.jobs) == 1
    with database.scope(write=False):
        assert JobKey.query.count() == 1


def test_the_work_is_enqueued_when_the_call_ends_though_the_recording_s_callback_is_lost(twilio: Twilio) -> None:
    twilio.rings()
    twilio.reports("completed")
    assert len(twilio.queue.jobs) == 1


def test_a_call_that_is_not_recorded_gets_its_work_when_it_ends(database: Database, twilio: Twilio) -> None:
    with database.scope() as session:
        save_business(**demo_business() | {"record_calls": False})
        session.commit()
    twilio.rings()
    assert twilio.phone.recordings == []
    twilio.reports("completed")
    assert len(twilio.queue.jobs) == 1


def test_a_call_not_in_progress_yet_is_asked_for_its_recording_again(twilio: Twilio) -> None:
    twilio.phone.refusals = [ports.ProviderError("21220", retryable=True)]
    twilio.rings()
    assert len(twilio.phone.recordings) == 1


def test_a_recording_that_can_t_be_started_is_in_the_timeline_and_the_work_is_done_without(
    database: Database, twilio: Twilio
) -> None:
    twilio.phone.refusals = [ports.ProviderError("no permission", retryable=False)]
    twilio.rings()
    with database.scope(write=False):
        assert CallEvent.query.filter_by(kind="recording_not_started").one().detail == {"error": "no permission"}
    twilio.reports("completed")
    assert len(twilio.queue.jobs) == 1


def test_a_stream_that_ends_without_a_goodbye_is_apologised_for(twilio: Twilio) -> None:
    """The model failed, or this process was killed in mid-call: the caller must not hear nothing."""
    twilio.rings()
    answer = twilio.post("/webhook/stream_ended", {"CallSid": "CA1"}, token="a").text
    assert "We are sorry" in answer and "<Hangup" in answer


def test_after_a_goodbye_the_call_is_hung_up_at_once(database: Database, twilio: Twilio) -> None:
    twilio.rings()
    with database.scope() as session:
        append("CA1", "hang_up", {"reason": "goodbye"}, source="media_ws_ai", business_id=1)
        session.commit()
    answer = twilio.post("/webhook/stream_ended", {"CallSid": "CA1"}, token="b").text
    assert "<Hangup" in answer and "<Say" not in answer


@pytest.mark.parametrize("path", ["voice", "call_status", "recording_status", "stream_ended"])
def test_regression_36_every_webhook_checks_the_signature(database: Database, twilio: Twilio, path: str) -> None:
    form = {"CallSid": "CA1", "CallStatus": "completed"}
    answer = twilio.post(f"/webhook/{path}", form, sign="another token")
    assert answer.status_code == 403 and "PUBLIC_URL" in answer.text
    assert twilio.client.post(f"/webhook/{path}", data=form).status_code == 403
    with database.scope(write=False):
        assert ProviderEvent.query.count() == 0


def test_a_missing_call_sid_is_named(twilio: Twilio) -> None:
    answer = twilio.post("/webhook/call_status", {"CallStatus": "completed"})
    assert answer.status_code == 400 and "CallSid is missing" in answer.text


def test_regression_37_an_event_that_fails_is_kept_and_can_be_applied_again(database: Database, twilio: Twilio) -> None:
    twilio.rings()
    assert twilio.reports("exploded").status_code == 500
    with database.scope(write=False):
        event = ProviderEvent.query.filter_by(kind="call_status").one()
    assert event.state == "failed" and "CallStatus 'exploded' is not one of" in (event.error or "")
    with database.scope("server.services.inbox") as session:
        ProviderEvent.query.filter_by(id=event.id).one().payload = {"CallSid": "CA1", "CallStatus": "completed"}
        session.commit()
    routes_twilio.apply_event(event.id)
    assert _call(database).status == "completed"


def test_regression_1_status_is_moved_by_the_webhooks_alone(database: Database, twilio: Twilio) -> None:
    twilio.rings()
    with database.scope("server.media_ws_ai"), pytest.raises(OwnershipViolation, match="update_call_status"):
        routes_twilio.update_call_status("CA1", "completed")
