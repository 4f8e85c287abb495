"""What the parts of a call session share: the plan, the time, and the commands of this step."""

from __future__ import annotations

from typing import Any

from server.domain import commands as do
from server.domain.deadlines import Deadlines
from server.domain.playback import Heard, Playback
from server.domain.session_plan import SessionPlan
from server.domain.turns import Turns


class Core:
    """The common ground of one session's parts; `now` is the time of the event in hand, in milliseconds."""

    def __init__(self, plan: SessionPlan) -> None:
        self.plan = plan
        self.timing = plan.timing
        self.lines = plan.lines
        self.playback = Playback()
        self.turns = Turns(plan.resumed)
        self.deadlines = Deadlines()
        self.now = 0.0
        self.ended = False
        self.model_up = False
        """The model took the configuration of the connection that is in use."""
        self.barge_ins = 0
        self.caller_stopped_at: float | None = None
        """When the caller's last sound was, until an answer to it begins."""
        self._wanted: list[do.Command] = []

    def want(self, *commands: do.Command) -> None:
        """Have something done in this step."""
        self._wanted.extend(commands)

    def note(self, kind: str, **detail: Any) -> None:
        """A line for the call's timeline."""
        self._wanted.append(do.Note(kind, detail))

    def take(self) -> list[do.Command]:
        """The commands of this step, in order."""
        wanted, self._wanted = self._wanted, []
        return wanted

    def after(self, name: str, wait_ms: float) -> None:
        """Start a wait from now."""
        self.deadlines.set(name, self.now + wait_ms)

    def play_clip(self, name: str, words: str) -> bool:
        """Say something without the model, if its audio is there; the turn is recorded, the model does not know it."""
        payloads = self.plan.clips.get(name, ())
        if not payloads:
            return False
        turn = self.turns.turn(self.turns.new_id("clip"), "assistant", outside=True)
        turn.text, turn.whole, turn.started_ms = words, True, int(self.now)
        pieces = tuple((self.playback.sent(turn.item_id, payload, self.now), payload) for payload in payloads)
        self.want(do.Play(pieces), self.turns.record(turn))
        return True

    def cut(self, heard: Heard) -> None:
        """The agent was interrupted here: tell the model, if the item is one it can cut, and keep it with the turn."""
        turn = self.turns.turn(heard.item_id, "assistant")
        turn.heard = heard
        if not turn.outside and turn.connection == self.turns.connection and self.model_up:
            self.want(do.Truncate(heard.item_id, heard.heard_ms))
        if heard.sent_ms:
            self.note("barge_in", sequence=turn.sequence, heard_ms=heard.heard_ms, sent_ms=heard.sent_ms)
        if turn.text:
            self.want(self.turns.record(turn))
