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
from server.models_sql import Business

PIECE_BYTES: Final = 1920
"""One piece of a clip (240 ms of μ-law): a mark follows each."""


class VoiceClips:
    """The clips of one process, by voice. Where they are not there (yet), nothing is said."""

    def __init__(self) -> None:
        self._ready: dict[str, dict[str, tuple[str, ...]]] = {}

    def of(self, voice: str) -> Mapping[str, tuple[str, ...]]:
        """A voice's clips as base64 pieces, by name. The mapping fills while they are being made."""
        return self._ready.setdefault(voice, {})

    def missing(self, voice: str) -> bool:
        """True when `prepare` has something to do for this voice."""
        return len(self.of(voice)) < len(CLIP_WORDS)

    def prepare(self, voice: str) -> None:
        """Read or make a voice's clips. Takes seconds: never on the event loop. Raises `ProviderError`."""
        ready = self._ready.setdefault(voice, {})
        for name, words in CLIP_WORDS.items():
            if name in ready:
                continue
            audio = _clip(voice, words)
            ready[name] = tuple(
                base64.b64encode(audio[at : at + PIECE_BYTES]).decode() for at in range(0, len(audio), PIECE_BYTES)
            )


def voices() -> list[str]:
    """Every voice that a business has."""
    with db.scope(write=False):
        return list(db.session.scalars(sa.select(Business.voice).distinct()))


def _clip(voice: str, words: str) -> bytes:
    installed = ports.current()
    name = hashlib.sha256(f"{voice}\0{words}".encode()).hexdigest()[:32]
    path = installed.cache_dir / "clips" / f"{name}.ulaw"
    if path.exists():
        return path.read_bytes()
    if installed.speaker is None:
        return b""
    audio = installed.speaker.say(words, voice)
    if audio:
        _store(path, audio)
    return audio


def _store(path: Path, audio: bytes) -> None:
    """Visible only when whole: another process may read it at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(audio)
    part.replace(path)
