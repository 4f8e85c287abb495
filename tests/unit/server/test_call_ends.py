"""How calls end without their agent, and what they hold until then: regressions 14 and 16."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.db import db
from server.domain.verdicts import Cancel, Done, Retry, Step
from server.media_ws_ai import complete_if_open
from server.models_sql import Message
from server.services.timeline import append
from server.tasks_recording import call_followup
from tests.support.desk import CALLER, PUBLIC, SALON, Desk, salon


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with salon(tmp_path) as made:
        yield made


def stream_ended(desk: Desk, sid: str = "CA1", **more: str) -> str:
    form = {"CallSid": sid, "CallStatus": "in-progress"} | more
    return str(desk.post("/webhook/stream_ended", form, token=f"ended-{sid}").text)


def followed_up(desk: Desk, sid: str = "CA1") -> Done | Cancel:
    def run(name: str, step: Step) -> Done | Cancel:
        said = step(0)
        assert not isinstance(said, Retry), said
        return said

    return call_followup({"call_sid": sid}, run)


def message_recorded(desk: Desk, sid: str = "CA1") -> None:
    form = {
        "CallSid": sid, "RecordingSid": "RE1", "RecordingUrl": "https://api.twilio.com/rec/RE1",
        "RecordingStatus": "completed", "RecordingDuration": "5", "RecordingSource": "RecordVerb",
    }  # fmt: skip
    assert desk.post("/webhook/recording_status", form).status_code == 204


def test_a_caller_for_whom_no_line_is_free_hears_why_and_leaves_a_message(desk: Desk) -> None:
    desk.change(max_calls=1)
    desk.rings("CA1")
    twiml = desk.rings("CA2").text
    assert "all our lines are busy" in twiml and "after the tone" in twiml and "<Stream" not in twiml
    assert f'action="{PUBLIC}/webhook/message_left"' in twiml
    assert f'recordingStatusCallback="{PUBLIC}/webhook/recording_status"' in twiml
    assert (desk.call("CA2").disposition, desk.lines_in_use()) == ("no_line", 1)
    thanks = desk.post("/webhook/message_left", {"CallSid": "CA2", "RecordingDuration": "5"}).text
    assert "Thank you" in thanks and "<Hangup" in thanks
    desk.reports("completed", "CA2")
    message_recorded(desk, "CA2")
    desk.world.transcriber.words = lambda _: "Please call me back about my haircut."
    assert isinstance(followed_up(desk, "CA2"), Done)
    call = desk.call("CA2")
    assert call.transcript_source == "recording" and call.summary
    with db.scope(write=False):
        left = Message.query.one()
    assert (left.call_sid, left.callback_number) == ("CA2", CALLER)
    assert left.body.splitlines()[0] == "Please call me back about my haircut."
    followed_up(desk, "CA2")
    with db.scope(write=False):
        assert Message.query.count() == 1


def test_the_message_s_recording_is_waited_for(desk: Desk) -> None:
    desk.change(max_calls=0)
    desk.rings()
    desk.reports("completed")
    with pytest.raises(AssertionError, match="callback has not come"):
        followed_up(desk)


def test_a_talk_with_the_agent_leaves_no_message(desk: Desk) -> None:
    desk.rings()
    desk.reports("completed")
    desk.post(
        "/webhook/recording_status",
        {"CallSid": "CA1", "RecordingUrl": "https://api.twilio.com/rec/RE1", "RecordingStatus": "completed"},
    )
    followed_up(desk)
    with db.scope(write=False):
        assert Message.query.count() == 0
    assert desk.call().transcript_source == "recording"


def test_after_a_failure_the_business_s_people_are_called_and_then_a_message_is_taken(desk: Desk) -> None:
    desk.change(fallback_number="+441632960177")
    desk.rings()
    twiml = stream_ended(desk)
    assert "technical problem" in twiml and "<Number>+441632960177</Number>" in twiml and "<Dial" in twiml
    assert f'action="{PUBLIC}/webhook/fallback_ended"' in twiml
    form = {"CallSid": "CA1", "CallStatus": "in-progress", "DialCallStatus": "no-answer"}
    assert "after the tone" in desk.post("/webhook/fallback_ended", form).text
    assert desk.call().disposition == "message"


def test_a_colleague_who_answered_ends_the_call(desk: Desk) -> None:
    desk.change(fallback_number="+441632960177")
    desk.rings()
    stream_ended(desk)
    form = {"CallSid": "CA1", "CallStatus": "in-progress", "DialCallStatus": "completed"}
    twiml = desk.post("/webhook/fallback_ended", form).text
    assert "<Hangup" in twiml and "<Say" not in twiml
    assert desk.call().disposition == "fallback"


def test_after_a_failure_without_a_fallback_a_message_is_taken(desk: Desk) -> None:
    desk.rings()
    twiml = stream_ended(desk)
    assert "technical problem" in twiml and "<Record" in twiml
    assert desk.call().disposition == "message"


def test_the_net_under_the_hang_up_leaves_a_message_alone(desk: Desk) -> None:
    desk.rings("CA1")
    stream_ended(desk, "CA1")
    complete_if_open("CA1")
    assert desk.world.telephony.ended == []
    desk.rings("CA2")
    complete_if_open("CA2")
    assert desk.world.telephony.ended == ["CA2"]


def test_a_person_we_called_is_apologised_to_and_not_asked_for_a_message(desk: Desk) -> None:
    desk.rings("CA1", From=SALON, To=CALLER, Direction="outbound-api", CallStatus="in-progress")
    twiml = stream_ended(desk)
    assert "technical problem" in twiml and "<Record" not in twiml and "<Hangup" in twiml


def test_regression_14_after_a_goodbye_the_line_is_closed_without_a_word(desk: Desk) -> None:
    desk.rings()
    with db.scope() as session:
        append("CA1", "hang_up", {"reason": "goodbye"}, source="media_ws_ai", business_id=1)
        session.commit()
    twiml = stream_ended(desk)
    assert "<Hangup" in twiml and "<Say" not in twiml


def apologised(desk: Desk, *, spoken: bool) -> None:
    with db.scope() as session:
        append("CA1", "apology", {"spoken": spoken}, source="media_ws_ai", business_id=desk.business_id)
        append("CA1", "call_failed", {"reason": "model_lost"}, source="media_ws_ai", business_id=desk.business_id)
        session.commit()


@pytest.mark.parametrize("spoken", [True, False])
def test_an_apology_that_was_heard_is_not_said_again_before_the_tone(desk: Desk, spoken: bool) -> None:
    desk.rings()
    apologised(desk, spoken=spoken)
    twiml = stream_ended(desk)
    assert "<Record" in twiml and ("technical problem" in twiml) is not spoken


def test_an_apology_that_was_heard_is_not_said_again_before_the_business_s_people(desk: Desk) -> None:
    desk.change(fallback_number="+441632960177")
    desk.rings()
    apologised(desk, spoken=True)
    twiml = stream_ended(desk)
    assert "connecting you" in twiml and "<Dial" in twiml and "sorry" not in twiml
    form = {"CallSid": "CA1", "CallStatus": "in-progress", "DialCallStatus": "busy"}
    left = desk.post("/webhook/fallback_ended", form).text
    assert "<Record" in left and "technical problem" not in left


def test_an_apology_that_was_heard_ends_a_call_of_ours_without_another(desk: Desk) -> None:
    desk.rings("CA1", From=SALON, To=CALLER, Direction="outbound-api", CallStatus="in-progress")
    apologised(desk, spoken=True)
    assert "<Say" not in stream_ended(desk)


def test_a_caller_who_is_gone_is_told_nothing(desk: Desk) -> None:
    desk.rings()
    twiml = stream_ended(desk, CallStatus="completed")
    assert "<Say" not in twiml and desk.call().disposition is None


def test_the_call_s_own_recording_holds_the_message_too(desk: Desk) -> None:
    desk.rings()
    stream_ended(desk)
    message_recorded(desk)
    assert desk.call().recording_url is None
    form = {
        "CallSid": "CA1", "RecordingSid": "RE9", "RecordingUrl": "https://api.twilio.com/rec/RE9",
        "RecordingStatus": "completed", "RecordingSource": "StartCallRecordingAPI",
    }  # fmt: skip
    desk.post("/webhook/recording_status", form)
    assert desk.call().recording_sid == "RE9"


@pytest.mark.parametrize("final", ["completed", "busy", "no-answer", "failed", "canceled"])
def test_regression_16_every_way_out_gives_the_line_back(desk: Desk, final: str) -> None:
    desk.rings()
    assert desk.lines_in_use() == 1
    for _ in range(2):
        desk.reports(final)
    desk.post("/webhook/voice", {"CallSid": "CA1", "From": CALLER, "To": SALON, "CallStatus": "ringing"}, token="late")
    assert desk.lines_in_use() == 0


def test_regression_16_a_number_that_is_nobody_s_takes_no_line(desk: Desk) -> None:
    desk.rings(To="+441632960199")
    assert desk.lines_in_use() == 0


def test_regression_16_fifty_requested_calls_on_three_lines_all_finish(desk: Desk) -> None:
    desk.change(max_calls=3)
    headers = desk.key()
    for number in range(50):
        assert desk.asks(f"order-{number}", headers=headers, to=f"+4477009{number:05d}").status_code == 202
    most, ended = 0, 0
    phone = desk.world.telephony
    for _ in range(200):
        desk.work()
        most = max(most, len(phone.dialled) - ended)
        if ended == len(phone.dialled):
            break
        order, ended = phone.dialled[ended], ended + 1
        final = ("completed", "busy", "no-answer", "failed", "canceled")[ended % 5]
        form = {"CallSid": f"CAout{ended}", "From": SALON, "To": order.to, "Direction": "outbound-api"}
        assert desk.post(order.status_url, form | {"CallStatus": final}).status_code == 204
    assert (len(phone.dialled), ended, most, desk.lines_in_use()) == (50, 50, 3, 0)
    assert len({order.voice_url for order in phone.dialled}) == 50
