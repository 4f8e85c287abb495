"""Stretches of sound on one channel."""

from __future__ import annotations

import itertools
import random
import struct

import pytest

from phoneaudio.speech_spans import LONGEST_MS, PADDING_MS, Span, cut, speech_spans
from tests.support.fakes import silence, tone

HZ = 8000


def noise(ms: int, level: int, seed: int = 7) -> bytes:
    """An even noise of about this RMS level."""
    chance = random.Random(seed)
    samples = [round(chance.gauss(0, level)) for _ in range(HZ * ms // 1000)]
    return struct.pack(f"<{len(samples)}h", *samples)


def test_silence_and_nothing_have_no_stretch() -> None:
    assert speech_spans(silence(3000), HZ) == []
    assert speech_spans(b"", HZ) == []
    assert speech_spans(b"\0", HZ) == []


def test_a_word_is_found_with_its_padding() -> None:
    assert speech_spans(silence(1000) + tone(500) + silence(1000), HZ) == [Span(1000 - PADDING_MS, 1500 + PADDING_MS)]


def test_padding_stays_inside_the_channel() -> None:
    assert speech_spans(tone(500), HZ) == [Span(0, 500)]


@pytest.mark.parametrize(("gap_ms", "count"), [(680, 1), (760, 2)])
def test_gaps_under_700_ms_are_part_of_a_stretch(gap_ms: int, count: int) -> None:
    assert len(speech_spans(tone(400) + silence(gap_ms) + tone(400), HZ)) == count


def test_a_click_is_no_speech() -> None:
    assert speech_spans(silence(1000) + tone(20) + silence(1000), HZ) == []


def test_an_even_noise_is_no_speech_and_speech_over_it_is() -> None:
    assert speech_spans(noise(3000, 150), HZ) == []
    found = speech_spans(noise(1500, 150) + tone(400) + noise(1500, 150), HZ)
    assert len(found) == 1 and found[0].start_ms == pytest.approx(1300, abs=20)


def test_quiet_speech_on_a_clean_line_is_found() -> None:
    assert len(speech_spans(silence(1000) + noise(500, 120) + silence(1000), HZ)) == 1


def test_a_caller_who_never_pauses_is_cut_at_a_quiet_place() -> None:
    sound = tone(20_000) + silence(200) + tone(20_000)
    found = speech_spans(sound, HZ)
    assert found[0].start_ms == 0 and found[-1].end_ms == 40_200
    assert all(span.end_ms - span.start_ms <= LONGEST_MS for span in found)
    assert 20_000 <= found[0].end_ms <= 20_200
    assert all(one.end_ms == two.start_ms for one, two in itertools.pairwise(found))


def test_neighbours_do_not_overlap() -> None:
    found = speech_spans(tone(400) + silence(760) + tone(400), HZ)
    assert found[0].end_ms <= found[1].start_ms


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100])
def test_a_cut_is_exactly_its_span(rate_hz: int) -> None:
    pcm = bytes(rate_hz * 2)
    assert len(cut(pcm, rate_hz, Span(100, 350))) == rate_hz * 250 // 1000 * 2
