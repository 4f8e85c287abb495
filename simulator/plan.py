"""What to rehearse: one call's plan, and the notation for lines that interrupt or press keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from simulator.answerers import Answerer
from simulator.caller import Manners, Utterance
from simulator.colleagues import Colleague, Part
from simulator.ears import Ears
from simulator.faults import Faults
from simulator.places import Places, places_for

VOICE_PATH = "/webhook/voice"
STATUS_PATH = "/webhook/call_status"
RECORDING_PATH = "/webhook/recording_status"
STATUS_EVENTS = ("initiated", "ringing", "answered", "completed")

_INTERRUPT = re.compile(r"@(\d+(?:\.\d+)?)\s+(\S.*)", re.DOTALL)
_KEYS = re.compile(r"keys:\s*([0-9*#ABCDw]+)")


class PlanError(ValueError):
    """The plan cannot be carried out; the message names the field and the remedy."""


class Voice(Protocol):
    """Turns words into telephone audio."""

    def speak(self, text: str) -> bytes:
        """μ-law, 8 kHz. May take a second; called off the event loop."""
        ...


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One `--say`: `text` to be spoken, or `keys` to be pressed."""

    text: str = ""
    interrupt_after_s: float | None = None
    keys: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """A plan ready to be played: who is at the caller's end and their lines, what an impatient caller says, the voice
    that spoke it all, and the colleagues by number."""

    answerer: Answerer
    hello: Utterance | None
    voice: Voice | None
    parts: dict[str, Part]


def parse_line(notation: str) -> ScriptLine:
    """Read one line: `@1.5 Sorry, wait` interrupts the agent's next speech 1.5 s into it; `keys:12#` presses keys.
    Raises `PlanError`."""
    text = notation.strip()
    if not text:
        raise PlanError("an empty line cannot be said; give it words")
    if pressed := _KEYS.fullmatch(text):
        return ScriptLine(keys=pressed[1])
    if interrupting := _INTERRUPT.fullmatch(text):
        return ScriptLine(interrupting[2], float(interrupting[1]))
    if text.startswith("@"):
        raise PlanError(f"{notation!r} is not a line that interrupts; write '@SECONDS words', as in '@1.5 Sorry, wait'")
    return ScriptLine(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlan:
    """One call to a server that answers voice webhooks. Seconds are call time.

    `lines`: words in `parse_line`'s notation, raw μ-law bytes, or finished `Utterance`s. `voice_url` is where the
    server's voice webhook really is; `public_url` is what Twilio would know and sign (default: the same).
    `wait_recording_s` (wall time): how long to wait for the server to fetch a recording; `None` is 30 s when the server
    started one, else 0. `answerer` is who answers a call that the server places (`simulator.answerers`: a human with
    these lines, `machine`, `busy`, …); `colleagues` are those whom it may dial during the call.
    """

    to: str
    from_: str
    voice_url: str = f"http://127.0.0.1:8000{VOICE_PATH}"
    public_url: str | None = None
    status_url: str | None = None
    status_events: Sequence[str] = STATUS_EVENTS
    lines: Sequence[str | bytes | Utterance] = ()
    speed: float = 1.0
    manners: Manners = field(default_factory=Manners)
    noise_db: float | None = None
    record: bool = False
    recording_url: str | None = None
    transcribe: bool = False
    wait_recording_s: float | None = None
    time_limit_s: float = 600.0
    ring_s: float = 1.0
    forwarded_from: str | None = None
    caller_name: str | None = None
    answerer: str = "human"
    colleagues: Sequence[Colleague] = ()
    voice: Voice | None = None
    ears: Ears | None = None
    faults: Faults = field(default_factory=Faults)

    def places(self) -> tuple[Places, str]:
        """The tunnel's map and the voice webhook's public URL. Raises `BadUrl`."""
        return places_for(self.voice_url, self.public_url)

    def status_callback(self) -> str:
        """The number's status callback: given, or beside the voice webhook; empty when there is none to be guessed."""
        return self._beside(self.status_url, STATUS_PATH)

    def recording_callback(self) -> str:
        """Where a recording that the server did not ask for is announced."""
        return self._beside(self.recording_url, RECORDING_PATH)

    def _beside(self, given: str | None, path: str) -> str:
        if given is not None:
            return given
        public = self.places()[1]
        return public.replace(VOICE_PATH, path) if VOICE_PATH in public else ""
