"""The webhooks of a transfer, in the order of life and in every other one; and what must leave it alone."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from server.db import db
from server.domain.commands import RecordTurn
from server.media_ws_ai import admit, complete_if_open
from server.models_sql import CallEvent, CallLog, ConversationTurn, StreamToken, Transfer
from server.ports import ProviderError
from server.services import call_transfer, reconciling, transfers
from server.services.conversation import store_turns
from server.services.transfer_targets import save_target
from server.services.voice_clips import VoiceClips
from tests.support.desk import CALLER, PUBLIC, SALON, Desk, salon, token_of

ANNA = "+441632960177"
LEG = {"CallSid": "CAleg", "ParentCallSid": "CA1", "From": SALON, "To": ANNA, "Direction": "outbound-dial"}
WISH = '{"colleague": "Anna", "reason": "She wants a refund."}'


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with salon(tmp_path) as made:
        with db.scope() as session:
            save_target(made.business_id, "Anna", ANNA)
            session.commit()
        made.rings()
        made.reports("in-progress")
        yield made


def put_through(tool_call_id: str = "call_1", arguments: str = WISH) -> str | None:
    return call_transfer.carry_out("CA1", tool_call_id, arguments)


def rows() -> list[Transfer]:
    with db.scope(write=False):
        return list(Transfer.query.order_by(Transfer.id))


def step(desk: Desk, name: str, number: int | str = 1, **form: str) -> Any:
    leg = {} if name == "ended" else LEG
    return desk.post(f"/webhook/transfer_{name}?transfer={number}", {"CallSid": "CA1"} | leg | form)


def ended(desk: Desk, status: str, bridged: str | None, number: int = 1, **form: str) -> str:
    given = {"DialCallStatus": status, "CallStatus": "in-progress"} | form
    return str(step(desk, "ended", number, **given, **({"DialBridged": bridged} if bridged else {})).text)


# --- what the provider is asked ---------------------------------------------------------------------------------------


def test_the_call_is_redirected_once_to_the_colleague_of_that_name(desk: Desk) -> None:
    assert put_through() is None and put_through() is None
    ((sid, twiml),) = desk.world.telephony.redirected
    assert sid == "CA1" and f">{ANNA}</Number>" in twiml and f'callerId="{SALON}"' in twiml
    assert 'answerOnBridge="true"' in twiml and f"{PUBLIC}/webhook/transfer_ended?transfer=1" in twiml
    assert f'url="{PUBLIC}/webhook/transfer_whisper?transfer=1"' in twiml
    (row,) = rows()
    assert (row.state, row.name, row.phone_e164, row.warm) == ("ringing", "Anna", ANNA, True)
    assert ("transfer_dialled", {"colleague": "Anna", "attempt": 1}) in desk.timeline()


def test_a_cold_colleague_hears_no_whisper(desk: Desk) -> None:
    with db.scope() as session:
        save_target(desk.business_id, "anna", ANNA, warm=False)
        session.commit()
    put_through()
    assert "transfer_whisper" not in desk.world.telephony.redirected[0][1]


def test_an_unknown_colleague_is_told_in_words_and_leaves_no_row(desk: Desk) -> None:
    said = put_through(arguments='{"colleague": "Zoe"}')
    assert said is not None and json.loads(said)["ok"] is False and rows() == []
    assert desk.world.telephony.redirected == []
    assert json.loads(put_through(arguments="no JSON") or "")["ok"] is False


def test_a_refused_redirect_gives_words_and_a_failed_row(desk: Desk) -> None:
    desk.world.telephony.problems = [ProviderError("500", retryable=True)]
    said = json.loads(put_through() or "")
    assert said["ok"] is False and "Anna can't be reached" in said["message"]
    (row,) = rows()
    assert row.state == "failed" and row.ended_at is not None
    # The request had arrived all the same: what comes of it counts.
    assert "Gather" in step(desk, "whisper", CallStatus="in-progress").text
    assert "Hangup" not in step(desk, "answer", CallStatus="in-progress", Digits="1").text
    ended(desk, "completed", "true", DialCallDuration="31")
    assert (rows()[0].state, rows()[0].talk_s, desk.call().disposition) == ("accepted", 31, "transferred")


def test_an_error_nobody_foresaw_is_words_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(desk.world.telephony, "redirect_call", broken)
    assert json.loads(put_through() or "")["ok"] is False


def test_a_call_that_is_over_is_not_put_through(desk: Desk) -> None:
    desk.reports("completed")
    assert put_through() is not None and rows() == [] and desk.world.telephony.redirected == []


def test_a_call_is_put_through_three_times_at_most(desk: Desk) -> None:
    for number in (1, 2, 3):
        assert put_through(f"call_{number}") is None
        assert "<Stream" in ended(desk, "busy", "false", number)
    assert "often enough" in (put_through("call_4") or "")
    assert [row.state for row in rows()] == ["busy"] * 3


# --- the colleague's leg ----------------------------------------------------------------------------------------------


def test_the_whisper_says_who_and_why_and_no_number(desk: Desk) -> None:
    desk.change()
    with db.scope("server.services.contacts") as session:
        contact = session.get_one(CallLog, desk.call().id).contact_id
        session.connection().exec_driver_sql(f"UPDATE contacts SET name = 'Mrs Hill' WHERE id = {contact}")
        session.commit()
    put_through(arguments='{"colleague": "Anna", "reason": "a refund of 45 pounds,   please call 07700 900-123."}')
    twiml = step(desk, "whisper", CallStatus="in-progress").text
    said = "Mrs Hill is on the line for Harbour Hair. It is about: a refund of 45 pounds, please call. Press 1 to take"
    assert said in twiml and 'numDigits="1"' in twiml and twiml.index("</Gather>") < twiml.index("<Hangup")
    assert CALLER not in twiml and f"{PUBLIC}/webhook/transfer_answer?transfer=1" in twiml
    assert step(desk, "whisper", CallStatus="in-progress").text == twiml


def test_without_a_name_or_a_reason_a_caller_is_on_the_line(desk: Desk) -> None:
    put_through(arguments='{"colleague": "Anna"}')
    assert "A caller is on the line for Harbour Hair. Press 1" in step(desk, "whisper", CallStatus="in-progress").text


@pytest.mark.parametrize(("key", "hangs_up"), [("1", False), ("2", True), ("*", True), ("", True)])
def test_one_key_takes_the_call_and_every_other_does_not(desk: Desk, key: str, hangs_up: bool) -> None:
    put_through()
    assert ("<Hangup" in step(desk, "answer", CallStatus="in-progress", Digits=key).text) is hangs_up
    assert rows()[0].state == ("declined" if hangs_up else "accepted")


def test_a_colleague_whose_caller_is_gone_is_hung_up_on(desk: Desk) -> None:
    put_through()
    desk.reports("completed")
    assert rows()[0].state == "canceled"
    assert "<Gather" not in step(desk, "whisper", CallStatus="in-progress").text


@pytest.mark.parametrize("number", ["2", "x", "", "9" * 30, "-1"])
def test_an_event_of_no_transfer_hangs_its_leg_up(desk: Desk, number: str) -> None:
    put_through()
    for name in ("whisper", "answer", "ended"):
        answer = step(desk, name, number, CallStatus="in-progress", DialCallStatus="busy")
        assert answer.status_code == 200 and "<Hangup" in answer.text
    assert rows()[0].state == "ringing"


def test_an_event_of_another_call_moves_nothing(desk: Desk) -> None:
    put_through()
    form = {"CallSid": "CA2", "CallStatus": "in-progress", "DialCallStatus": "busy"}
    assert "<Hangup" in desk.post("/webhook/transfer_ended?transfer=1", form).text
    desk.post("/webhook/transfer_answer?transfer=1", LEG | {"ParentCallSid": "CA2", "Digits": "1"})
    assert rows()[0].state == "ringing"


def test_the_transfer_is_named_by_the_signed_address_alone(desk: Desk) -> None:
    put_through()
    form = {"CallSid": "CA1", "DialCallStatus": "busy", transfers.TRANSFER_FIELD: "1"}
    assert "<Hangup" in desk.post("/webhook/transfer_ended", form).text and rows()[0].state == "ringing"
    assert desk.client.post("/webhook/transfer_ended?transfer=1", data=form).status_code == 403


def test_regression_15_a_leg_is_its_parents_also_where_no_parent_is_named(desk: Desk) -> None:
    put_through()
    alone = {name: value for name, value in LEG.items() if name != "ParentCallSid"}
    desk.post("/webhook/transfer_leg?transfer=1", alone | {"CallStatus": "ringing"})
    step(desk, "leg", CallStatus="completed", CallDuration="9")
    assert [detail["status"] for kind, detail in desk.timeline() if kind == "leg_status"] == ["ringing", "completed"]
    assert desk.call().status == "in-progress"
    with db.scope(write=False):
        assert CallLog.query.count() == 1


# --- how it ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "bridged", "state"),
    [
        ("busy", "false", "busy"),
        ("no-answer", "false", "no_answer"),
        ("failed", "false", "failed"),
        ("completed", "false", "declined"),
        ("completed", None, "declined"),
        ("canceled", "false", "no_answer"),
        ("something new", None, "failed"),
    ],
)
def test_the_agent_gets_the_call_back_with_what_was_said(
    desk: Desk, status: str, bridged: str | None, state: str
) -> None:
    first = admit(token_of(desk.events(kind="voice")[0].answer or ""), "CA1", VoiceClips(), transfer=True)
    assert first is not None and first.elapsed_ms == 0 and first.plan.resumed == ()
    with db.scope("server.media_ws_ai") as session:
        store_turns("CA1", desk.business_id, [
            RecordTurn("a1", 1, "assistant", "Hello, who is there?", 10, None, "Hello,", 300),
            RecordTurn("u1", 2, "user", "Anna, please.", 900),
        ])  # fmt: skip
        session.commit()
    put_through()
    desk.clock.advance(42)
    twiml = ended(desk, status, bridged)
    assert "<Stream" in twiml and "<Say" not in twiml and ended(desk, status, bridged) == twiml
    again = admit(token_of(twiml), "CA1", VoiceClips(), transfer=True)
    assert again is not None and again.elapsed_ms == 42_000
    assert [(turn.item_id, turn.sequence, turn.text) for turn in again.plan.resumed] == [
        ("a1", 1, "Hello,"), ("u1", 2, "Anna, please.")
    ]  # fmt: skip
    assert "I am sorry, Anna " in again.plan.greeting and rows()[0].state == state
    assert "transfer_call" in [tool["name"] for tool in again.voice.tools]
    assert desk.call().disposition is None and desk.lines_in_use() == 1


def test_the_words_of_a_colleague_who_took_it_end_the_call(desk: Desk) -> None:
    put_through()
    twiml = ended(desk, "completed", "true", DialCallDuration="95")
    assert "<Hangup" in twiml and "<Say" not in twiml and "<Stream" not in twiml
    assert (desk.call().disposition, rows()[0].talk_s, rows()[0].back_at) == ("transferred", 95, None)


TABLES = ("transfers", "call_events", "provider_events", "call_leases", "stream_tokens", "call_logs")
EVENTS: dict[str, Sequence[tuple[str, dict[str, str]]]] = {
    "accepted": [
        ("leg", {"CallStatus": "in-progress"}),
        ("answer", {"CallStatus": "in-progress", "Digits": "1"}),
        ("ended", {"DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "9"}),
        ("call", {"CallStatus": "completed", "CallDuration": "60"}),
    ],
    "declined": [
        ("leg", {"CallStatus": "completed"}),
        ("answer", {"CallStatus": "in-progress", "Digits": "2"}),
        ("ended", {"DialCallStatus": "completed", "DialBridged": "false", "CallStatus": "in-progress"}),
        ("call", {"CallStatus": "completed", "CallDuration": "60"}),
    ],
    "canceled": [
        ("leg", {"CallStatus": "canceled"}),
        ("answer", {"CallStatus": "in-progress", "Digits": "1"}),
        ("ended", {"DialCallStatus": "canceled", "DialBridged": "false", "CallStatus": "completed"}),
        ("call", {"CallStatus": "completed", "CallDuration": "60"}),
    ],
}


@pytest.mark.parametrize("story", EVENTS)
def test_every_order_and_repetition_ends_in_the_same_rows(tmp_path: Path, story: str) -> None:
    ends = set()
    with salon(tmp_path) as desk:
        with db.scope() as session:
            save_target(desk.business_id, "Anna", ANNA)
            session.commit()
        for order in itertools.permutations(EVENTS[story]):
            with db.engine.begin() as connection:
                for table in (
                    "transfers",
                    "call_events",
                    "provider_events",
                    "call_leases",
                    "stream_tokens",
                    "call_logs",
                ):
                    connection.exec_driver_sql(f"DELETE FROM {table}")
            desk.rings()
            desk.reports("in-progress")
            assert put_through() is None
            number = rows()[0].id
            for name, form in (*order, order[0], order[2]):
                if name == "call":
                    desk.post("/webhook/call_status", {"CallSid": "CA1"} | form)
                else:
                    step(desk, name, number, **form)
            ends.add(_end(desk))
    (only,) = ends
    assert f'"{story}"' in only


def _end(desk: Desk) -> str:
    (row,) = rows()
    with db.scope(write=False):
        lines = sorted(f"{one.kind} {json.dumps(one.detail, sort_keys=True)}" for one in CallEvent.query)
        passes = StreamToken.query.count()
    call = desk.call()
    stored = [
        row.state,
        row.dial_status,
        row.talk_s,
        row.accepted_at is None,
        row.ended_at is None,
        row.back_at is None,
    ]
    return json.dumps([stored, call.status, call.duration, call.disposition, lines, passes, desk.lines_in_use()])


# --- what must leave it alone -----------------------------------------------------------------------------------------


def test_a_caller_with_a_colleague_is_not_ended_by_the_net_or_the_reconciler(desk: Desk) -> None:
    put_through()
    step(desk, "answer", CallStatus="in-progress", Digits="1")
    complete_if_open("CA1")
    desk.clock.advance(3600 + 30 + 180 + 60)
    assert not any(doubt.overdue for doubt in reconciling.doubtful(9))
    desk.clock.advance(3600)
    assert [doubt.overdue for doubt in reconciling.doubtful(9)] == [True]
    assert desk.world.telephony.ended == []


def test_a_call_that_came_back_is_in_no_doubt_although_its_first_stream_ended(desk: Desk) -> None:
    from server.services.timeline import append

    put_through()
    with db.scope() as session:
        append("CA1", "stream_stopped", {}, source="media_ws_ai", business_id=desk.business_id)
        session.commit()
    desk.clock.advance(600)
    assert reconciling.doubtful(9) == []
    ended(desk, "busy", "false")
    desk.clock.advance(600)
    assert reconciling.doubtful(9) == []


def test_a_line_that_broke_before_the_redirect_is_put_through_all_the_same(desk: Desk) -> None:
    put_through()
    twiml = desk.post("/webhook/stream_ended", {"CallSid": "CA1", "CallStatus": "in-progress"}).text
    assert twiml == desk.world.telephony.redirected[0][1] and desk.call().disposition is None


def test_a_later_attempt_closes_one_that_was_lost(desk: Desk) -> None:
    put_through("call_1")
    put_through("call_2")
    assert [row.state for row in rows()] == ["failed", "ringing"]
    with db.scope(write=False):
        assert ConversationTurn.query.count() == 0
