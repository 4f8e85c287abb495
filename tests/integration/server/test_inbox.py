"""The inbox under copies that arrive at the same instant, on both databases: a constraint decides, not a cache."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from server import migrations, ports, routes_twilio
from server.db import db
from server.models_sql import CallEvent, CallLog, JobKey, ProviderEvent, StreamToken
from server.services import inbox
from server.services.businesses import demo_business, save_business
from tests.support.clock import FakeClock

COPIES = 8
VOICE = {
    "CallSid": "CA1", "From": "+447700900123", "To": "+441632960101", "CallStatus": "ringing", "Direction": "inbound",
}  # fmt: skip


class Queue:
    """The job queue port: a job in the open transaction would be a row; here the key's row is counted."""

    def enqueue(self, kind: str, key: str, payload: Any) -> None:
        """Nothing more than the key is looked at."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    url = (
        f"sqlite:///{tmp_path / 'i.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    )
    migrations.upgrade(db.configure(url))
    nothing = cast(Any, None)
    ports.install(ports.Ports(nothing, nothing, nothing, nothing, Queue(), FakeClock(), tmp_path))
    with db.scope() as session:
        save_business(**demo_business())
        session.commit()
    yield
    ports.install(None)
    db.dispose()


def _at_once(work: Callable[[int], Any], copies: int = COPIES) -> list[Any]:
    """Run copies in threads that start together; returns what they returned, or raised."""
    start, results = threading.Barrier(copies), [None] * copies

    def run(number: int) -> None:
        start.wait()
        try:
            results[number] = work(number)
        except Exception as problem:
            results[number] = problem

    threads = [threading.Thread(target=run, args=(number,)) for number in range(copies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(results)


def _take(kind: str, form: dict[str, str], token: str | None) -> inbox.Applied:
    return routes_twilio._take(kind, form, token)


def _count(model: Any) -> int:
    with db.scope(write=False):
        return cast(int, model.query.count())


def test_copies_of_a_voice_webhook_make_one_call_and_get_one_answer(installation: None) -> None:
    answers = _at_once(lambda _: _take("voice", VOICE, "token-1"))
    assert {answer.answer for answer in answers} == {answers[0].answer}
    assert [answer.first for answer in answers].count(True) == 1
    assert (_count(CallLog), _count(ProviderEvent), _count(StreamToken)) == (1, 1, 1)


def test_callbacks_that_race_end_in_one_final_state(installation: None) -> None:
    _take("voice", VOICE, "token-1")
    reports = ["ringing", "in-progress", "completed", "completed"] * 2
    forms = [{"CallSid": "CA1", "CallStatus": status, "CallDuration": "9"} for status in reports]
    results = _at_once(lambda number: _take("call_status", forms[number], f"t{number}"))
    assert all(isinstance(result, inbox.Applied) for result in results), results
    with db.scope(write=False):
        call = CallLog.query.one()
        statuses = [event.detail["status"] for event in CallEvent.query.filter_by(kind="status")]
    assert (call.status, call.duration) == ("completed", 9)
    assert statuses.count("completed") == 1
    assert _count(JobKey) == 1


def test_an_effect_that_fails_leaves_the_event_and_nothing_else(installation: None) -> None:
    def explode(_: ProviderEvent) -> str:
        db.session.add(CallLog(call_sid="CA9", business_id=1, direction="inbound", status="ringing"))
        db.session.flush()
        raise RuntimeError("the effect failed")

    event = inbox.receive(source="twilio", kind="voice", call_sid="CA9", payload={"CallSid": "CA9"}, token="t")
    with pytest.raises(RuntimeError, match="the effect failed"):
        inbox.process(event, explode, owner=routes_twilio.OWNER)
    assert _count(CallLog) == 0
    with db.scope(write=False):
        row = ProviderEvent.query.one()
    assert (row.state, row.attempts, row.error) == ("failed", 1, "RuntimeError: the effect failed")
    assert inbox.process(event, lambda _: "now", owner=routes_twilio.OWNER).answer == "now"
    assert inbox.process(event, explode, owner=routes_twilio.OWNER).answer == "now"


def test_without_a_token_the_content_is_the_identity(installation: None) -> None:
    first = {"CallSid": "CA1", "CallStatus": "ringing", "Timestamp": "Tue, 24 Nov 2026 09:12:00 +0000"}
    again = first | {"Timestamp": "Tue, 24 Nov 2026 09:12:05 +0000"}
    other = first | {"CallStatus": "completed"}
    key = inbox.event_key("twilio", "call_status", first, None)
    assert inbox.event_key("twilio", "call_status", again, None) == key
    assert inbox.event_key("twilio", "call_status", other, None) != key
    assert inbox.event_key("twilio", "voice", first, None) != key
