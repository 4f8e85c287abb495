"""Who answers an outbound call: a person, an answering machine, a fax, somebody who says nothing; and what Twilio's
answering-machine detection (AMD) makes of each.

Source of the times: Twilio's defaults for AMD (speech threshold 2400 ms, end of speech 1200 ms, silence 5000 ms).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from phoneaudio.g711 import BYTES_PER_MS
from simulator.caller import Manners, Utterance
from simulator.equipment import Amd
from simulator.faults import Speaker
from simulator.level import voiced_end
from simulator.sounds import BEEP_MS, beep, fax, hum, silence

ANSWERERS = ("human", "machine", "machine-no-beep", "fax", "unknown")
RINGS = ("busy", "no-answer", "failed", "canceled")
GREETING = (
    "Hello, you have reached my voicemail. I can't come to the phone right now. Please leave a message after the tone."
)

_BEFORE_GREETING_MS = 400
_BEFORE_BEEP_MS = 700
_DECIDED_MS = 200
_FAX_MS = 1500
_SILENCE_MS = 2000
_MACHINE_MANNERS = Manners(speaks_first=True, end_wait_ms=12000, longest_goodbye_ms=90000)


class AnswererError(ValueError):
    """The notation names nobody who could answer; the message says what is wanted."""


@dataclass(frozen=True, slots=True)
class Answerer:
    """Somebody at the other end of an outbound call, ready to be played. Times are ms after the answer."""

    kind: str
    lines: tuple[Utterance, ...]
    manners: Manners
    first_words_end_ms: int
    beep_ends_ms: int | None = None


def parse_answerer(notation: str) -> tuple[str, str]:
    """`NUMBER: WHO`, who being one of `ANSWERERS` or `RINGS`. Raises `AnswererError`."""
    number, _, who = (part.strip() for part in notation.partition(":"))
    if not number or who not in ANSWERERS + RINGS:
        known = ", ".join(ANSWERERS + RINGS)
        raise AnswererError(f"{notation!r} is no answerer; write 'NUMBER: WHO', WHO being {known}")
    return number, who


def answerer(kind: str, lines: Sequence[Utterance], manners: Manners, voice: Speaker | None) -> Answerer:
    """The answerer of that kind; `lines` and `manners` are a human's own. Without a voice machines hum."""
    if kind in ("machine", "machine-no-beep"):
        return _machine(kind, voice)
    if kind == "fax":
        return Answerer(kind, (Utterance(fax(), "(fax tone)", source="fax", heedless=True),), _MACHINE_MANNERS, 3000)
    if kind == "unknown":
        return Answerer(kind, (), _MACHINE_MANNERS, 0)
    said = voiced_end(lines[0].audio) // BYTES_PER_MS if lines else 0
    return Answerer("human", tuple(lines), manners, manners.pause_ms + said if said else 0)


def _machine(kind: str, voice: Speaker | None) -> Answerer:
    greeting = hum(4000) if voice is None else voice.speak(GREETING)
    audio = silence(_BEFORE_GREETING_MS) + greeting
    words_end = _BEFORE_GREETING_MS + voiced_end(greeting) // BYTES_PER_MS
    beep_ends = None
    if kind == "machine":
        audio += silence(_BEFORE_BEEP_MS) + beep()
        beep_ends = _BEFORE_GREETING_MS + len(greeting) // BYTES_PER_MS + _BEFORE_BEEP_MS + BEEP_MS
    line = Utterance(audio, GREETING if voice is not None else None, source="machine", heedless=True)
    return Answerer(kind, (line,), _MACHINE_MANNERS, words_end, beep_ends)


def detection(params: Mapping[str, str], who: Answerer) -> Amd | None:
    """What AMD finds on a call made with these parameters of `calls.create(…)`; `None` when it was not asked for."""
    mode = params.get("MachineDetection", "")
    if mode not in ("Enable", "DetectMessageEnd"):
        return None
    answered_by, after_ms = _verdict(params, who, to_the_end=mode == "DetectMessageEnd")
    return Amd(
        answered_by,
        after_ms,
        waits=params.get("AsyncAmd", "").lower() != "true",
        callback=params.get("AsyncAmdStatusCallback", ""),
        method=params.get("AsyncAmdStatusCallbackMethod", "POST").upper(),
    )


def _verdict(params: Mapping[str, str], who: Answerer, *, to_the_end: bool) -> tuple[str, int]:
    if who.kind == "fax":
        return "fax", _FAX_MS
    if who.kind == "human" and who.first_words_end_ms:
        return "human", who.first_words_end_ms + _ms(params, "MachineDetectionSpeechEndThreshold", 1200)
    if who.kind in ("human", "unknown"):
        return "unknown", _ms(params, "MachineDetectionSilenceTimeout", 5000)
    if not to_the_end:
        threshold = _ms(params, "MachineDetectionSpeechThreshold", 2400)
        return "machine_start", min(_BEFORE_GREETING_MS + threshold, who.first_words_end_ms) + _DECIDED_MS
    if who.beep_ends_ms is not None:
        return "machine_end_beep", who.beep_ends_ms + _DECIDED_MS
    return "machine_end_silence", who.first_words_end_ms + _SILENCE_MS


def _ms(params: Mapping[str, str], name: str, default: int) -> int:
    given = params.get(name, "")
    return int(given) if given.isdigit() else default
