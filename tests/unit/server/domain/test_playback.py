"""Regression 11: the model has finished sending, the caller is still listening."""

from __future__ import annotations

import base64

from server.domain.playback import KEEP_BYTES, RECENT_MS, Heard, Playback, decoded_size, heard_text

PIECE = base64.b64encode(b"\xff" * 1600).decode()
"""200 ms."""


def _cut(playback: Playback, at: float) -> list[Heard]:
    playback.pause(at)
    return playback.discard()


def _sent(playback: Playback, item: str, pieces: int, at: float = 0) -> list[str]:
    return [playback.sent(item, PIECE, at) for _ in range(pieces)]


def test_marks_tell_what_was_heard() -> None:
    playback = Playback()
    marks = _sent(playback, "a", 5)
    assert playback.returned(marks[0], 200)
    assert playback.returned(marks[1], 400)
    assert _cut(playback, 400) == [Heard("a", 400, 1000, 1000)]
    assert not playback.playing


def test_between_marks_time_tells_but_never_beyond_the_next_mark() -> None:
    playback = Playback()
    marks = _sent(playback, "a", 5)
    playback.returned(marks[0], 200)
    assert _cut(playback, 290) == [Heard("a", 290, 1000, 1000)]
    marks = _sent(playback, "b", 5, 1000)
    playback.returned(marks[0], 1200)
    assert _cut(playback, 9000) == [Heard("b", 400, 1000, 1000)]


def test_an_item_that_was_not_reached_was_not_heard_at_all() -> None:
    playback = Playback()
    _sent(playback, "a", 2)
    _sent(playback, "b", 3)
    assert _cut(playback, 100) == [Heard("a", 100, 400, 400), Heard("b", 0, 600, 600)]


def test_marks_that_clear_returned_are_not_taken_for_playback() -> None:
    playback = Playback()
    marks = _sent(playback, "a", 3)
    _cut(playback, 100)
    later = _sent(playback, "b", 2, 300)
    assert not playback.returned(marks[2], 310)
    assert playback.playing
    assert _cut(playback, 350) == [Heard("b", 50, 400, 400)]
    assert not playback.returned(later[0], 400)


def test_a_lost_mark_is_covered_by_the_one_after_it() -> None:
    playback = Playback()
    marks = _sent(playback, "a", 3)
    assert playback.returned(marks[2], 600)
    assert not playback.playing


def test_the_base_of_the_second_item_starts_at_its_own_zero() -> None:
    playback = Playback()
    first = _sent(playback, "a", 2)
    _sent(playback, "b", 2)
    playback.returned(first[1], 400)
    assert _cut(playback, 450) == [Heard("b", 50, 400, 400)]


def test_remaining_time_counts_what_is_out() -> None:
    playback = Playback()
    _sent(playback, "a", 5)
    assert playback.remaining_ms(0) == 1000
    assert playback.remaining_ms(300) == 700
    assert Playback().remaining_ms(0) == 0


def test_audio_after_a_pause_within_an_item_starts_a_new_base() -> None:
    playback = Playback()
    marks = _sent(playback, "a", 1)
    playback.returned(marks[0], 200)
    _sent(playback, "a", 1, 5000)
    assert _cut(playback, 5100) == [Heard("a", 300, 400, 400)]


def test_heard_text_is_cut_at_a_word_by_proportion() -> None:
    text = "We are open from nine to six on weekdays."
    assert heard_text(text, 500, 1000) == "We are open from"
    assert heard_text(text, 1000, 1000) == text
    assert heard_text(text, 0, 1000) == ""
    assert heard_text(text, 10, 0) == text


def _bytes(pieces: list[tuple[str, str]]) -> list[bytes]:
    return [base64.b64decode(payload) for _, payload in pieces]


def test_a_pause_goes_on_from_where_it_cut_with_new_marks() -> None:
    playback = Playback()
    sound = bytes(range(240)) * 20
    marks = [playback.sent("a", base64.b64encode(sound[at : at + 1600]).decode(), 0) for at in (0, 1600, 3200)]
    playback.returned(marks[0], 200)
    assert playback.pause(290) == [Heard("a", 290, 600, 600)]
    assert playback.paused and not playback.playing
    pieces = playback.resume(1000, 0)
    assert pieces is not None
    start = 290 * 8 - (290 * 8 - 1600) % 3
    assert b"".join(_bytes(pieces)) == sound[start:]
    assert not {mark for mark, _ in pieces} & set(marks)
    assert playback.remaining_ms(1000) == round((4800 - start) / 8)


def test_a_pause_can_be_rewound_into_what_was_played_before() -> None:
    playback = Playback()
    marks = _sent(playback, "a", 3)
    playback.returned(marks[0], 200)
    playback.returned(marks[1], 400)
    playback.pause(410)
    pieces = playback.resume(1000, 100)
    assert pieces is not None
    assert round(sum(map(len, _bytes(pieces))) / 8) == 600 - 310
    assert _cut(playback, 1020) == [Heard("a", 410, 600, 600)]


def test_audio_that_comes_during_a_pause_is_played_after_it() -> None:
    playback = Playback()
    _sent(playback, "a", 1)
    playback.pause(100)
    playback.hold("a", PIECE)
    pieces = playback.resume(500, 0)
    assert pieces is not None and len(pieces) == 2
    assert playback.remaining_ms(500) == 300


def test_what_is_given_up_counts_what_was_made_but_not_sent() -> None:
    playback = Playback()
    _sent(playback, "a", 1)
    playback.pause(100)
    playback.hold("a", PIECE)
    playback.hold("b", PIECE)
    assert playback.discard() == [Heard("a", 100, 200, 400), Heard("b", 0, 0, 200)]
    assert not playback.paused


def test_what_is_kept_is_bounded_and_let_go_of_as_it_is_played() -> None:
    playback = Playback()
    marks = _sent(playback, "a", 150)
    playback.pause(0)
    assert playback.resume(0, 0) is None
    playback = Playback()
    for n in range(150):
        (mark,) = _sent(playback, "a", 1, n * 200)
        playback.returned(mark, (n + 1) * 200)
    marks = _sent(playback, "a", KEEP_BYTES // 1600)
    playback.returned(marks[0], 40_000)
    playback.pause(40_000)
    assert playback.resume(40_000, 0) is not None
    assert len(list(playback.just_played(40_000))) < KEEP_BYTES // 1600 + RECENT_MS / 200 + 2


def test_what_was_just_played_has_its_times() -> None:
    playback = Playback()
    marks = _sent(playback, "a", 5, 1000)
    playback.returned(marks[0], 1200)
    assert [at for at, _ in playback.just_played(1450)] == [1000, 1200, 1400]


def test_sizes_of_base64() -> None:
    for size in range(7):
        assert decoded_size(base64.b64encode(b"x" * size).decode()) == size
