"""`<Record>`: a voicemail of the caller's side, ended by silence, a key, its longest length or the caller's leaving."""

from __future__ import annotations

import asyncio

from phoneaudio.g711 import BYTES_PER_MS
from simulator.level import is_voiced
from simulator.records import RecordingRecord, RecordingRequest
from simulator.sounds import beep
from simulator.stage import Stage
from simulator.verbs import Document, Record

_LOOK_S = 0.1
HANGUP = "hangup"


async def record(stage: Stage, verb: Record) -> Document | None:
    """Record the caller. The action's TwiML, or `None` when nothing was said and the call goes on behind the verb."""
    if verb.beep:
        await stage.sound(beep())
    recorder, base_url = stage.kit.recorder, stage.kit.recorder.base_url
    recording = recorder.start(
        RecordingRequest("RecordVerb", 1, "inbound", verb.callback, verb.callback_method, verb.events)
    )
    heard = _Heard(stage, recording)

    def params(digits: str) -> dict[str, str]:
        return {
            "RecordingSid": recording.sid,
            "RecordingUrl": base_url + recording.path,
            "RecordingDuration": str(recording.duration_s),
            "Digits": digits,
        }

    try:
        digits = await _listen(stage, verb, heard)
    except asyncio.CancelledError:
        if heard.look():
            stage.served = True
            stage.part(verb.action, verb.method, lambda: params(HANGUP))
        raise
    finally:
        recorder.stop(recording, silent=not heard.look())
    if not heard.look():
        return None
    stage.served = True
    return await stage.fetch("action", verb.action, verb.method, params(digits))


class _Heard:
    """What the caller has said since the recording began: `spoke_at` is the last time that something was audible (ms
    of the line), `None` while nothing was."""

    def __init__(self, stage: Stage, recording: RecordingRecord) -> None:
        self._line = stage.line
        self._looked = recording.from_ms
        self.spoke_at: int | None = None

    def look(self) -> bool:
        """Take in what has been said since the last look."""
        now = self._line.elapsed_ms
        if is_voiced(bytes(self._line.caller_tape[self._looked * BYTES_PER_MS : now * BYTES_PER_MS])):
            self.spoke_at = now
        self._looked = now
        return self.spoke_at is not None


async def _listen(stage: Stage, verb: Record, heard: _Heard) -> str:
    """Return when the recording is over: the key that ended it, or nothing."""
    began = stage.line.elapsed_ms
    with stage.keys() as keys:
        while True:
            key = await stage.within(_LOOK_S, keys.get())
            if key is not None and key in verb.finish_on:
                return key
            heard.look()
            now, since = stage.line.elapsed_ms, heard.spoke_at if heard.spoke_at is not None else began
            if now - since >= verb.timeout * 1000 or now - began >= verb.longest * 1000:
                return ""
