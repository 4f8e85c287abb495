"""People whom the server dials during a call (`<Dial>`): what each does when the phone rings."""

from __future__ import annotations

from dataclasses import dataclass

from phoneaudio.g711 import ULAW_SILENCE
from simulator.caller import Manners, Utterance
from simulator.faults import Speaker
from simulator.sounds import beep, hum, silence

DOES = ("accepts", "declines", "ignores", "hangs-up", "no-answer", "busy", "failed", "machine")
_KEY = ULAW_SILENCE * 1600
_GREETING = "Hello, you have reached my voicemail. Please leave a message after the tone."


class ColleagueError(ValueError):
    """The notation names no colleague; the message says what is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """One colleague. Seconds of call time.

    `accepts`: answers, hears the whisper out if there is one, presses `key`, and speaks `says` once connected.
    `declines`: answers, hears the whisper, presses `no_key` and hangs up. `ignores`: answers and does nothing.
    `hangs-up`: answers and hangs up after a second. `machine`: a voicemail answers. The rest do not answer.
    `stays_s` is how long they wait, connected, for somebody to say something before they hang up.
    """

    number: str
    does: str = "accepts"
    says: str | bytes | Utterance = ""
    ring_s: float = 2.0
    key: str = "1"
    no_key: str = "2"
    stays_s: float = 8.0

    def __post_init__(self) -> None:
        if self.does not in DOES:
            raise ColleagueError(f"a colleague cannot {self.does!r}; choose one of {', '.join(DOES)}")

    @property
    def ring_result(self) -> str:
        """How ringing ends."""
        return self.does if self.does in ("no-answer", "busy", "failed") else "answered"


@dataclass(frozen=True, slots=True)
class Part:
    """A colleague ready to be played."""

    colleague: Colleague
    lines: tuple[Utterance, ...]
    manners: Manners


def parse_colleague(notation: str) -> Colleague:
    """`NUMBER: DOES` or `NUMBER: DOES: words said once connected`. Raises `ColleagueError`."""
    number, _, rest = (part.strip() for part in notation.partition(":"))
    does, _, says = (part.strip() for part in rest.partition(":"))
    if not number or does not in DOES:
        raise ColleagueError(
            f"{notation!r} is no colleague; write 'NUMBER: DOES' or 'NUMBER: DOES: words', DOES being {', '.join(DOES)}"
        )
    return Colleague(number=number, does=does, says=says)


def part_of(colleague: Colleague, voice: Speaker | None) -> Part:
    """Learn the lines. Blocks while the voice speaks; without one a colleague hums."""
    wait_ms = round(colleague.stays_s * 1000)
    manners = Manners(patience_ms=60000, end_wait_ms=wait_ms)
    lines: tuple[Utterance, ...] = ()
    match colleague.does:
        case "accepts":
            lines = (Utterance(_KEY, keys=colleague.key), _words(colleague.says, voice))
        case "declines":
            lines = (Utterance(_KEY, keys=colleague.no_key),)
            manners = Manners(patience_ms=60000, end_wait_ms=1500)
        case "hangs-up":
            manners = Manners(hang_up_after_ms=1000)
        case "machine":
            greeting = hum(3000) if voice is None else voice.speak(_GREETING)
            lines = (Utterance(silence(400) + greeting + silence(700) + beep(), source="machine", heedless=True),)
        case _:
            manners = Manners(end_wait_ms=120000, longest_goodbye_ms=120000)
    return Part(colleague, lines, manners)


def _words(says: str | bytes | Utterance, voice: Speaker | None) -> Utterance:
    """What is said on being connected."""
    if isinstance(says, Utterance):
        return Utterance(says.audio, says.text, cue="bridged", source=says.source)
    if isinstance(says, bytes):
        return Utterance(says, cue="bridged", source="audio")
    words = says or "Hello, how can I help you?"
    return Utterance(hum(1500) if voice is None else voice.speak(words), words, cue="bridged")
