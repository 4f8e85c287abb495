"""`POST /v1/audio/transcriptions`: a recording's words, in pieces with their times."""

from __future__ import annotations

import asyncio
import audioop
from dataclasses import dataclass
from typing import Any

from engine.http.errors import ApiError
from engine.speech.bank import Speech
from engine.speech.mel import Float
from engine.speech.recognizer import Heard
from engine.speech.segments import Span, speech_spans
from engine.speech.turns import RATE_HZ
from phoneaudio.resample import float_from_pcm16, resample_float
from phoneaudio.wav import Wav, WavError, read_wav

FORMATS = ("json", "text", "verbose_json")
LARGEST_BYTES = 25 << 20
_HEAR_HZ = 16000


@dataclass(frozen=True, slots=True)
class Piece:
    """One stretch of speech: times in seconds from the recording's start."""

    start: float
    end: float
    heard: Heard


@dataclass(frozen=True, slots=True)
class Transcription:
    """A whole recording's words; `seconds` is its playing time."""

    seconds: float
    pieces: list[Piece]

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(piece.heard.text for piece in self.pieces)


async def transcribe(data: bytes, speech: Speech) -> Transcription:
    """Transcribe a WAV file (several channels are mixed). Raises `ApiError` 400 for anything else."""
    if len(data) > LARGEST_BYTES:
        raise ApiError(
            413, "file_too_large", f"The file has {len(data)} bytes; at most {LARGEST_BYTES} are accepted.", "file"
        )
    try:
        wav = read_wav(data)
    except WavError as problem:
        raise ApiError(400, "unsupported_file", f"The audio file could not be decoded: {problem}.", "file") from problem
    samples = await asyncio.to_thread(_mixed, wav)
    spans = await asyncio.to_thread(_find_speech, samples, wav.rate_hz, speech)
    pieces = [await _hear(samples, wav.rate_hz, span, speech) for span in spans]
    return Transcription(samples.size / wav.rate_hz, [piece for piece in pieces if piece.heard.text])


def _mixed(wav: Wav) -> Float:
    if len(wav.channels) == 1:
        return float_from_pcm16(wav.channels[0])
    halves = [audioop.mul(channel, 2, 0.5) for channel in wav.channels]
    return float_from_pcm16(audioop.add(halves[0], halves[1], 2))


def _find_speech(samples: Float, rate_hz: int, speech: Speech) -> list[Span]:
    vad = speech.borrow_vad()
    try:
        return speech_spans(resample_float(samples, rate_hz, RATE_HZ), vad)
    finally:
        speech.return_vad(vad)


async def _hear(samples: Float, rate_hz: int, span: Span, speech: Speech) -> Piece:
    begin, end = span.start * rate_hz // RATE_HZ, span.end * rate_hz // RATE_HZ
    heard = await speech.hear(samples[begin:end], rate_hz)
    return Piece(span.start / RATE_HZ, span.end / RATE_HZ, heard)


def wire_form(result: Transcription, response_format: str) -> dict[str, Any]:
    """The JSON body for `json` or `verbose_json`."""
    usage = {"type": "duration", "seconds": round(result.seconds, 2)}
    if response_format == "json":
        return {"text": result.text, "usage": usage}
    segments = [_segment(n, piece) for n, piece in enumerate(result.pieces)]
    head = {"task": "transcribe", "language": "english", "duration": round(result.seconds, 2)}
    return {**head, "text": result.text, "segments": segments, "usage": usage}


def _segment(n: int, piece: Piece) -> dict[str, Any]:
    return {
        "id": n,
        "seek": 0,
        "start": round(piece.start, 2),
        "end": round(piece.end, 2),
        "text": f" {piece.heard.text}",
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(piece.heard.score, 4),
        "compression_ratio": 1.0,
        "no_speech_prob": round(piece.heard.no_speech, 4),
    }
