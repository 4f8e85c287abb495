"""The model's connection is lost in a call. Regressions are named by their line."""

from __future__ import annotations

from server.domain import commands as do
from server.domain import events as on
from tests.support.call_script import GREETING, PLAN, TIMING, Call, asked, connected, greeted, of

LOST = on.ModelFailed("connection_closed", "gone", fatal=True)
NO_CONNECTION = on.ModelFailed("connect_failed", "refused", fatal=True)


def kinds(commands: list[do.Command]) -> list[str]:
    """The kinds of the timeline's notes."""
    return [note.kind for note in of(do.Note, commands)]


def test_regression_12_a_lost_model_is_dialled_again_at_once_and_told_the_conversation() -> None:
    call = asked()
    call.responds("a1", "On Saturday from ten to four.", 1000)
    call.wait(1000)
    call.log.clear()
    made = call.happens(LOST)
    assert of(do.Reconnect, made) == [do.Reconnect(1)] and kinds(made) == ["model_lost"]
    assert not call.session.configured
    call.wait(200)
    made = call.happens(on.SessionUpdated())
    assert made[:4] == [
        do.AddContext("Caller: not known yet"),
        do.AddMessage("g", "assistant", "Hello, how can I help?"),
        do.AddMessage("u1", "user", "When do you open on Saturday?"),
        do.AddMessage("a1", "assistant", "On Saturday from ten to four."),
    ]
    assert of(do.Note, made) == [do.Note("reconnected", {"attempts": 1, "ms": 200})]
    assert of(do.CreateResponse, made) == []


def test_an_answer_that_was_owed_is_asked_for_on_the_new_connection() -> None:
    call = asked()
    call.begins()
    call.happens(LOST)
    assert of(do.CreateResponse, call.happens(on.SessionUpdated())) == [do.CreateResponse()]


def test_words_that_went_down_with_the_connection_are_asked_for_again() -> None:
    call = greeted()
    call.starts("u1")
    call.wait(1500)
    call.stops("u1")
    call.happens(LOST)
    made = call.happens(on.SessionUpdated())
    assert of(do.CreateResponse, made) == [do.CreateResponse(PLAN.lines.not_heard, tools=False)]


def test_the_model_is_told_what_was_heard_where_it_was_cut() -> None:
    call = asked()
    call.responds("a1", "We are open from ten to four on Saturday.", 2000)
    call.wait(1000)
    call.says("u2", "And on Sunday?")
    call.happens(LOST)
    made = call.happens(on.SessionUpdated())
    told = {message.item_id: message.text for message in of(do.AddMessage, made)}
    assert told["a1"] == "We are open from ten"
    assert told["u2"] == "And on Sunday?"


def test_tools_are_told_with_their_results_and_one_that_is_running_ends_there() -> None:
    call = asked()
    call.begins()
    call.ends(on.FunctionCall("c1", "check_availability", "{}"))
    call.happens(on.ToolFinished("c1", '{"ok":true}'))
    call.begins()
    call.ends(on.FunctionCall("c2", "book_appointment", "{}"))
    call.happens(LOST)
    made = call.happens(on.SessionUpdated())
    assert [command for command in made if isinstance(command, do.AddToolCall | do.ReturnToolOutput)] == [
        do.AddToolCall("c1", "check_availability", "{}"),
        do.ReturnToolOutput("c1", '{"ok":true}'),
        do.AddToolCall("c2", "book_appointment", "{}"),
    ]
    made = call.happens(on.ToolFinished("c2", "{}"))
    assert made == [do.ReturnToolOutput("c2", "{}"), do.CreateResponse()]


def test_a_tool_that_ends_while_the_model_is_gone_is_answered_afterwards() -> None:
    call = asked()
    call.begins()
    call.ends(on.FunctionCall("c1", "book_appointment", "{}"))
    call.happens(LOST)
    assert call.happens(on.ToolFinished("c1", "{}")) == []
    made = call.happens(on.SessionUpdated())
    assert of(do.ReturnToolOutput, made) == [do.ReturnToolOutput("c1", "{}")]
    assert of(do.CreateResponse, made) == [do.CreateResponse()]


def test_a_bridge_and_a_backchannel_are_no_part_of_the_conversation() -> None:
    call = asked()
    call.begins()
    call.ends(on.FunctionCall("c1", "book_appointment", "{}"))
    call.wait(TIMING.bridge_first_ms)
    call.responds("b1", "One moment.", 1000)
    call.wait(200)
    call.says("u2", "Okay", ms=200)
    call.happens(LOST)
    made = call.happens(on.SessionUpdated())
    assert {message.item_id for message in of(do.AddMessage, made)} == {"g", "u1"}


def test_the_caller_hears_a_bridge_when_it_takes_longer_than_a_moment() -> None:
    call = greeted()
    call.happens(LOST)
    assert of(do.Play, call.wait(TIMING.hold_clip_ms - 1)) == []
    made = call.wait(1)
    assert len(of(do.Play, made)) == 1
    (turn,) = of(do.RecordTurn, made)
    assert turn.speaker == "assistant" and turn.message.startswith("One moment")
    call.happens(on.SessionUpdated())
    assert turn.item_id not in {message.item_id for message in of(do.AddMessage, call.log)}


def test_no_bridge_over_what_is_still_being_played() -> None:
    call = asked()
    call.responds("a1", "A long answer.", 3000)
    call.happens(LOST)
    assert of(do.Play, call.wait(2000)) == []


def test_attempts_follow_each_other_and_the_call_ends_with_an_apology_when_none_is_left() -> None:
    call = greeted()
    began = call.now
    call.happens(LOST)
    times = [0.0]
    while not call.session.ended:
        assert call.now < began + 10_000
        call.happens(NO_CONNECTION)
        before = len(of(do.Reconnect, call.log))
        call.wait(100)
        if len(of(do.Reconnect, call.log)) > before:
            times.append(call.now - began)
    assert [round(at, -2) for at in times] == [0, 500, 1500, 2500]
    assert of(do.HangUp, call.log) == [do.HangUp("model_lost")]
    assert kinds(call.log)[-3:] == ["reconnect_failed", "apology", "call_failed"]
    assert len(of(do.Play, call.log)) == 2


def test_an_attempt_that_hangs_ends_with_the_whole_wait() -> None:
    call = greeted()
    call.happens(LOST)
    assert of(do.HangUp, call.wait(TIMING.reconnect_ms + 1000)) == [do.HangUp("model_lost")]


def test_a_call_without_clips_ends_without_one() -> None:
    plan = type(PLAN)(greeting=GREETING, context="")
    call = greeted(plan)
    call.happens(LOST)
    made = call.wait(TIMING.reconnect_ms)
    assert of(do.Play, made) == [] and of(do.HangUp, made) == [do.HangUp("model_lost")]


def test_a_model_that_can_not_be_reached_at_the_start_is_dialled_again() -> None:
    call = Call()
    assert of(do.Reconnect, call.happens(NO_CONNECTION)) == [do.Reconnect(1)]
    call.happens(NO_CONNECTION)
    assert of(do.Reconnect, call.wait(500)) == [do.Reconnect(2)]
    made = call.happens(on.SessionUpdated())
    assert of(do.CreateResponse, made) == [do.CreateResponse(GREETING, tools=False)]


def test_a_greeting_that_was_not_heard_is_spoken_on_the_new_connection() -> None:
    call = connected()
    call.begins()
    call.happens(LOST)
    made = call.happens(on.SessionUpdated())
    assert of(do.CreateResponse, made) == [do.CreateResponse(GREETING, tools=False)]


def test_a_model_that_is_lost_after_the_goodbye_is_not_missed() -> None:
    call = asked()
    call.responds("a1", "Goodbye!", 1000, on.FunctionCall("c9", "end_call", "{}"))
    made = call.happens(LOST)
    assert of(do.Reconnect, made) == []
    assert of(do.HangUp, call.wait(1000)) == [do.HangUp("goodbye")]


def test_what_was_paused_is_played_on() -> None:
    call = asked()
    call.responds("a1", "A long answer about many things.", 3000)
    call.wait(1000)
    call.starts("u2")
    call.happens(LOST)
    call.wait(3000)
    assert call.heard_ms >= 600 + 3000


def test_an_item_of_the_old_connection_is_not_cut_at_the_new_one() -> None:
    call = asked()
    call.responds("a1", "A long answer about many things.", 6000)
    call.happens(LOST)
    call.happens(on.SessionUpdated())
    call.wait(500)
    call.says("u2", "Stop, please.")
    assert of(do.Truncate, call.log) == []
    assert of(do.RecordTurn, call.log)[-1].message == "Stop, please."


def test_regression_12_an_answer_that_ended_empty_twice_is_asked_for_on_the_new_connection() -> None:
    call = asked()
    for _ in range(2):
        call.begins()
        call.ends()
    assert len(of(do.Reconnect, call.log)) == 1
    call.log.clear()
    made = call.happens(on.SessionUpdated())
    assert len(of(do.CreateResponse, made)) == 1
