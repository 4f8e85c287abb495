"""One leg of a call, as Twilio runs it: ring, answer, carry the server's TwiML out, report every status, hang up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from simulator.acting import Actor
from simulator.call_status import StatusBoard
from simulator.equipment import Amd, CallBroken, Entry, Equipment, LegPlan
from simulator.records import CallRecord, RecordingRecord, RecordingRequest
from simulator.stage import Stage, stop
from simulator.twiml import TwimlError
from simulator.verbs import Document, Reject


@dataclass(frozen=True, slots=True)
class _HangUp:
    by: str


@dataclass(frozen=True, slots=True)
class _GoTo:
    url: str
    twiml: str
    method: str


class CallLeg:
    """✅ OWNER: the course of one leg, and with its `StatusBoard` the record. REST updates enter by `redirect` and
    `hang_up`; `tail`, if there is one, is awaited when the leg's TwiML has run out.

    ❌ NEVER: change the record from outside.
    """

    def __init__(
        self, plan: LegPlan, record: CallRecord, entry: Entry, kit: Equipment,
        recording: RecordingRequest | None = None, tail: Callable[[CallLeg], Awaitable[str]] | None = None,
    ) -> None:  # fmt: skip
        self.plan, self.record, self.entry = plan, record, entry
        self.journal, self.line, self.recorder = kit.journal, kit.line, kit.recorder
        self._kit, self._clock = kit, kit.clock
        self._record_from_answer, self._tail = recording, tail
        self._orders: asyncio.Queue[_HangUp | _GoTo] = asyncio.Queue()
        self._status = StatusBoard(record, entry, kit)
        self._stage = Stage(record, kit)
        self._actor = Actor(self._stage)
        self.over = asyncio.Event()

    @property
    def streamed(self) -> bool:
        """Whether a media stream was opened."""
        return self._stage.streamed

    @property
    def connected(self) -> asyncio.Event:
        """Set once a media stream has been opened."""
        return self._stage.connected

    # What REST may ask for.

    def redirect(self, *, url: str = "", twiml: str = "", method: str = "POST") -> None:
        """Leave the TwiML that is being carried out, for another."""
        self._orders.put_nowait(_GoTo(url, twiml, method))

    def hang_up(self, by: str) -> None:
        """End the call; while it still rings, it is cancelled."""
        self._orders.put_nowait(_HangUp(by))

    def start_recording(self, request: RecordingRequest) -> RecordingRecord:
        """Record from now on; only a call in progress can be recorded."""
        return self.recorder.start(request)

    def stop_recording(self, record: RecordingRecord) -> None:
        """End a recording before the call ends."""
        self.recorder.stop(record)

    # The call.

    async def run(self) -> None:
        """Carry the call through to its end. Never raises for what the server does wrong."""
        try:
            if await self._ring():
                await self._talk_if_wanted()
        except (CallBroken, TwimlError) as problem:
            self.journal.fail(str(problem))
            self._status.end("failed")
        finally:
            self.recorder.finish()
            self.over.set()

    async def _ring(self) -> bool:
        self._status.place()
        result = self.plan.result
        if self.record.direction != "inbound":
            result = await self._wait_for_answer()
        if result != "answered":
            self._status.end(result)
            self.journal.report.fail(f"the call was not answered ({result})", "refused")
        return result == "answered"

    async def _wait_for_answer(self) -> str:
        plan = self.plan
        in_vain = plan.result == "no-answer" or plan.ring_s > plan.timeout_s
        order = await self._stage.within(plan.timeout_s if in_vain else plan.ring_s, self._orders.get())
        if order is not None:
            return "canceled"
        return "no-answer" if in_vain else plan.result

    async def _talk_if_wanted(self) -> None:
        """The first TwiML of an inbound call answers it or rejects it; an outbound one is answered already."""
        if self.record.direction != "inbound":
            await self._talk(self._start_outbound)
            return
        document = await self._first_document()
        if document.verbs and isinstance(document.verbs[0], Reject):
            reason = document.verbs[0].reason
            self._status.end("busy" if reason == "busy" else "no-answer")
            self.journal.report.fail(f"the server rejected the call ({reason})", "refused")
            return

        async def ready() -> Document:
            return document

        await self._talk(ready)

    async def _start_outbound(self) -> Document:
        amd = self.plan.amd
        if amd is not None and amd.waits:
            await self._detect(amd)
        return await self._first_document()

    async def _first_document(self) -> Document:
        if self.entry.twiml:
            return self._stage.read(self.entry.twiml, self.entry.url)
        if not self.entry.url:
            return Document([])
        return await self._stage.fetch("voice", self.entry.url, self.entry.method)

    async def _talk(self, first: Callable[[], Awaitable[Document]]) -> None:
        self._status.answer()
        line = asyncio.create_task(self.line.run())
        watch = [asyncio.create_task(self._watch_caller()), asyncio.create_task(self._watch_limit())]
        if self.plan.amd is not None and not self.plan.amd.waits:
            watch.append(asyncio.create_task(self._detect(self.plan.amd)))
        if self._record_from_answer is not None:
            self.recorder.start(self._record_from_answer)
        try:
            ended_by = await self._carry_out(first, line)
        finally:
            await stop(line, *watch)
            await self.line.close()
        await self._finish(ended_by)

    async def _carry_out(self, first: Callable[[], Awaitable[Document]], line: asyncio.Task[None]) -> str:
        """Act out documents until one ends the call. Returns who ended it."""
        acting = asyncio.create_task(self._act_from(first))
        order = asyncio.create_task(self._orders.get())
        try:
            while True:
                await asyncio.wait({acting, order, line}, return_when=asyncio.FIRST_COMPLETED)
                if line.done():
                    line.result()
                if not order.done():
                    return acting.result()
                await stop(acting)
                self.line.drop()
                command = order.result()
                if isinstance(command, _HangUp):
                    return command.by
                self._stage.farewells.clear()
                acting = asyncio.create_task(self._go_to(command))
                order = asyncio.create_task(self._orders.get())
        finally:
            await stop(acting, order)

    async def _act_from(self, first: Callable[[], Awaitable[Document]]) -> str:
        ran_out = await self._actor.act(await first())
        if ran_out and self._tail is not None:
            return await self._tail(self)
        return "server"

    async def _go_to(self, command: _GoTo) -> str:
        if command.twiml:
            document = self._stage.read(command.twiml, self.entry.url)
        else:
            document = await self._stage.fetch("redirect", command.url, command.method)
        await self._actor.act(document)
        return "server"

    async def _finish(self, ended_by: str) -> None:
        self.journal.report.call.ended_by = ended_by
        if not self._stage.served and self._tail is None:
            words = f": {' '.join(self._stage.words)!r}" if self._stage.words else ""
            self.journal.report.fail(
                f"the {ended_by} ended the call before a media stream was connected{words}", "refused"
            )
        self._status.end("completed")
        for tell in self._stage.farewells:
            await tell()

    # What is watched meanwhile.

    async def _watch_caller(self) -> None:
        await self.line.caller_left.wait()
        self.hang_up("caller")

    async def _watch_limit(self) -> None:
        await self._stage.wait(self.plan.time_limit_s)
        self.journal.warn(f"the call's time limit of {self.plan.time_limit_s:.0f} s was reached")
        self.hang_up("time limit")

    async def _detect(self, amd: Amd) -> None:
        """Find out who answered, and tell the callback if the server waits for one."""
        await self._stage.wait(amd.after_ms / 1000)
        self.record.answered_by = amd.answered_by
        self.journal.note("answered_by", who=amd.answered_by, after_ms=amd.after_ms)
        if amd.callback:
            params = {
                "CallSid": self.record.sid,
                "AccountSid": self.record.account_sid,
                "AnsweredBy": amd.answered_by,
                "MachineDetectionDuration": str(amd.after_ms),
            }
            self._kit.courier.tell("amd", amd.callback, params, amd.method)
