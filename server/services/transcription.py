"""The transcript of a recording: each side's stretches of sound are transcribed alone and put in order of time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from phoneaudio.speech_spans import cut, speech_spans
from phoneaudio.wav import read_wav, wav_bytes
from server import ports
from server.models_sql import Business, ConversationTurn
from server.ports import Heard

SPEAKERS: Final = ("Caller", "Agent")
"""Who is on the left and on the right channel: Twilio puts the parent call's inbound audio on the left."""
MIXED: Final = "Call"
"""The speaker's name where the recording has one channel for both."""
MOST_KEYWORDS: Final = 24
_NAMES = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*")


def transcribe_recording(path: Path, *, keywords: Sequence[str], language: str) -> str:
    """The recording's words, a line per stretch: `[00:03] Caller: …`. Empty when nobody spoke.

    Raises `WavError` for a file that is no usable WAV, and `ProviderError`.
    """
    wav = read_wav(path)
    names = SPEAKERS if len(wav.channels) == 2 else (MIXED,)
    lines = [
        (heard, name)
        for name, pcm in zip(names, wav.channels, strict=True)
        for heard in _hear(pcm, wav.rate_hz, keywords, language)
    ]
    lines.sort(key=lambda line: line[0].start_ms)
    return "\n".join(f"[{_clock(heard.start_ms)}] {name}: {heard.text}" for heard, name in lines)


def transcript_of_turns(turns: Iterable[ConversationTurn]) -> str:
    """The realtime model's own account of a call, in the form of a transcript; what was not heard is not in it."""
    return "\n".join(_turn_line(turn) for turn in turns if _words(turn))


def keywords_for(business: Business) -> list[str]:
    """The names a transcriber should expect: the business's own and those in its facts."""
    found = [business.name, *(name for fact in business.facts or [] for name in _NAMES.findall(str(fact)))]
    return list(dict.fromkeys(found))[:MOST_KEYWORDS]


def _hear(pcm: bytes, rate_hz: int, keywords: Sequence[str], language: str) -> Iterable[Heard]:
    transcriber = ports.current().transcriber
    for span in speech_spans(pcm, rate_hz):
        sound = wav_bytes(rate_hz, cut(pcm, rate_hz, span))
        text = " ".join(transcriber.transcribe(sound, keywords=keywords, language=language).split())
        if text:
            yield Heard(span.start_ms, span.end_ms, text)


def _turn_line(turn: ConversationTurn) -> str:
    speaker = SPEAKERS[1] if turn.speaker == "assistant" else SPEAKERS[0]
    stamp = f"[{_clock(turn.started_ms)}] " if turn.started_ms is not None else ""
    return f"{stamp}{speaker}: {_words(turn)}"


def _words(turn: ConversationTurn) -> str:
    return " ".join((turn.message if turn.heard is None else turn.heard).split())


def _clock(at_ms: int) -> str:
    minutes, seconds = divmod(at_ms // 1000, 60)
    return f"{minutes:02d}:{seconds:02d}"
