"""A call in words, for a person at a terminal: one line an event while it runs, and a summary at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.report import CallReport, Event

Data = dict[str, Any]


def describe(event: Event) -> str | None:
    """One line with its time in call seconds, or `None` for an event that is only of use in the report."""
    words = _WORDS.get(event.kind)
    text = words(event.data) if words else None
    return f"{event.at_ms / 1000:7.2f} s  {text}" if text else None


def _status(data: Data) -> str | None:
    return {"initiated": None, "in-progress": "answered"}.get(data["status"], str(data["status"]))


def _webhook(data: Data) -> str | None:
    if data["error"]:
        return f"{data['name']} webhook: {data['error']}"
    if data["name"] == "voice" or not 200 <= data["status"] < 300:
        return f"{data['name']} webhook {data['url']}: {data['status']} in {data['ms']} ms"
    return None


def _speaks(data: Data) -> str:
    if data["keys"]:
        return f"caller presses {data['keys']}"
    said = f'"{data["text"]}"' if data["text"] else f"{data['ms'] / 1000:.1f} s of audio"
    return f"caller{' interrupts' if data['interrupting'] else ''}: {said}"


def _cleared(data: Data) -> str:
    return f"server cleared {data['dropped_ms']} ms of unheard audio ({data['marks']} marks returned)"


def _rest(data: Data) -> str:
    short = data["path"].split("/Accounts/")[-1].partition("/")[2]
    return f"server called REST: {data['method']} {short} -> {data['status']}"


def _ended(data: Data) -> str:
    return f"call {data['outcome']}" + (f": {data['reason']}" if data["reason"] else "")


def _leg(data: Data) -> str | None:
    words = _WORDS.get(data["event"])
    text = words(data["data"]) if words else None
    return f"{data['to']}: {text.replace('caller', 'colleague', 1)}" if text else None


_WORDS: dict[str, Callable[[Data], str | None]] = {
    "status": _status,
    "webhook": _webhook,
    "stream_connected": lambda data: f"media stream {data['sid'][:8]}… connected",
    "stream_closed": lambda data: f"media stream closed{': ' + data['fault'] if data['fault'] else ''}",
    "agent_speaking": lambda data: "agent speaks",
    "answered_turn": lambda data: f"answer {data['turn']} began {data['ms']} ms after the caller ended",
    "agent_spoke": lambda data: f"agent has spoken for {(data['to_ms'] - data['from_ms']) / 1000:.1f} s",
    "caller_speaking": _speaks,
    "twilio_says": lambda data: f'Twilio says: "{data["text"]}"',
    "cleared": _cleared,
    "rest": _rest,
    "recording_started": lambda data: f"recording {data['sid'][:8]}… started ({data['channels']} channels)",
    "recording_finished": lambda data: f"recording {data['sid'][:8]}… {data['status']}, {data['duration_s']} s",
    "recording_fetched": lambda data: f"recording {data['sid'][:8]}… fetched by the server",
    "leg": _leg,
    "bridged": lambda data: f"connected with {data['to']}",
    "fault": lambda data: f"fault: {data['name']}",
    "answered_by": lambda data: f"answering-machine detection: {data['who']}",
    "twilio_plays": lambda data: f"Twilio plays {data['url']}",
    "socket_cut": lambda data: "fault: the media socket was cut",
    "warning": lambda data: f"note: {data['message']}",
    "ended": _ended,
}


def summary(report: CallReport) -> str:
    """What was said, how long answers took, and how it ended."""
    call, frames = report.call, report.frames
    ended_by = f"the {call.ended_by}" if call.ended_by else "nobody"
    said = [(item.from_ms, side, item) for side, items in report.said.items() for item in items]
    lines = [
        "",
        f"{call.sid}  {call.from_} -> {call.to}  {call.direction}, {call.duration_s} s, ended by {ended_by}",
    ]
    for _, side, item in sorted(said, key=lambda row: row[0]):
        words = item.text or f"({(item.to_ms - item.from_ms) / 1000:.1f} s of sound)"
        lines.append(f"{item.from_ms / 1000:7.2f} s  {side:>6}: {words}")
    waits = [latency.to_played_ms for latency in report.latencies if latency.to_played_ms is not None]
    if waits:
        lines.append(f"answers began after {', '.join(map(str, waits))} ms (end of speech to first audio heard)")
    lines.append(
        f"frames: {frames.sent} sent, {frames.received} received; marks: {_marks(report)}; clears: {len(report.clears)}"
    )
    if report.faults:
        lines.append("faults: " + ", ".join(f"{fault.name} (struck {fault.times}x)" for fault in report.faults))
    lines += [f"{leg.call.to}: {leg.call.statuses[-1]['status']}, {leg.call.duration_s} s" for leg in report.legs]
    lines += [f"recording: {item.url} ({item.status}, {item.duration_s} s)" for item in report.recordings]
    return "\n".join(lines)


def _marks(report: CallReport) -> str:
    by = [mark.by for mark in report.marks]
    parts = [f"{by.count(how)} by {how}" for how in ("playback", "clear") if how in by]
    lost = f"{by.count(None)} not returned" if None in by else ""
    return ", ".join([*parts, *([lost] if lost else [])]) or "none"
