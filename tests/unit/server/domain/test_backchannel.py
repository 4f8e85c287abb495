"""What short words over the agent's speech mean."""

from __future__ import annotations

import pytest

from server.domain.backchannel import answers_agent, is_backchannel, is_farewell
from server.domain.playback import Heard


@pytest.mark.parametrize(
    "text", ["Uh-huh.", "mm-hm", "Mhm", "Yeah", "Okay, I see.", "right", "Got it", "Oh wow", "That’s great", "", "…"]
)
def test_signs_of_listening(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    ["No", "Stop", "Yes, but on Monday", "What?", "Okay and what about Sunday", "Wait", "Saturday", "right right " * 3],
)
def test_words_that_say_something(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize("text", ["Bye!", "Okay, thank you, bye-bye.", "Thanks, you too", "Have a nice day", "Cheers"])
def test_farewells(text: str) -> None:
    assert is_farewell(text)


@pytest.mark.parametrize("text", ["Wait", "Thanks, and one more thing", "Goodbye is what my name means"])
def test_words_that_keep_the_call(text: str) -> None:
    assert not is_farewell(text)


SAID = "Is Saturday all right? I could also offer you Monday or Tuesday in the afternoon."


@pytest.mark.parametrize(
    ("heard_ms", "whole", "answer"),
    [(1200, True, True), (2600, True, False), (3500, True, True), (3500, False, False), (4000, False, False)],
)
def test_an_answer_comes_near_a_question_or_near_the_end(heard_ms: int, whole: bool, answer: bool) -> None:
    heard = Heard("a", heard_ms, 4000, 4000)
    assert answers_agent(SAID, heard, whole=whole) is answer


def test_words_into_the_agent_s_silence_are_an_answer() -> None:
    assert answers_agent(SAID, None, whole=False)
