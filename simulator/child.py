"""Legs that `<Dial>` makes: a colleague's telephone, with a call of its own in the account."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from simulator.account import Account
from simulator.call import CallLeg
from simulator.caller import Caller, Manners
from simulator.colleagues import Colleague, Part
from simulator.ears import list_agent_speech
from simulator.equipment import Entry, Equipment, Leg, LegOrder, LegPlan
from simulator.faults import Faults
from simulator.ids import new_sid
from simulator.journal import Journal
from simulator.line import Line
from simulator.recordings import Recorder
from simulator.records import CallRecord, RecordingRecord
from simulator.report import CallFacts, CallReport, Event


class Switchboard:
    """Makes the legs that one call dials. ✅ OWNER: the call's `report.legs`."""

    def __init__(
        self, record: CallRecord, account: Account, kit: Equipment, parts: Mapping[str, Part], time_limit_s: float,
        publish: Callable[[RecordingRecord], None],
    ) -> None:  # fmt: skip
        self._record, self._account, self._kit = record, account, kit
        self._parts, self._limit_s, self._publish = parts, time_limit_s, publish
        self.legs: list[CallLeg] = []

    def new_leg(self, order: LegOrder) -> Leg:
        """A leg to the number ordered, known to the account. Somebody whom no colleague plays does not answer."""
        number = order.number
        part = self._parts.get(number.number)
        if part is None:
            self._kit.journal.warn(f"nobody plays {number.number}, so nobody answers there; give it a colleague")
            part = Part(Colleague(number=number.number, does="no-answer"), (), Manners())
        record = CallRecord(
            new_sid("CA"), self._record.account_sid, order.caller_id, number.number, "outbound-dial",
            parent_sid=self._record.sid,
        )  # fmt: skip
        leg = self._wire(record, part, order)
        self.legs.append(leg)
        self._account.calls[record.sid] = record
        self._account.live[record.sid] = leg
        return leg

    def _wire(self, record: CallRecord, part: Part, order: LegOrder) -> CallLeg:
        parent, number = self._kit, order.number
        report = CallReport(CallFacts(record.sid, record.account_sid, record.from_, record.to, record.direction))
        parent.journal.report.legs.append(report)
        journal = Journal(report, parent.clock, self._forwarder(record))
        line = Line(parent.clock, Caller(part.lines, part.manners), journal, Faults())
        recorder = Recorder(record, line, journal, parent.courier, parent.recorder.base_url, self._publish)
        kit = replace(parent, journal=journal, line=line, recorder=recorder, faults=Faults(), new_leg=None)
        plan = LegPlan(part.colleague.ring_result, part.colleague.ring_s, order.timeout_s, self._limit_s)
        entry = Entry(
            number.url, method=number.method, status_callback=number.callback, status_method=number.callback_method,
            status_events=number.events,
        )  # fmt: skip
        return CallLeg(plan, record, entry, kit, tail=order.tail)

    def _forwarder(self, record: CallRecord) -> Callable[[Event], None]:
        """Passes a leg's events on into the call that dialled it."""

        def forward(event: Event) -> None:
            self._kit.journal.note("leg", sid=record.sid, to=record.to, event=event.kind, data=event.data)

        return forward

    def write_down(self) -> None:
        """List what each colleague heard."""
        for leg in self.legs:
            list_agent_speech(leg.journal.report, bytes(leg.line.agent_tape), leg.line.started_ms)
