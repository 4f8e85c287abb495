"""What can go wrong with a chat server, in words: a code for programs, the cause and the remedy for people.

No message quotes what the server said: some servers answer with the prompt they refuse, and callers' words and numbers
belong in no log.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import openai

from engine.realtime.brain import BrainFailed
from engine.settings import LLM_API_KEY, LLM_BASE_URL, LLM_MODEL, LLM_TIMEOUT_S, LanguageModel


class ModelFailed(BrainFailed):
    """The chat server gave no reply, or not all of it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def where(settings: LanguageModel) -> str:
    """The server's address for messages: without a password that may stand in the URL."""
    parts = urlsplit(settings.base_url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def stream_cut(settings: LanguageModel) -> ModelFailed:
    """The reply broke off: what came of it is no whole reply."""
    return ModelFailed(
        "model_stream_cut", f"The chat server at {where(settings)} broke off its reply; see its own log."
    )


def silent(settings: LanguageModel) -> ModelFailed:
    """No token came in time."""
    return ModelFailed(
        "model_timeout",
        f"The chat server at {where(settings)} gave no token for {settings.patience_s:g} s: it may be loading "
        f"'{settings.model}' or too slow for it; choose a smaller model or raise {LLM_TIMEOUT_S}.",
    )


def failure_of(problem: Exception, settings: LanguageModel, begun: bool) -> ModelFailed:
    """The SDK's error in our words; `begun` when a part of the reply had come."""
    if isinstance(problem, openai.APIStatusError):
        return _refused(problem, settings)
    if isinstance(problem, TimeoutError | openai.APITimeoutError):
        return silent(settings)
    if isinstance(problem, openai.APIConnectionError):
        return stream_cut(settings) if begun else _unreachable(settings)
    if isinstance(problem, json.JSONDecodeError | UnicodeDecodeError):
        return ModelFailed(
            "model_answer_unreadable",
            f"The chat server at {where(settings)} sent what is no chat completion: check {LLM_BASE_URL}.",
        )
    return ModelFailed(
        "model_server_error", f"The chat server at {where(settings)} reported an error; see its own log."
    )


def _unreachable(settings: LanguageModel) -> ModelFailed:
    return ModelFailed(
        "model_unreachable",
        f"The chat server at {where(settings)} can't be reached: start it, or correct {LLM_BASE_URL}.",
    )


def _refused(problem: openai.APIStatusError, settings: LanguageModel) -> ModelFailed:
    status, model = problem.status_code, settings.model
    code, remedy = {
        401: ("model_key_refused", f"set {LLM_API_KEY} to a key it accepts"),
        403: ("model_key_refused", f"set {LLM_API_KEY} to a key that may use '{model}'"),
        404: ("model_not_found", f"it has no model '{model}' (correct {LLM_MODEL}), or {LLM_BASE_URL} lacks its path"),
        429: ("model_busy", "it has more requests than it can serve; try again later"),
    }.get(status, ("model_server_error", "see its own log"))
    if code == "model_server_error" and status < 500:
        # Ollama and vLLM say it in words like these; it is the one refusal a user can do something about.
        tools = "tool" in str(problem.message).lower()
        code = "model_request_refused"
        remedy = f"'{model}' does not take tools: choose a model that does" if tools else "see its own log"
    return ModelFailed(code, f"The chat server at {where(settings)} answers {status}: {remedy}.")
