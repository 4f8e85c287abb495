"""The model's connection: lost, dialled again, and told the conversation so far."""

from __future__ import annotations

from server.domain import commands as do
from server.domain.responses import Ask, Purpose, Responses
from server.domain.session_core import Core
from server.domain.session_plan import CLIP_WORDS, HOLD_CLIP


class Connection:
    """✅ OWNER: whether the model is there, and what a new connection is told."""

    def __init__(self, core: Core, responses: Responses) -> None:
        self._core = core
        self._responses = responses
        self._greeted = False
        self._lost_at: float | None = None
        self._attempts = 0
        self._owed: Ask | None = None

    @property
    def was_up(self) -> bool:
        """True once the model took the configuration."""
        return self._greeted

    @property
    def lost(self) -> bool:
        """True from losing the model to its being configured again."""
        return self._lost_at is not None

    def lose(self, code: str, *, owed: Ask | None) -> None:
        """The connection is gone: dial again, at once. `owed` is what the caller is waiting for."""
        core = self._core
        core.note("model_lost", code=code)
        self._owed = self._responses.unfinished() or owed
        core.model_up = False
        core.turns.connection += 1
        self._responses.lost()
        self._lost_at = core.now
        self._attempts = 0
        core.after("reconnect_limit", core.timing.reconnect_ms)
        if self._greeted:
            core.after("hold_clip", core.timing.hold_clip_ms)
        self._dial()

    def dial_failed(self) -> bool:
        """An attempt came to nothing: wait for the next one. False when there is none left."""
        tries = self._core.timing.reconnect_tries_ms
        if self._lost_at is None or self._attempts >= len(tries):
            return False
        self._core.deadlines.set("redial", max(self._core.now, self._lost_at + tries[self._attempts]))
        return True

    def redial(self) -> None:
        """The next attempt's time has come."""
        self._dial()

    def hold(self) -> None:
        """It takes so long that the caller would hear nothing: say so."""
        if self.lost and not self._core.playback.playing:
            self._core.play_clip(HOLD_CLIP, CLIP_WORDS[HOLD_CLIP])

    def owe(self, ask: Ask) -> None:
        """Something that wants an answer happened while the model is gone."""
        self._owed = self._owed or ask

    def configured(self) -> None:
        """The model took the configuration: greet, or tell it the conversation and go on where the caller waits."""
        core = self._core
        if core.model_up:
            return
        core.model_up = True
        core.want(do.AddContext(core.plan.context), *core.turns.history())
        first, self._greeted = not self._greeted, True
        if self.lost:
            self._restored()
        if first:
            self._responses.ask(Ask(Purpose.GREETING, do.CreateResponse(core.plan.greeting, tools=False)))
        elif self._owed is not None:
            self._responses.ask(self._repeated(self._owed))
        self._owed = None

    def given_up(self) -> None:
        """No more attempts."""
        self._core.deadlines.clear("redial", "reconnect_limit", "hold_clip")
        if self.lost:
            self._core.note("reconnect_failed", attempts=self._attempts)
        self._lost_at = None

    def _restored(self) -> None:
        core = self._core
        assert self._lost_at is not None
        core.deadlines.clear("redial", "reconnect_limit", "hold_clip")
        core.note("reconnected", attempts=self._attempts, ms=int(core.now - self._lost_at))
        self._lost_at = None

    def _repeated(self, owed: Ask) -> Ask:
        """The same wish, unless the caller's words went down with the old connection: then they are asked for again."""
        if owed.purpose is Purpose.ANSWER and self._core.turns.last_caller_words == "":
            return Ask(Purpose.ANSWER, do.CreateResponse(self._core.lines.not_heard, tools=False))
        return owed

    def _dial(self) -> None:
        self._attempts += 1
        self._core.want(do.Reconnect(self._attempts))
