"""The engine's settings: one frozen object, made once at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

CACHE_VARIABLE = "FRONTDESK_CACHE"
MAX_SESSIONS = "ENGINE_MAX_SESSIONS"
LLM_BASE_URL = "ENGINE_LLM_BASE_URL"
LLM_MODEL = "ENGINE_LLM_MODEL"
LLM_API_KEY = "ENGINE_LLM_API_KEY"
LLM_TIMEOUT_S = "ENGINE_LLM_TIMEOUT_S"
PATIENCE_S = 8.0


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Where assembled model files are kept: `FRONTDESK_CACHE`, else `~/.cache/frontdesk`."""
    chosen = environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else Path.home() / ".cache" / "frontdesk"


class EngineSettingsError(ValueError):
    """A setting has a value the engine can't use; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A chat server that decides the words instead of the engine's own dialogue.

    `base_url` is the address up to and without `/chat/completions`. `patience_s` is how long its first token, and each
    one after it, may take.
    """

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    patience_s: float = PATIENCE_S


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """✅ OWNER of what one engine process may use.

    `max_sessions` bounds the realtime sessions open at once: past it a new one is refused instead of slowing down
    those already talking; None takes what the machine's measured speed carries. `recognizer_workers` transcriptions
    run side by side on shared weights.
    """

    api_key: str | None = None
    cache: Path = field(default_factory=cache_dir)
    max_sessions: int | None = None
    recognizer_workers: int = 2
    session_limit_s: float = 3600.0
    language_model: LanguageModel | None = None


def engine_settings(environ: Mapping[str, str], api_key: str | None = None) -> EngineSettings:
    """The settings an environment asks for. Raises `EngineSettingsError` for one that is half-given or unusable."""
    most = _sessions(environ.get(MAX_SESSIONS, "").strip())
    model = _language_model(environ)
    return EngineSettings(api_key=api_key, cache=cache_dir(environ), max_sessions=most, language_model=model)


def _sessions(given: str) -> int | None:
    if not given:
        return None
    if not given.isdigit() or not 1 <= int(given) <= 10_000:
        raise EngineSettingsError(f"{MAX_SESSIONS} is {given!r}: give a number from 1 to 10000, or unset it to measure")
    return int(given)


def _language_model(environ: Mapping[str, str]) -> LanguageModel | None:
    given = {name: environ.get(name, "").strip() for name in (LLM_BASE_URL, LLM_MODEL, LLM_API_KEY, LLM_TIMEOUT_S)}
    if not any(given.values()):
        return None
    for missing in (LLM_BASE_URL, LLM_MODEL):
        if not given[missing]:
            others = " and ".join(name for name, value in given.items() if value)
            raise EngineSettingsError(f"{missing} is missing beside {others}: set it too, or unset the rest")
    patience = _seconds(given[LLM_TIMEOUT_S]) if given[LLM_TIMEOUT_S] else PATIENCE_S
    return LanguageModel(_chat_base(given[LLM_BASE_URL]), given[LLM_MODEL], given[LLM_API_KEY] or None, patience)


def _chat_base(given: str) -> str:
    """The base URL for the SDK: a bare server gets `/v1`, a path is taken as it is."""
    try:
        parts = urlsplit(given)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        example = "http://127.0.0.1:11434/v1"
        raise EngineSettingsError(f"{LLM_BASE_URL} is no http(s) address: give the chat server's, such as {example}")
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return f"{parts.scheme}://{parts.netloc}{path or '/v1'}"


def _seconds(given: str) -> float:
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= 600.0:
        raise EngineSettingsError(f"{LLM_TIMEOUT_S} is {given!r}: give seconds above 0 and up to 600, such as 8")
    return seconds
