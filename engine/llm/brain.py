"""A language model as the session's brain."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from engine.llm.calls import CallCollector, DraftCall, checked
from engine.llm.chat_request import Request, chat_request, offered, with_note
from engine.llm.client import ChatServer
from engine.llm.words import SpokenWords
from engine.realtime.brain import Ask, Call, Output, Say, exact_words
from engine.settings import LanguageModel

log = logging.getLogger("engine")

SORRY = "I'm sorry, I couldn't do that. Could you say it in another way?"
_TRIES = 2


class ChatBrain:
    """Replies from any server that speaks OpenAI's `/v1/chat/completions`: Ollama, vLLM, llama.cpp, LM Studio.

    Sentences leave as soon as they are whole; calls when the reply has ended and all of them are valid, so that no
    client acts on a part. A reply that cannot be used gets one more try with a word to the model about what was wrong,
    then an apology. ❌ NEVER keeps anything between replies but the connections.
    """

    def __init__(self, settings: LanguageModel, server: ChatServer | None = None) -> None:
        self._settings = settings
        self._server = server or ChatServer(settings)

    async def reply(self, ask: Ask) -> AsyncGenerator[Output, None]:
        """The next reply. Raises `BrainFailed` when the server gives none, or not all of it; the edge logs that."""
        exact = exact_words(ask.once)
        if exact is not None:
            yield Say(exact)
            return
        request, said = chat_request(ask, self._settings.model), list[str]()
        for _ in range(_TRIES):
            attempt = _Attempt()
            already_said = bool(said)
            async with aclosing(self._sentences(request, attempt)) as sentences:
                async for sentence in sentences:
                    if not already_said:
                        said.append(sentence)
                        yield Say(sentence)
            calls, note = attempt.outcome(ask, already_said)
            if not note:
                for sentence in attempt.sentences if already_said and not calls else ():
                    yield Say(sentence)
                for call in calls:
                    yield call
                return
            request = with_note(request, said, note)
        log.warning("the language model gave no reply that could be used, twice; the caller got an apology")
        yield Say(SORRY)

    async def _sentences(self, request: Request, attempt: _Attempt) -> AsyncGenerator[str, None]:
        async with aclosing(self._server.deltas(request)) as deltas:
            async for delta in deltas:
                for sentence in attempt.feed(delta):
                    yield sentence
        for sentence in attempt.end():
            yield sentence


class _Attempt:
    """One streamed answer of the model, as far as it has come."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self._words = SpokenWords()
        self._calls = CallCollector()

    def feed(self, delta: Any) -> list[str]:
        """One delta; gives the sentences that it completes."""
        for piece in getattr(delta, "tool_calls", None) or ():
            self._calls.feed(piece)
        text = getattr(delta, "content", None) or getattr(delta, "refusal", None)
        return self._kept(self._words.feed(text)) if isinstance(text, str) else []

    def end(self) -> list[str]:
        """The last words."""
        return self._kept(self._words.rest())

    def outcome(self, ask: Ask, already_said: bool) -> tuple[list[Call], str]:
        """The calls to make, all valid; or no calls and what to tell the model about this answer."""
        drafts: list[DraftCall] = [*self._calls.drafts, *self._words.written_calls()]
        calls, wrong = checked(drafts, offered(ask))
        if wrong:
            faults = "; ".join(wrong)
            return [], f"Your tool call was not made: {faults}. Call a tool correctly, or answer in words."
        if not calls and not self.sentences and not already_said:
            return [], "Your reply was empty. Answer the caller in words."
        return calls, ""

    def _kept(self, sentences: list[str]) -> list[str]:
        self.sentences += sentences
        return sentences
