"""Nobody speaks. Regressions are named by their line."""

from __future__ import annotations

from server.domain import commands as do
from server.domain import events as on
from tests.support.call_script import PLAN, TIMING, asked, greeted, of

ASK, AGAIN = (do.CreateResponse(words, tools=False) for words in PLAN.lines.still_there)
GOODBYE = do.CreateResponse(PLAN.lines.caller_silent, tools=False)


def test_a_silent_caller_is_asked_twice_then_told_goodbye() -> None:
    call = greeted()
    for n, wanted in enumerate((ASK, AGAIN)):
        assert of(do.CreateResponse, call.wait(TIMING.quiet_ms)) == [wanted]
        call.responds(f"s{n}", "Are you still there?", 1000)
        call.wait(1000)
    assert of(do.CreateResponse, call.wait(TIMING.quiet_ms)) == [GOODBYE]
    call.responds("s9", "Goodbye.", 1000)
    assert of(do.HangUp, call.wait(1000)) == [do.HangUp("caller_silent")]


def test_regression_9_nobody_is_asked_while_the_agent_is_still_heard() -> None:
    """The model has sent everything at once; the caller listens for half a minute."""
    call = asked()
    call.responds("a1", "A very long answer.", 30_000)
    assert of(do.CreateResponse, call.wait(30_000 + TIMING.quiet_ms - 1)) == []
    assert of(do.CreateResponse, call.wait(1)) == [ASK]


def test_speech_begins_the_count_anew() -> None:
    call = greeted()
    call.wait(TIMING.quiet_ms)
    call.responds("s1", "Are you still there?", 1000)
    call.wait(1000)
    call.says("u1", "Yes, one moment.")
    call.responds("a1", "Of course.", 400)
    call.wait(400)
    assert of(do.CreateResponse, call.wait(TIMING.quiet_ms)) == [ASK]


def test_nobody_is_asked_while_the_caller_speaks_or_a_tool_runs() -> None:
    call = greeted()
    call.starts("u1")
    assert call.wait(3 * TIMING.quiet_ms) == []


def test_echo_is_nobody_speaking() -> None:
    call = asked()
    call.responds("a1", "At nine.", 1000)
    call.starts("e1", echo=True)
    call.wait(1000)
    call.happens(on.SpeechStopped("e1"), on.Committed("e1"))
    assert of(do.CreateResponse, call.wait(TIMING.quiet_ms)) == [ASK]


def test_lost_marks_do_not_hide_a_silence() -> None:
    call = asked()
    call.responds("a1", "At nine.", 1000)
    call.loses_marks()
    made = call.wait(1000 + TIMING.drain_grace_ms + TIMING.quiet_ms)
    assert [note.kind for note in of(do.Note, made)] == ["marks_lost", "silence_prompt"]
