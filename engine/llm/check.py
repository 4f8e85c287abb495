"""The look at the chat server when the engine starts: a newcomer learns from the log, not from a silent call."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable
from typing import Any

import openai

from engine.llm.client import NO_KEY
from engine.llm.failures import failure_of, where
from engine.settings import LLM_MODEL, LanguageModel

log = logging.getLogger("engine")

_PATIENCE_S = 5.0
_SHOWN = 8


def check_in_background(settings: LanguageModel) -> threading.Thread:
    """Look once, beside the start; one warning when something is wrong. Calls are served either way."""
    thread = threading.Thread(target=_check, args=(settings,), name="language-model-check", daemon=True)
    thread.start()
    return thread


def trouble(settings: LanguageModel) -> str | None:
    """What is wrong with the server as `GET {base}/models` shows it, with the remedy; None when nothing is."""
    try:
        with openai.OpenAI(
            base_url=settings.base_url, api_key=settings.api_key or NO_KEY, max_retries=0, timeout=_PATIENCE_S
        ) as client:
            client.organization = client.project = None
            models = client.models.list().data or []
    except (openai.OpenAIError, json.JSONDecodeError) as problem:
        return str(failure_of(problem, settings, begun=False))
    return _unlisted(settings, models)


def _check(settings: LanguageModel) -> None:
    found = trouble(settings)
    if found:
        log.warning("language model: %s Callers get no answers until then.", found)


def _unlisted(settings: LanguageModel, models: Iterable[Any]) -> str | None:
    """llama.cpp serves its one model under any name, and Ollama lists `name` as `name:latest`."""
    names = [str(getattr(model, "id", "")) for model in models]
    alone = any(getattr(model, "owned_by", None) == "llamacpp" for model in models)
    if alone or settings.model in names or f"{settings.model}:latest" in names:
        return None
    listed = ", ".join(names[:_SHOWN]) or "none"
    return (
        f"The chat server at {where(settings)} does not list '{settings.model}': set {LLM_MODEL} to one of: {listed}."
    )
