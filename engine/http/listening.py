"""Hearing a recording of any length: its speech found block by block, each stretch transcribed as it is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import numpy as np

from engine.http.audio_files import AudioFile
from engine.speech.bank import Speech
from engine.speech.mel import Float
from engine.speech.recognizer import Heard
from engine.speech.segments import Span, speech_spans
from engine.speech.turns import RATE_HZ
from phoneaudio.resample import resample_float

_BLOCK_S = 60
_OVERLAP = RATE_HZ // 2  # a word that begins just before a block's end begins in the next one


@dataclass(frozen=True, slots=True)
class Piece:
    """One stretch of speech: times in seconds from the recording's start."""

    start: float
    end: float
    heard: Heard


@dataclass(frozen=True, slots=True)
class _Block:
    """A part of the recording at its own rate, and the finished stretches of speech in it, in 8 kHz samples."""

    samples: Float
    spans: list[Span]
    keep_from: int
    last: bool


async def pieces(file: AudioFile, speech: Speech) -> AsyncGenerator[Piece, None]:
    """The recording's words, in order. Decoding and detection run on threads. Raises the file's `ApiError`s."""
    held, offset, last = np.empty(0, dtype=np.float32), 0, False
    while not last:
        block = await asyncio.to_thread(_next_block, file, held, speech)
        for span in block.spans:
            piece = await _hear(block.samples, file.rate_hz, span, offset, speech)
            if piece.heard.text:
                yield piece
        begin = block.keep_from * file.rate_hz // RATE_HZ
        held, offset, last = block.samples[begin:], offset + begin, block.last


def _next_block(file: AudioFile, held: Float, speech: Speech) -> _Block:
    fresh = file.read(_BLOCK_S * file.rate_hz)
    last = fresh.size < _BLOCK_S * file.rate_hz
    samples = np.concatenate([held, fresh])
    narrow = resample_float(samples, file.rate_hz, RATE_HZ)
    spans = _spans(narrow, speech) if narrow.size else []
    done, keep_from = (spans, narrow.size) if last else finished(spans, narrow.size)
    return _Block(samples, done, keep_from, last)


def _spans(samples: Float, speech: Speech) -> list[Span]:
    # Borrowed and returned by the thread that uses it: a cancelled request returns while its thread still works.
    vad = speech.borrow_vad()
    try:
        return speech_spans(samples, vad)
    finally:
        speech.return_vad(vad)


def finished(spans: list[Span], size: int) -> tuple[list[Span], int]:
    """Of a block's spans those that are over, and where the next block must begin again (8 kHz samples).

    A span that reaches the block's end goes on, perhaps, and is found again in the next block.
    """
    if spans and spans[-1].end >= size:
        return spans[:-1], spans[-1].start
    return spans, max(0, size - _OVERLAP, spans[-1].end if spans else 0)


async def _hear(samples: Float, rate_hz: int, span: Span, offset: int, speech: Speech) -> Piece:
    begin, end = span.start * rate_hz // RATE_HZ, span.end * rate_hz // RATE_HZ
    heard = await speech.hear(samples[begin:end], rate_hz)
    return Piece((offset + begin) / rate_hz, (offset + end) / rate_hz, heard)
