"""What must not stay away: the greeting, an answer, the end of a response, the marks of what was played."""

from __future__ import annotations

from collections.abc import Callable

from server.domain import commands as do
from server.domain.ending import Ending
from server.domain.floor import Floor
from server.domain.reconnect import Connection
from server.domain.responses import WATCHED, Ask, Purpose, Responses
from server.domain.session_core import Core


class Watch:
    """✅ OWNER: what is done about a model that says nothing: asked again, dialled again, given up.

    `lose_model` takes the reason; `give_up` ends the call with an apology.
    """

    def __init__(
        self,
        core: Core,
        responses: Responses,
        floor: Floor,
        connection: Connection,
        ending: Ending,
        lose_model: Callable[[str], None],
        give_up: Callable[[], None],
    ) -> None:
        self._core = core
        self._responses = responses
        self._floor = floor
        self._connection = connection
        self._ending = ending
        self._lose_model = lose_model
        self._give_up = give_up

    def look(self) -> None:
        """After every step: start the waits that the new state calls for, and end the others."""
        self._watch_marks()
        self._watch_response()

    # --- answers ----------------------------------------------------------------------------------------------------

    def answer_late(self) -> None:
        """Deadline: an answer's first audio or tool call did not come."""
        unmet = self._responses.unfinished()
        if unmet is not None:
            self.unanswered(unmet, "late")

    def unanswered(self, unmet: Ask, how: str) -> None:
        """Nothing came of what the caller waits for: ask again, then on a new connection, then give up."""
        responses = self._responses
        if self._ending.reason is not None:
            return
        if self._floor.speaking:
            self._floor.answer()
            return
        responses.strikes += 1
        stuck = responses.asked is not None or responses.cancelling
        if responses.strikes == 1 and not stuck:
            self._core.note("nudge", how=how)
            responses.cancel()
            responses.ask(unmet)
        elif responses.strikes <= 2:
            responses.strikes = 2
            responses.wanted = responses.wanted or unmet
            self._lose_model("no_answer")
        else:
            self._give_up()

    def greet_again(self) -> None:
        """Deadline: half of the time for the first audio is over."""
        core, responses = self._core, self._responses
        if self._connection.lost or self._ending.reason is not None:
            return
        core.note("greeting_retry")
        unmet = responses.unfinished()
        if not core.model_up or responses.asked is not None or unmet is None:
            self._lose_model("no_greeting")
        else:
            responses.cancel()
            responses.ask(unmet)

    def no_first_audio(self) -> None:
        """Deadline: the caller has heard nothing since the call began."""
        self._ending.hang_up("no_first_audio", failed=True)

    # --- responses that stop in the middle --------------------------------------------------------------------------

    def _watch_response(self) -> None:
        """A response that has stopped in the middle, or one that nobody waits for, must not hold the call up either."""
        core = self._core
        heard = core.playback.playing or core.playback.paused
        watched = core.deadlines.at("answer") is not None or core.deadlines.at("first_audio") is not None
        if heard or watched or not self._responses.busy or self._ending.reason is not None:
            core.deadlines.clear("stalled")
        elif core.deadlines.at("stalled") is None:
            core.after("stalled", core.timing.answer_ms)

    def stalled(self) -> None:
        """Deadline: nothing more came of a response that has not ended."""
        core, responses = self._core, self._responses
        if core.playback.playing:
            return
        if responses.asked is not None or responses.cancelling:
            self._lose_model("stalled")
            return
        core.note("nudge", how="stalled")
        if responses.purpose in WATCHED:
            responses.wanted = Ask(Purpose.ANSWER, do.CreateResponse(core.lines.go_on))
        responses.cancel()

    # --- playback ---------------------------------------------------------------------------------------------------

    def _watch_marks(self) -> None:
        core = self._core
        if not core.playback.playing:
            core.deadlines.clear("marks")
        elif core.deadlines.at("marks") is None:
            core.after("marks", core.playback.remaining_ms(core.now) + core.timing.drain_grace_ms)

    def marks_late(self) -> None:
        """Deadline: audio should have been played long since. Its marks are lost, and nobody waits for them."""
        core = self._core
        if core.playback.playing and not core.playback.remaining_ms(core.now):
            core.playback.forget()
            core.note("marks_lost")
