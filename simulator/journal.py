"""One call's journal: the only writer of its report, and the voice that tells listeners what happens."""

from __future__ import annotations

from simulator.clock import Clock
from simulator.report import CallReport, Event, OnEvent


class Journal:
    """✅ OWNER: the order and times of a call's events. Times are ms of call time since the call was placed."""

    def __init__(self, report: CallReport, clock: Clock, on_event: OnEvent | None = None) -> None:
        self.report = report
        self._clock = clock
        self._on_event = on_event

    def now_ms(self) -> int:
        """Call time, ms."""
        return round(self._clock.now() * 1000)

    def note(self, kind: str, **data: object) -> Event:
        """Record that something happened now, and tell the listener."""
        event = Event(self.now_ms(), kind, data)
        self.report.events.append(event)
        if self._on_event is not None:
            self._on_event(event)
        return event

    def warn(self, message: str) -> None:
        """Record something that did not end the call and that the server's author should know."""
        self.report.warnings.append(message)
        self.note("warning", message=message)

    def fail(self, reason: str) -> None:
        """Record why the call did not go through."""
        self.report.fail(reason)
        self.note("failed", reason=reason)
