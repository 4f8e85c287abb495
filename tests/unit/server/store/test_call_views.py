"""The queries behind the console and the API, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from server.db import db
from server.models_sql import Business, CallLog, RecordingFile
from server.store import call_views
from server.store.call_views import CallView
from tests.support import console as seed
from tests.support.console import NOW, turn


@pytest.fixture
def business(tmp_path: Path) -> Iterator[Business]:
    with seed.installation(tmp_path):
        yield seed.add_business()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Business]:
    """A business on each of the two databases."""
    url = request.getfixturevalue("postgres_database") if request.param == "postgresql" else None
    with seed.installation(tmp_path, url=url):
        yield seed.add_business()


def view_of(sid: str, business_id: int | None = None) -> CallView | None:
    with db.scope(write=False):
        return call_views.call_view(sid, business_id)


def seen(sid: str) -> CallView:
    found = view_of(sid)
    assert found is not None
    return found


def store_file(call: CallLog, state: str) -> None:
    with db.scope("server.services.recording_service") as session:
        row = session.scalars(sa.select(RecordingFile).where(RecordingFile.call_sid == call.call_sid)).one_or_none()
        if row is None:
            session.add(RecordingFile(call_sid=call.call_sid, business_id=call.business_id, state=state))
        else:
            row.state = state
        session.commit()


CHANGES: dict[str, Callable[[CallLog], None]] = {
    "status": lambda call: seed.change_call(call.call_sid, status="completed"),
    "duration": lambda call: seed.change_call(call.call_sid, duration=12),
    "recording": lambda call: seed.change_call(call.call_sid, recording_status="completed"),
    "turn": lambda call: seed.say(call, turn(3, "user", "And on Sunday?")),
    "the words of a turn": lambda call: seed.say(call, turn(1, "assistant", "Hello there.")),
    "heard": lambda call: seed.say(call, turn(1, "assistant", "Hello.", heard="Hel", heard_ms=300)),
    "latency": lambda call: seed.say(call, turn(1, "assistant", "Hello.", latency_ms=700)),
    "timeline": lambda call: seed.note(call, "barge_in"),
    "transcript": lambda call: seed.finish(call.call_sid, "[00:01] Agent: Hello.", None),
    "summary": lambda call: seed.finish(call.call_sid, "[00:01] Agent: Hello.", "A greeting."),
    "file": lambda call: store_file(call, "fetching"),
    "name": lambda call: seed.name_caller(call, "Emma"),
}
IN_THE_LIST = ("status", "duration", "turn", "the words of a turn", "summary", "name")


def running_call(business: Business, sid: str) -> CallLog:
    call = seed.add_call(business, sid, status="in-progress", caller=f"+44770090{int(sid[2:]):04d}")
    seed.say(call, turn(1, "assistant", "Hello."), turn(2, "user", "Hi."))
    return call


def test_a_call_s_version_changes_with_everything_its_page_shows(anywhere: Business) -> None:
    for number, (what, change) in enumerate(CHANGES.items()):
        call, other = (running_call(anywhere, f"CA{number * 2 + side:04d}") for side in (0, 1))

        def look(sid: str = call.call_sid) -> tuple[Any, ...]:
            with db.scope(write=False):
                return call_views.call_version(sid)

        before = look()
        change(other)
        assert look() == before, f"{what}: another call's changes are its own"
        change(call)
        assert look() != before, what


def test_the_list_s_version_changes_with_everything_it_shows(anywhere: Business) -> None:
    def look() -> tuple[Any, ...]:
        with db.scope(write=False):
            return call_views.list_version(30)

    before = look()
    for number, what in enumerate(IN_THE_LIST):
        call = running_call(anywhere, f"CA{number:04d}")
        with_call = look()
        assert with_call != before, "a new call"
        CHANGES[what](call)
        before = look()
        assert before != with_call, what
        assert look() == before
    seed.book(call, "Emma", NOW)
    assert look() != before, "a booking"


def test_the_version_of_nothing(anywhere: Business) -> None:
    with db.scope(write=False):
        assert call_views.list_version(30) == call_views.list_version(30)
        assert call_views.call_version("CAnone") == call_views.call_version("CAnone")


def test_a_page_s_rows_carry_what_the_list_shows(anywhere: Business) -> None:
    seed.add_story(anywhere)
    live = seed.add_call(anywhere, "CA2", status="in-progress")
    seed.say(live, turn(2, "user", "Hello?"), turn(1, "assistant", "Welcome."))
    with db.scope(write=False):
        page = call_views.calls_page(limit=10)
    newest, story = page.rows
    assert (page.live, page.cursor) == (1, None)
    assert newest.last_turn is not None and newest.last_turn.message == "Hello?"
    assert story.last_turn is None, "a finished call has its summary"
    assert story.contact is not None and story.contact.name == "Emma Clarke"
    assert [booked.customer_name for booked in story.appointments] == ["Emma Clarke"]


def test_pages_follow_each_other_by_keyset(business: Business) -> None:
    for number in range(5):
        seed.add_call(business, f"CA{number}")
    with db.scope(write=False):
        first = call_views.calls_page(limit=2)
        second = call_views.calls_page(limit=2, cursor=first.cursor)
        third = call_views.calls_page(limit=2, cursor=second.cursor)
    pages = [[row.call.call_sid for row in page.rows] for page in (first, second, third)]
    assert pages == [["CA4", "CA3"], ["CA2", "CA1"], ["CA0"]]
    assert third.cursor is None


def test_a_full_last_page_has_no_next(business: Business) -> None:
    seed.add_call(business, "CA1")
    seed.add_call(business, "CA2")
    with db.scope(write=False):
        assert call_views.calls_page(limit=2).cursor is None


def test_filters_and_the_business_narrow_a_page(anywhere: Business) -> None:
    other = seed.add_business("Elsewhere", "+441632960199")
    seed.add_call(anywhere, "CA1")
    seed.add_call(anywhere, "CA2", status="busy")
    seed.add_call(anywhere, "CA3", direction="outbound")
    seed.add_call(other, "CA4")

    def sids(**wanted: Any) -> list[str]:
        with db.scope(write=False):
            return [row.call.call_sid for row in call_views.calls_page(limit=10, **wanted).rows]

    assert sids(business_id=anywhere.id) == ["CA3", "CA2", "CA1"]
    assert sids(status="busy") == ["CA2"]
    assert sids(direction="outbound", status="completed") == ["CA3"]
    assert sids(business_id=other.id, status="busy") == []


def test_what_no_row_can_have_is_not_found(anywhere: Business) -> None:
    seed.add_call(anywhere, "CA1")
    assert view_of("CA1\0") is None and view_of("CA1") is not None
    with db.scope(write=False):
        newest = call_views.calls_page(limit=5, cursor=call_views.NEWEST_ID)
        booked, _ = call_views.appointments_page(limit=5, cursor=call_views.NEWEST_ID)
    assert [row.call.call_sid for row in newest.rows] == ["CA1"] and booked == []


def test_a_call_of_another_business_is_not_seen(business: Business) -> None:
    other = seed.add_business("Elsewhere", "+441632960199")
    seed.add_call(business, "CA1")
    assert view_of("CA1", business.id) is not None
    assert view_of("CA1", other.id) is None
    assert view_of("CAnone") is None


@pytest.mark.parametrize(
    ("values", "file", "state"),
    [
        ({"status": "in-progress"}, None, "pending"),
        ({"recording_requested_at": NOW}, None, "pending"),
        ({"recording_requested_at": NOW, "recording_status": "absent"}, None, "none"),
        ({"recording_requested_at": NOW, "recording_url": "https://api.twilio.com/rec/RE1"}, None, "ready"),
        ({"recording_url": "https://api.twilio.com/rec/RE1"}, "fetching", "ready"),
        ({"recording_url": "https://api.twilio.com/rec/RE1"}, "failed", "none"),
        ({"recording_url": None}, "stored", "ready"),
        ({}, None, "none"),
    ],
)
def test_the_state_of_a_recording(business: Business, values: dict[str, Any], file: str | None, state: str) -> None:
    call = seed.add_call(business, "CA1", **values)
    if file is not None:
        store_file(call, file)
    assert seen("CA1").recording_state == state


def failed_at(call: CallLog, step: str) -> None:
    seed.note(call, "job_failed", {"step": step, "error": "refused"}, source="tasks_recording")


ENDINGS: dict[str, tuple[Callable[[CallLog], None], bool]] = {
    "nothing yet": (lambda call: None, False),
    "a transcript": (lambda call: seed.finish(call.call_sid, "words", None), False),
    "a summary": (lambda call: seed.finish(call.call_sid, "words", "It was about words."), True),
    "a silent recording": (lambda call: seed.finish(call.call_sid, "", None), True),
    "no transcript": (lambda call: seed.finish(call.call_sid, "", None, source="failed"), True),
    "a lost recording": (lambda call: failed_at(call, "fetch"), False),
    "a failed transcription": (lambda call: failed_at(call, "transcribe"), False),
    "a failed summary": (lambda call: failed_at(call, "summarise"), True),
    "a crashed job": (lambda call: failed_at(call, "call_followup"), True),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_call_is_settled_when_nothing_more_will_come(business: Business, ending: str) -> None:
    call = seed.add_call(business, "CA1", ended_at=NOW - timedelta(seconds=5))
    happen, settled = ENDINGS[ending]
    happen(call)
    assert seen("CA1").settled is settled


def test_a_running_call_is_never_settled(business: Business) -> None:
    call = seed.add_call(business, "CA1", status="in-progress")
    failed_at(call, "call_followup")
    assert not seen("CA1").settled


def test_appointments_by_keyset(anywhere: Business) -> None:
    other = seed.add_business("Elsewhere", "+441632960199")
    call, foreign = seed.add_call(anywhere, "CA1"), seed.add_call(other, "CA2")
    for hour in range(3):
        seed.book(call, f"Guest {hour}", NOW + timedelta(hours=hour))
    seed.book(foreign, "A stranger", NOW)
    with db.scope(write=False):
        rows, cursor = call_views.appointments_page(limit=2, business_id=anywhere.id)
        rest, end = call_views.appointments_page(limit=2, business_id=anywhere.id, cursor=cursor)
    assert [row.customer_name for row, _ in [*rows, *rest]] == ["Guest 2", "Guest 1", "Guest 0"]
    assert end is None
