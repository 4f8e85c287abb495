"""Text to pieces, and what a request for speech may hold."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import ApiError
from engine.http.speech import spoken_pieces
from engine.http.speech_request import SpeechWanted, read_speech

GOOD: dict[str, Any] = {"model": "gpt-4o-mini-tts", "input": "Hello there.", "voice": "marin"}


def test_sentences_leave_one_by_one() -> None:
    assert spoken_pieces("Hello, Mr. Lee.  It is\n\n2:30 pm! Goodbye") == [
        "Hello, Mr. Lee.",
        "It is 2:30 pm!",
        "Goodbye",
    ]
    assert spoken_pieces("Well... ??? Yes.") == ["Well...", "Yes."]


def test_a_sentence_without_end_is_cut_at_commas_then_spaces_then_anywhere() -> None:
    commas = spoken_pieces(", ".join(["one two three four five"] * 40))
    assert all(piece.endswith(",") for piece in commas[:-1]) and len(commas) > 3
    words = spoken_pieces("word " * 400)
    assert "".join(words).replace(" ", "") == "word" * 400 and max(map(len, words)) <= 200
    assert [len(piece) for piece in spoken_pieces("a" * 450)] == [200, 200, 50]


def test_defaults() -> None:
    assert read_speech(GOOD) == SpeechWanted("Hello there.", "mp3", "audio", 1.0)
    whole = {**GOOD, "response_format": "wav", "stream_format": "sse", "speed": 2, "instructions": "Be calm."}
    assert read_speech(whole) == SpeechWanted("Hello there.", "wav", "sse", 2.0)
    assert read_speech({**GOOD, "voice": {"id": "voice_1"}, "speed": None, "instructions": None}).speed == 1.0


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": 4}, "model", "invalid_type"),
        ({"input": None}, "input", "missing_required_parameter"),
        ({"input": ""}, "input", "missing_required_parameter"),
        ({"input": ["Hello"]}, "input", "invalid_type"),
        ({"input": "…?!"}, "input", "invalid_value"),
        ({"input": "a" * 4097}, "input", "string_above_max_length"),
        ({"input": "Добрый день, чем могу помочь?"}, "input", "unsupported_language"),
        ({"input": "お電話ありがとうございます"}, "input", "unsupported_language"),
        ({"voice": None}, "voice", "missing_required_parameter"),
        ({"voice": ""}, "voice", "invalid_value"),
        ({"voice": 7}, "voice", "invalid_type"),
        ({"voice": {"name": "x"}}, "voice.id", "invalid_type"),
        ({"voice": "de-DE-KatjaNeural"}, "voice", "unsupported_language"),
        ({"response_format": "midi"}, "response_format", "invalid_value"),
        ({"response_format": {}}, "response_format", "invalid_value"),
        ({"stream_format": "raw"}, "stream_format", "invalid_value"),
        ({"speed": 0.2}, "speed", "invalid_value"),
        ({"speed": 4.1}, "speed", "invalid_value"),
        ({"speed": float("nan")}, "speed", "invalid_value"),
        ({"speed": "fast"}, "speed", "invalid_type"),
        ({"speed": True}, "speed", "invalid_type"),
        ({"instructions": 1}, "instructions", "invalid_type"),
    ],
)
def test_mistakes_name_the_field(change: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(ApiError) as refused:
        read_speech({**GOOD, **change})
    assert (refused.value.status, refused.value.param, refused.value.code) == (400, param, code)


@pytest.mark.parametrize("text", ["Café Größe, 45 £", "a" * 4096, "7", "Tokyo is 東京."])
def test_what_the_voice_can_say_is_taken(text: str) -> None:
    assert read_speech({**GOOD, "input": text, "voice": "en-GB-Sonia"}).text == text
