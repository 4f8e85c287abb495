"""The call session by scripted events on a virtual clock. Regressions are named by their line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from server.domain import commands as do
from server.domain import events as on
from server.domain.call_session import GOODBYE, SILENCE_MS, CallSession, SessionPlan

GREETING = 'Greet the caller now. Say exactly: "Hello."'
PLAN = SessionPlan(greeting=GREETING, context="Caller: not known yet")


class Call:
    """A session with a clock of its own and a log of what it wanted."""

    def __init__(self, plan: SessionPlan = PLAN) -> None:
        self.now = 0.0
        self.session = CallSession(plan)
        self.wanted: list[do.Command] = list(self.session.start(self.now))
        self.marks: list[str] = []

    def happens(self, *events: on.Event) -> list[do.Command]:
        """Let events happen now; returns what they made the session want."""
        made = [command for event in events for command in self.session.handle(event, self.now)]
        self.wanted += made
        return made

    def speaks(self, item: str, ms: int) -> None:
        """The model sends so much audio in pieces of 200 ms."""
        for _ in range(ms // 200):
            mark = self.session.agent_audio(item, 1600, self.now)
            if mark is not None:
                self.marks.append(mark)

    def hears_all(self) -> list[do.Command]:
        """Twilio plays everything and returns the marks."""
        marks, self.marks = self.marks, []
        return self.happens(*(on.MarkReturned(mark) for mark in marks))

    def ticks(self, at: float) -> list[do.Command]:
        """Time passes."""
        self.now = at
        made = self.session.tick(at)
        self.wanted += made
        return made

    def responds(self, response: str, item: str, text: str, ms: int, *calls: on.FunctionCall) -> list[do.Command]:
        """A whole response, as the wire orders it."""
        self.happens(on.ResponseCreated(response), on.ItemAdded(item, "message", "assistant"))
        self.speaks(item, ms)
        return self.happens(on.TranscriptDone(item, text), on.ResponseDone(response, "completed", calls))

    def says(self, item: str, text: str) -> None:
        """The caller says something; the transcript comes at once."""
        self.happens(on.SpeechStarted(item))
        self.happens(on.SpeechStopped(item), on.ItemAdded(item, "message", "user"), on.CallerTranscript(item, text))


T = TypeVar("T")


def of(kind: type[T], commands: Iterable[object]) -> list[T]:
    """The commands of one kind."""
    return [command for command in commands if isinstance(command, kind)]


def greeted() -> Call:
    """A call whose greeting was heard."""
    call = Call()
    call.happens(on.SessionUpdated())
    call.responds("r0", "g", "Hello.", 600)
    call.now = 600
    call.hears_all()
    call.wanted.clear()
    return call


def test_regression_7_nothing_is_asked_before_the_model_took_the_configuration() -> None:
    call = Call()
    assert of(do.CreateResponse, call.wanted) == []
    assert not call.session.configured
    made = call.happens(on.SessionUpdated())
    assert made == [do.AddContext("Caller: not known yet"), do.CreateResponse(GREETING, tools=False)]


def test_regression_6_a_second_configuration_does_not_greet_again() -> None:
    call = Call()
    call.happens(on.SessionUpdated())
    assert call.happens(on.SessionUpdated()) == []


def test_regression_6_an_utterance_is_answered_by_the_model_s_voice_detection_alone() -> None:
    call = greeted()
    call.says("u1", "When do you open?")
    call.responds("r1", "a1", "At nine.", 400)
    assert of(do.CreateResponse, call.wanted) == []


def test_turns_keep_the_order_of_items_though_the_caller_s_words_come_last() -> None:
    call = greeted()
    call.happens(on.SpeechStarted("u1"), on.SpeechStopped("u1"), on.ItemAdded("u1", "message", "user"))
    call.responds("r1", "a1", "At nine.", 400)
    call.happens(on.CallerTranscript("u1", "When do you open?"))
    turns = {turn.item_id: turn.sequence for turn in of(do.RecordTurn, call.wanted)}
    assert turns["u1"] < turns["a1"]


def test_latency_runs_from_the_end_of_speech_to_the_first_audio() -> None:
    call = greeted()
    call.now = 5000
    call.happens(on.SpeechStarted("u1"))
    call.now = 6000
    call.happens(on.SpeechStopped("u1"), on.ItemAdded("u1", "message", "user"))
    call.now = 6150
    call.responds("r1", "a1", "At nine.", 400)
    turn = of(do.RecordTurn, call.wanted)[-1]
    assert turn.latency_ms == 150 + SILENCE_MS
    assert turn.started_ms == 6150


def test_barge_in_clears_truncates_to_what_was_heard_and_drops_the_rest() -> None:
    call = greeted()
    call.now = 1000
    call.happens(on.ResponseCreated("r1"), on.ItemAdded("a1", "message", "assistant"))
    call.speaks("a1", 1000)
    call.now = 1400
    call.happens(on.MarkReturned(call.marks[0]), on.MarkReturned(call.marks[1]))
    made = call.happens(on.SpeechStarted("u1"))
    assert made[:2] == [do.ClearPlayback(), do.Truncate("a1", 400)]
    assert call.session.agent_audio("a1", 1600, call.now) is None
    record = call.happens(on.TranscriptDone("a1", "We are open from nine to six on weekdays."))
    assert record[0].heard == "We are open from" or record[0].heard == "We are open"  # type: ignore[union-attr]
    assert record[0].heard_ms == 400  # type: ignore[union-attr]


def test_regression_11_barge_in_after_the_model_finished_sending() -> None:
    call = greeted()
    call.now = 1000
    call.responds("r1", "a1", "We are open from nine to six on weekdays.", 2000)
    call.now = 1200
    call.happens(on.MarkReturned(call.marks[0]))
    call.now = 1250
    made = call.happens(on.SpeechStarted("u1"))
    assert of(do.Truncate, made) == [do.Truncate("a1", 250)]
    (turn,) = of(do.RecordTurn, made)
    assert turn.message.endswith("weekdays.") and turn.heard is not None and len(turn.heard) < len(turn.message)


def test_speech_while_nothing_is_played_is_no_barge_in() -> None:
    call = greeted()
    assert call.happens(on.SpeechStarted("u1")) == []


def test_a_cleared_mark_that_returns_late_does_nothing() -> None:
    call = greeted()
    call.responds("r1", "a1", "Long answer.", 2000)
    call.happens(on.SpeechStarted("u1"))
    assert call.hears_all() == []


def test_a_tool_runs_once_and_its_result_asks_for_one_response() -> None:
    call = greeted()
    call.says("u1", "Book me in.")
    call.happens(on.ResponseCreated("r1"))
    tool = on.FunctionCall("c1", "book_appointment", "{}")
    assert call.happens(on.ResponseDone("r1", "completed", (tool,))) == [do.RunTool("c1", "book_appointment", "{}")]
    made = call.happens(on.ToolFinished("c1", '{"ok":true}'))
    assert made == [do.ReturnToolOutput("c1", '{"ok":true}'), do.CreateResponse()]
    assert call.happens(on.ToolFinished("c1", '{"ok":true}')) == []


def test_two_tools_of_one_response_ask_for_one_response_when_both_are_done() -> None:
    call = greeted()
    call.happens(on.ResponseCreated("r1"))
    tools = (on.FunctionCall("c1", "a", "{}"), on.FunctionCall("c2", "b", "{}"))
    call.happens(on.ResponseDone("r1", "completed", tools))
    assert of(do.CreateResponse, call.happens(on.ToolFinished("c1", "{}"))) == []
    assert of(do.CreateResponse, call.happens(on.ToolFinished("c2", "{}"))) == [do.CreateResponse()]


def test_a_tool_of_a_cancelled_response_is_not_run() -> None:
    call = greeted()
    call.happens(on.ResponseCreated("r1"))
    assert call.happens(on.ResponseDone("r1", "cancelled", (on.FunctionCall("c1", "book", "{}"),))) == []


def test_a_result_that_comes_while_the_model_speaks_waits_for_its_end() -> None:
    call = greeted()
    call.happens(on.ResponseCreated("r1"))
    call.happens(on.ResponseDone("r1", "completed", (on.FunctionCall("c1", "book", "{}"),)))
    call.happens(on.ResponseCreated("r2"))
    assert of(do.CreateResponse, call.happens(on.ToolFinished("c1", "{}"))) == []
    assert of(do.CreateResponse, call.happens(on.ResponseDone("r2", "completed"))) == [do.CreateResponse()]


END = on.FunctionCall("c9", "end_call", "{}")


def test_regression_8_the_call_ends_when_the_last_mark_returns_and_not_before() -> None:
    call = greeted()
    call.says("u1", "Goodbye.")
    made = call.responds("r1", "a1", "Goodbye!", 800, END)
    assert of(do.HangUp, made) == []
    marks, call.marks = call.marks, []
    assert of(do.HangUp, call.happens(*(on.MarkReturned(m) for m in marks[:-1]))) == []
    assert of(do.HangUp, call.happens(on.MarkReturned(marks[-1]))) == [do.HangUp("goodbye")]
    assert call.session.ended


def test_regression_8_a_transcript_after_the_goodbye_is_still_kept() -> None:
    call = greeted()
    call.responds("r1", "a1", "Goodbye!", 400, END)
    call.hears_all()
    assert call.session.ended
    (turn,) = of(do.RecordTurn, call.happens(on.CallerTranscript("u9", "Bye then.")))
    assert turn.message == "Bye then."


def test_an_end_without_words_is_given_a_goodbye_first() -> None:
    call = greeted()
    call.happens(on.ResponseCreated("r1"))
    made = call.happens(on.ResponseDone("r1", "completed", (END,)))
    assert of(do.CreateResponse, made) == [do.CreateResponse(GOODBYE, tools=False)]
    assert of(do.HangUp, made) == []
    call.responds("r2", "a2", "Goodbye!", 400)
    assert of(do.HangUp, call.hears_all()) == [do.HangUp("goodbye")]


def test_the_goodbye_is_not_cut_by_a_caller_who_says_bye_too() -> None:
    call = greeted()
    call.responds("r1", "a1", "Goodbye!", 800, END)
    assert of(do.ClearPlayback, call.happens(on.SpeechStarted("u2"))) == []


def test_regression_14_lost_marks_do_not_keep_the_line_open() -> None:
    call = greeted()
    call.now = 2000
    call.responds("r1", "a1", "Goodbye!", 800, END)
    due = call.session.next_deadline_ms
    assert due == 2000 + 800 + PLAN.drain_grace_ms
    assert of(do.HangUp, call.ticks(due - 1)) == []
    assert of(do.HangUp, call.ticks(due)) == [do.HangUp("goodbye")]


def test_regression_12_a_model_that_never_speaks_ends_the_call_with_a_reason() -> None:
    call = Call()
    call.happens(on.SessionUpdated())
    assert call.session.next_deadline_ms == PLAN.first_audio_ms
    made = call.ticks(PLAN.first_audio_ms)
    assert of(do.HangUp, made) == [do.HangUp("no_first_audio")]
    assert of(do.Note, made)[0].kind == "call_failed"


def test_regression_12_a_lost_model_ends_the_call_with_a_reason() -> None:
    call = greeted()
    made = call.happens(on.ModelFailed("connection_closed", "gone", fatal=True))
    assert of(do.HangUp, made) == [do.HangUp("model_unavailable")]


def test_an_error_of_the_model_that_is_not_fatal_is_noted_and_the_call_goes_on() -> None:
    call = greeted()
    made = call.happens(on.ModelFailed("invalid_value", "…", fatal=False))
    assert made == [do.Note("model_error", {"code": "invalid_value"})]
    assert not call.session.ended


def test_nothing_is_wanted_after_the_caller_hung_up() -> None:
    call = greeted()
    call.happens(on.StreamStopped())
    assert call.happens(on.ResponseDone("r9", "completed", (END,))) == []
    assert call.session.agent_audio("a9", 160, call.now) is None
    assert call.session.next_deadline_ms is None


def test_a_call_has_a_limit() -> None:
    call = greeted()
    assert of(do.HangUp, call.ticks(PLAN.limit_ms)) == [do.HangUp("time_limit")]
