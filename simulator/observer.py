"""Listens to both sides of a line and writes down who spoke when, and how long each answer took."""

from __future__ import annotations

from phoneaudio.g711 import BYTES_PER_MS
from simulator.caller import CallerListener, Utterance
from simulator.journal import Journal
from simulator.level import voiced_end
from simulator.report import Latency, Said

JOIN_MS = 600


class Observer(CallerListener):
    """✅ OWNER: the report's `said` (the caller's side) and `latencies`, and the speech events.

    Latency is counted from the caller's last voiced sample to the first audible audio of the agent's that came
    after it; speech that was already on its way when the caller ended is no answer.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._open: Latency | None = None
        self._overlap = False
        self._agent_from: int | None = None
        self._agent_last = 0
        self._agent_heard = False

    @property
    def agent_heard(self) -> bool:
        """Whether the agent was audible at all."""
        return self._agent_heard

    # The caller's side.

    def speaks(self, utterance: Utterance, *, interrupting: bool) -> None:
        now = self._journal.now_ms()
        length = (voiced_end(utterance.audio) or len(utterance.audio)) // BYTES_PER_MS
        self._open = None
        self._journal.report.said["caller"].append(Said(now, now + length, utterance.text, utterance.source))
        self._journal.note(
            "caller_speaking", text=utterance.text, keys=utterance.keys, ms=length, interrupting=interrupting
        )
        if utterance.interrupt_after_ms is not None and not interrupting:
            self._journal.warn("the agent finished before the caller could interrupt; the line was said after it")

    def voiced_end(self, utterance: Utterance) -> None:
        now = self._journal.now_ms()
        turn = len(self._journal.report.latencies) + 1
        self._overlap = self._agent_from is not None
        self._open = Latency(turn, utterance.text, now, overlapped=self._overlap)
        self._journal.report.latencies.append(self._open)
        self._journal.note("caller_spoke", text=utterance.text)

    def misses_answer(self, waited_ms: int) -> None:
        self._journal.warn(f"the agent has been silent for {waited_ms / 1000:.1f} s")

    # The agent's side.

    def received(self, *, voiced: bool) -> None:
        """Audio of the agent's came in."""
        if voiced and self._open is not None and not self._overlap and self._open.to_received_ms is None:
            self._open.to_received_ms = self._journal.now_ms() - self._open.ended_at_ms

    def played(self, *, voiced: bool, pending: bool) -> None:
        """20 ms went by on the agent's side."""
        now = self._journal.now_ms()
        if voiced:
            self._hear(now)
        elif self._agent_from is not None and not pending and now - self._agent_last >= JOIN_MS:
            self._end_speech()
        if self._overlap and not voiced and not pending:
            self._overlap = False

    def cleared(self) -> None:
        """The server took back what had not been played."""
        self._overlap = False

    def finish(self) -> None:
        """The call is over."""
        if self._agent_from is not None:
            self._end_speech()

    def _hear(self, now: int) -> None:
        self._agent_heard = True
        self._agent_last = now
        if self._agent_from is None:
            self._agent_from = now
            self._journal.note("agent_speaking")
        answer = self._open
        if (
            answer is not None
            and not self._overlap
            and answer.to_played_ms is None
            and answer.to_received_ms is not None
        ):
            answer.to_played_ms = now - answer.ended_at_ms
            self._journal.note("answered_turn", turn=answer.turn, ms=answer.to_played_ms)

    def _end_speech(self) -> None:
        self._journal.note("agent_spoke", from_ms=self._agent_from, to_ms=self._agent_last)
        self._agent_from = None
