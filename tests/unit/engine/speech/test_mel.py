"""The spectrogram's shape, scale and place in frequency."""

from __future__ import annotations

import numpy as np
import pytest

from engine.speech.mel import MAX_FRAMES, log_mel


def tone(hz: float, seconds: float = 1.0) -> np.ndarray:
    return (np.sin(2 * np.pi * hz * np.arange(int(16000 * seconds)) / 16000) * 0.5).astype(np.float32)


def test_ten_milliseconds_a_frame_and_the_padding_behind() -> None:
    mel = log_mel(tone(440), 600)
    assert mel.shape == (80, 700) and mel.dtype == np.float32 and mel.flags.c_contiguous


def test_never_longer_than_whisper_takes() -> None:
    assert log_mel(tone(440, 29.0), 600).shape == (80, MAX_FRAMES)


@pytest.mark.parametrize(("low", "high"), [(200, 800), (800, 2000), (2000, 6000)])
def test_a_higher_tone_lights_a_higher_band(low: float, high: float) -> None:
    loudest = [int(log_mel(tone(hz), 0)[:, 50].argmax()) for hz in (low, high)]
    assert loudest[0] < loudest[1]


def test_values_span_eight_decades_in_fours() -> None:
    mel = log_mel(tone(1000), 100)
    assert mel.max() - mel.min() == pytest.approx(2.0)
