"""Who has the floor: the caller's utterances, and what each means for what the agent is saying.

Speech over the agent pauses it at once and is then judged. What lasts, or says something, is an interruption: the
model is stopped and told what was heard. "Uh-huh" and a cough are not: the agent goes on from where it was. What sounds
like the agent's own voice coming back is nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from server.domain import commands as do
from server.domain import events as on
from server.domain.backchannel import answers_agent, is_backchannel, is_farewell
from server.domain.ending import Ending
from server.domain.playback import Heard
from server.domain.responses import Ask, Purpose, Responses
from server.domain.session_core import Core
from server.domain.silence import Silence


class Over(Enum):
    """What an utterance is spoken over, as far as it matters."""

    NOTHING = "nothing"
    AGENT = "agent"
    """The agent is paused until the utterance is judged."""
    GOODBYE = "goodbye"
    """The agent goes on; if the utterance keeps the call going, it is stopped."""
    ECHO = "echo"


@dataclass(slots=True)
class Utterance:
    """Something the caller says, from its first sound to the verdict."""

    item_id: str
    started_at: float
    over: Over
    heard: Heard | None = None
    """How much of the agent's sentence was heard when it began."""
    stopped_at: float | None = None
    committed: bool = False


class Floor:
    """✅ OWNER: barge-in, truncation, and whether an utterance is answered."""

    def __init__(
        self, core: Core, responses: Responses, ending: Ending, silence: Silence, ask_answer: Callable[[], None]
    ) -> None:
        self._core = core
        self._responses = responses
        self._ending = ending
        self._silence = silence
        self._ask_answer = ask_answer
        self._now: Utterance | None = None
        self._owed = False
        self.dropped: set[str] = set()
        """The agent's items whose late audio is not played any more."""

    @property
    def goes_on(self) -> bool:
        """The caller has said something that was not answered yet, or is saying it."""
        return self.speaking or self._owed

    @property
    def speaking(self) -> bool:
        """The caller is speaking, or what they said is not judged yet. Echo is nobody speaking."""
        return self._now is not None and self._now.over is not Over.ECHO

    # --- the model's voice detection --------------------------------------------------------------------------------

    def started(self, event: on.SpeechStarted) -> None:
        """A sound began."""
        if self._now is not None and self._now.over is Over.AGENT:
            self._interrupted(self._now)
        self._now = utterance = Utterance(event.item_id, self._core.now, Over.ECHO)
        self._core.deadlines.clear("verdict", "echo", "long_speech", "endless")
        if event.echo:
            self._core.after("echo", self._core.timing.echo_check_ms)
        else:
            self._speech(utterance)

    def _speech(self, utterance: Utterance) -> None:
        """It is the caller: what are they speaking over?"""
        core, timing = self._core, self._core.timing
        self._silence.reset()
        core.caller_stopped_at = None
        core.after("endless", timing.longest_speech_ms)
        if self._ending.reason is not None:
            utterance.over = Over.GOODBYE if self._ending.may_go_on else Over.NOTHING
            core.after("long_speech", timing.over_goodbye_ms + timing.silence_ms)
        elif core.playback.playing or core.playback.paused or self._responses.busy:
            utterance.over = Over.AGENT
            utterance.heard = self._pause()
            core.after("long_speech", timing.backchannel_ms + timing.silence_ms)
        else:
            utterance.over = Over.NOTHING

    def _pause(self) -> Heard | None:
        core = self._core
        core.deadlines.clear("answer")
        if core.playback.paused:
            return None
        if core.playback.playing:
            core.want(do.ClearPlayback())
        heard = core.playback.pause(core.now)
        return heard[0] if heard else None

    def stopped(self, event: on.SpeechStopped) -> None:
        """The sound ended, a moment ago."""
        core, utterance = self._core, self._of(event.item_id)
        if utterance is None or utterance.over is Over.ECHO:
            return
        utterance.stopped_at = core.caller_stopped_at = core.now - core.timing.silence_ms
        core.deadlines.clear("long_speech")
        longest = self._longest(utterance)
        if longest is None:
            return
        if utterance.stopped_at - utterance.started_at > longest:
            self._real(utterance)
        else:
            core.after("verdict", core.timing.verdict_ms)

    def committed(self, event: on.Committed) -> None:
        """The utterance is whole."""
        utterance = self._of(event.item_id)
        if self._core.turns.dropped(event.item_id):
            return
        if utterance is not None and utterance.over is Over.ECHO:
            self._echo_over(utterance)
            return
        turn = self._core.turns.turn(event.item_id, "user")
        if utterance is None:
            if self._ending.reason is None:
                self.answer()
            return
        turn.started_ms = int(utterance.started_at)
        utterance.committed = True
        if utterance.over is Over.NOTHING:
            self._over(answer=self._ending.reason is None)

    def said(self, event: on.CallerTranscript) -> bool:
        """The words of an utterance. False when they are no turn."""
        if self._core.turns.dropped(event.item_id):
            return False
        utterance = self._of(event.item_id)
        if utterance is None:
            return True
        if utterance.over is Over.ECHO:
            return False
        if event.failed or utterance.over is Over.NOTHING:
            return True
        return self._judged(utterance, event.text)

    # --- verdicts ---------------------------------------------------------------------------------------------------

    def _judged(self, utterance: Utterance, text: str) -> bool:
        """By its words. False when the utterance was no turn."""
        if utterance.over is Over.GOODBYE:
            if is_farewell(text):
                self._settled()
            else:
                self._real(utterance)
            return True
        if is_backchannel(text) and not (text.strip() and self._is_answer(utterance)):
            self._backchannel(utterance)
            return False
        self._real(utterance)
        return True

    def _is_answer(self, utterance: Utterance) -> bool:
        if utterance.heard is None:
            return True
        turn = self._core.turns.known(utterance.heard.item_id)
        return turn is not None and answers_agent(turn.text, utterance.heard, whole=turn.whole)

    def lasts(self) -> None:
        """Deadline: the caller goes on speaking over the agent."""
        if self._now is not None and self._longest(self._now) is not None:
            self._real(self._now)

    def no_words(self) -> None:
        """Deadline: no words came of a short utterance. Over a goodbye it counts as one, over anything else as real."""
        if self._now is None:
            return
        if self._now.over is Over.GOODBYE:
            self._settled()
        elif self._now.over is Over.AGENT:
            self._real(self._now)

    def never_ends(self) -> None:
        """Deadline: a steady noise, or speech whose end the model never told, is nobody speaking.

        What it interrupted is answered; if the model commits it after all, that is an utterance like any other.
        """
        if self._now is not None:
            self._core.note("endless_speech", ms=int(self._core.now - self._now.started_at))
            self._settled()

    def _longest(self, utterance: Utterance) -> float | None:
        timing = self._core.timing
        return {Over.AGENT: timing.backchannel_ms, Over.GOODBYE: timing.over_goodbye_ms}.get(utterance.over)

    def _real(self, utterance: Utterance) -> None:
        """An interruption: the model is stopped and told, and the utterance answered when it is whole."""
        if utterance.over is Over.GOODBYE:
            self._ending.call_off()
            self._pause()
        self._interrupted(utterance)
        if utterance.committed:
            self._over(answer=True)

    def _interrupted(self, utterance: Utterance) -> None:
        utterance.over = Over.NOTHING
        self._owed = self._owed or utterance.committed or self._responses.unfinished() is not None
        self._stop_agent()

    def interrupt(self) -> None:
        """Something other than speech interrupts; what the caller was saying then counts as one, too."""
        if self._now is not None and self._now.over is Over.AGENT:
            self._real(self._now)
        else:
            self._stop_agent()

    def _stop_agent(self) -> None:
        """For good: what is being generated, what is paused, and what is played."""
        core = self._core
        core.deadlines.clear("verdict", "long_speech", "answer")
        self._responses.wanted = None
        self._responses.cancel()
        self._pause()
        cuts = core.playback.discard()
        if any(heard.sent_ms for heard in cuts):
            core.barge_ins += 1
        for heard in cuts:
            self.dropped.add(heard.item_id)
            core.cut(heard)

    def _backchannel(self, utterance: Utterance) -> None:
        """It was no turn: the agent goes on from where it was paused."""
        core = self._core
        heard = utterance.heard
        self._forget(utterance)
        core.note("backchannel", heard_ms=heard.heard_ms if heard else 0)
        pieces = core.playback.resume(core.now, core.timing.rewind_ms)
        if pieces is None:
            self._stop_agent()
            self._responses.ask(Ask(Purpose.ANSWER, do.CreateResponse(core.lines.go_on)))
        elif pieces:
            core.want(do.Play(tuple(pieces)))
        if self._responses.unfinished() is not None and not self._responses.spoke:
            core.after("answer", core.timing.answer_ms)
        self._settled()

    # --- echo -------------------------------------------------------------------------------------------------------

    def echo_due(self) -> None:
        """Deadline: listen again whether this turn is still the agent's own voice."""
        if self._now is not None and self._now.over is Over.ECHO:
            self._core.after("echo", self._core.timing.echo_check_ms)
            self._core.want(do.CheckEcho(self._now.item_id))

    def echo_checked(self, event: on.EchoChecked) -> None:
        """What had sounded like echo is somebody speaking: from now on it is."""
        utterance = self._of(event.item_id)
        if utterance is None or utterance.over is not Over.ECHO or event.echo:
            return
        self._core.deadlines.clear("echo")
        utterance.started_at = self._core.now
        self._speech(utterance)

    def _echo_over(self, utterance: Utterance) -> None:
        self._core.deadlines.clear("echo")
        self._forget(utterance)
        self._core.note("echo_ignored", ms=int(self._core.now - utterance.started_at))
        self._now = None

    # --- after an utterance -----------------------------------------------------------------------------------------

    def answer(self) -> None:
        """Something wants an answer: now, or once the caller has finished."""
        if self.speaking:
            self._owed = True
        elif self._ending.reason is None:
            self._ask_answer()

    def lost(self) -> bool:
        """The model is gone, and with it what it was hearing. True when an utterance or an answer is still owed."""
        utterance, self._now = self._now, None
        owed, self._owed = self._owed, False
        self._core.deadlines.clear("verdict", "long_speech", "echo", "endless")
        if self._core.playback.paused:
            pieces = self._core.playback.resume(self._core.now, self._core.timing.rewind_ms)
            if pieces:
                self._core.want(do.Play(tuple(pieces)))
            elif pieces is None:
                self._core.playback.discard()
        return owed or (utterance is not None and utterance.committed and utterance.over is not Over.ECHO)

    def _over(self, *, answer: bool) -> None:
        self._owed = self._owed or answer
        self._settled()

    def _settled(self) -> None:
        """The floor is free: give the answer that is owed."""
        self._now = None
        self._core.deadlines.clear("verdict", "long_speech", "endless")
        owed, self._owed = self._owed, False
        if owed and self._ending.reason is None:
            self._ask_answer()

    def _forget(self, utterance: Utterance) -> None:
        self._core.turns.drop(utterance.item_id)
        self._core.want(do.DeleteItem(utterance.item_id))

    def _of(self, item_id: str) -> Utterance | None:
        return self._now if self._now is not None and self._now.item_id == item_id else None
