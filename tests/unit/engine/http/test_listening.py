"""Long recordings in blocks: every word once, at its own time, and memory that does not grow."""

from __future__ import annotations

import asyncio
import itertools

import numpy as np
import pytest

from engine.http.audio_files import AudioFile
from engine.http.listening import finished, pieces
from engine.speech.recognizer import Heard
from engine.speech.segments import Span
from tests.unit.engine.http.made_audio import encoded, tone


class CountingSpeech:
    """Names each stretch by its number; speech is what is loud."""

    def __init__(self) -> None:
        self.heard: list[float] = []
        self.borrowed = 0

    async def hear(self, samples: np.ndarray, rate_hz: int) -> Heard:
        self.heard.append(samples.size / rate_hz)
        return Heard(f"Piece {len(self.heard)}.", -0.1, 0.0)

    async def say(self, sentence: str, speed: float) -> bytes:
        raise AssertionError("a recording is only heard")

    def borrow_vad(self) -> CountingSpeech:
        self.borrowed += 1
        return self

    def return_vad(self, vad: object) -> None:
        self.borrowed -= 1

    def window(self, samples: np.ndarray) -> float:
        return 1.0 if float(np.abs(samples).mean()) > 0.05 else 0.0

    def reset(self) -> None:
        pass


async def heard(samples: np.ndarray, rate_hz: int = 8000) -> tuple[list[tuple[float, float]], CountingSpeech]:
    file, speech = AudioFile(encoded("wav", samples, rate_hz)), CountingSpeech()
    found = [(piece.start, piece.end) async for piece in pieces(file, speech)]
    return found, speech


async def test_speech_over_a_block_border_is_one_piece_at_its_time() -> None:
    found, speech = await heard(tone((0.0, 58.0), (5.0, 67.0), (2.0, 8.0), rate_hz=8000))
    assert [start for start, _ in found] == pytest.approx([57.8, 129.8], abs=0.1)
    assert [end - start for start, end in found] == pytest.approx([5.5, 2.5], abs=0.15)
    assert speech.borrowed == 0


async def test_a_word_that_begins_in_the_last_breath_of_a_block_is_whole() -> None:
    found, _ = await heard(tone((0.0, 59.98), (1.0, 2.0), rate_hz=8000))
    assert found == [(pytest.approx(59.78, abs=0.1), pytest.approx(61.23, abs=0.1))]


async def test_a_word_that_ends_just_before_a_border_is_heard_once() -> None:
    found, _ = await heard(tone((0.0, 58.2), (1.0, 10.0), rate_hz=8000))
    assert len(found) == 1


async def test_speech_without_a_pause_comes_in_pieces_of_at_most_24_s_without_a_gap() -> None:
    found, speech = await heard(tone((150.0, 1.0), rate_hz=8000))
    assert max(speech.heard) <= 24.0
    assert all(before[1] == pytest.approx(after[0]) for before, after in itertools.pairwise(found))
    assert (found[0][0], found[-1][1]) == (pytest.approx(0.0, abs=0.1), pytest.approx(150.25, abs=0.2))


async def test_a_wideband_file_is_heard_at_its_rate_with_right_times() -> None:
    found, _ = await heard(tone((0.0, 1.0), (1.0, 1.0), rate_hz=16000), 16000)
    assert found == [(pytest.approx(0.8, abs=0.1), pytest.approx(2.25, abs=0.1))]


async def test_silence_and_less_than_a_window_have_no_pieces() -> None:
    assert (await heard(tone((0.0, 3.0), rate_hz=8000)))[0] == []
    assert (await heard(tone((0.01, 0.0), rate_hz=8000)))[0] == []


async def test_the_detector_comes_back_when_the_client_goes_away() -> None:
    speech = CountingSpeech()
    file = AudioFile(encoded("wav", tone((2.0, 200.0), rate_hz=8000), 8000))
    listening = pieces(file, speech)
    await anext(listening)
    await listening.aclose()
    file.close()
    await asyncio.sleep(0)
    assert speech.borrowed == 0


def test_what_reaches_a_blocks_end_is_left_to_the_next() -> None:
    assert finished([Span(100, 900), Span(5000, 8000)], 8000) == ([Span(100, 900)], 5000)
    assert finished([Span(100, 900)], 80000) == ([Span(100, 900)], 76000)
    assert finished([Span(100, 79000)], 80000) == ([Span(100, 79000)], 79000)
    assert finished([], 1000) == ([], 0)
