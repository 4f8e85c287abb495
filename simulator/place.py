"""Puts a call together from its plan and runs it: caller, line, leg, report."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx

from simulator.account import Account
from simulator.answerers import answerer
from simulator.call import CallLeg
from simulator.caller import Caller, Utterance
from simulator.child import Switchboard
from simulator.clock import ScaledClock
from simulator.colleagues import part_of
from simulator.ears import MoonshineEars, list_agent_speech, transcribe
from simulator.equipment import Entry, Equipment, LegPlan
from simulator.fault_set import FaultSet
from simulator.ids import new_sid
from simulator.journal import Journal
from simulator.line import Line
from simulator.noise import Noise
from simulator.plan import CallPlan, Script, ScriptLine, Voice, parse_line
from simulator.recordings import Recorder
from simulator.records import CallRecord, RecordingRecord, RecordingRequest
from simulator.report import CallFacts, CallReport, OnEvent
from simulator.signing import Signer
from simulator.voice import HibariVoice
from simulator.webhooks import Courier

_KEY_PAUSE = b"\xff" * 1600


def prepare_script(plan: CallPlan, *, outbound: bool = False) -> Script:
    """Speak all lines in advance, so that speech synthesis does not disturb the pacing. Blocks. Raises `PlanError`."""
    parsed = [parse_line(line) if isinstance(line, str) else line for line in plan.lines]
    spoken = any(isinstance(line, ScriptLine) and line.text for line in parsed)
    spoken = spoken or any(isinstance(colleague.says, str) and colleague.says for colleague in plan.colleagues)
    voice = plan.voice or (HibariVoice() if spoken else None)
    hello = None if voice is None else Utterance(voice.speak("Hello?"), "Hello?", source="patience")
    plan.faults.prepare(voice)
    kind = (plan.faults.answerer() or plan.answerer) if outbound else "human"
    person = answerer(kind, [_utterance(line, voice) for line in parsed], plan.manners, voice)
    parts = {colleague.number: part_of(colleague, voice) for colleague in plan.colleagues}
    return Script(person, hello, voice, parts)


def _utterance(line: ScriptLine | bytes | Utterance, voice: Voice | None) -> Utterance:
    if isinstance(line, Utterance):
        return line
    if isinstance(line, bytes):
        return Utterance(line, source="audio")
    if line.keys:
        return Utterance(_KEY_PAUSE, keys=line.keys)
    assert voice is not None, "prepare_script gives every script with words a voice"
    after = None if line.interrupt_after_s is None else round(line.interrupt_after_s * 1000)
    return Utterance(voice.speak(line.text), line.text, after)


async def prepared(plan: CallPlan, *, outbound: bool = False) -> Script:
    """`prepare_script`, off the event loop."""
    return await asyncio.to_thread(prepare_script, plan, outbound=outbound)


def inbound(plan: CallPlan, account: Account) -> tuple[CallRecord, Entry]:
    """The record of a call that comes in from outside, and the number's webhooks. Raises `BadUrl`."""
    record = CallRecord(
        new_sid("CA"), account.sid, plan.from_, plan.to, "inbound",
        forwarded_from=plan.forwarded_from, caller_name=plan.caller_name,
    )  # fmt: skip
    url = plan.places()[1]
    return record, Entry(url, status_callback=plan.status_callback(), status_events=tuple(plan.status_events))


@dataclass(frozen=True, slots=True)
class Placement:
    """One call to be run: its record, where its TwiML comes from, its script, how it rings, what is recorded."""

    record: CallRecord
    entry: Entry
    script: Script
    leg: LegPlan
    recording: RecordingRequest | None = None


class CallInHand:
    """One call, ready to run on an account. ✅ OWNER: the wiring of a leg, and the call's place in `account.live`."""

    def __init__(
        self, plan: CallPlan, account: Account, http: httpx.AsyncClient, placement: Placement, on_event: OnEvent | None
    ) -> None:
        record, script = placement.record, placement.script
        self.report = CallReport(CallFacts(record.sid, record.account_sid, record.from_, record.to, record.direction))
        self._account, self._plan, self._script = account, plan, script
        self.over = False
        clock = ScaledClock(plan.speed)
        journal = self._journal = Journal(self.report, clock, on_event)
        places, _ = plan.places()
        signer = Signer(account.auth_token)
        self._listen_to_faults()
        self._courier = Courier(signer, places, journal, http, clock, plan.faults)
        self._caller = Caller(script.answerer.lines, script.answerer.manners, script.hello)
        noise = None if plan.noise_db is None else Noise(plan.noise_db)
        self.line = Line(clock, self._caller, journal, plan.faults, noise)
        self._recorder = Recorder(record, self.line, journal, self._courier, account.base_url, self._publish)
        kit = Equipment(
            clock, journal, self._courier, self.line, self._recorder, signer, places, script.voice, plan.faults
        )
        self._board = Switchboard(record, account, kit, script.parts, plan.time_limit_s, self._publish)
        kit.new_leg = self._board.new_leg
        self.leg = CallLeg(placement.leg, record, placement.entry, kit, placement.recording or _planned_recording(plan))

    def _listen_to_faults(self) -> None:
        def notice(name: str, data: dict[str, object]) -> None:
            self._journal.note("fault", name=name, detail=data)

        faults = self._plan.faults
        faults.notice = notice
        if isinstance(faults, FaultSet):
            faults.listen(notice)
        for struck in faults.facts():
            if struck.times:
                notice(struck.name, {})

    def _publish(self, recording: RecordingRecord) -> None:
        self._account.recordings[recording.sid] = recording

    async def run(self) -> CallReport:
        """Run the call to its end. It stays known to the account, so that late REST calls reach its report."""
        record = self.leg.record
        self._account.calls[record.sid] = record
        self._account.live[record.sid] = self.leg
        try:
            await self.leg.run()
            await self._courier.drain()
        finally:
            await self._courier.close()
            if not record.final:
                record.status = "failed"
        self._judge()
        await self._write_down()
        self.over = True
        return self.report

    async def _write_down(self) -> None:
        """List what was said, and put it into words if the plan wants that."""
        tapes = {"caller": bytes(self.line.caller_tape), "agent": bytes(self.line.agent_tape)}
        list_agent_speech(self.report, tapes["agent"], self.line.started_ms)
        self._board.write_down()
        if self._plan.transcribe:
            ears = self._plan.ears or MoonshineEars()
            await asyncio.to_thread(transcribe, self.report, tapes, self.line.started_ms, ears)
        self._journal.note("ended", outcome=self.report.outcome, reason=self.report.reason)

    @property
    def recordings_pending(self) -> bool:
        """Whether there is a finished recording that nobody has fetched."""
        return any(facts.status == "completed" and not facts.fetched for facts in self._recorder.facts())

    @property
    def server_records(self) -> bool:
        """Whether the server itself started a recording."""
        return any(facts.source.startswith("StartCallRecording") for facts in self._recorder.facts())

    def warn(self, message: str) -> None:
        """Add a warning to the report, after the call."""
        self._journal.warn(message)

    def refresh(self) -> None:
        """Bring the report's recordings and faults up to date (one may have been fetched since)."""
        self.report.recordings = self._recorder.facts()
        self.report.faults = self._plan.faults.facts()

    def _judge(self) -> None:
        report, human = self.report, self._script.answerer.kind == "human"
        planned_end = self._plan.manners.hang_up_after_ms is not None or not human
        report.frames.discarded_bytes = self.line.playback.discarded
        if self._caller.gave_up:
            report.fail(self._caller.gave_up)
        elif self.leg.streamed and not self.line.observer.agent_heard and not planned_end:
            report.fail("the agent was never heard")
        self.refresh()


def _planned_recording(plan: CallPlan) -> RecordingRequest | None:
    """`--record`: Twilio records although the server asked for nothing."""
    if not plan.record:
        return None
    events = ("in-progress", "completed", "absent")
    return RecordingRequest("OutboundAPI", 2, callback=plan.recording_callback(), events=events)
