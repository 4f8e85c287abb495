"""The input buffer's clock and turns, and the encoder's deltas."""

from __future__ import annotations

import numpy as np
import pytest

from engine.realtime.audio_format import FORMATS, Encoder
from engine.realtime.audio_input import AudioInput
from engine.speech.turns import TurnChange, TurnRules

LOUD, QUIET = b"\x10\x90", b"\xff\xff"


class Loudness:
    """Speech is what is loud."""

    def window(self, samples: np.ndarray) -> float:
        return 1.0 if float(np.abs(samples).mean()) > 0.05 else 0.0

    def reset(self) -> None:
        pass


def ulaw(pattern: bytes, ms: int) -> bytes:
    return pattern * (ms * 4)


def feed(stream: AudioInput, *pieces: bytes) -> list[TurnChange]:
    return [change for piece in pieces for change in stream.append(piece) if change is not None]


def test_frames_of_any_size_give_the_same_turns() -> None:
    call = ulaw(QUIET, 1000) + ulaw(LOUD, 1000) + ulaw(QUIET, 1000)
    taken = []
    for size in (1, 7, 160, len(call)):
        stream = AudioInput(Loudness(), FORMATS["audio/pcmu"], TurnRules())
        starts = range(0, len(call), 160 if size == 1 else size)
        changes = feed(stream, *(call[at : at + (160 if size == 1 else size)] for at in starts))
        taken.append((changes, stream.now_ms, stream.speech_start_ms))
    assert taken[0][0] == [TurnChange.STARTED, TurnChange.LIKELY_OVER, TurnChange.STOPPED]
    assert all(one == taken[0] for one in taken[1:])
    assert taken[0][1] == 3000 and 650 <= taken[0][2] <= 700


def test_a_turns_audio_has_its_padding_and_nothing_of_the_next() -> None:
    stream = AudioInput(Loudness(), FORMATS["audio/pcmu"], TurnRules())
    call = ulaw(QUIET, 1000) + ulaw(LOUD, 1000) + ulaw(QUIET, 1000) + ulaw(LOUD, 1000)
    for change in stream.append(call):
        if change is TurnChange.STOPPED:
            samples, rate = stream.take()
            assert rate == 8000
            assert 300 + 1000 + 500 <= samples.size / 8 <= 300 + 1000 + 600
            stream.drop_taken()
    assert stream.speaking
    assert 1000 <= stream.take()[0].size / 8 <= 1400


def test_quiet_is_forgotten_but_the_clock_goes_on() -> None:
    stream = AudioInput(Loudness(), FORMATS["audio/pcmu"], TurnRules())
    feed(stream, *[ulaw(QUIET, 1000)] * 20)
    assert stream.now_ms == 20000 and stream.buffered_ms < 2000


def test_without_turn_detection_all_of_it_waits_for_the_commit() -> None:
    stream = AudioInput(Loudness(), FORMATS["audio/pcm"], None)
    feed(stream, b"\x00\x10" * 24000)
    assert stream.buffered_ms == 1000 and stream.take()[0].size == 24000
    stream.drop_taken()
    assert stream.buffered_ms == 0 and stream.now_ms == 1000


def test_a_changed_format_keeps_the_clock() -> None:
    stream = AudioInput(Loudness(), FORMATS["audio/pcm"], TurnRules())
    feed(stream, b"\x00\x00" * 24000)
    stream.configure(FORMATS["audio/pcmu"], TurnRules())
    feed(stream, ulaw(QUIET, 500))
    assert stream.now_ms == 1500


@pytest.mark.parametrize("name", FORMATS)
def test_deltas_are_160_ms_and_nothing_is_lost(name: str) -> None:
    wire = FORMATS[name]
    encoder = Encoder(wire)
    pcm = (np.sin(np.arange(24000) / 9) * 9000).astype("<i2").tobytes()
    deltas = [delta for at in range(0, len(pcm), 5000) for delta in encoder.feed(pcm[at : at + 5000])]
    deltas += encoder.feed(b"", last=True)
    assert {wire.ms(len(delta)) for delta in deltas[:-1]} == {160}
    assert wire.ms(sum(map(len, deltas))) == pytest.approx(1000, abs=2)
