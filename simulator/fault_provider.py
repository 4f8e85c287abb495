"""Faults of the provider: REST that refuses or breaks, recordings that come late, and who answers an outbound call."""

from __future__ import annotations

import time
from collections.abc import Callable

from simulator.faults import Faults, RestFailure

_MEDIA = (".wav", ".mp3")


class RestFails(Faults):
    """The first `count` REST calls are answered with an error; recordings' media are left alone."""

    def __init__(self, seed: int = 0, failure: RestFailure | None = None, count: int = 3) -> None:
        super().__init__(seed)
        self._failure = failure or RestFailure(500, 20500, "An internal server error has occurred")
        self._count = count

    def rest_failure(self, method: str, path: str) -> RestFailure | None:
        if path.endswith(_MEDIA) or self.times >= self._count:
            return None
        self.strike(method=method, status=self._failure.status)
        return self._failure


class CallsThrottled(Faults):
    """Only so many `calls.create(…)` a second (wall time); one too soon is answered 429 with code 20429."""

    def __init__(self, seed: int = 0, per_second: float = 1.0, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(seed)
        self._gap_s, self._now = 1.0 / per_second, now
        self._free_at = float("-inf")

    def rest_failure(self, method: str, path: str) -> RestFailure | None:
        if method != "POST" or not path.endswith("/Calls.json"):
            return None
        if (moment := self._now()) >= self._free_at:
            self._free_at = moment + self._gap_s
            return None
        self.strike(path="/Calls.json")
        return RestFailure(429, 20429, "Too Many Requests: one call per second")


class RecordingLate(Faults):
    """A recording's media are 404 for the first `times_missing` requests."""

    def __init__(self, seed: int = 0, times_missing: int = 2) -> None:
        super().__init__(seed)
        self._missing = times_missing

    def recording_failure(self, attempt: int, channels: int) -> RestFailure | None:
        if attempt > self._missing:
            return None
        self.strike(attempt=attempt)
        return RestFailure(404, 20404, "The requested resource was not found")


class DualRefused(Faults):
    """A recording's media are refused with 400 when two channels are asked for; one channel is served."""

    def recording_failure(self, attempt: int, channels: int) -> RestFailure | None:
        if channels != 2:
            return None
        self.strike(channels=channels)
        return RestFailure(400, 21649, "Dual-channel media is not available for this recording")


class RingsInVain(Faults):
    """An outbound call ends without an answer: `busy`, `no-answer`, `canceled` or `failed`."""

    def __init__(self, seed: int = 0, result: str = "busy") -> None:
        super().__init__(seed)
        self._result = result

    def ring_result(self) -> str:
        self.strike(result=self._result)
        return self._result


class AnsweredBy(Faults):
    """Somebody else answers an outbound call: a name of `simulator.answerers.ANSWERERS`."""

    def __init__(self, seed: int = 0, who: str = "machine") -> None:
        super().__init__(seed)
        self._who = who

    def answerer(self) -> str | None:
        self.strike(who=self._who)
        return self._who


class StreamBeforeCreate(Faults):
    """`calls.create(…)` returns only when the call's media stream is connected."""

    def create_waits_for_stream(self) -> bool:
        self.strike()
        return True
