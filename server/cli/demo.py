"""`frontdesk demo`: a whole spoken phone call on this machine, shown live, with nothing installed and no account."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from server.cli.processes import Installation, login_link, start_all
from server.cli.supervisor import free_port, interrupts_as_exit
from server.config.settings import load

if TYPE_CHECKING:
    from simulator.report import CallReport, Event

CALLER = "+447700900123"
LINES = (
    "Hello! What are your opening hours on Saturday?",
    "Do you have any parking?",
    "Great. I would like to book a haircut, please.",
    "My name is Maria Lopez.",
    "On Thursday at half past two.",
    "Yes, that's right.",
    "No, that's all. Thank you, goodbye.",
)
_WORDS = {
    "barge_in": "caller interrupts after {heard_ms} ms of {sent_ms} ms",
    "tool": "{name} done",
    "tool_refused": "{name} refused",
    "hang_up": "agent hangs up ({reason})",
    "call_failed": "the call could not be served ({reason})",
    "recording_started": "recording",
    "recording_not_started": "recording could not be started ({error})",
    "recording_fetched": "recording fetched ({bytes} bytes)",
    "transcript_ready": "post-call transcript ready (from the {source})",
    "summary_ready": "summary ready",
    "job_failed": "a job failed: {error}",
}
LOG = "frontdesk.log"
READY_S = 120
AFTER_CALL_S = 90


@click.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port of the console.")
@click.option("--once", is_flag=True, help="Exit after the call: 0 when everything was stored, else 1 with the reason.")
@click.option("--say", "says", multiple=True, help="What the caller says instead; give several.")
def demo(port: int, once: bool, says: tuple[str, ...]) -> None:
    """Place a spoken phone call on a fresh Frontdesk and show it live.

    Starts server, worker and local engine, lets a synthesised caller ring a demo salon through the Twilio stand-in, and
    leaves the console running until Ctrl-C.
    """
    interrupts_as_exit()
    show = Screen()
    show.line("Starting Frontdesk: server, worker and local speech engine …")
    standin_port = free_port(8099)
    installation = _start(port, standin_port, show)
    try:
        installation.supervisor.wait_ready(f"{installation.url}/readyz", READY_S)
        show.line(
            f"Ready after {show.elapsed():.1f} s. A caller rings {_demo_business(installation.settings.database_url)} …"
        )
        show.line("")
        missing = asyncio.run(Rehearsal(installation, standin_port, show).run(says or LINES))
        if missing:
            raise click.ClickException("the demo did not store everything: " + "; ".join(missing))
        if not once:
            _stay(installation, show)
    except KeyboardInterrupt:
        show.line("Stopping …")
    finally:
        installation.supervisor.stop()


def _start(port: int, standin_port: int, show: Screen) -> Installation:
    """A Frontdesk of its own in FRONTDESK_HOME/demo, made anew each time, whatever account the environment names."""
    home = load().home / "demo"
    shutil.rmtree(home, ignore_errors=True)
    own = {
        "FRONTDESK_HOME": str(home),
        "DATABASE_URL": "",
        "RECORDINGS_URL": "",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TWILIO_ACCOUNT_SID": "",
        "TWILIO_AUTH_TOKEN": "",
        "TWILIO_API_BASE": f"http://127.0.0.1:{standin_port}",
    }
    home.mkdir(parents=True)
    return start_all(host="127.0.0.1", port=port, extra=own, log=show.line, output=home / LOG)


def _demo_business(database_url: str) -> str:
    """Store the demo's business; returns what to call it."""
    from server.db import db
    from server.services import businesses

    db.configure(database_url)
    with db.scope() as session:
        saved = businesses.save_business(**businesses.demo_business())
        session.commit()
        return f"{saved.name} on {saved.phone_e164}"


def _stay(installation: Installation, show: Screen) -> None:
    show.line("")
    show.line(f"The console is at {login_link(installation.url)} (one-time link). Ctrl-C ends everything.")
    while True:
        installation.supervisor.check()
        time.sleep(0.5)


class Screen:
    """The terminal: plain lines before the call, lines with the call's time while it runs."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._call_began: float | None = None

    def elapsed(self) -> float:
        """Seconds since the program started."""
        return time.monotonic() - self._began

    def call_begins(self) -> None:
        """From now on `event` shows the call's own time."""
        self._call_began = time.monotonic()

    def line(self, text: str) -> None:
        """One plain line."""
        print(text, flush=True)  # noqa: T201 - a terminal program's voice

    def event(self, who: str, text: str) -> None:
        """One line of the call."""
        at = time.monotonic() - (self._call_began or self._began)
        self.line(f"  {int(at // 60):02d}:{at % 60:04.1f}  {who:<9} {text}")


class _Known(dict[str, Any]):
    """A line's details; one that is missing shows as a question mark."""

    def __missing__(self, key: str) -> str:
        return "?"


@dataclass(slots=True)
class _Seen:
    """What of the stored call was shown already."""

    turns: set[int] = field(default_factory=set)
    events: int = 0
    over: bool = False


class Rehearsal:
    """One demo call: places it, shows what is stored as it is stored, and checks the result."""

    def __init__(self, installation: Installation, standin_port: int, show: Screen) -> None:
        self._installation = installation
        self._port = standin_port
        self._show = show
        self._call_sid = ""
        self._seen = _Seen()

    async def run(self, lines: tuple[str, ...]) -> list[str]:
        """Place the call; returns what is missing afterwards, in words."""
        from server.services import businesses
        from simulator.plan import CallPlan
        from simulator.standin import Standin

        settings = self._installation.settings
        standin = await Standin.start(
            account_sid=settings.twilio_account_sid, auth_token=settings.twilio_auth_token, port=self._port
        )
        plan = CallPlan(
            to=businesses.demo_business()["phone_e164"],
            from_=CALLER,
            lines=lines,
            voice_url=f"{self._installation.url}/webhook/voice",
            wait_recording_s=0,
        )
        self._show.call_begins()
        self._installation.start_worker()
        watching = asyncio.create_task(self._watch())
        try:
            report = await standin.place_call(plan, self._simulated)
            await self._settled()
        finally:
            watching.cancel()
            await standin.stop()
        await asyncio.to_thread(self._installation.attach)
        return await asyncio.to_thread(self._conclude, report)

    def _simulated(self, event: Event) -> None:
        """What only the phone's side knows."""
        data = event.data
        self._call_sid = self._call_sid or str(data.get("call_sid") or "")
        if event.kind == "status" and data["status"] in ("ringing", "in-progress", "completed"):
            self._show.event(
                "phone", {"in-progress": "answered", "completed": "hung up"}.get(data["status"], "ringing")
            )
        elif event.kind == "caller_speaking":
            self._show.event(
                "caller", f"speaks: “{data['text']}”" + (" (interrupting)" if data["interrupting"] else "")
            )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            await asyncio.to_thread(self._show_stored)

    async def _settled(self) -> None:
        """Wait for the work after the call."""
        deadline = time.monotonic() + AFTER_CALL_S
        while not self._seen.over and time.monotonic() < deadline:
            self._installation.supervisor.check()
            await asyncio.sleep(0.2)

    def _show_stored(self) -> None:
        from server.db import db
        from server.store import call_views

        with db.scope(write=False):
            newest = call_views.calls_page(limit=1).rows
            view = call_views.call_view(self._call_sid or newest[0].call.call_sid) if newest else None
        if view is None:
            return
        self._call_sid = view.call.call_sid
        for turn in view.turns:
            self._turn(turn)
        for event in view.events:
            if event.id > self._seen.events:
                self._seen.events = event.id
                self._timeline(event.kind, event.detail)

    def _turn(self, turn: Any) -> None:
        if turn.id in self._seen.turns:
            return
        self._seen.turns.add(turn.id)
        if turn.speaker == "user":
            self._show.event("heard", f"“{turn.message}”")
            return
        latency = f"   [answered in {turn.latency_ms} ms]" if turn.latency_ms is not None else ""
        self._show.event("agent", f"“{turn.message}”{latency}")

    def _timeline(self, kind: str, detail: dict[str, Any]) -> None:
        words = _WORDS.get("tool_refused" if kind == "tool" and not detail.get("ok") else kind)
        if words:
            self._show.event("frontdesk", words.format_map(_Known(detail)))
        if kind in ("summary_ready", "job_failed"):
            self._seen.over = True

    def _conclude(self, report: CallReport) -> list[str]:
        """Show what is stored, and say what is missing."""
        from server.db import db
        from server.services.recording_service import get_recording_file_for_call
        from server.store import call_views

        self._show_stored()
        with db.scope(write=False):
            view = call_views.call_view(self._call_sid)
            if view is None:
                return [f"no call was stored ({report.outcome}: {report.reason})"]
            call, path = view.call, get_recording_file_for_call(view.call)
        self._show.line("")
        self._show.line("Transcript of the recording:")
        self._show.line(_indented(call.final_transcript or "(none)"))
        self._show.line("")
        self._show.line(f"Summary:\n{_indented(call.summary or '(none)')}")
        for booked in view.appointments:
            when = f"{booked.starts_at.astimezone(ZoneInfo(view.business.timezone)):%A %d %B at %H:%M}"
            self._show.line(f"\nBooked: {booked.customer_name}, {when}")
        self._latencies(report)
        self._show.line(f"\nRecording: {path or '(none)'}")
        self._show.line(f"Logs: {self._installation.supervisor.output}")
        if path is not None:
            _play(Path(path), self._show)
        needs = {
            "the call did not complete": call.status != "completed",
            "no turns": not view.turns,
            "no recording": path is None,
            "no final transcript": not call.final_transcript,
            f"the transcript comes from {call.transcript_source}": call.transcript_source != "recording",
            "no summary": not call.summary,
            f"the simulator reports {report.outcome}: {report.reason}": not report.ok,
        }
        return [words for words, absent in needs.items() if absent]

    def _latencies(self, report: CallReport) -> None:
        measured = [latency for latency in report.latencies if latency.to_received_ms is not None]
        if not measured:
            return
        self._show.line("\nHow long each answer took (end of speech → first audio, measured on the phone's side):")
        for latency in measured:
            self._show.line(f"  {latency.to_received_ms:>5} ms  after “{latency.text}”")
        times = sorted(latency.to_received_ms or 0 for latency in measured)
        self._show.line(f"  median {times[len(times) // 2]} ms")


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _play(path: Path, show: Screen) -> None:
    """Let the person hear the call where there is a sound card; elsewhere the console's player has it."""
    player = shutil.which("afplay") or (shutil.which("aplay") if _has_sound_card() else None)
    if player is None or not sys.stdout.isatty():
        return
    show.line(f"Playing it with {Path(player).name} …")
    subprocess.Popen([player, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _has_sound_card() -> bool:
    cards = Path("/proc/asound/cards")
    return cards.exists() and "no soundcards" not in cards.read_text()
