"""When the caller speaks and when they have finished: a pure machine over speech probabilities.

Time is AUDIO time, counted in 8 kHz samples since the stream began, never a wall clock: a client may send a recorded
call faster than it was spoken and gets the same turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

RATE_HZ = 8000
WINDOW_SAMPLES = 256
_SAMPLES_PER_MS = RATE_HZ // 1000
_HYSTERESIS = 0.15
_START_WINDOWS = 2
_FORGET_WINDOWS = 3


@dataclass(frozen=True, slots=True)
class TurnRules:
    """How sure and how long: `threshold` 0 to 1; lengths in ms.

    `early_ms` of silence make the end LIKELY: work can start that is thrown away when the caller goes on.
    """

    threshold: float = 0.5
    silence_ms: int = 500
    prefix_ms: int = 300
    early_ms: int = 160


class TurnChange(Enum):
    """What a window of audio changed."""

    STARTED = auto()
    LIKELY_OVER = auto()
    RESUMED = auto()
    STOPPED = auto()


class TurnDetector:
    """✅ OWNER of one stream's speaking state. Feed it one probability per 256-sample window, in order."""

    def __init__(self, rules: TurnRules, clock: int = 0) -> None:
        self.rules = rules
        self.speaking = False
        self.started_at = 0
        self.last_speech_at = 0
        self._clock = clock
        self._voiced = 0
        self._unvoiced = 0
        self._first_voiced_at = 0
        self._likely_over = False

    @property
    def clock(self) -> int:
        """Samples seen so far."""
        return self._clock

    def feed(self, probability: float) -> TurnChange | None:
        """Take the next window's speech probability and say what it changed."""
        begins = self._clock
        self._clock += WINDOW_SAMPLES
        limit = self.rules.threshold - _HYSTERESIS if self.speaking else self.rules.threshold
        voiced = probability >= max(limit, 0.05)
        return self._while_speaking(voiced) if self.speaking else self._while_quiet(voiced, begins)

    def reset(self) -> None:
        """Forget a turn in progress (the buffer was cleared or committed by hand); the clock goes on."""
        self.speaking = self._likely_over = False
        self._voiced = self._unvoiced = 0

    def _while_quiet(self, voiced: bool, begins: int) -> TurnChange | None:
        if not voiced:
            self._unvoiced += 1
            if self._unvoiced >= _FORGET_WINDOWS:
                self._voiced = 0
            return None
        if self._voiced == 0:
            self._first_voiced_at = begins
        self._unvoiced = 0
        self._voiced += 1
        if self._voiced < _START_WINDOWS:
            return None
        self.speaking = True
        self.started_at = max(0, self._first_voiced_at - self.rules.prefix_ms * _SAMPLES_PER_MS)
        self.last_speech_at = self._clock
        self._likely_over = False
        return TurnChange.STARTED

    def _while_speaking(self, voiced: bool) -> TurnChange | None:
        if voiced:
            self.last_speech_at = self._clock
            if self._likely_over:
                self._likely_over = False
                return TurnChange.RESUMED
            return None
        silent_ms = (self._clock - self.last_speech_at) // _SAMPLES_PER_MS
        if silent_ms >= self.rules.silence_ms:
            self.reset()
            return TurnChange.STOPPED
        if silent_ms >= self.rules.early_ms and not self._likely_over:
            self._likely_over = True
            return TurnChange.LIKELY_OVER
        return None
