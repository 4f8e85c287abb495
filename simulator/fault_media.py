"""Faults of the media stream: caller's audio in gaps, bursts and odd sizes, a socket that breaks, marks that do not
come back in time or at all."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.faults import Faults, Moment
from simulator.speeches import Speeches
from simulator.wire import FRAME_MS


class Gaps(Faults):
    """About once a second 60 to 300 ms of the caller's audio are missing."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._random = self.chance("gaps")
        self._until_gap = self._random.randint(20, 60)
        self._missing = 0

    def caller_frames(self, frame: bytes) -> Sequence[bytes]:
        if self._missing == 0:
            self._until_gap -= 1
            if self._until_gap > 0:
                return (frame,)
            self._missing = self._random.randint(3, 15)
            self._until_gap = self._random.randint(30, 70)
            self.strike(ms=self._missing * FRAME_MS)
        self._missing -= 1
        return ()


class Bursts(Faults):
    """The caller's frames are held up for 100 to 400 ms now and then, and come all at once."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._random = self.chance("bursts")
        self._held: list[bytes] = []
        self._size = 1

    def caller_frames(self, frame: bytes) -> Sequence[bytes]:
        self._held.append(frame)
        if len(self._held) < self._size:
            return ()
        frames, self._held = self._held, []
        if len(frames) > 1:
            self.strike(frames=len(frames))
        self._size = self._random.choice((1, 1, 1, 5, 10, 20))
        return frames


class OddSizes(Faults):
    """The caller's audio is cut into messages of 1 to 400 bytes, as no 20 ms frame is."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._random = self.chance("sizes")
        self._left = b""
        self._size = self._random.randint(1, 400)

    def caller_frames(self, frame: bytes) -> Sequence[bytes]:
        self._left += frame
        cut: list[bytes] = []
        while len(self._left) >= self._size:
            cut.append(self._left[: self._size])
            self._left = self._left[self._size :]
            self._size = self._random.randint(1, 400)
            self.strike(bytes=len(cut[-1]))
        return cut


class SocketCut(Faults):
    """The media socket breaks while the agent is speaking, 0.4 to 0.9 s into one of the first speeches.

    `speech` counts the agent's speeches from 1 (the greeting); by default the seed picks the first or the second.
    """

    def __init__(self, seed: int = 0, speech: int | None = None) -> None:
        super().__init__(seed)
        self._speech = speech or self.chance("speech").choice((1, 2))
        self._into_ms = self.chance("moment").randrange(400, 900, FRAME_MS)
        self._speeches = Speeches()

    def observe(self, moment: Moment) -> None:
        self._speeches.hear(agent=moment.agent)

    def cuts_socket(self, stream_ms: int) -> bool:
        heard = self._speeches
        due = heard.count >= self._speech and heard.voiced_ms >= self._into_ms and heard.audible
        if not due or self.times:
            return False
        self.strike(stream_ms=stream_ms)
        return True


class MarksLate(Faults):
    """Every mark comes back 0.3 to 1.5 s after playback has reached it."""

    def mark_delay(self, name: str) -> float | None:
        self.strike(mark=name)
        return round(self.chance(name, self.times).uniform(0.3, 1.5), 3)


class MarksMissing(Faults):
    """Marks never come back: every `every`th of them (1: none does)."""

    def __init__(self, seed: int = 0, every: int = 1) -> None:
        super().__init__(seed)
        self._every = every
        self._seen = 0

    def mark_delay(self, name: str) -> float | None:
        self._seen += 1
        if (self._seen + self.seed) % self._every:
            return 0.0
        self.strike(mark=name)
        return None
