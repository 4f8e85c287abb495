"""Which of the agent's speeches is being heard, counted 20 ms at a time."""

from __future__ import annotations

from simulator.wire import FRAME_MS

NEW_SPEECH_MS = 700


class Speeches:
    """Counts speeches from 1; a pause of `NEW_SPEECH_MS` ends one. `voiced_ms` is how much of it was audible so far."""

    def __init__(self) -> None:
        self.count, self.voiced_ms, self.audible = 0, 0, False
        self._quiet_ms = NEW_SPEECH_MS

    def hear(self, *, agent: bool) -> None:
        """20 ms more."""
        self.audible = agent
        if not agent:
            self._quiet_ms += FRAME_MS
            return
        if self._quiet_ms >= NEW_SPEECH_MS:
            self.count, self.voiced_ms = self.count + 1, 0
        self._quiet_ms = 0
        self.voiced_ms += FRAME_MS
