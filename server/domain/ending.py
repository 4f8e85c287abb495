"""The end of a call: goodbye, drained by mark, then the hang-up or the transfer. Nothing else ends a call."""

from __future__ import annotations

from server.domain import commands as do
from server.domain import events as on
from server.domain.responses import Ask, Purpose, Responses
from server.domain.session_core import Core
from server.domain.session_plan import APOLOGY_CLIP, CLIP_WORDS
from server.domain.tool_runs import failure

TRANSFER: str = "transfer"
_CALLER_MAY_GO_ON = frozenset({"goodbye", "caller_silent", TRANSFER})


class Ending:
    """✅ OWNER: the decision to hang up, and when it is carried out.

    A caller who really goes on speaking over a goodbye or before a transfer keeps the call; the time limit, a stopping
    server and a lost model leave no choice.
    """

    def __init__(self, core: Core, responses: Responses) -> None:
        self._core = core
        self._responses = responses
        self.reason: str | None = None
        self.transferring = False
        self._call: on.FunctionCall | None = None
        self._failed = False

    @property
    def too_slow(self) -> str:
        """What the model is told of a transfer that came to nothing in time."""
        return failure(self._core.lines.transfer_too_slow)

    @property
    def may_go_on(self) -> bool:
        """True while speech can still call the end off."""
        return self.reason in _CALLER_MAY_GO_ON and not self.transferring

    # --- how it begins ----------------------------------------------------------------------------------------------

    def say_goodbye(self, reason: str, instructions: str) -> None:
        """Have the agent say goodbye, then hang up."""
        if self.reason is not None and not (self.may_go_on and reason not in _CALLER_MAY_GO_ON):
            return
        self._begin(reason)
        if self._core.model_up:
            self._responses.ask(Ask(Purpose.GOODBYE, do.CreateResponse(instructions, tools=False)))

    def called(self, call: on.FunctionCall, *, spoke: bool, caller_goes_on: bool) -> bool:
        """The model ends or transfers the call: after what it just said, or after words it is asked for now.

        False when the caller has said something since: they are answered instead.
        """
        core = self._core
        core.turns.called(call.call_id, call.name, call.arguments)
        if self.reason is not None:
            return True
        if caller_goes_on:
            self._return(call, core.lines.went_on)
            return False
        transfer = call.name != "end_call"
        self._begin(TRANSFER if transfer else "goodbye")
        self._call = call
        if not spoke:
            words = core.lines.announce if transfer else core.lines.goodbye
            self._responses.ask(Ask(Purpose.GOODBYE, do.CreateResponse(words, tools=False)))
        return True

    def model_lost(self) -> None:
        """The model can't be had back: an apology, if its audio is there, and the end."""
        if self.reason is None or self.may_go_on:
            self._begin("model_lost")
            self._failed = True
            self._core.note("apology", spoken=self._core.play_clip(APOLOGY_CLIP, CLIP_WORDS[APOLOGY_CLIP]))
        self.response_over()

    def _begin(self, reason: str) -> None:
        self.reason, self._call = reason, None
        self._responses.wanted = None
        self._core.deadlines.clear("answer", "silence")
        self._core.after("end", self._core.timing.goodbye_ms)

    # --- how it is called off ---------------------------------------------------------------------------------------

    def call_off(self) -> None:
        """The caller goes on, so the call does. The model learns that its end or transfer of the call was not done."""
        call, self.reason, self._call = self._call, None, None
        self._core.deadlines.clear("end")
        self._core.note("end_called_off")
        if call is not None:
            self._return(call, self._core.lines.went_on)

    def transfer_failed(self, call_id: str, output: str) -> bool:
        """The transfer did not come about: the agent takes the call back. False when none was under way."""
        if not self.transferring or self._call is None or self._call.call_id != call_id:
            return False
        self.reason, self._call, self.transferring = None, None, False
        self._core.deadlines.clear("end")
        self._core.note("transfer_failed")
        self._give(call_id, output)
        return True

    def _return(self, call: on.FunctionCall, words: str) -> None:
        self._give(call.call_id, failure(words))

    def _give(self, call_id: str, output: str) -> None:
        self._core.turns.returned(call_id, output)
        if self._core.model_up:
            self._core.want(do.ReturnToolOutput(call_id, output))

    # --- how it is carried out --------------------------------------------------------------------------------------

    def response_over(self) -> None:
        """The last words are at Twilio: they are played within their own length, or their marks are lost."""
        if self.reason is not None and not self._responses.pending and not self.transferring:
            core = self._core
            core.after("end", core.playback.remaining_ms(core.now) + core.timing.drain_grace_ms)

    def finish_if_drained(self, *, caller_speaks: bool) -> None:
        """Carry the end out when its last words have been heard and nobody is speaking into them."""
        if self.reason is None or self.transferring or self._core.ended:
            return
        if self._core.playback.playing or self._core.playback.paused or self._responses.pending or caller_speaks:
            return
        self._carry_out()

    def expired(self) -> str | None:
        """The wait for the goodbye, its marks or the transfer is over. The id of a transfer that came to nothing."""
        if self.transferring:
            return self._call.call_id if self._call else None
        remaining = self._core.playback.remaining_ms(self._core.now)
        if remaining:
            self._core.after("end", remaining + self._core.timing.drain_grace_ms)
            return None
        if self._core.playback.playing:
            self._core.note("marks_lost")
            self._core.playback.forget()
        self._responses.cancel()
        self._carry_out()
        return None

    def _carry_out(self) -> None:
        if self.reason == TRANSFER and self._call is not None:
            self.transferring = True
            self._core.after("end", self._core.timing.transfer_ms)
            self._core.note("transfer")
            self._core.want(do.Transfer(self._call.call_id, self._call.arguments))
            return
        self.hang_up(self.reason or "goodbye", failed=self._failed)

    def hang_up(self, reason: str, *, failed: bool = False) -> None:
        """The one place that ends a call."""
        self._core.ended = True
        self._core.deadlines.clear_all()
        self._core.note("call_failed" if failed else "hang_up", reason=reason, barge_ins=self._core.barge_ins)
        self._core.want(do.HangUp(reason))
