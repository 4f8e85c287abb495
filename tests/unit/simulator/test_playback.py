"""The playback buffer: marks are paced by playback, never echoed."""

from __future__ import annotations

from simulator.playback import Playback

LOUD = b"\x20"


def test_a_mark_returns_when_playback_reaches_it_and_not_before() -> None:
    playback = Playback()
    playback.push(LOUD * 320)
    assert playback.mark("end") == []
    assert playback.advance(160) == (LOUD * 160, [])
    assert playback.advance(160) == (LOUD * 160, ["end"])


def test_marks_between_pieces_return_in_order_at_their_places() -> None:
    playback = Playback()
    for name in ("a", "b"):
        playback.push(LOUD * 160)
        playback.mark(name)
    assert playback.advance(160)[1] == ["a"]
    assert playback.advance(160)[1] == ["b"]


def test_a_mark_in_the_middle_of_a_frame_returns_with_that_frame() -> None:
    playback = Playback()
    playback.push(LOUD * 100)
    playback.mark("early")
    playback.push(LOUD * 100)
    assert playback.advance(160) == (LOUD * 160, ["early"])


def test_a_mark_with_nothing_buffered_returns_at_once() -> None:
    assert Playback().mark("now") == ["now"]


def test_clear_returns_every_pending_mark_and_drops_the_audio() -> None:
    playback = Playback()
    playback.push(LOUD * 480)
    playback.mark("a")
    playback.push(LOUD * 160)
    playback.mark("b")
    playback.advance(160)
    assert playback.clear() == (480, ["a", "b"])
    assert playback.advance(160) == (b"", [])
    assert not playback.speech_pending


def test_what_exceeds_ten_minutes_is_discarded() -> None:
    playback = Playback(limit_bytes=1000)
    playback.push(LOUD * 900)
    playback.push(LOUD * 300)
    assert (playback.pending_bytes, playback.discarded) == (1000, 200)


def test_buffered_silence_is_no_speech() -> None:
    playback = Playback()
    playback.push(b"\xff" * 800)
    assert not playback.speech_pending
    playback.push(LOUD * 160)
    assert playback.speech_pending
    playback.advance(960)
    assert not playback.speech_pending
