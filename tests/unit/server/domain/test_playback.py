"""Regression 11: the model has finished sending, the caller is still listening."""

from server.domain.playback import Heard, Playback, heard_text


def _sent(playback: Playback, item: str, pieces: int, at: float = 0) -> list[str]:
    return [playback.sent(item, 1600, at) for _ in range(pieces)]


def test_marks_tell_what_was_heard() -> None:
    playback = Playback()
    marks = _sent(playback, "a", 5)
    assert playback.returned(marks[0], 200)
    assert playback.returned(marks[1], 400)
    assert playback.interrupt(400) == [Heard("a", 400, 1000)]
    assert not playback.playing


def test_between_marks_time_tells_but_never_beyond_the_next_mark() -> None:
    playback = Playback()
    marks = _sent(playback, "a", 5)
    playback.returned(marks[0], 200)
    assert playback.interrupt(290) == [Heard("a", 290, 1000)]
    marks = _sent(playback, "b", 5, 1000)
    playback.returned(marks[0], 1200)
    assert playback.interrupt(9000) == [Heard("b", 400, 1000)]


def test_an_item_that_was_not_reached_was_not_heard_at_all() -> None:
    playback = Playback()
    _sent(playback, "a", 2)
    _sent(playback, "b", 3)
    assert playback.interrupt(100) == [Heard("a", 100, 400), Heard("b", 0, 600)]


def test_marks_that_clear_returned_are_not_taken_for_playback() -> None:
    playback = Playback()
    marks = _sent(playback, "a", 3)
    playback.interrupt(100)
    later = _sent(playback, "b", 2, 300)
    assert not playback.returned(marks[2], 310)
    assert playback.playing
    assert playback.interrupt(350) == [Heard("b", 50, 400)]
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
    assert playback.interrupt(450) == [Heard("b", 50, 400)]


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
    assert playback.interrupt(5100) == [Heard("a", 300, 400)]


def test_heard_text_is_cut_at_a_word_by_proportion() -> None:
    text = "We are open from nine to six on weekdays."
    assert heard_text(text, 500, 1000) == "We are open from"
    assert heard_text(text, 1000, 1000) == text
    assert heard_text(text, 0, 1000) == ""
    assert heard_text(text, 10, 0) == text
