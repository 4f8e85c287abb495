"""The engine's settings: one frozen object, made once at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CACHE_VARIABLE = "FRONTDESK_CACHE"


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where assembled model files are kept: `FRONTDESK_CACHE`, else `~/.cache/frontdesk`."""
    chosen = environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else Path.home() / ".cache" / "frontdesk"


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """✅ OWNER of what one engine process may use.

    `max_sessions` bounds the realtime sessions open at once: past it a new one is refused instead of slowing down
    those already talking. `recognizer_workers` transcriptions run side by side on shared weights.
    """

    api_key: str | None = None
    cache: Path = field(default_factory=cache_dir)
    max_sessions: int = 16
    recognizer_workers: int = 2
    session_limit_s: float = 3600.0
