"""When a turn begins, is likely over, goes on and ends; all in audio time."""

from __future__ import annotations

from engine.speech.turns import WINDOW_SAMPLES, TurnChange, TurnDetector, TurnRules

MS_PER_WINDOW = WINDOW_SAMPLES // 8


def changes(detector: TurnDetector, *runs: tuple[float, int]) -> list[tuple[TurnChange, int]]:
    """Feed (probability, ms) runs; gives each change with the ms at which it was seen."""
    seen = []
    for probability, ms in runs:
        for _ in range(ms // MS_PER_WINDOW):
            change = detector.feed(probability)
            if change is not None:
                seen.append((change, detector.clock // 8))
    return seen


def test_a_turn_starts_is_likely_over_and_ends() -> None:
    detector = TurnDetector(TurnRules(silence_ms=500, prefix_ms=300, early_ms=200))
    seen = changes(detector, (0.0, 960), (0.9, 640), (0.0, 960))
    assert [change for change, _ in seen] == [TurnChange.STARTED, TurnChange.LIKELY_OVER, TurnChange.STOPPED]
    assert [ms for _, ms in seen] == [1024, 1824, 2112]
    assert detector.started_at // 8 == 660
    assert detector.last_speech_at // 8 == 1600
    assert not detector.speaking


def test_a_pause_shorter_than_the_silence_does_not_end_it() -> None:
    detector = TurnDetector(TurnRules(silence_ms=500))
    seen = changes(detector, (0.9, 320), (0.0, 320), (0.9, 320), (0.0, 640))
    assert [change for change, _ in seen] == [
        TurnChange.STARTED,
        TurnChange.LIKELY_OVER,
        TurnChange.RESUMED,
        TurnChange.LIKELY_OVER,
        TurnChange.STOPPED,
    ]


def test_one_loud_window_is_no_speech() -> None:
    assert changes(TurnDetector(TurnRules()), (0.0, 320), (0.95, 32), (0.0, 640)) == []


def test_between_start_and_end_threshold_speech_goes_on() -> None:
    detector = TurnDetector(TurnRules(threshold=0.5))
    assert changes(detector, (0.45, 320)) == []
    assert [change for change, _ in changes(detector, (0.9, 96), (0.4, 960))] == [TurnChange.STARTED]


def test_a_reset_forgets_the_turn_but_not_the_clock() -> None:
    detector = TurnDetector(TurnRules(), clock=8000)
    changes(detector, (0.9, 320))
    before = detector.clock
    detector.reset()
    assert not detector.speaking and detector.clock == before == 8000 + 320 * 8
    assert changes(detector, (0.0, 960)) == []
