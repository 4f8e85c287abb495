"""Beeps, hums and mixing."""

from __future__ import annotations

import numpy as np

from phoneaudio.g711 import pcm16_from_ulaw
from simulator.level import is_voiced, voiced_spans
from simulator.sounds import beep, fax, hum, mix, silence, tone


def loudest_hz(ulaw: bytes) -> float:
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm16_from_ulaw(ulaw), dtype="<i2").astype(float)))
    return float(np.argmax(spectrum) * 8000 / len(ulaw))


def test_tones_have_their_pitch_and_length() -> None:
    assert (len(beep()), len(fax(1000)), len(silence(20))) == (3200, 8000, 160)
    assert abs(loudest_hz(beep()) - 1000) < 5 and abs(loudest_hz(fax()) - 2100) < 5


def test_a_hum_is_heard_as_one_stretch_of_speech() -> None:
    assert [(begin < 200, end > 1800) for begin, end in voiced_spans(hum(2000))] == [(True, True)]
    assert hum(0) == b"" and hum(2000) == hum(2000)


def test_mixing_keeps_the_length_of_the_first() -> None:
    assert len(mix(silence(20), tone(10))) == len(mix(silence(20), tone(40))) == 160
    assert is_voiced(mix(silence(20), tone(20))) and not is_voiced(mix(silence(20), tone(20), -40))
    assert mix(silence(20), b"") == silence(20)


def test_mixing_two_loud_sounds_clips_and_does_not_wrap() -> None:
    loud = tone(20, 500, 1.0)
    assert abs(loudest_hz(mix(loud, loud)) - loudest_hz(loud)) < 60
