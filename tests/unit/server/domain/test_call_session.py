"""Turns, times and limits of a whole call, by scripted events on a virtual clock."""

from __future__ import annotations

from dataclasses import replace

from server.domain import commands as do
from server.domain import events as on
from server.domain.session_plan import PastTurn
from server.domain.timing import Timing
from tests.support.call_script import PLAN, TIMING, asked, connected, greeted, of


def test_turns_keep_the_order_of_items_though_the_caller_s_words_come_last() -> None:
    call = greeted()
    call.starts("u1")
    call.wait(1000)
    call.stops("u1")
    call.responds("a1", "At nine.", 400)
    call.happens(on.CallerTranscript("u1", "When do you open?"))
    turns = {turn.item_id: turn.sequence for turn in of(do.RecordTurn, call.log)}
    assert turns["u1"] < turns["a1"]


def test_latency_runs_from_the_end_of_speech_to_the_first_audio() -> None:
    call = greeted()
    call.starts("u1")
    call.wait(1000)
    call.stops("u1")
    call.wait(150)
    call.responds("a1", "At nine.", 400)
    turn = of(do.RecordTurn, call.log)[-1]
    assert turn.latency_ms == 150 + TIMING.silence_ms
    assert turn.started_ms == call.now
    assert of(do.Answered, call.log) == [do.Answered(150 + TIMING.silence_ms)]


def test_an_error_of_the_model_that_is_not_fatal_is_noted_and_the_call_goes_on() -> None:
    call = greeted()
    assert call.happens(on.ModelFailed("invalid_value", "…", fatal=False)) == [
        do.Note("model_error", {"code": "invalid_value"})
    ]
    assert not call.session.ended


def test_words_that_could_not_be_understood_are_noted() -> None:
    call = asked()
    made = call.happens(on.CallerTranscript("u1", "", failed=True))
    assert [note.kind for note in of(do.Note, made)] == ["transcription_failed"]


def test_nothing_is_wanted_after_the_caller_hung_up() -> None:
    call = greeted()
    call.happens(on.StreamStopped())
    assert call.happens(on.ResponseDone("r9", "completed", (on.FunctionCall("c", "end_call", "{}"),))) == []
    assert call.session.agent_audio("a9", "/////w==", call.now) is None
    assert call.session.next_deadline_ms is None


def test_a_caller_who_hangs_up_in_a_sentence_heard_it_so_far() -> None:
    call = asked()
    call.responds("a1", "We are open from ten to four on Saturday.", 2000)
    call.wait(1000)
    (turn,) = of(do.RecordTurn, call.happens(on.StreamStopped()))
    assert turn.heard_ms == 1000
    assert turn.heard is not None and turn.message.startswith(turn.heard) and len(turn.heard) < len(turn.message)


def test_a_broken_stream_ends_the_call_with_a_reason() -> None:
    call = greeted()
    made = call.happens(on.StreamBroken("malformed"))
    assert of(do.HangUp, made) == [do.HangUp("bad_stream")]
    assert of(do.Note, made)[0].kind == "call_failed"


def test_a_call_that_reaches_its_limit_is_told_so_and_ended() -> None:
    call = greeted(replace(PLAN, timing=Timing(limit_ms=60_000, quiet_ms=100_000)))
    made = call.wait(40_000 - call.now)
    assert of(do.CreateResponse, made) == [do.CreateResponse(PLAN.lines.time_limit, tools=False)]
    call.responds("a9", "Our time is over. Goodbye.", 1000)
    assert of(do.HangUp, call.wait(999)) == []
    assert of(do.HangUp, call.wait(1)) == [do.HangUp("time_limit")]


def test_regression_14_whatever_happens_the_line_is_closed_fifteen_seconds_after_the_limit() -> None:
    call = greeted(replace(PLAN, timing=Timing(limit_ms=60_000, quiet_ms=100_000)))
    call.wait(39_000 - call.now)
    call.says("u1", "Tell me a very long story.", ms=300)
    call.begins()
    call.speaks("a1", 60_000)
    call.wait(75_000 - call.now - 1)
    assert of(do.HangUp, call.log) == []
    call.wait(1)
    assert of(do.HangUp, call.log) == [do.HangUp("time_limit")]


def test_a_stopping_server_says_goodbye_in_its_calls() -> None:
    call = asked()
    call.responds("a1", "At ten.", 400)
    call.happens(on.ServiceStopping())
    call.responds("a2", "Goodbye.", 400)
    assert of(do.HangUp, call.wait(800)) == [do.HangUp("service_stopping")]


def test_a_call_whose_stream_comes_back_is_told_to_the_model_and_goes_on_in_order() -> None:
    past = (PastTurn("i1", 1, "assistant", "Hello."), PastTurn("i2", 2, "user", "Put me through."))
    call = connected(replace(PLAN, resumed=past, greeting="Say exactly: “Nobody is free.”"))
    assert call.log == [
        do.AddContext("Caller: not known yet"),
        do.AddMessage("i1", "assistant", "Hello."),
        do.AddMessage("i2", "user", "Put me through."),
        do.CreateResponse("Say exactly: “Nobody is free.”", tools=False),
    ]
    call.responds("a1", "Nobody is free.", 400)
    assert of(do.RecordTurn, call.log)[-1].sequence == 3
