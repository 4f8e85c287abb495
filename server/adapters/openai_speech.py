"""OpenAI's speech endpoint, or any server that has it: a sentence as telephone audio."""

from __future__ import annotations

from typing import Final

from server.ports import ProviderError

TIMEOUT_S: Final = 30.0
_NOT_OFFERED: Final = frozenset({404, 405, 501})
"""Many servers of this API speak in calls alone."""
PCM_HZ: Final = 24_000
"""`response_format: pcm` is 16-bit mono at this rate."""


class OpenAISpeaker:
    """The `Speaker` port on one model."""

    def __init__(self, base_url: str, key: str, model: str) -> None:
        self._url = base_url.rstrip("/") + "/audio/speech"
        self._key = key
        self._model = model

    def say(self, text: str, voice: str) -> bytes:
        """The sentence as μ-law at 8 kHz; nothing from a server that does not speak.

        What this needs is imported here: the web process, which answers calls, comes this way once, in a thread.
        """
        import httpx

        from phoneaudio import g711
        from phoneaudio.resample import resample_pcm16

        wanted = {"model": self._model, "voice": voice, "input": text, "response_format": "pcm"}
        try:
            answer = httpx.post(
                self._url, json=wanted, headers={"Authorization": f"Bearer {self._key}"}, timeout=TIMEOUT_S
            )
        except httpx.HTTPError as problem:
            raise ProviderError(f"the model provider failed to speak: {problem!r}", retryable=True) from problem
        if answer.status_code in _NOT_OFFERED:
            return b""
        if answer.status_code != 200:
            raise ProviderError(
                f"the model provider refused to speak: {answer.status_code} {answer.text[:200]}",
                retryable=answer.status_code == 429 or answer.status_code >= 500,
            )
        pcm = answer.content[: len(answer.content) // 2 * 2]
        return g711.ulaw_from_pcm16(resample_pcm16(pcm, PCM_HZ, g711.RATE_HZ))
