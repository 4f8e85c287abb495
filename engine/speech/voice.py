"""Text to speech: hibari's one voice, a sentence at a time."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from typing import Any

import numpy as np
from hibari import Hibari

from phoneaudio.resample import Float, pcm16_from_float

RATE_HZ = 24000
_CACHE_BYTES = 16 << 20
_AUDIBLE = 0.005
_LEAD_MS = 40
_TAIL_MS = 220
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=\S)")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Prof|No|[A-Z])\.$")


def sentences(text: str) -> list[str]:
    """Cut text where a speaker would pause, so that the first piece can be heard while the next is made."""
    pieces: list[str] = []
    for part in _SENTENCE_END.split(text.strip()):
        if pieces and _ABBREVIATION.search(pieces[-1]):
            pieces[-1] = f"{pieces[-1]} {part}"
        elif part:
            pieces.append(part)
    return pieces


def _trimmed(samples: Float) -> Float:
    """Without most of the silence around the words: the model puts 300 ms before them, and callers wait."""
    audible = np.flatnonzero(np.abs(samples) > _AUDIBLE)
    if audible.size == 0:
        return samples
    begin, end = int(audible[0]) - _LEAD_MS * RATE_HZ // 1000, int(audible[-1]) + _TAIL_MS * RATE_HZ // 1000
    return samples[max(0, begin) : end]


class Voice:
    """✅ OWNER of the voice model and of the cache of sentences said often (greetings, questions).

    Safe to call from several threads; text analysis is serialised, because the package keeps state there.
    """

    def __init__(self) -> None:
        self._model: Any = Hibari(threads=1)
        self._model("Ready.", seed=1)
        self._lock = threading.Lock()
        self._said: OrderedDict[tuple[str, float], bytes] = OrderedDict()
        self._bytes = 0

    def say(self, sentence: str, speed: float = 1.0) -> bytes:
        """One sentence as 16-bit PCM at 24 kHz. The same words always sound the same."""
        key = (sentence, speed)
        with self._lock:
            if key in self._said:
                self._said.move_to_end(key)
                return self._said[key]
            ids = [self._model.ids(phonemes) for phonemes in self._model.phonemize(sentence)]
        pcm = b"".join(self._speak(one, speed) for one in ids)
        with self._lock:
            self._keep(key, pcm)
        return pcm

    def _speak(self, ids: list[int], speed: float) -> bytes:
        return pcm16_from_float(_trimmed(self._model.from_ids(ids, speed, np.random.default_rng(1))))

    def _keep(self, key: tuple[str, float], pcm: bytes) -> None:
        if key in self._said:
            return
        self._said[key] = pcm
        self._bytes += len(pcm)
        while self._bytes > _CACHE_BYTES:
            self._bytes -= len(self._said.popitem(last=False)[1])
