"""What is lost on the way is found: callbacks, events, lines, requests. Regressions 14, 16 and 37."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server import tasks_calls
from server.config.calls import CALL_LIMIT_S, LEASE_MARGIN_S
from server.db import db
from server.domain.verdicts import Done
from server.models_sql import ProviderEvent
from server.ports import CallFacts, ProviderError
from server.services import inbox
from server.services.timeline import append
from tests.support.desk import CALLER, SALON, Desk, salon

LONGEST_S = CALL_LIMIT_S + LEASE_MARGIN_S + 60


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(tasks_calls, "_provider", tasks_calls._Provider())
    with salon(tmp_path) as made:
        yield made


def reconcile() -> dict[str, Any]:
    said = tasks_calls.reconcile_once()
    assert isinstance(said, Done)
    return dict(said.value)


def hung_up(desk: Desk, sid: str = "CA1") -> None:
    with db.scope() as session:
        append(sid, "hang_up", {"reason": "goodbye"}, source="media_ws_ai", business_id=1)
        session.commit()


def test_regression_14_a_call_whose_last_callback_was_lost_is_finished_by_asking(desk: Desk) -> None:
    desk.rings()
    hung_up(desk)
    desk.world.telephony.facts["CA1"] = CallFacts("CA1", "completed", 61)
    assert reconcile()["calls"] == 0
    desk.clock.advance(301)
    assert reconcile()["calls"] == 1
    call = desk.call()
    assert (call.status, call.duration, desk.lines_in_use()) == ("completed", 61, 0)
    assert [event.source for event in desk.events(kind="call_status")] == ["reconciler"]
    assert desk.reports("completed", CallDuration="61").status_code == 204
    assert [detail for kind, detail in desk.timeline() if kind == "status"] == [
        {"status": "ringing"}, {"status": "completed"},
    ]  # fmt: skip
    assert reconcile()["calls"] == 0


def test_a_call_that_the_provider_does_not_know_has_failed(desk: Desk) -> None:
    desk.rings()
    desk.clock.advance(LONGEST_S)
    reconcile()
    assert (desk.call().status, desk.lines_in_use()) == ("failed", 0)


def test_regression_14_a_call_beyond_every_limit_is_ended_at_the_provider(desk: Desk) -> None:
    desk.rings()
    desk.world.telephony.facts["CA1"] = CallFacts("CA1", "in-progress")
    desk.clock.advance(LONGEST_S)
    reconcile()
    assert desk.world.telephony.ended == ["CA1"]
    assert desk.call().status == "in-progress"


def test_a_call_in_progress_is_left_alone(desk: Desk) -> None:
    desk.rings()
    desk.clock.advance(600)
    reconcile()
    assert (desk.world.telephony.ended, desk.events(source="reconciler")) == ([], [])


def test_regression_16_a_call_of_ours_that_rang_out_unreported_gives_its_line_back(desk: Desk) -> None:
    desk.asks(ring_timeout_s=30)
    desk.work()
    desk.world.telephony.facts["CAout1"] = CallFacts("CAout1", "no-answer", 0)
    desk.clock.advance(91)
    reconcile()
    assert (desk.call("CAout1").status, desk.lines_in_use()) == ("no-answer", 0)


def test_regression_16_a_call_whose_line_was_lost_is_asked_about(desk: Desk) -> None:
    desk.rings()
    desk.world.telephony.facts["CA1"] = CallFacts("CA1", "completed", 5)
    with db.scope("server.services.capacity") as session:
        tasks_calls.capacity.release("CA1")
        session.commit()
    desk.clock.advance(61)
    assert reconcile()["calls"] == 1


def test_a_caller_who_leaves_a_message_is_not_asked_about_at_once(desk: Desk) -> None:
    desk.change(max_calls=0)
    desk.rings()
    desk.clock.advance(120)
    desk.world.telephony.problems = [ProviderError("must not be asked", retryable=False)]
    reconcile()
    assert len(desk.world.telephony.problems) == 1


def test_a_provider_that_can_t_be_reached_is_left_alone_longer_each_time(desk: Desk) -> None:
    desk.rings()
    desk.clock.advance(LONGEST_S)
    phone = desk.world.telephony
    phone.problems = [ProviderError("unreachable", retryable=True) for _ in range(100)]
    asked = []
    for _ in range(16):
        before = len(phone.problems)
        reconcile()
        asked.append(before - len(phone.problems))
        desk.clock.advance(60)
    assert asked == [1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0]
    assert desk.call().status == "ringing"
    phone.problems = []
    desk.clock.advance(900)
    reconcile()
    assert desk.call().status == "failed"


def test_a_run_asks_about_so_many_calls_and_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_calls, "AT_ONCE", 2)
    for number in range(5):
        desk.rings(f"CA{number}")
    desk.clock.advance(LONGEST_S)
    assert [reconcile()["calls"] for _ in range(4)] == [2, 2, 1, 0]


def test_regression_37_an_event_that_failed_is_applied_again(desk: Desk) -> None:
    desk.rings()
    assert desk.reports("exploded").status_code == 500
    with db.scope("server.services.inbox") as session:
        ProviderEvent.query.filter_by(state="failed").one().payload = {"CallSid": "CA1", "CallStatus": "completed"}
        session.commit()
    assert reconcile()["events"] == 0
    desk.clock.advance(31)
    assert reconcile()["events"] == 1
    assert desk.call().status == "completed"
    assert desk.events(state="failed") == []


def test_regression_37_an_event_whose_process_died_before_its_effect_is_applied(desk: Desk) -> None:
    desk.rings()
    inbox.receive(source="twilio", kind="call_status", call_sid="CA1", token="t",
                  payload={"CallSid": "CA1", "CallStatus": "completed"})  # fmt: skip
    assert reconcile()["events"] == 0
    desk.clock.advance(61)
    assert reconcile()["events"] == 1
    assert desk.call().status == "completed"


def test_an_event_that_goes_on_failing_is_left_for_a_person(desk: Desk) -> None:
    desk.rings()
    desk.reports("exploded")
    for _ in range(30):
        desk.clock.advance(1000)
        reconcile()
    (event,) = desk.events(state="failed")
    assert (event.attempts, event.retry_at) == (inbox.REPLAYS, None)
    assert "exploded" in (event.error or "")


def test_an_event_of_a_call_that_never_comes_does_not_wait_for_ever(desk: Desk) -> None:
    assert desk.reports("completed", "CAghost").status_code == 202
    for _ in range(30):
        desk.clock.advance(1000)
        reconcile()
    assert desk.events(state="waiting")[0].attempts == inbox.REPLAYS


def test_what_waits_for_a_line_is_woken_or_refused_in_time(desk: Desk) -> None:
    desk.change(max_calls=0)
    first, second = desk.asks("a", valid_for_s=300).json()["id"], desk.asks("b", valid_for_s=3600).json()["id"]
    desk.work()
    shown = desk.client.get(f"/api/v1/calls/{first}", headers=desk.key()).json()
    assert (shown["state"], "free line" in shown["reason"]) == ("queued", True)
    desk.change(max_calls=1)
    desk.clock.advance(301)
    reconcile()
    assert desk.request(first).state == "refused"
    assert desk.work() == ["CAout1"] and desk.request(second).state == "placed"


def test_a_request_whose_job_was_lost_is_found_at_the_provider(desk: Desk) -> None:
    def dies(_: str) -> None:
        raise KeyboardInterrupt

    desk.world.telephony.after_dialling = dies
    asked = desk.asks().json()["id"]
    with pytest.raises(KeyboardInterrupt):
        desk.work()
    desk.world.telephony.after_dialling = None
    desk.clock.advance(15 * 60 + 1)
    reconcile()
    assert desk.work() == ["CAout1"]
    assert desk.request(asked).call_sid == "CAout1" and len(desk.world.telephony.dialled) == 1


def test_regression_16_expired_lines_wake_who_waits(desk: Desk) -> None:
    desk.change(max_calls=1)
    desk.rings()
    asked = desk.asks(valid_for_s=86_400).json()["id"]
    desk.work()
    assert desk.request(asked).state == "waiting"
    desk.clock.advance(LONGEST_S)
    assert reconcile()["lines"] == 1
    desk.work()
    assert desk.request(asked).state == "placed"


def test_a_child_leg_that_came_first_waits_for_its_parent(desk: Desk) -> None:
    """Regression 15: whenever a leg's webhooks come, they are its parent's."""
    leg = {"CallSid": "CAleg", "ParentCallSid": "CA1", "From": SALON, "To": CALLER, "CallStatus": "in-progress"}
    assert "<Response" in desk.post("/webhook/voice", leg, token="leg-1").text
    assert desk.reports("completed", "CAleg", ParentCallSid="CA1").status_code == 202
    desk.rings()
    statuses = [detail["status"] for kind, detail in desk.timeline() if kind == "leg_status"]
    assert statuses == ["in-progress", "completed"]
    assert desk.call().status == "ringing"
