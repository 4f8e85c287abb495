"""`<Connect><Stream>`: the media stream of a call, from its opening to the TwiML that comes after it."""

from __future__ import annotations

from simulator.clock import utc_now
from simulator.equipment import CallBroken
from simulator.stage import Stage
from simulator.stream import MediaStream, StreamRefused, open_stream
from simulator.verbs import ConnectStream, Document


async def connect(stage: Stage, verb: ConnectStream) -> Document | None:
    """Run a media stream until the server closes it; then the action's TwiML, if there is an action."""
    kit, record = stage.kit, stage.record
    try:
        stream = await open_stream(
            verb, (record.account_sid, record.sid), kit.line, kit.journal, kit.signer, kit.places, kit.faults
        )
    except StreamRefused as problem:
        _tell(stage, verb, "", "stream-error", str(problem))
        raise CallBroken(str(problem)) from problem
    stage.streamed = stage.served = True
    stage.connected.set()
    kit.journal.note("stream_connected", sid=stream.sid, url=verb.url)
    _tell(stage, verb, stream.sid, "stream-started")
    try:
        await _listen(stage, stream)
    finally:
        _tell(stage, verb, stream.sid, "stream-stopped")
    if not verb.action:
        return None
    return await stage.fetch("action", verb.action, verb.method, {"StreamSid": stream.sid, "StreamName": verb.name})


async def _listen(stage: Stage, stream: MediaStream) -> None:
    line, journal = stage.line, stage.kit.journal
    line.attach(stream)
    try:
        await stream.closed.wait()
    finally:
        line.attach(None)
        line.drop()
        await stream.stop()
    if stream.fault:
        journal.fail(stream.fault)
    journal.note("stream_closed", sid=stream.sid, fault=stream.fault)


def _tell(stage: Stage, verb: ConnectStream, sid: str, event: str, error: str = "") -> None:
    if not verb.status_callback:
        return
    params = {
        "AccountSid": stage.record.account_sid,
        "CallSid": stage.record.sid,
        "StreamSid": sid,
        "StreamName": verb.name or sid,
        "StreamEvent": event,
        "Timestamp": utc_now().isoformat(),
    }
    if error:
        params["StreamError"] = error
    stage.kit.courier.tell("stream", verb.status_callback, params, verb.status_callback_method)
