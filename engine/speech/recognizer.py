"""Speech to text: Whisper-base (int8, CTranslate2) on short windows of telephone audio."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from tokenizers import Tokenizer

from engine.speech.mel import Float, log_mel
from phoneaudio.resample import resample_float

_PAD_FRAMES = 600
_LONGEST = 24 * 16000
_SHORTEST = 1600
_SILENT = 1e-4
_START = ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>")
_NO_SPEECH = 0.6
_POOR_SCORE = -1.0
_MAX_TOKENS_PER_S = 8
# What Whisper writes over silence, music and line noise; a caller never says these as a whole turn.
_NOISE_TEXT = re.compile(r"^[\W_]*(\[.*\]|\(.*\)|♪.*|you|thanks for watching|bye-bye for now)?[\W_]*$", re.IGNORECASE)
# On a very short utterance the decoder may write it twice: "Yes. Yes."
_REPEATED = re.compile(r"^(.+?[.?!])(?:\s+\1)+$")


@dataclass(frozen=True, slots=True)
class Heard:
    """What one stretch of audio says; `score` is the mean log probability of a token, `no_speech` a probability."""

    text: str
    score: float
    no_speech: float


NOTHING = Heard("", 0.0, 1.0)


class Recognizer:
    """✅ OWNER of Whisper's weights: one object per process, called from many threads, `workers` at a time.

    ❌ NEVER call it on the event loop: 200 to 450 ms of one core for an utterance of 2 to 5 s.
    """

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self._model: Any = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="int8", inter_threads=workers, intra_threads=1
        )
        self._tokens: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._start = [self._tokens.token_to_id(name) for name in _START]

    def transcribe(self, samples: Float, rate_hz: int) -> Heard:
        """The words in float samples at `rate_hz`; beyond 24 s, piece by piece."""
        audio = resample_float(samples, rate_hz, 16000)
        pieces = [self._piece(audio[at : at + _LONGEST]) for at in range(0, audio.size, _LONGEST)]
        if len(pieces) == 1:
            return pieces[0]
        return _joined(pieces)

    def _piece(self, audio: Float) -> Heard:
        if audio.size < _SHORTEST or float(np.abs(audio).max()) < _SILENT:
            return NOTHING
        return self._decode(log_mel(audio, _PAD_FRAMES), audio.size / 16000)

    def _decode(self, mel: Float, seconds: float) -> Heard:
        result = self._model.generate(
            ctranslate2.StorageView.from_array(mel[None]),
            [self._start],
            beam_size=1,
            no_repeat_ngram_size=4,
            max_length=16 + int(seconds * _MAX_TOKENS_PER_S),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        text = " ".join(self._tokens.decode(result.sequences_ids[0]).split())
        return _checked(text, float(result.scores[0]), float(result.no_speech_prob))


def _joined(pieces: list[Heard]) -> Heard:
    said = [piece for piece in pieces if piece.text]
    if not said:
        return NOTHING
    mean = sum(piece.score for piece in said) / len(said)
    return Heard(" ".join(piece.text for piece in said), mean, min(piece.no_speech for piece in said))


def _checked(text: str, score: float, no_speech: float) -> Heard:
    if _NOISE_TEXT.match(text) or (no_speech > _NO_SPEECH and score < _POOR_SCORE):
        return Heard("", score, no_speech)
    return Heard(_REPEATED.sub(r"\1", text), score, no_speech)
