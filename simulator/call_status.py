"""A leg's status: moved on the record, written into the report, told to the status callback."""

from __future__ import annotations

import math

from simulator.clock import utc_now
from simulator.equipment import Entry, Equipment
from simulator.records import CallRecord, rfc2822

_SIP_CODES = {"completed": "200", "busy": "486", "no-answer": "480", "canceled": "487", "failed": "500"}


class StatusBoard:
    """✅ OWNER: the status of one leg, and the sequence numbers of its status callbacks (from 0)."""

    def __init__(self, record: CallRecord, entry: Entry, kit: Equipment) -> None:
        self._record, self._entry, self._kit = record, entry, kit
        self._sequence = 0
        self.answered_at: float | None = None

    def place(self) -> None:
        """The call begins: `initiated`, then `ringing`. An outbound one is `queued` to the REST API until it rings."""
        queued = self._record.direction != "inbound"
        self._move("queued" if queued else "ringing", event="initiated", shown="initiated")
        self._move("ringing", event="ringing")

    def answer(self) -> None:
        """Somebody picked up."""
        self.answered_at = self._kit.clock.now()
        self._record.started = utc_now()
        self._move("in-progress", event="answered")

    def end(self, status: str) -> None:
        """The final status; once there is one it stays."""
        if self._record.final:
            return
        self._record.ended = utc_now()
        talked = self._kit.clock.now() - self.answered_at if self.answered_at is not None else 0.0
        self._record.duration_s = self._kit.journal.report.call.duration_s = math.ceil(talked)
        self._move(
            status,
            event="completed",
            extra={"CallDuration": str(self._record.duration_s), "SipResponseCode": _SIP_CODES[status]},
        )

    def _move(self, status: str, *, event: str, shown: str = "", extra: dict[str, str] | None = None) -> None:
        self._record.status = status
        shown = shown or status
        journal, entry = self._kit.journal, self._entry
        journal.report.call.statuses.append({"status": shown, "at_ms": journal.now_ms()})
        journal.note("status", status=shown, call_sid=self._record.sid)
        if not entry.status_callback or event not in entry.status_events:
            return
        params = self._record.webhook_params() | (extra or {})
        params |= {
            "CallStatus": shown,
            "Timestamp": rfc2822(utc_now()) or "",
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self._sequence),
        }
        self._sequence += 1
        self._kit.courier.tell("status", entry.status_callback, params, entry.status_method)
