"""Who asks the model to speak: the session alone, once for each utterance. Regressions are named by their line."""

from __future__ import annotations

from server.domain import commands as do
from server.domain import events as on
from tests.support.call_script import GREETING, TIMING, Call, asked, connected, greeted, of


def test_regression_7_nothing_is_asked_before_the_model_took_the_configuration() -> None:
    call = Call()
    call.wait(1000)
    assert of(do.CreateResponse, call.log) == []
    assert not call.session.configured
    made = call.happens(on.SessionUpdated())
    assert made == [do.AddContext("Caller: not known yet"), do.CreateResponse(GREETING, tools=False)]


def test_regressions_6_and_7_a_second_configuration_neither_greets_nor_resets() -> None:
    call = connected()
    assert call.happens(on.SessionUpdated()) == []


def test_regression_6_one_utterance_gets_one_response() -> None:
    call = greeted()
    call.says("u1", "When do you open?")
    assert of(do.CreateResponse, call.log) == [do.CreateResponse()]
    call.responds("a1", "At nine.", 400)
    call.wait(3000)
    assert of(do.CreateResponse, call.log) == [do.CreateResponse()]


def test_regression_6_a_server_that_answers_by_itself_is_not_answered_twice() -> None:
    call = greeted()
    call.starts("u1")
    call.wait(1000)
    call.happens(on.SpeechStopped("u1"), on.ResponseCreated("its own"), on.Committed("u1"))
    assert of(do.CreateResponse, call.log) == []
    call.happens(on.ResponseDone("its own", "completed"))
    assert len(of(do.CreateResponse, call.log)) == 1


def test_two_utterances_in_a_row_stop_the_first_answer_and_get_one() -> None:
    """The caller only paused: the answer to the first half is stopped before a word of it is heard."""
    call = greeted()
    call.says("u1", "I want to book")
    call.begins()
    call.wait(200)
    call.starts("u2")
    call.wait(1200)
    assert of(do.CancelResponse, call.log) == [do.CancelResponse("r2")]
    call.stops("u2")
    call.ends(status="cancelled")
    assert len(of(do.CreateResponse, call.log)) == 2
    call.responds("a2", "For when?", 400)
    call.wait(5000)
    assert len(of(do.CreateResponse, call.log)) == 2


def test_a_response_that_has_not_begun_is_stopped_when_it_does() -> None:
    call = asked()
    call.starts("u2")
    call.wait(1200)
    assert of(do.CancelResponse, call.log) == []
    call.begins()
    assert of(do.CancelResponse, call.log) == [do.CancelResponse("r2")]


def test_regression_12_an_empty_answer_is_asked_for_once_more() -> None:
    call = asked()
    call.begins()
    made = call.ends()
    assert made == [do.Note("nudge", {"how": "empty"}), do.CreateResponse()]


def test_regression_12_an_answer_that_does_not_come_is_stopped_and_asked_for_again() -> None:
    call = asked()
    call.begins()
    made = call.wait(TIMING.answer_ms)
    assert made == [do.Note("nudge", {"how": "late"}), do.CancelResponse("r2")]
    assert of(do.CreateResponse, call.ends(status="cancelled")) == [do.CreateResponse()]


def test_regression_12_the_second_time_the_model_is_dialled_again_and_the_third_time_the_call_ends() -> None:
    call = asked()
    for _ in range(2):
        call.begins()
        call.ends()
    assert of(do.Reconnect, call.log) == [do.Reconnect(1)]
    call.happens(on.SessionUpdated())
    assert of(do.CreateResponse, call.log)[-1] == do.CreateResponse()
    call.begins()
    call.ends()
    call.wait(1000)
    assert of(do.HangUp, call.log) == [do.HangUp("model_lost")]


def test_regression_12_a_request_without_any_reply_is_taken_to_another_connection() -> None:
    """A second request on the same one could bring two answers."""
    call = asked()
    made = call.wait(TIMING.answer_ms)
    assert of(do.CreateResponse, made) == []
    assert of(do.Reconnect, made) == [do.Reconnect(1)]


def test_a_refused_request_is_made_again() -> None:
    call = greeted()
    call.says("u1", "Hello?")
    (request,) = of(do.CreateResponse, call.log)
    made = call.happens(on.ModelFailed("rate_limited", "…", fatal=False, about=request.key))
    assert of(do.CreateResponse, made) == [do.CreateResponse()]


def test_an_error_about_something_else_asks_for_nothing() -> None:
    call = asked()
    made = call.happens(on.ModelFailed("invalid_value", "…", fatal=False, about="ask_0"))
    assert made == [do.Note("model_error", {"code": "invalid_value"})]


def test_strikes_are_forgotten_when_the_agent_speaks() -> None:
    call = asked()
    call.begins()
    call.ends()
    call.responds("a1", "At nine.", 400)
    call.wait(400)
    call.says("u2", "And on Sunday?")
    call.begins()
    assert of(do.Note, call.ends())[0].kind == "nudge"


def test_the_end_of_a_response_that_is_not_ours_changes_nothing() -> None:
    call = asked()
    call.begins()
    assert call.happens(on.ResponseDone("another", "completed")) == []


def test_regression_12_the_greeting_is_asked_for_again_at_half_of_its_time_then_the_call_ends() -> None:
    call = connected()
    call.begins()
    made = call.wait(TIMING.first_audio_ms / 2)
    assert of(do.Note, made)[0].kind == "greeting_retry"
    assert of(do.CancelResponse, made) == [do.CancelResponse("r1")]
    call.ends(status="cancelled")
    assert of(do.CreateResponse, call.log)[-1] == do.CreateResponse(GREETING, tools=False)
    made = call.wait(TIMING.first_audio_ms / 2)
    assert of(do.HangUp, made) == [do.HangUp("no_first_audio")]
    assert of(do.Note, made)[-1].kind == "call_failed"


def test_regression_12_a_model_that_is_never_configured_is_dialled_again() -> None:
    call = Call()
    assert of(do.Reconnect, call.wait(TIMING.first_audio_ms / 2)) == [do.Reconnect(1)]


def test_regression_12_an_answer_that_stops_in_the_middle_is_taken_up_again() -> None:
    call = asked()
    call.begins()
    call.speaks("a1", 1000)
    call.wait(1000)
    call.log.clear()
    made = call.wait(TIMING.answer_ms)
    assert made == [do.Note("nudge", {"how": "stalled"}), do.CancelResponse("r2")]
    (request,) = of(do.CreateResponse, call.ends(status="cancelled"))
    assert request.instructions is not None and "Go on" in request.instructions


def test_regression_12_a_request_that_nobody_waits_for_does_not_hold_the_call_up() -> None:
    """The silence is asked about, and the model does not even begin."""
    call = greeted()
    call.wait(TIMING.quiet_ms)
    assert of(do.Reconnect, call.wait(TIMING.answer_ms)) == [do.Reconnect(1)]
