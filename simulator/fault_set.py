"""Several faults on one line at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.faults import Faults, Moment, Notice, RestFailure, Speaker
from simulator.report import FaultFacts


class FaultSet(Faults):
    """Faults together: delays add up, a copy of a copy is two copies, one that loses a thing loses it for all.

    Every member is asked every time, so that each one counts what it sees whatever the others do.
    """

    def __init__(self, members: Sequence[Faults]) -> None:
        super().__init__()
        self.members = list(members)

    def listen(self, notice: Notice) -> None:
        """Tell `notice` whenever a member strikes for the first time."""
        named = self._named(notice) if self.name else notice
        for member in self.members:
            if isinstance(member, FaultSet):
                member.listen(named)
            member.notice = named

    def _named(self, notice: Notice) -> Notice:
        """A notice that speaks of this set by its own name."""
        return lambda _member, data: notice(self.name, data)

    def prepare(self, voice: Speaker | None) -> None:
        for member in self.members:
            member.prepare(voice)

    def facts(self) -> list[FaultFacts]:
        facts = [facts for member in self.members for facts in member.facts()]
        return [FaultFacts(self.name, sum(row.times for row in facts))] if self.name else facts

    def ring_result(self) -> str:
        results = [member.ring_result() for member in self.members]
        return next((result for result in results if result != "answered"), "answered")

    def answerer(self) -> str | None:
        answerers = [member.answerer() for member in self.members]
        return next((answerer for answerer in answerers if answerer is not None), None)

    def callback_delays(self, kind: str, params: dict[str, str]) -> Sequence[float]:
        deliveries = [0.0]
        for member in self.members:
            delays = member.callback_delays(kind, params)
            deliveries = [before + after for before in deliveries for after in delays]
        return deliveries

    def holds_callback(self, kind: str, params: dict[str, str]) -> bool:
        return any(self._asked(lambda member: member.holds_callback(kind, params)))

    def webhook_times(self, kind: str) -> Sequence[float]:
        return max((member.webhook_times(kind) for member in self.members), key=len, default=(0.0,))

    def caller_audio(self, spoken: bytes, heard: bytes) -> bytes:
        for member in self.members:
            spoken = member.caller_audio(spoken, heard)
        return spoken

    def caller_frames(self, frame: bytes) -> Sequence[bytes]:
        frames: list[bytes] = [frame]
        for member in self.members:
            frames = [after for before in frames for after in member.caller_frames(before)]
        return frames

    def mark_delay(self, name: str) -> float | None:
        delays = [member.mark_delay(name) for member in self.members]
        known = [delay for delay in delays if delay is not None]
        return sum(known) if len(known) == len(delays) else None

    def observe(self, moment: Moment) -> None:
        for member in self.members:
            member.observe(moment)

    def leaves(self) -> bool:
        return any(self._asked(lambda member: member.leaves()))

    def cuts_socket(self, stream_ms: int) -> bool:
        return any(self._asked(lambda member: member.cuts_socket(stream_ms)))

    def rest_failure(self, method: str, path: str) -> RestFailure | None:
        failures = [member.rest_failure(method, path) for member in self.members]
        return next((failure for failure in failures if failure is not None), None)

    def recording_failure(self, attempt: int, channels: int) -> RestFailure | None:
        failures = [member.recording_failure(attempt, channels) for member in self.members]
        return next((failure for failure in failures if failure is not None), None)

    def create_waits_for_stream(self) -> bool:
        return any(self._asked(lambda member: member.create_waits_for_stream()))

    def _asked(self, question: Callable[[Faults], bool]) -> list[bool]:
        return [question(member) for member in self.members]
