"""`POST /v1/audio/transcriptions`: what is asked for, and the answer's forms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from engine.errors import ApiError
from engine.http.audio_files import LARGEST_BYTES, AudioFile
from engine.http.body import limited
from engine.http.errors import bad_request, missing
from engine.http.languages import check_language
from engine.http.listening import Piece, pieces
from engine.http.streams import Event
from engine.realtime.protocol import unsupported
from engine.speech.bank import Speech

FORMATS = ["json", "text", "verbose_json"]
_GRANULARITIES = ["segment", "word"]
_FORM_BYTES = 1 << 20
_TRUTHS = {"true": True, "1": True, "false": False, "0": False, "": False}
_TOKENS_PER_S = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """A checked request: the file's bytes, and the answer's form."""

    data: bytes
    response_format: str
    stream: bool


@dataclass(frozen=True, slots=True)
class Transcription:
    """A whole recording's words; `seconds` is its playing time."""

    seconds: float
    pieces: list[Piece]

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(piece.heard.text for piece in self.pieces)


async def read_request(request: Request) -> Wanted:
    """Read and check the form. Raises `ApiError` naming the field: 413 for a file over 25 MiB, else 400.

    `prompt`, `keywords[]`, `temperature`, `chunking_strategy` and `include[]` are taken and change nothing: the local
    model has no use for them.
    """
    bounded = limited(request, LARGEST_BYTES + _FORM_BYTES, "file")
    async with bounded.form() as form:
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise missing("file", "the recording, as a multipart file")
        response_format, stream = _check(form)
        if (upload.size or 0) > LARGEST_BYTES:
            message = f"The file has {upload.size} bytes; at most {LARGEST_BYTES} are accepted."
            raise ApiError(413, "file_too_large", message, "file")
        return Wanted(await upload.read(), response_format, stream)


def _check(form: FormData) -> tuple[str, bool]:
    if not str(form.get("model") or ""):
        raise missing("model", "gpt-transcribe, say")
    for name in ("language", "languages"):
        for language in _many(form, name):
            check_language(language, name)
    for grain in _many(form, "timestamp_granularities"):
        _check_granularity(grain)
    response_format = str(form.get("response_format") or "json")
    if response_format not in FORMATS:
        raise bad_request(unsupported("response_format", response_format, FORMATS))
    stream = str(form.get("stream") or "").lower()
    if stream not in _TRUTHS:
        raise bad_request(unsupported("stream", stream, ["true", "false"]))
    return response_format, _TRUTHS[stream]


def _many(form: FormData, name: str) -> list[str]:
    """A list's values, however the client spells a list in a form."""
    return [str(value) for key in (name, f"{name}[]") for value in form.getlist(key) if value]


def _check_granularity(grain: str) -> None:
    if grain not in _GRANULARITIES:
        raise bad_request(unsupported("timestamp_granularities", grain, _GRANULARITIES))
    if grain == "word":
        message = "This engine knows no times of single words: ask for timestamp_granularities[]=segment."
        raise ApiError(400, "unsupported_value", message, "timestamp_granularities")


async def open_file(data: bytes) -> AudioFile:
    """Begin decoding, off the event loop. Raises `ApiError` 400 for what is no audio."""
    return await asyncio.to_thread(AudioFile, data)


async def transcribe(data: bytes, speech: Speech, gone: Callable[[], Awaitable[bool]]) -> Transcription:
    """Transcribe a recording whole, unless the client is gone. Raises `ApiError` 400 naming `file`."""
    file = await open_file(data)
    heard: list[Piece] = []
    try:
        async with aclosing(pieces(file, speech)) as found:
            async for piece in found:
                heard.append(piece)
                if await gone():
                    # An SDK that gave up asks again: without this, each try would be worked off to its end.
                    raise ApiError(499, "client_closed_request", "The client closed the connection.")
        return Transcription(file.seconds, heard)
    finally:
        file.close()


async def stream_events(data: bytes, speech: Speech) -> AsyncGenerator[Event, None]:
    """`transcript.text.delta` for each stretch of speech as soon as it is heard, then `transcript.text.done`."""
    file = await open_file(data)
    text = ""
    try:
        async with aclosing(pieces(file, speech)) as found:
            async for piece in found:
                delta = f" {piece.heard.text}" if text else piece.heard.text
                text += delta
                yield {"type": "transcript.text.delta", "delta": delta}
        yield {"type": "transcript.text.done", "text": text, "usage": _token_usage(file.seconds, text)}
    finally:
        file.close()


def _token_usage(seconds: float, text: str) -> dict[str, Any]:
    # The stream's `usage` counts tokens in OpenAI's types; audio is counted as their realtime sessions do.
    heard, written = round(seconds * _TOKENS_PER_S), len(text) // 4
    details = {"audio_tokens": heard, "text_tokens": 0}
    counts = {"input_tokens": heard, "output_tokens": written, "total_tokens": heard + written}
    return {"type": "tokens", **counts, "input_token_details": details}


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
