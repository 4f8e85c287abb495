"""Sentences are cut where a speaker pauses."""

from __future__ import annotations

import pytest

from engine.speech.voice import Voice, sentences


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One. Two? Three!", ["One.", "Two?", "Three!"]),
        ("Ask for Mrs. Brown. She is in.", ["Ask for Mrs. Brown.", "She is in."]),
        ("It costs 4.50 pounds.", ["It costs 4.50 pounds."]),
        ("no stop", ["no stop"]),
        ("", []),
    ],
)
def test_sentences(text: str, pieces: list[str]) -> None:
    assert sentences(text) == pieces


@pytest.mark.speech
def test_the_same_words_sound_the_same_and_are_kept() -> None:
    voice = Voice()
    first = voice.say("Hello there.")
    assert first is voice.say("Hello there.")
    assert 0.4 < len(first) / 48000 < 2.0
    assert len(voice.say("Hello there.", 0.5)) > len(first)
