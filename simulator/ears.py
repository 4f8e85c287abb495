"""What each side said, in words: transcribed after the call, offline, from what was really played."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Protocol

from phoneaudio.g711 import BYTES_PER_MS, RATE_HZ, pcm16_from_ulaw
from phoneaudio.resample import float_from_pcm16
from simulator.level import is_voiced, voiced_spans
from simulator.report import CallReport, Said

_MARGIN_MS = 120
_LONGEST_MS = 60_000
_lock = threading.Lock()
_model: Any = None


class Ears(Protocol):
    """Turns telephone audio into words."""

    def transcribe(self, audio: bytes) -> str:
        """μ-law at 8 kHz to text; empty when nothing was understood."""
        ...


class MoonshineEars:
    """`moonshine-voice` tiny-en: about a tenth of the audio's length on one core; loaded once a process (about 1 s)."""

    def transcribe(self, audio: bytes) -> str:
        """μ-law at 8 kHz to text. Blocks; the model takes one piece at a time."""
        samples = float_from_pcm16(pcm16_from_ulaw(audio))
        with _lock:
            lines = _load().transcribe_without_streaming(samples.tolist(), RATE_HZ).lines
        return " ".join(line.text.strip() for line in lines if line.text.strip())


def _load() -> Any:
    global _model
    if _model is None:
        from moonshine_voice import ModelArch, Transcriber
        from moonshine_voice.utils import get_assets_path

        _model = Transcriber(Path(get_assets_path()) / "tiny-en", ModelArch.TINY)
    return _model


def list_agent_speech(report: CallReport, agent_tape: bytes, started_ms: int) -> None:
    """Add to `said` each stretch of the agent's speech that was heard, without words yet.

    `started_ms` is the tape's start in call time. What Twilio itself spoke (`<Say>`) is listed already."""
    spoken = list(report.said["agent"])
    for begin, end in voiced_spans(agent_tape):
        at, until = begin + started_ms, end + started_ms
        if not any(at < said.to_ms and said.from_ms < until for said in spoken):
            report.said["agent"].append(Said(at, until, None, "stream"))
    report.said["agent"].sort(key=lambda said: said.from_ms)


def transcribe(report: CallReport, tapes: dict[str, bytes], started_ms: int, ears: Ears) -> None:
    """Put words to every stretch of speech that has none; `tapes` by side (`caller`, `agent`), μ-law. Blocks."""
    for side, tape in tapes.items():
        for said in report.said[side]:
            if said.text is None:
                piece = _cut(tape, said, started_ms)
                said.text = (ears.transcribe(piece) or None) if piece else None


def _cut(tape: bytes, said: Said, started_ms: int) -> bytes:
    begin = max(0, said.from_ms - started_ms - _MARGIN_MS) * BYTES_PER_MS
    end = min(said.to_ms - started_ms + _MARGIN_MS, said.from_ms - started_ms + _LONGEST_MS) * BYTES_PER_MS
    piece = tape[begin:end]
    return piece if is_voiced(piece) else b""
