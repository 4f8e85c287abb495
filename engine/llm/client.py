"""The streamed request to a chat server: its deltas as they come, and one kind of error when they don't."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import openai

from engine.llm.chat_request import Request, folded
from engine.llm.failures import failure_of, silent, stream_cut
from engine.settings import LanguageModel

# The SDK insists on a key; this one makes sure that it never takes OPENAI_API_KEY to somebody else's server.
NO_KEY = "none"
_TEMPLATE_REFUSALS = (openai.BadRequestError, openai.UnprocessableEntityError, openai.InternalServerError)


class ChatServer:
    """✅ OWNER of the connections to one chat server. ❌ NEVER waits longer than the settings' patience for a token."""

    def __init__(self, settings: LanguageModel) -> None:
        self._settings = settings
        self._client = openai.AsyncOpenAI(
            base_url=settings.base_url, api_key=settings.api_key or NO_KEY, max_retries=0, timeout=None
        )
        # The SDK also sends these two from OPENAI_… variables, which are meant for OpenAI.
        self._client.organization = self._client.project = None
        # Reached for now, because the SDK loads this part (0.2 s) when it is first used: that would be in a call.
        self._completions = self._client.chat.completions

    async def deltas(self, request: Request) -> AsyncGenerator[Any, None]:
        """The reply's deltas (the SDK's objects, any field of which may be missing). Closing it closes the connection.

        Raises `ModelFailed`, also when the stream ends without saying why: then a part is missing. The SDK's own error
        does not come along, because a log with both would quote the server, and with it perhaps the prompt.
        """
        stream: Any = None
        finished = False
        try:
            deadline = self._deadline()
            async with asyncio.timeout_at(deadline):
                stream = await self._open(request)
            while (chunk := await _next(stream, deadline)) is not None:
                choice = next(iter(getattr(chunk, "choices", None) or ()), None)
                delta = getattr(choice, "delta", None)
                finished = finished or bool(getattr(choice, "finish_reason", None))
                if delta is not None:
                    yield delta
                if _has_token(delta):
                    deadline = self._deadline()
        except TimeoutError:
            raise silent(self._settings) from None
        except (openai.OpenAIError, json.JSONDecodeError, UnicodeDecodeError) as problem:
            raise failure_of(problem, self._settings, begun=stream is not None) from None
        finally:
            if stream is not None:
                await stream.close()
        if not finished:
            raise stream_cut(self._settings)

    async def _open(self, request: Request) -> Any:
        """Send the request; a second time for a connection that was stale, or for a template with stricter rules."""
        try:
            return await self._create(request)
        except openai.APITimeoutError:
            raise
        except openai.APIConnectionError:
            return await self._create(request)
        except _TEMPLATE_REFUSALS:
            stricter = folded(request)
            if stricter == request:
                raise
            return await self._create(stricter)

    async def _create(self, request: Request) -> Any:
        return await self._completions.create(**request)

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._settings.patience_s


async def _next(stream: Any, deadline: float) -> Any:
    """The next chunk; None after the last."""
    async with asyncio.timeout_at(deadline):
        return await anext(stream, None)


def _has_token(delta: Any) -> bool:
    """Whether a delta brings anything but its role: many servers send that at once, before they have thought."""
    fields = ("content", "refusal", "tool_calls", "reasoning_content", "reasoning")
    return any(getattr(delta, field, None) for field in fields)
