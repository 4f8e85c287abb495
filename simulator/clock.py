"""Call time: the one clock from which all pacing of a simulated call derives.

Call time is in seconds and starts at 0 with the clock. With `speed` 5 five seconds of the call pass in one second of
the wall clock, so a server's own thinking time counts five-fold in the latencies that the report gives.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a call needs of time."""

    def now(self) -> float:
        """Seconds of call time since this clock began."""
        ...

    async def sleep_until(self, moment: float) -> None:
        """Return when call time has reached `moment` (seconds); soon if it has passed, once other tasks had a turn."""
        ...


class ScaledClock:
    """The wall clock, `speed` times as fast. Raises `ValueError` when the speed is not positive."""

    def __init__(self, speed: float = 1.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        if speed <= 0:
            raise ValueError(f"speed is {speed}; give a number above 0 (1 is real time, 5 five times as fast)")
        self.speed = speed
        self._monotonic = monotonic
        self._origin = monotonic()

    def now(self) -> float:
        """Seconds of call time since this clock began."""
        return (self._monotonic() - self._origin) * self.speed

    async def sleep_until(self, moment: float) -> None:
        """Return when call time has reached `moment` (seconds)."""
        await asyncio.sleep(max(0.0, moment - self.now()) / self.speed)
        while (missing := moment - self.now()) > 0:
            await asyncio.sleep(missing / self.speed)


def utc_now() -> datetime:
    """The date that Twilio would put into a message; whole seconds, as Twilio's dates are."""
    return datetime.now(UTC).replace(microsecond=0)
