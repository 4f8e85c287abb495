"""The sentences a call needs when its model is gone, spoken beforehand in each voice and kept on disk."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from server import ports
from server.db import db
from server.domain.session_plan import CLIP_WORDS
from server.logging_setup import get_logger
from server.models_sql import Business

log = get_logger(__name__)

PIECE_BYTES: Final = 1920
"""One piece of a clip (240 ms of μ-law): a mark follows each."""


class VoiceClips:
    """The clips of one process, by voice. A voice whose clips are not there (yet) has none: nothing is said then."""

    def __init__(self) -> None:
        self._ready: dict[str, dict[str, tuple[str, ...]]] = {}

    def of(self, voice: str) -> Mapping[str, tuple[str, ...]]:
        """A voice's clips as base64 pieces, by name. The mapping fills while they are being made."""
        return self._ready.setdefault(voice, {})

    def missing(self, voice: str) -> bool:
        """True when `prepare` has something to do for this voice."""
        return len(self.of(voice)) < len(CLIP_WORDS)

    def prepare(self, voice: str) -> None:
        """Read or make a voice's clips. Takes seconds: never on the event loop. A failure is logged and tried later."""
        ready = self._ready.setdefault(voice, {})
        for name, words in CLIP_WORDS.items():
            if name in ready:
                continue
            try:
                audio = _clip(voice, words)
            except ports.ProviderError as problem:
                log.warning("spoken clips could not be made", voice=voice, error=str(problem))
                return
            ready[name] = tuple(
                base64.b64encode(audio[at : at + PIECE_BYTES]).decode() for at in range(0, len(audio), PIECE_BYTES)
            )

    def prepare_all(self) -> None:
        """The clips of every voice that a business has."""
        with db.scope(write=False):
            voices = list(db.session.scalars(sa.select(Business.voice).distinct()))
        for voice in voices:
            self.prepare(voice)


def _clip(voice: str, words: str) -> bytes:
    installed = ports.current()
    name = hashlib.sha256(f"{voice}\0{words}".encode()).hexdigest()[:32]
    path = installed.cache_dir / "clips" / f"{name}.ulaw"
    if path.exists():
        return path.read_bytes()
    if installed.speaker is None:
        raise ports.ProviderError("no speech port is installed", retryable=False)
    audio = installed.speaker.say(words, voice)
    _store(path, audio)
    return audio


def _store(path: Path, audio: bytes) -> None:
    """Visible only when whole: another process may read it at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(audio)
    part.replace(path)
