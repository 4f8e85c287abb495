"""Speech leaves while it is made, in files that players and FFmpeg read."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from engine.http.audio_encoder import CONTENT_TYPES, encoder
from engine.http.speech_request import FORMATS
from tests.unit.engine.http.made_audio import decoded, tone

SENTENCE = tone((1.0, 0.0), rate_hz=24000).tobytes()


def test_every_format_has_a_content_type() -> None:
    assert set(FORMATS) == set(CONTENT_TYPES)


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "pcm"])
def test_three_sentences_make_three_seconds_of_tone(form: str) -> None:
    making = encoder(form)
    parts = [making.feed(SENTENCE) for _ in range(3)]
    assert all(len(part) > 1500 for part in parts), "each sentence lets most of itself go at once"
    seconds, samples = decoded(b"".join(parts) + making.finish())
    assert seconds == pytest.approx(3.0, abs=0.1)
    assert float(np.abs(samples).mean()) == pytest.approx(0.25, abs=0.03)


def test_pcm_is_what_was_said() -> None:
    making = encoder("pcm")
    assert making.feed(SENTENCE) + making.feed(SENTENCE) + making.finish() == SENTENCE * 2


def test_a_wav_of_unknown_length_opens_in_the_standard_library() -> None:
    making = encoder("wav")
    with wave.open(io.BytesIO(making.feed(SENTENCE) + making.finish())) as reader:
        assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (24000, 1, 2)
        assert reader.readframes(reader.getnframes()) == SENTENCE


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_said_is_still_no_error(form: str) -> None:
    making = encoder(form)
    assert isinstance(making.feed(b"") + making.finish(), bytes)
