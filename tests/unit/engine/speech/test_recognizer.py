"""What Whisper writes over noise is not taken for speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.settings import cache_dir
from engine.speech.recognizer import NOTHING, Recognizer, _checked
from engine.speech.whisper_files import whisper_folder


@pytest.mark.parametrize("text", ["", " . ", "[BLANK_AUDIO]", "(music)", "you", "Thanks for watching!"])
def test_noise_is_nothing(text: str) -> None:
    assert _checked(text, -0.2, 0.1).text == ""


def test_unsure_words_over_probable_silence_are_nothing() -> None:
    assert _checked("Goodbye.", -1.4, 0.9).text == ""
    assert _checked("Goodbye.", -0.4, 0.9).text == "Goodbye."


def test_a_short_answer_written_twice_is_one() -> None:
    assert _checked("Yes. Yes.", -0.2, 0.1).text == "Yes."
    assert _checked("No, Friday. No, Saturday.", -0.2, 0.1).text == "No, Friday. No, Saturday."


@pytest.mark.speech
def test_silence_costs_no_decoding_and_long_audio_is_heard_in_pieces(tmp_path: Path) -> None:
    recognizer = Recognizer(whisper_folder(cache_dir()), workers=1)
    assert recognizer.transcribe(np.zeros(8000, dtype=np.float32), 8000) is NOTHING
    assert recognizer.transcribe(np.zeros(8000 * 50, dtype=np.float32), 8000).text == ""
