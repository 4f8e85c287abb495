"""Outbound calls, from the request to the answered call: regressions 4, 13 and 17."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.db import db
from server.media_ws_ai import admit
from server.ports import CallNotPlaced, ProviderError
from server.services.businesses import save_business
from server.services.voice_clips import VoiceClips
from tests.support.desk import CALLER, PUBLIC, SALON, Desk, salon, token_of


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with salon(tmp_path) as made:
        yield made


def outbound(desk: Desk, status: str, sid: str = "CAout1", **more: str) -> dict[str, str]:
    """What Twilio says of a call of ours."""
    form = {"CallSid": sid, "From": SALON, "To": CALLER, "Direction": "outbound-api", "CallStatus": status}
    return form | more


def test_a_requested_call_is_dialled_connected_and_finished(desk: Desk) -> None:
    answer = desk.asks(purpose="your appointment on Thursday", customer_name="Maria Lopez", time_limit_s=300)
    asked = answer.json()
    assert (answer.status_code, asked["state"], asked["call_sid"]) == (202, "queued", None)
    assert desk.work() == ["CAout1"]
    (order,) = desk.world.telephony.dialled
    assert (order.to, order.from_, order.time_limit_s, order.ring_timeout_s) == (CALLER, SALON, 300, 30)
    assert order.voice_url == f"{PUBLIC}/webhook/voice?request={asked['id']}"
    assert desk.call("CAout1").status == "initiated"
    assert [event.source for event in desk.events(call_sid="CAout1")] == ["api"]
    twiml = desk.post(order.voice_url, outbound(desk, "in-progress")).text
    assert "<Stream" in twiml
    found = desk.client.get(f"/api/v1/calls/{asked['id']}", headers=desk.key()).json()
    assert (found["state"], found["status"], found["call"]["direction"]) == ("placed", "in-progress", "outbound")
    assert found["call"]["request_id"] == asked["id"]
    desk.post(order.status_url, outbound(desk, "completed", CallDuration="30"))
    call = desk.call("CAout1")
    assert (call.status, call.duration, desk.lines_in_use()) == ("completed", 30, 0)


def test_regression_4_an_outbound_call_speaks_the_outbound_prompt_with_its_purpose(desk: Desk) -> None:
    desk.change(inbound_prompt="Be kind to callers.", outbound_prompt="Remind them.", greeting="Thanks for calling.")
    desk.asks(purpose="your appointment", instructions="Offer Friday instead.", customer_name="Maria Lopez")
    desk.work()
    order = desk.world.telephony.dialled[0]
    token = token_of(desk.post(order.voice_url, outbound(desk, "in-progress")).text)
    admission = admit(token, "CAout1", VoiceClips())
    assert admission is not None
    said = admission.voice.instructions
    assert "Remind them." in said and "Be kind" not in said
    assert "Why: your appointment" in said and "Offer Friday instead." in said and "Maria Lopez" in said
    assert "Thanks for calling" not in admission.plan.greeting and "calling. Is this" in admission.plan.greeting
    inbound = admit(token_of(desk.rings("CAin").text), "CAin", VoiceClips())
    assert inbound is not None
    assert "Be kind" in inbound.voice.instructions and "Why you are calling" not in inbound.voice.instructions


def test_every_webhook_may_come_before_the_provider_s_answer(desk: Desk) -> None:
    def at_once(sid: str) -> None:
        order = desk.world.telephony.dialled[0]
        assert "<Stream" in desk.post(order.voice_url, outbound(desk, "in-progress")).text
        for status in ("ringing", "in-progress", "completed"):
            assert desk.post(order.status_url, outbound(desk, status)).status_code == 204

    desk.world.telephony.after_dialling = at_once
    desk.asks()
    desk.work()
    assert desk.call("CAout1").status == "completed"
    assert desk.lines_in_use() == 0


def test_a_busy_number_makes_a_call_without_a_voice_webhook(desk: Desk) -> None:
    desk.asks()
    desk.work()
    order = desk.world.telephony.dialled[0]
    desk.post(order.status_url, outbound(desk, "busy", CallDuration="0"))
    assert (desk.call("CAout1").status, desk.lines_in_use()) == ("busy", 0)


def test_the_same_key_is_the_same_call(desk: Desk) -> None:
    first, again = desk.asks(), desk.asks()
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"]
    other = desk.asks(purpose="another thing")
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "dedup_key_used" and "a key of its own" in other.json()["error"]["remedy"]
    desk.work()
    assert len(desk.world.telephony.dialled) == 1
    assert desk.asks().json()["state"] == "placed"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"to": "12345"}, "to '12345' is not a phone number"),
        ({"to": "+4416"}, "to '+4416'"),
        ({"to": "+33142685300"}, "to is a number of FR, and Harbour Hair calls GB"),
        ({"to": SALON}, "to is the business's own number"),
        ({"from": "+441632960199"}, "from is not a number of Harbour Hair"),
        ({"business": 77}, "business 77 is not known to this key"),
        ({"business": None}, "business None is not known"),
        ({"dedup_key": ""}, "dedup_key"),
        ({"time_limit_s": 5}, "time_limit_s"),
        ({"tone": "kind"}, "tone"),
    ],
)
def test_what_can_t_be_used_is_named(desk: Desk, change: dict[str, object], says: str) -> None:
    answer = desk.asks(**change)
    assert answer.status_code == 422
    assert says in answer.json()["error"]["message"] + (answer.json()["error"]["remedy"] or "")
    assert desk.world.jobs.jobs == []


def test_a_key_calls_for_its_own_business_alone(desk: Desk) -> None:
    with db.scope() as session:
        other = save_business(name="Other", phone_e164="+441632960102")
        session.commit()
    bound = desk.key(other.id)
    assert desk.asks(headers=bound).status_code == 422
    mine = desk.asks(headers=bound, business=None)
    assert mine.status_code == 202 and mine.json()["from_number"] == "+441632960102"
    theirs = desk.asks("order-2").json()["id"]
    assert desk.client.get(f"/api/v1/calls/{theirs}", headers=bound).status_code == 404
    listed = desk.client.get("/api/v1/call_requests", headers=bound).json()["requests"]
    assert [request["id"] for request in listed] == [mine.json()["id"]]


def test_a_number_abroad_is_called_where_the_business_allows_its_country(desk: Desk) -> None:
    desk.change(outbound_countries=["GB", "FR"])
    assert desk.asks(to="+33142685300").status_code == 202


def test_regression_17_a_worker_killed_after_dialling_finds_its_call_instead_of_dialling_again(desk: Desk) -> None:
    def dies(sid: str) -> None:
        raise KeyboardInterrupt

    desk.world.telephony.after_dialling = dies
    asked = desk.asks().json()["id"]
    with pytest.raises(KeyboardInterrupt):
        desk.work()
    assert desk.request(asked).state == "dialing"
    desk.world.telephony.after_dialling = None
    desk.run_up_to -= 1
    assert desk.work() == ["CAout1"]
    assert [retry.reason for retry in desk.retries] == ["another dialler has it"]
    assert len(desk.world.telephony.dialled) == 1
    assert (desk.request(asked).call_sid, desk.call("CAout1").status) == ("CAout1", "initiated")


def test_regression_17_two_diallers_of_one_request_make_one_call(desk: Desk) -> None:
    second: list[str] = []

    def meanwhile(sid: str) -> None:
        desk.world.telephony.after_dialling = None
        desk.run_up_to -= 1
        order = desk.world.telephony.dialled[0]
        desk.post(order.status_url, outbound(desk, "ringing"))
        second.extend(desk.work())

    desk.world.telephony.after_dialling = meanwhile
    desk.asks()
    desk.work()
    assert (len(desk.world.telephony.dialled), second) == (1, ["None"])


def test_regression_17_what_waited_too_long_is_not_dialled(desk: Desk) -> None:
    asked = desk.asks(valid_for_s=600).json()["id"]
    desk.clock.advance(601)
    desk.work()
    request = desk.request(asked)
    assert desk.world.telephony.dialled == []
    assert request.state == "refused" and "could not be dialled in time" in (request.reason or "")


def test_too_many_calls_a_second_are_dialled_later(desk: Desk) -> None:
    asked = desk.asks().json()["id"]
    desk.world.telephony.problems = [CallNotPlaced("429 20429", retryable=True, delay_s=7.0)]
    assert desk.work() == ["later: 429 20429", "CAout1"]
    assert list(desk.world.jobs.delays.values()) == [0.0, 7.0]
    assert desk.request(asked).state == "placed"


def test_a_refused_call_says_why_and_gives_its_line_back(desk: Desk) -> None:
    asked = desk.asks().json()["id"]
    desk.world.telephony.problems = [CallNotPlaced("400 21215: no permission for this country", retryable=False)]
    desk.work()
    found = desk.client.get(f"/api/v1/calls/{asked}", headers=desk.key()).json()
    assert (found["state"], found["reason"]) == ("refused", "400 21215: no permission for this country")
    assert desk.lines_in_use() == 0


def test_an_answer_that_is_lost_is_looked_for_before_anything_is_dialled_again(desk: Desk) -> None:
    def lost(sid: str) -> None:
        desk.world.telephony.after_dialling = None
        raise ProviderError("the connection broke", retryable=True)

    desk.world.telephony.after_dialling = lost
    asked = desk.asks().json()["id"]
    assert desk.work() == ["CAout1"]
    assert len(desk.world.telephony.dialled) == 1 and desk.request(asked).call_sid == "CAout1"


def test_a_provider_that_is_down_for_long_ends_in_a_refusal(desk: Desk) -> None:
    asked = desk.asks().json()["id"]
    desk.world.telephony.problems = [ProviderError("unreachable", retryable=True) for _ in range(20)]
    assert desk.work() == ["unreachable"]
    assert (desk.request(asked).state, desk.lines_in_use()) == ("refused", 0)


def test_a_call_beside_the_requested_one_is_hung_up(desk: Desk) -> None:
    desk.asks()
    desk.work()
    order = desk.world.telephony.dialled[0]
    twiml = desk.post(order.voice_url, outbound(desk, "in-progress", "CAstray")).text
    assert "<Hangup" in twiml and "<Stream" not in twiml


def machine(desk: Desk, answered_by: str, **asked: object) -> None:
    desk.asks(**asked)
    desk.work()
    order = desk.world.telephony.dialled[0]
    desk.post(order.voice_url, outbound(desk, "in-progress"))
    assert order.machine_url is not None
    form = {"CallSid": "CAout1", "AccountSid": "AC1", "AnsweredBy": answered_by, "MachineDetectionDuration": "3000"}
    for _ in range(2):
        assert desk.post(order.machine_url, form).status_code == 204
    desk.work()


def test_a_machine_is_told_the_message_after_its_beep_once(desk: Desk) -> None:
    machine(desk, "machine_end_beep", purpose="your appointment on Thursday")
    ((sid, twiml),) = desk.world.telephony.redirected
    assert sid == "CAout1" and "<Hangup" in twiml
    assert "this is Harbour Hair. We are calling about your appointment on Thursday." in twiml
    call = desk.call("CAout1")
    assert (call.answered_by, call.disposition) == ("machine_end_beep", "machine")
    assert "machine_message" in [kind for kind, _ in desk.timeline("CAout1")]


@pytest.mark.parametrize(
    ("answered_by", "asked"),
    [("machine_end_beep", {}), ("machine_end_silence", {"purpose": "x", "voicemail_message": ""}),
     ("fax", {"purpose": "your appointment"})],
)  # fmt: skip
def test_a_machine_without_a_message_for_it_is_hung_up(desk: Desk, answered_by: str, asked: dict[str, object]) -> None:
    machine(desk, answered_by, **asked)
    assert (desk.world.telephony.ended, desk.world.telephony.redirected) == (["CAout1"], [])


@pytest.mark.parametrize("answered_by", ["human", "unknown"])
def test_regression_13_a_person_or_what_may_be_one_goes_on_with_the_agent(desk: Desk, answered_by: str) -> None:
    machine(desk, answered_by, purpose="your appointment")
    assert (desk.world.telephony.ended, desk.world.telephony.redirected) == ([], [])
    assert (desk.call("CAout1").answered_by, desk.call("CAout1").disposition) == (answered_by, None)


def test_the_business_s_own_message_is_for_every_machine(desk: Desk) -> None:
    desk.change(voicemail_message="This is the salon. Call us.")
    machine(desk, "machine_end_other", purpose="your appointment")
    assert "This is the salon. Call us." in desk.world.telephony.redirected[0][1]


def test_no_detection_is_asked_for_where_none_is_wanted(desk: Desk) -> None:
    desk.asks(machine_detection=False)
    desk.work()
    assert desk.world.telephony.dialled[0].machine_url is None


def test_a_call_that_ended_meanwhile_is_left_alone(desk: Desk) -> None:
    desk.asks(purpose="x")
    desk.work()
    order = desk.world.telephony.dialled[0]
    desk.post(order.status_url, outbound(desk, "completed"))
    desk.post(str(order.machine_url), {"CallSid": "CAout1", "AnsweredBy": "machine_end_beep"})
    assert desk.work() == ["the call has ended"]
    assert desk.world.telephony.redirected == []
