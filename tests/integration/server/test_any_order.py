"""Every order, repetition and loss of what is told about a call ends in the same rows. Regressions 1, 2 and 15.

The events go through the real inbox on a real database. What they end in is compared with what the same events end in
when each comes once and in its order.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server import routes_twilio
from server.db import db
from server.models_sql import Base, Business, CallEvent, CallLease, CallLog, OutboundCall, StreamToken
from server.services import inbox, outbound_calls
from server.services.timeline import append
from tests.support.desk import CALLER, SALON, Desk, salon

OFTEN = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
SID, LEG = "CA1", "CAleg"
REQUEST = "oc_request"


@dataclass(frozen=True)
class Told:
    """One thing that is told about the call; `token` is its identity, where it has one."""

    kind: str
    form: tuple[tuple[str, str], ...]
    token: str | None = None
    source: str = "twilio"

    def again(self, token: str | None) -> Told:
        return Told(self.kind, self.form, token, self.source)


def told(kind: str, token: str | None = None, source: str = "twilio", **form: str) -> Told:
    return Told(kind, tuple(sorted({"CallSid": SID, **form}.items())), token, source)


def status(value: str, number: int, **more: str) -> Told:
    return told("call_status", CallStatus=value, SequenceNumber=str(number), **more)


INBOUND = {"From": CALLER, "To": SALON, "Direction": "inbound"}
OUTBOUND = {"From": SALON, "To": CALLER, "Direction": "outbound-api", outbound_calls.REQUEST_FIELD: REQUEST}
RECORDED = {"RecordingSid": "RE1", "RecordingUrl": "https://api.twilio.com/rec/RE1", "RecordingDuration": "50"}
ABSENT = told("recording_status", RecordingSid="RE1", RecordingStatus="absent")
RECORDING = [
    told("recording_status", RecordingSid="RE1", RecordingStatus="in-progress"),
    told("recording_status", RecordingStatus="completed", **RECORDED),
]
MESSAGE = [
    told("recording_status", RecordingSid="RE1", RecordingStatus="in-progress", RecordingSource="RecordVerb"),
    told("recording_status", RecordingStatus="completed", RecordingSource="RecordVerb", **RECORDED),
    told("message_left", "left", RecordingDuration="50"),
]
LEGS = [
    told("voice", "leg-voice", CallSid=LEG, ParentCallSid=SID, CallStatus="in-progress"),
    status("ringing", 0, CallSid=LEG, ParentCallSid=SID),
    status("completed", 1, CallSid=LEG, ParentCallSid=SID, CallDuration="20"),
]
ENDED = told("stream_ended", "ended", CallStatus="in-progress")


def reconciled(value: str, duration: str) -> Told:
    return told("call_status", f"{SID}:{value}", "reconciler", CallStatus=value, CallDuration=duration)


def statuses(*values: str, **more: str) -> list[Told]:
    last = len(values) - 1
    return [
        status(value, number, **more, **({"CallDuration": "52"} if number == last else {}))
        for number, value in enumerate(values)
    ]


ANSWERED = [
    told("voice", "voice", CallStatus="ringing", **INBOUND),
    *statuses("initiated", "ringing", "in-progress", "completed"), *RECORDING, *LEGS, ENDED,
    reconciled("completed", "52"),
]  # fmt: skip
REFUSED = [
    told("voice", "voice", CallStatus="ringing", **INBOUND), *statuses("ringing", "in-progress", "completed"), *MESSAGE,
]  # fmt: skip
PLACED = told("call_status", REQUEST, "api", CallStatus="initiated", **OUTBOUND)
DIALLED = [
    PLACED, told("voice", "voice", CallStatus="in-progress", **OUTBOUND),
    *statuses("initiated", "ringing", "in-progress", "completed", **OUTBOUND), *RECORDING,
    told("amd", "amd", AnsweredBy="human", **OUTBOUND), ENDED, reconciled("completed", "52"),
]  # fmt: skip
MACHINE = [
    PLACED, told("voice", "voice", CallStatus="in-progress", **OUTBOUND),
    *statuses("initiated", "ringing", "in-progress", "completed", **OUTBOUND), ABSENT, LEGS[2],
    told("amd", "amd", AnsweredBy="machine_end_beep", **OUTBOUND),
]  # fmt: skip


@dataclass(frozen=True)
class Story:
    """A call: what is told about it, and how the desk stands when it begins."""

    events: Sequence[Told]
    goodbye: bool = True
    lines: int = 10
    fallback: str = ""


STORIES = {
    "answered": Story(ANSWERED),
    "agent lost, message": Story([*ANSWERED[:5], *MESSAGE, ENDED, *LEGS], goodbye=False),
    "agent lost, colleague": Story(
        [*ANSWERED, told("fallback_ended", "fell", CallStatus="in-progress", DialCallStatus="completed")],
        goodbye=False, fallback="+441632960177",
    ),
    "no line free": Story(REFUSED, lines=0),
    "dialled": Story(DIALLED),
    "machine": Story(MACHINE),
    **{
        final: Story([PLACED, *statuses("initiated", "ringing", final, **OUTBOUND), reconciled(final, "52"), LEGS[1]])
        for final in ("busy", "no-answer", "failed", "canceled")
    },
    "cancelled caller": Story([ANSWERED[0], *statuses("initiated", "ringing", "no-answer"), ABSENT]),
}  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with salon(tmp_path_factory.mktemp("desk")) as made:
        yield made


def begin(desk: Desk, story: Story) -> None:
    """An empty desk, on which the call was dialled if it is one of ours."""
    with db.engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name != Business.__tablename__:
                connection.exec_driver_sql(f"DELETE FROM {table.name}")
    desk.world.jobs.jobs.clear()
    desk.change(max_calls=story.lines, fallback_number=story.fallback)
    if any(outbound_calls.REQUEST_FIELD in dict(event.form) for event in story.events):
        _dialling(desk)
    if story.goodbye:
        with db.scope() as session:
            append(SID, "hang_up", {"reason": "goodbye"}, source="media_ws_ai", business_id=desk.business_id)
            session.commit()


def _dialling(desk: Desk) -> None:
    with db.scope() as session:
        business = session.get_one(Business, desk.business_id)
        row, _ = outbound_calls.request_call(business, outbound_calls.Wish(to=CALLER, dedup_key="k", purpose="x"))
        session.commit()
    with db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE outbound_calls SET request_id = :one"), {"one": REQUEST})
    assert row.state == "queued"
    with db.scope() as session:
        assert isinstance(outbound_calls.claim(REQUEST), outbound_calls.Claim)
        session.commit()


def tell(events: Sequence[Told]) -> None:
    for event in events:
        form = dict(event.form)
        call_sid = form.get("ParentCallSid") or form["CallSid"]
        stored = inbox.receive(source=event.source, kind=event.kind, call_sid=call_sid, payload=form, token=event.token)
        routes_twilio.apply_event(stored)


def rows(desk: Desk) -> dict[str, Any]:
    """Everything that is known in the end, without what only counts rows: their ids, and the pass's secret."""
    names = [column.key for column in sa.inspect(CallLog).column_attrs if column.key not in ("id", "contact_id")]
    with db.scope(write=False) as session:
        return {
            "calls": [{name: getattr(call, name) for name in names} for call in session.query(CallLog)],
            "timeline": {
                (row.call_sid, row.kind, json.dumps(row.detail, sort_keys=True), row.source, row.business_id)
                for row in session.query(CallEvent)
            },
            "lines": [(lease.lease_key, lease.business_slot) for lease in session.query(CallLease)],
            "requests": [(row.state, row.reason, row.call_sid, row.attempts) for row in session.query(OutboundCall)],
            "passes": session.query(StreamToken).count(),
            "jobs": sorted((kind, key) for kind, key, _ in desk.world.jobs.jobs),
            "done": {(event.kind, event.state) for event in desk.events()},
        }


def ends_the_same(desk: Desk, story: Story, arrived: Sequence[Told]) -> None:
    came = {event.again(None) for event in arrived}
    begin(desk, story)
    tell([event for event in story.events if event.again(None) in came])
    expected = rows(desk)
    begin(desk, story)
    tell(arrived)
    assert rows(desk) == expected


@pytest.mark.parametrize("name", STORIES)
@OFTEN
@given(data=st.data())
def test_any_order_with_any_repetition(desk: Desk, name: str, data: st.DataObject) -> None:
    """A copy is a retry with the same token, or comes as a request of its own (a voice webhook never does)."""
    story = STORIES[name]
    extra = data.draw(st.lists(st.sampled_from(list(story.events)), max_size=5))
    copies = [
        event if event.kind == "voice" or data.draw(st.booleans()) else event.again(f"copy-{number}")
        for number, event in enumerate(extra)
    ]
    arrived = data.draw(st.permutations([*story.events, *copies]))
    ends_the_same(desk, story, arrived)
    final = rows(desk)
    assert final["lines"] == [] and len(final["calls"]) == 1
    assert {state for _, state in final["done"]} == {"done"}


@pytest.mark.parametrize("name", STORIES)
@OFTEN
@given(data=st.data())
def test_any_order_of_what_arrives_at_all(desk: Desk, name: str, data: st.DataObject) -> None:
    story = STORIES[name]
    kept = data.draw(st.lists(st.sampled_from(list(story.events)), min_size=1, unique=True))
    ends_the_same(desk, story, kept)


def test_regression_2_every_single_permutation_of_a_call_s_statuses(desk: Desk) -> None:
    """All 120 orders of the voice webhook and the four callbacks, each callback told twice."""
    story = Story(ANSWERED[:5])
    for order in itertools.permutations(story.events):
        begin(desk, story)
        tell([event for event in order for _ in range(2)])
        final = rows(desk)
        assert [(call["status"], call["duration"]) for call in final["calls"]] == [("completed", 52)], order
        assert final["lines"] == [] and len(final["jobs"]) == 1, order


def test_regression_15_a_leg_is_never_a_call_whenever_it_comes(desk: Desk) -> None:
    story = Story([ANSWERED[0], *LEGS])
    for order in itertools.permutations(story.events):
        ends_the_same(desk, story, order)
        assert [call["call_sid"] for call in rows(desk)["calls"]] == [SID], order


def test_regression_1_api_and_reconciler_move_a_call_by_events_alone(desk: Desk) -> None:
    story = STORIES["dialled"]
    begin(desk, story)
    tell([PLACED])
    tell([reconciled("completed", "52")])
    sources = [(event.source, event.state) for event in desk.events()]
    assert sources == [("api", "done"), ("reconciler", "done")]
    assert desk.call(SID).status == "completed"
