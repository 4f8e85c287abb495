"""Goodbye, transfer and the hang-up. Regressions are named by their line."""

from __future__ import annotations

import json

from server.domain import commands as do
from server.domain import events as on
from tests.support.call_script import PLAN, TIMING, Call, asked, of

END = on.FunctionCall("c9", "end_call", "{}")
TRANSFER = on.FunctionCall("c8", "transfer_call", '{"to":"reception"}')


def leaving(ms: int = 2000) -> Call:
    """A call in which the agent is saying goodbye."""
    call = asked()
    call.responds("a1", "Thank you for calling, goodbye!", ms, END)
    call.log.clear()
    return call


def test_regression_8_the_call_ends_when_the_last_word_was_heard_and_not_before() -> None:
    call = leaving()
    assert call.wait(1999) == []
    assert of(do.HangUp, call.wait(1)) == [do.HangUp("goodbye")]
    assert call.session.ended


def test_regression_8_transcripts_after_the_goodbye_are_still_kept_and_nothing_else_is_done() -> None:
    call = leaving()
    call.wait(2000)
    (turn,) = call.happens(on.CallerTranscript("u9", "Bye then."))
    assert isinstance(turn, do.RecordTurn) and turn.message == "Bye then."
    assert call.happens(on.SpeechStarted("u9"), on.Committed("u9"), LOST) == []


LOST = on.ModelFailed("connection_closed", "gone", fatal=True)


def test_an_end_without_words_is_given_a_goodbye_first() -> None:
    call = asked()
    call.begins()
    made = call.ends(END)
    assert of(do.CreateResponse, made) == [do.CreateResponse(PLAN.lines.goodbye, tools=False)]
    assert of(do.HangUp, made) == []
    call.responds("a2", "Goodbye!", 400)
    assert of(do.HangUp, call.wait(400)) == [do.HangUp("goodbye")]


def test_regression_14_a_goodbye_that_never_comes_does_not_keep_the_line_open() -> None:
    call = asked()
    call.begins()
    call.ends(END)
    assert of(do.HangUp, call.wait(TIMING.goodbye_ms)) == [do.HangUp("goodbye")]


def test_regression_14_lost_marks_do_not_keep_the_line_open() -> None:
    call = leaving()
    call.loses_marks()
    assert of(do.HangUp, call.wait(2000 + TIMING.drain_grace_ms - 1)) == []
    made = call.wait(1)
    assert [note.kind for note in of(do.Note, made)] == ["marks_lost", "hang_up"]
    assert of(do.HangUp, made) == [do.HangUp("goodbye")]


def test_a_caller_who_says_bye_too_does_not_cut_the_goodbye() -> None:
    call = leaving()
    call.wait(500)
    call.says("u2", "Thanks, bye bye!", ms=600)
    assert of(do.ClearPlayback, call.log) == []
    assert of(do.HangUp, call.wait(1000)) == [do.HangUp("goodbye")]


def test_a_caller_who_has_another_question_keeps_the_call() -> None:
    call = leaving()
    call.wait(500)
    call.says("u2", "Oh, one more thing.", ms=700)
    assert of(do.ClearPlayback, call.log) == [do.ClearPlayback()]
    (output,) = of(do.ReturnToolOutput, call.log)
    assert output.call_id == "c9" and json.loads(output.output)["ok"] is False
    assert of(do.CreateResponse, call.log) == [do.CreateResponse()]
    call.responds("a2", "Of course.", 400)
    call.wait(2000)
    assert of(do.HangUp, call.log) == []


def test_the_line_is_not_closed_into_what_the_caller_is_saying() -> None:
    call = leaving(1000)
    call.wait(900)
    call.starts("u2")
    assert of(do.HangUp, call.wait(600)) == []
    call.stops("u2")
    assert of(do.HangUp, call.happens(on.CallerTranscript("u2", "Bye!"))) == [do.HangUp("goodbye")]


def test_long_speech_over_the_goodbye_calls_it_off() -> None:
    call = leaving(5000)
    call.wait(500)
    call.starts("u2")
    made = call.wait(TIMING.over_goodbye_ms + TIMING.silence_ms)
    assert of(do.ClearPlayback, made) and of(do.Truncate, made)
    assert [note.kind for note in of(do.Note, made)] == ["end_called_off", "barge_in"]


def test_an_end_that_the_caller_has_overtaken_is_not_carried_out() -> None:
    """The model ended the call while the caller was saying something new."""
    call = asked()
    call.begins()
    call.starts("u2")
    made = call.ends(END)
    (output,) = of(do.ReturnToolOutput, made)
    assert json.loads(output.output)["ok"] is False
    call.wait(1000)
    assert of(do.CreateResponse, call.stops("u2") + call.wait(1000)) == [do.CreateResponse()]
    assert of(do.HangUp, call.log) == []


def test_a_transfer_is_carried_out_when_its_announcement_was_heard() -> None:
    call = asked()
    made = call.responds("a1", "I will put you through.", 1000, TRANSFER)
    assert of(do.Transfer, made) == [] and of(do.Transfer, call.wait(999)) == []
    assert of(do.Transfer, call.wait(1)) == [do.Transfer("c8", '{"to":"reception"}')]
    assert not call.session.ended
    made = call.happens(on.StreamStopped())
    assert of(do.Note, made)[-1].detail["transferred"] is True


def test_a_transfer_without_words_is_announced_first() -> None:
    call = asked()
    call.begins()
    assert of(do.CreateResponse, call.ends(TRANSFER)) == [do.CreateResponse(PLAN.lines.announce, tools=False)]


def test_a_transfer_that_fails_gives_the_call_back_to_the_agent() -> None:
    call = asked()
    call.responds("a1", "I will put you through.", 1000, TRANSFER)
    call.wait(1000)
    made = call.happens(on.TransferFailed("c8", '{"ok":false}'))
    assert of(do.ReturnToolOutput, made) == [do.ReturnToolOutput("c8", '{"ok":false}')]
    assert of(do.CreateResponse, made) == [do.CreateResponse()]
    assert call.happens(on.TransferFailed("c8", '{"ok":false}')) == []


def test_a_transfer_that_never_happens_gives_the_call_back_too() -> None:
    call = asked()
    call.responds("a1", "I will put you through.", 1000, TRANSFER)
    call.wait(1000)
    made = call.wait(TIMING.transfer_ms)
    assert of(do.CreateResponse, made) == [do.CreateResponse()]


def test_nothing_is_said_while_a_transfer_is_under_way() -> None:
    call = asked()
    call.responds("a1", "I will put you through.", 1000, TRANSFER)
    call.wait(1000)
    call.log.clear()
    call.says("u2", "Hello? Is anybody there?")
    call.wait(10_000)
    assert of(do.CreateResponse, call.log) == []


def test_a_caller_who_objects_to_the_announcement_is_not_transferred() -> None:
    call = asked()
    call.responds("a1", "I will put you through.", 2000, TRANSFER)
    call.wait(500)
    call.says("u2", "No, wait.", ms=600)
    call.wait(5000)
    assert of(do.Transfer, call.log) == []
    assert of(do.CreateResponse, call.log) == [do.CreateResponse()]
