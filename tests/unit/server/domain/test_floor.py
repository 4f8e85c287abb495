"""Barge-in: paused at once, then judged. Regressions are named by their line."""

from __future__ import annotations

import pytest

from server.domain import commands as do
from server.domain import events as on
from tests.support.call_script import TIMING, Call, asked, audio, connected, greeted, of

LONG = "We are open from ten to four on Saturday, and from nine to six on all the other days of the week."


def listening(text: str = LONG, ms: int = 4000, heard_ms: float = 1000) -> Call:
    """A call in which the agent has been heard for so long of an answer that was sent whole."""
    call = asked()
    call.responds("a1", text, ms)
    call.wait(heard_ms)
    call.log.clear()
    return call


def test_speech_over_the_agent_stops_what_is_played_at_once_and_nothing_else_yet() -> None:
    call = listening()
    assert call.starts("u2") == [do.ClearPlayback()]


def test_regression_11_speech_that_lasts_is_a_barge_in_though_the_model_has_finished_sending() -> None:
    call = listening()
    call.starts("u2")
    made = call.wait(TIMING.backchannel_ms + TIMING.silence_ms)
    assert of(do.Truncate, made) == [do.Truncate("a1", 1000)]
    assert of(do.CancelResponse, made) == []
    (turn,) = of(do.RecordTurn, made)
    assert turn.heard_ms == 1000 and turn.message == LONG
    assert turn.heard is not None and LONG.startswith(turn.heard) and len(turn.heard) < 30


def test_a_barge_in_while_the_model_is_sending_cancels_once_and_drops_the_rest() -> None:
    call = asked()
    call.begins()
    call.speaks("a1", 3000)
    call.wait(500)
    call.starts("u2")
    call.speaks("a1", 1000)
    call.wait(2000)
    call.speaks("a1", 1000)
    call.ends(status="cancelled")
    assert of(do.CancelResponse, call.log) == [do.CancelResponse("r2")]
    assert of(do.Truncate, call.log) == [do.Truncate("a1", 500)]
    assert of(do.Play, call.log) == []
    call.stops("u2")
    assert len(of(do.CreateResponse, call.log)) == 1


def test_regression_10_one_cancel_for_one_response_however_often_the_caller_starts() -> None:
    call = asked()
    call.begins()
    call.speaks("a1", 3000)
    for item in ("u2", "u3", "u4"):
        call.starts(item)
        call.wait(1200)
        call.stops(item)
    assert len(of(do.CancelResponse, call.log)) == 1
    assert len(of(do.ClearPlayback, call.log)) == 1


def test_the_utterance_that_interrupted_is_answered_when_the_stopped_response_has_ended() -> None:
    call = asked()
    call.begins()
    call.speaks("a1", 3000)
    call.says("u2", "No, I meant Sunday.")
    assert of(do.CreateResponse, call.log) == []
    assert of(do.CreateResponse, call.ends(status="cancelled")) == [do.CreateResponse()]


@pytest.mark.parametrize("words", ["Uh-huh.", "Mm-hm", "Okay, I see.", "Yeah, yeah", "Right", ""])
def test_a_backchannel_does_not_stop_the_agent(words: str) -> None:
    call = listening()
    call.starts("u2")
    call.wait(300 + TIMING.silence_ms)
    call.stops("u2")
    made = call.happens(on.CallerTranscript("u2", words))
    assert made[0] == do.DeleteItem("u2")
    (play,) = of(do.Play, made)
    assert sum(len(payload) * 6 for _, payload in play.pieces) / 64 == pytest.approx(3000 + TIMING.rewind_ms, abs=8)
    call.wait(5000)
    assert not any(of(kind, call.log) for kind in (do.CreateResponse, do.Truncate, do.CancelResponse, do.RecordTurn))
    assert [note.kind for note in of(do.Note, call.log)] == ["backchannel"]
    assert call.heard_ms == pytest.approx(600 + 1000 + 3000 + TIMING.rewind_ms, abs=2)


def test_what_the_model_sent_during_the_pause_is_played_after_it() -> None:
    call = asked()
    call.begins()
    call.speaks("a1", 2000, LONG)
    call.wait(1000)
    call.starts("u2")
    call.speaks("a1", 1000)
    call.wait(700)
    call.stops("u2")
    call.happens(on.CallerTranscript("u2", "Mm-hm."))
    call.speaks("a1", 1000)
    call.ends()
    call.wait(5000)
    assert call.heard_ms == pytest.approx(600 + 4000 + TIMING.rewind_ms, abs=2)


def test_an_interruption_after_a_resume_is_cut_where_it_was_heard() -> None:
    call = listening()
    call.says("u2", "Uh-huh", ms=200)
    call.wait(500)
    call.starts("u3")
    made = call.wait(1200)
    assert of(do.Truncate, made) == [do.Truncate("a1", 1000 - TIMING.rewind_ms + 500)]


def test_nothing_heard_after_a_resume_is_taken_back() -> None:
    call = listening()
    call.says("u2", "Uh-huh", ms=200)
    call.wait(50)
    call.starts("u3")
    assert of(do.Truncate, call.wait(1200)) == [do.Truncate("a1", 1000)]


def test_a_yes_to_a_question_is_an_answer() -> None:
    call = listening("Shall I book you in for Saturday at ten?", 2000, heard_ms=1900)
    call.says("u2", "Yeah", ms=200)
    assert of(do.Play, call.log) == []
    assert len(of(do.CreateResponse, call.log)) == 1


def test_a_yes_right_after_a_question_in_the_middle_is_an_answer() -> None:
    call = listening("Is Saturday at ten all right? I could also offer you Monday at eleven, or Tuesday.", 4000, 1500)
    call.says("u2", "Yeah", ms=200)
    assert of(do.Play, call.log) == []
    assert len(of(do.CreateResponse, call.log)) == 1


def test_short_words_that_say_something_are_a_barge_in() -> None:
    call = listening()
    call.says("u2", "Stop.", ms=300)
    assert of(do.Truncate, call.log) == [do.Truncate("a1", 1000)]
    assert len(of(do.CreateResponse, call.log)) == 1


def test_short_speech_whose_words_do_not_come_is_taken_to_be_real() -> None:
    call = listening()
    call.starts("u2")
    call.wait(700)
    call.stops("u2")
    assert of(do.CreateResponse, call.wait(TIMING.verdict_ms - 1)) == []
    made = call.wait(1)
    assert of(do.Truncate, made) and of(do.CreateResponse, made) == [do.CreateResponse()]


def test_a_second_sound_makes_the_first_one_real_and_both_get_one_answer() -> None:
    call = listening()
    call.starts("u2")
    call.wait(700)
    call.stops("u2")
    call.wait(100)
    call.says("u3", "Are you open on Sunday?")
    assert len(of(do.CreateResponse, call.log)) == 1


def test_a_pause_that_can_not_be_taken_up_again_has_the_model_go_on() -> None:
    """Only 20 s of what is not heard yet are kept."""
    call = asked()
    call.responds("a1", LONG, 30_000)
    call.wait(1000)
    call.says("u2", "Uh-huh", ms=200)
    assert of(do.Play, call.log) == []
    assert of(do.Truncate, call.log) == [do.Truncate("a1", 1000)]
    assert of(do.CreateResponse, call.log) == [do.CreateResponse(call.session._core.lines.go_on)]


def test_a_cough_while_the_model_thinks_does_not_lose_the_answer() -> None:
    call = asked()
    call.begins()
    call.starts("u2")
    call.speaks("a1", 1000)
    call.wait(600)
    call.stops("u2")
    call.happens(on.CallerTranscript("u2", ""))
    call.ends()
    call.wait(2000)
    assert call.heard_ms == 600 + 1000
    assert of(do.CancelResponse, call.log) == []


def test_speech_while_nothing_is_played_is_no_barge_in() -> None:
    assert greeted().starts("u1") == []


def test_regression_10_the_agent_s_own_echo_does_not_cut_the_greeting() -> None:
    call = connected()
    call.begins()
    call.speaks("g", 3000)
    call.wait(500)
    call.log.clear()
    assert call.starts("e1", echo=True) == []
    for _ in range(3):
        assert call.wait(TIMING.echo_check_ms) == [do.CheckEcho("e1")]
        assert call.happens(on.EchoChecked("e1", True)) == []
    made = call.happens(on.SpeechStopped("e1"), on.Committed("e1"), on.CallerTranscript("e1", "Thank you for calling"))
    assert [type(command) for command in made] == [do.DeleteItem, do.Note]
    call.ends()
    call.wait(3000)
    assert call.heard_ms == 3000
    assert not of(do.RecordTurn, call.log) and not of(do.CreateResponse, call.log) and not of(do.Truncate, call.log)


def test_regression_10_an_echo_that_a_caller_speaks_into_becomes_speech() -> None:
    call = listening()
    call.starts("u2", echo=True)
    call.wait(TIMING.echo_check_ms)
    assert call.happens(on.EchoChecked("u2", False)) == [do.ClearPlayback()]
    call.wait(1200)
    call.stops("u2")
    call.happens(on.CallerTranscript("u2", "Wait a moment."))
    assert of(do.Truncate, call.log) == [do.Truncate("a1", 1300)]
    assert len(of(do.CreateResponse, call.log)) == 1
    assert of(do.RecordTurn, call.log)[-1].message == "Wait a moment."


def test_regression_13_dictating_a_number_is_answered_group_by_group_and_never_ends_the_call() -> None:
    call = greeted()
    for n, group in enumerate(("oh seven seven", "double oh nine hundred", "one two three")):
        call.says(f"u{n + 2}", group, ms=1500)
        call.responds(f"b{n}", "Yes?", 400)
        call.wait(700)
    assert of(do.HangUp, call.log) == []
    assert [turn.message for turn in of(do.RecordTurn, call.log) if turn.speaker == "user"] == [
        "oh seven seven", "double oh nine hundred", "one two three"
    ]  # fmt: skip


def test_a_mark_that_clear_returned_does_nothing() -> None:
    call = listening()
    call.starts("u2")
    assert call.happens(on.MarkReturned("a9")) == []


def test_the_audio_of_a_pause_is_bounded() -> None:
    call = asked()
    call.begins()
    call.speaks("a1", 1000)
    call.starts("u2")
    for _ in range(200):
        call.session.agent_audio("a1", audio(200), call.now)
    kept = sum(len(piece.payload) for piece in call.session._core.playback._held or ())
    assert kept <= 220_000


# --- sounds without end ---


def test_a_steady_noise_is_no_speech_for_ever_and_the_caller_is_asked_and_told_goodbye() -> None:
    """Regression 12 and 14: the voice detection never stops, and neither silence nor the bill goes on with it."""
    call = greeted()
    call.starts("u1")
    assert call.wait(TIMING.longest_speech_ms - 1) == []
    assert [note.kind for note in of(do.Note, call.wait(1))] == ["endless_speech"]
    for asked_times in (1, 2):
        call.wait(TIMING.quiet_ms)
        assert len(of(do.CreateResponse, call.log)) == asked_times
        call.responds(f"s{asked_times}", "Are you still there?", 600)
        call.wait(600)
    call.wait(TIMING.quiet_ms)
    call.responds("bye", "Goodbye.", 600)
    call.wait(600)
    assert of(do.HangUp, call.log) == [do.HangUp("caller_silent")]


def test_a_noise_that_interrupted_an_answer_leaves_it_to_be_given_again() -> None:
    call = asked()
    call.begins()
    call.speaks("a1", 3000)
    call.wait(500)
    call.starts("u2")
    call.wait(TIMING.backchannel_ms + TIMING.silence_ms)
    call.ends(status="cancelled")
    assert of(do.CreateResponse, call.log) == []
    call.wait(TIMING.longest_speech_ms)
    assert len(of(do.CreateResponse, call.log)) == 1


@pytest.mark.parametrize("stopped", [False, True])
def test_speech_that_is_committed_late_is_answered_all_the_same(stopped: bool) -> None:
    """The model told of no end, or of no commit, and then did."""
    call = greeted()
    call.starts("u1")
    call.wait(2000)
    if stopped:
        call.happens(on.SpeechStopped("u1"))
    call.wait(TIMING.longest_speech_ms)
    assert "endless_speech" in [note.kind for note in of(do.Note, call.log)]
    call.log.clear()
    made = call.happens(on.Committed("u1"), on.CallerTranscript("u1", "When do you open?"))
    assert len(of(do.CreateResponse, made)) == 1
    assert [turn.message for turn in of(do.RecordTurn, made)] == ["When do you open?"]


def test_an_utterance_that_ends_in_time_is_never_taken_for_a_noise() -> None:
    call = greeted()
    call.says("u1", "A very long story.", ms=TIMING.longest_speech_ms - 2000)
    call.responds("a1", "I see.", 600)
    call.wait(TIMING.quiet_ms)
    assert "endless_speech" not in [note.kind for note in of(do.Note, call.log)]


def test_regression_10_the_end_of_an_echo_comes_behind_the_agent_s_last_words_and_is_no_turn() -> None:
    call = listening(ms=1000, heard_ms=1000)
    assert not call.session.playing
    call.starts("u2", echo=True)
    made = call.stops("u2") + call.happens(on.CallerTranscript("u2", "nine to six"))
    assert of(do.DeleteItem, made) == [do.DeleteItem("u2")]
    assert of(do.CreateResponse, made) == [] and of(do.RecordTurn, made) == []
