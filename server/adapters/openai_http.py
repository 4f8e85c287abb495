"""OpenAI's HTTP API, or any server that speaks it: transcriptions and written answers, by the SDK."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

from server.ports import ProviderError

if TYPE_CHECKING:
    import openai

TIMEOUT_S: Final = 120.0
_RETRY_STATUS: Final = frozenset({408, 409, 429})
_NEVER_PASSES: Final = frozenset({"insufficient_quota"})
"""Answered with 429, and the same however often it is asked again: the account must be paid for."""
_KEYWORDS: Final = re.compile(r"gpt-transcribe")
"""The models that take `keywords[]`."""
_PROMPT: Final = re.compile(r"(?!gpt-transcribe)(?!.*diarize)")
"""The models that take the same names as a `prompt`: the older ones, but for the one that tells speakers apart."""


class _Model:
    """One model of one server; the SDK's client is made where it is first used."""

    def __init__(self, base_url: str, key: str, model: str) -> None:
        self._where = (base_url, key)
        self._model = model

    @cached_property
    def _client(self) -> openai.OpenAI:
        return _client(*self._where)


class OpenAITranscriber(_Model):
    """The `Transcriber` port on one model."""

    def transcribe(self, wav: bytes, *, keywords: Sequence[str], language: str) -> str:
        """The words of one mono WAV."""
        import openai

        try:
            answer = self._client.audio.transcriptions.create(
                file=("speech.wav", wav, "audio/wav"),
                model=self._model,
                language=language.partition("-")[0],
                keywords=list(keywords) if keywords and self._takes(_KEYWORDS) else openai.omit,
                prompt=", ".join(keywords) if keywords and self._takes(_PROMPT) else openai.omit,
                response_format="json",
            )
        except openai.OpenAIError as problem:
            raise _provider_error("transcribe", problem) from problem
        return answer.text.strip()

    def _takes(self, models: re.Pattern[str]) -> bool:
        return models.match(self._model) is not None


class OpenAIWriter(_Model):
    """The `Writer` port on one model."""

    def write(self, instructions: str, text: str) -> str:
        """The model's answer to `text`."""
        import openai

        try:
            answer = self._client.responses.create(model=self._model, instructions=instructions, input=text)
        except openai.OpenAIError as problem:
            raise _provider_error("write", problem) from problem
        return answer.output_text.strip()


def _client(base_url: str, key: str) -> openai.OpenAI:
    """Without retries of its own: the job engine retries, with delays that outlive the process.

    The SDK is imported where it is first used: it takes a second, and the web process, which answers calls, never does.
    """
    import openai

    return openai.OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=TIMEOUT_S)


def _provider_error(what: str, problem: openai.OpenAIError) -> ProviderError:
    import openai

    if isinstance(problem, openai.APIStatusError):
        passes = problem.status_code in _RETRY_STATUS or problem.status_code >= 500
        retryable = passes and problem.code not in _NEVER_PASSES
        return ProviderError(
            f"the model provider refused to {what}: {problem.status_code} {problem.message}", retryable=retryable
        )
    reached = not isinstance(problem, openai.APIConnectionError)
    return ProviderError(f"the model provider failed to {what}: {problem}", retryable=not reached)
