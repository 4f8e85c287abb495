"""Recordings of one call: cut from the line's tape when they end, announced by callbacks."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime

from phoneaudio.g711 import BYTES_PER_MS, pcm16_from_ulaw
from simulator.ids import new_sid
from simulator.journal import Journal
from simulator.line import Line
from simulator.records import CallRecord, RecordingRecord, RecordingRequest
from simulator.report import RecordingFacts
from simulator.webhooks import Courier


class Recorder:
    """✅ OWNER: the recordings of one call, from start to `completed` or `absent`.

    `publish` makes one known to the REST API.
    """

    def __init__(
        self, call: CallRecord, line: Line, journal: Journal, courier: Courier, base_url: str,
        publish: Callable[[RecordingRecord], None],
    ) -> None:  # fmt: skip
        self._call, self._line, self._journal, self._courier = call, line, journal, courier
        self.base_url, self._publish = base_url, publish
        self.records: list[RecordingRecord] = []

    def start(self, request: RecordingRequest) -> RecordingRecord:
        """Record both sides from now on."""
        record = RecordingRecord(
            new_sid("RE"), self._call.sid, self._call.account_sid, request, from_ms=self._line.elapsed_ms
        )
        self.records.append(record)
        self._publish(record)
        self._journal.note("recording_started", sid=record.sid, channels=request.channels, source=request.source)
        self._announce(record)
        return record

    def stop(self, record: RecordingRecord, *, silent: bool = False) -> None:
        """End a recording before the call ends. One with nothing in it (`silent`) is `absent`, as Twilio keeps none."""
        if record.status == "in-progress":
            self._finish(record, silent=silent)
            self._announce(record)

    def finish(self) -> None:
        """The call is over: end what is still being recorded and announce it."""
        for record in self.records:
            self.stop(record)

    def facts(self) -> list[RecordingFacts]:
        """The recordings as the report lists them."""
        return [
            RecordingFacts(
                sid=record.sid,
                url=self.base_url + record.path,
                status=record.status,
                channels=record.request.channels,
                duration_s=record.duration_s,
                source=record.request.source,
                fetched=record.fetched.is_set(),
            )
            for record in self.records
        ]

    def _finish(self, record: RecordingRecord, *, silent: bool) -> None:
        start = record.from_ms * BYTES_PER_MS
        record.caller = pcm16_from_ulaw(bytes(self._line.caller_tape[start:]))
        record.agent = pcm16_from_ulaw(bytes(self._line.agent_tape[start:]))
        record.duration_s = math.ceil(len(record.caller) / 16000)
        record.status = "completed" if record.caller and not silent else "absent"
        self._journal.note("recording_finished", sid=record.sid, status=record.status, duration_s=record.duration_s)

    def _announce(self, record: RecordingRecord) -> None:
        request = record.request
        if not request.callback or record.status not in request.events:
            return
        self._courier.tell("recording", request.callback, self._params(record), request.method)

    def _params(self, record: RecordingRecord) -> dict[str, str]:
        params = {
            "AccountSid": record.account_sid,
            "CallSid": record.call_sid,
            "RecordingSid": record.sid,
            "RecordingUrl": self.base_url + record.path,
            "RecordingStatus": record.status,
            "RecordingChannels": str(record.request.channels),
            "RecordingStartTime": _date(record.started),
            "RecordingSource": record.request.source,
            "RecordingTrack": record.request.track,
            "ErrorCode": "0",
        }
        if record.status == "completed":
            params["RecordingDuration"] = str(record.duration_s)
        return params


def _date(moment: datetime) -> str:
    return format_datetime(moment)
