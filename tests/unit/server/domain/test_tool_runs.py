"""Tools in a call. Regressions are named by their line."""

from __future__ import annotations

import json

from server.domain import commands as do
from server.domain import events as on
from server.domain.session_plan import exactly
from tests.support.call_script import PLAN, TIMING, Call, asked, of

BOOK = on.FunctionCall("c1", "book_appointment", "{}")
FIRST, SECOND = (do.CreateResponse(exactly(words), tools=False, outside=True) for words in PLAN.lines.bridges[:2])


def working() -> Call:
    """A call in which a tool has just been started, without a word."""
    call = asked()
    call.begins()
    assert call.ends(BOOK) == [do.RunTool("c1", "book_appointment", "{}")]
    call.log.clear()
    return call


def test_a_tool_runs_once_and_its_result_asks_for_one_response() -> None:
    call = working()
    made = call.happens(on.ToolFinished("c1", '{"ok":true}'))
    assert made == [do.ReturnToolOutput("c1", '{"ok":true}'), do.CreateResponse()]
    assert call.happens(on.ToolFinished("c1", '{"ok":true}')) == []


def test_two_tools_of_one_response_ask_for_one_response_when_both_are_done() -> None:
    call = asked()
    call.begins()
    call.ends(on.FunctionCall("c1", "a", "{}"), on.FunctionCall("c2", "b", "{}"))
    assert of(do.CreateResponse, call.happens(on.ToolFinished("c1", "{}"))) == []
    assert of(do.CreateResponse, call.happens(on.ToolFinished("c2", "{}"))) == [do.CreateResponse()]


def test_a_tool_of_a_cancelled_response_is_not_run() -> None:
    call = asked()
    call.begins()
    assert of(do.RunTool, call.ends(BOOK, status="cancelled")) == []


def test_what_the_caller_says_while_a_tool_runs_is_answered_with_its_result() -> None:
    call = working()
    call.says("u2", "Are you there?", ms=500)
    assert of(do.CreateResponse, call.log) == []
    call.happens(on.ToolFinished("c1", "{}"))
    assert of(do.CreateResponse, call.log) == [do.CreateResponse()]


def test_a_result_that_comes_while_the_caller_speaks_waits_for_them() -> None:
    call = working()
    call.starts("u2")
    assert of(do.CreateResponse, call.happens(on.ToolFinished("c1", "{}"))) == []
    call.wait(1000)
    assert of(do.CreateResponse, call.stops("u2")) == [do.CreateResponse()]


def test_regression_12_a_slow_tool_is_bridged_and_again_in_other_words() -> None:
    call = working()
    assert of(do.CreateResponse, call.wait(TIMING.bridge_first_ms)) == [FIRST]
    call.responds("b1", "One moment, I am looking that up.", 1000)
    assert of(do.CreateResponse, call.wait(TIMING.bridge_next_ms)) == [SECOND]
    assert [note.kind for note in of(do.Note, call.log)] == ["tool_bridge", "tool_bridge"]


def test_a_bridge_is_never_cut_at_the_model_which_does_not_know_it() -> None:
    call = working()
    call.wait(TIMING.bridge_first_ms)
    call.responds("b1", "One moment, I am looking that up.", 2000)
    call.wait(500)
    call.says("u2", "How long will it take?")
    assert of(do.Truncate, call.log) == []
    assert of(do.ClearPlayback, call.log) == [do.ClearPlayback()]


def test_no_bridge_while_the_agent_is_heard() -> None:
    call = asked()
    call.begins()
    call.speaks("a1", 3000)
    call.ends(BOOK)
    call.log.clear()
    assert of(do.CreateResponse, call.wait(3000 + TIMING.bridge_first_ms - 1)) == []
    assert of(do.CreateResponse, call.wait(1)) == [FIRST]


def test_a_result_that_comes_during_a_bridge_waits_for_its_end() -> None:
    call = working()
    call.wait(TIMING.bridge_first_ms)
    call.begins()
    call.speaks("b1", 1000)
    assert of(do.CreateResponse, call.happens(on.ToolFinished("c1", "{}"))) == []
    assert of(do.CreateResponse, call.ends()) == [do.CreateResponse()]


def test_regression_12_a_tool_that_never_ends_is_told_to_the_model_as_a_failure() -> None:
    call = working()
    while not of(do.ReturnToolOutput, call.log):
        assert call.now < 60_000
        call.wait(500)
        if call.log and isinstance(call.log[-1], do.CreateResponse):
            call.responds(f"b{call.now}", "One moment.", 500)
    assert 20_000 <= call.now - 1600 <= 25_000
    (output,) = of(do.ReturnToolOutput, call.log)
    assert json.loads(output.output)["ok"] is False
    assert call.happens(on.ToolFinished("c1", '{"ok":true}')) == []


def test_regression_12_silence_after_a_tool_s_result_is_noticed() -> None:
    call = working()
    call.happens(on.ToolFinished("c1", "{}"))
    call.begins()
    made = call.wait(TIMING.answer_ms)
    assert of(do.Note, made) == [do.Note("nudge", {"how": "late"})]
