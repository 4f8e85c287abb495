"""Carries out TwiML on one leg, verb after verb and document after document."""

from __future__ import annotations

from simulator.dialling import dial
from simulator.equipment import CallBroken
from simulator.keypad import gather
from simulator.records import RecordingRequest
from simulator.stage import Stage
from simulator.streaming import connect
from simulator.verbs import (
    ConnectStream,
    Dial,
    Document,
    Gather,
    Hangup,
    Record,
    Redirect,
    Reject,
    StartRecording,
    Unsupported,
    Verb,
)
from simulator.voicemail import record

MAX_DOCUMENTS = 30


class Actor:
    """✅ OWNER: which TwiML is being acted out on a leg. Raises `CallBroken` for what cannot be carried on."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._documents = 0

    async def act(self, document: Document | None) -> bool:
        """Carry out a document and those it leads to. True when the TwiML ran out, False when it hung up."""
        while document is not None:
            self._documents += 1
            if self._documents > MAX_DOCUMENTS:
                raise CallBroken(
                    f"more than {MAX_DOCUMENTS} TwiML documents in one call; do they redirect in a circle?"
                )
            following = await self._act_out(document)
            if isinstance(following, bool):
                return following
            document = following
        return True

    async def _act_out(self, document: Document) -> Document | bool:
        for verb in document.verbs:
            if isinstance(verb, Hangup | Reject):
                return False
            following = await self._perform(verb)
            if following is not None:
                return following
        return True

    async def _perform(self, verb: Verb) -> Document | None:
        stage = self._stage
        match verb:
            case Redirect():
                return await stage.fetch("redirect", verb.url, verb.method)
            case ConnectStream():
                return await connect(stage, verb)
            case Dial():
                return await dial(stage, verb)
            case Gather():
                return await gather(stage, verb)
            case Record():
                return await record(stage, verb)
            case StartRecording():
                self._start_recording(verb)
            case Unsupported():
                stage.kit.journal.warn(f"<{verb.verb}> is not acted out: {verb.why}")
            case Hangup() | Reject():
                raise AssertionError("the document ends with these")
            case _:
                await stage.perform([verb])
        return None

    def _start_recording(self, verb: StartRecording) -> None:
        channels = 2 if verb.channels == "dual" and verb.track == "both" else 1
        self._stage.kit.recorder.start(
            RecordingRequest("StartCallRecordingTwiML", channels, verb.track, verb.callback, verb.method, verb.events)
        )
