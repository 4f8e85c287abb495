"""A small chat server on a real port: it plays streams as Ollama, vLLM and llama.cpp shape them, and keeps requests.

The shapes are written by hand from what those servers send; no recording is kept. A step that is an `asyncio.Event`
holds the stream until the test sets it, so that a test knows what had been sent when something else happened.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.settings import LanguageModel

MODEL = "test-model"
DONE = "data: [DONE]\n\n"
CUT = "cut"
"""As a step: the connection breaks here."""

Step = dict[str, Any] | str | asyncio.Event


@dataclass
class Reply:
    """One answer: chunks as steps (a dict is sent as an event, text as it is, an event waits), or a refusal's body."""

    steps: Sequence[Step] = ()
    status: int = 200
    error: Any = None


@dataclass
class ChatServer:
    """What it plays next, and what it was asked."""

    url: str = ""
    script: list[Reply] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=lambda: [{"id": MODEL, "object": "model", "owned_by": "vllm"}])
    models_status: int = 200
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client went away in the middle of an answer."""

    def reset(self) -> None:
        """Forget the last test."""
        self.script, self.requests, self.headers = [], [], []
        self.asked, self.left = asyncio.Event(), asyncio.Event()

    def play(self, *steps: Step) -> None:
        """The next answer."""
        self.script.append(Reply(steps))

    def refuse(self, status: int, error: Any = None) -> None:
        """The next answer is this refusal."""
        self.script.append(Reply(status=status, error=error or {"error": {"message": "no", "type": "t", "code": None}}))

    def settings(self, **changes: Any) -> LanguageModel:
        """Settings that lead here."""
        return LanguageModel(**{"base_url": f"{self.url}/v1", "model": MODEL, "patience_s": 5.0, **changes})

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation of the last request."""
        messages: list[dict[str, Any]] = self.requests[-1]["messages"]
        return messages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/v1/models":
            await _json(send, self.models_status, {"object": "list", "data": self.models})
        elif scope["path"] == "/v1/chat/completions":
            await self._answer(scope, receive, send)
        else:
            await _json(send, 404, {"error": {"message": "no such path"}})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        self.requests.append(json.loads(await _body(receive)))
        self.asked.set()
        assert self.script, "the test did not say what the chat server answers"
        reply = self.script.pop(0)
        if reply.status != 200:
            await _json(send, reply.status, reply.error)
            return
        playing = asyncio.create_task(self._stream(reply.steps, send))
        leaving = asyncio.create_task(self._watch(receive, playing))
        try:
            with suppress(asyncio.CancelledError):
                await playing
        finally:
            leaving.cancel()

    async def _stream(self, steps: Sequence[Step], send: Send) -> None:
        await _start(send, 200, b"text/event-stream")
        for step in steps:
            if isinstance(step, asyncio.Event):
                await step.wait()
            elif step == CUT:
                raise ConnectionError("the test cuts the stream")  # uvicorn then drops the connection
            else:
                text = step if isinstance(step, str) else f"data: {json.dumps(step)}\n\n"
                await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _watch(self, receive: Receive, playing: asyncio.Task[None]) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if playing.cancel():
            self.left.set()


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """An ASGI application on a port of the system's choosing; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="auto", ws_max_size=24 << 20))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving


@asynccontextmanager
async def chat_server() -> AsyncIterator[ChatServer]:
    """A chat server that runs."""
    chat = ChatServer()
    async with served(chat) as chat.url:
        yield chat


def vllm(*texts: str, calls: Sequence[dict[str, Any]] = (), finish: str = "stop") -> list[Step]:
    """vLLM: a chunk with the role and empty content, one chunk per token or call entry, the end."""
    steps: list[Step] = [_chunk({"role": "assistant", "content": ""})]
    steps += [_chunk({"content": text}) for text in texts]
    steps += [_chunk({"tool_calls": [call]}) for call in calls]
    return [*steps, _chunk({"content": ""}, finish, stop_reason=None), DONE]


def ollama(*texts: str, calls: Sequence[dict[str, Any]] = ()) -> list[Step]:
    """Ollama: the role in every chunk; calls whole and together in one, all under index 0; the end is `stop`."""
    steps: list[Step] = [_chunk({"role": "assistant", "content": text}) for text in texts]
    if calls:
        steps.append(_chunk({"role": "assistant", "content": "", "tool_calls": list(calls)}))
    return [*steps, _chunk({"role": "assistant", "content": ""}, "stop"), DONE]


def llamacpp(*texts: str, calls: Sequence[dict[str, Any]] = ()) -> list[Step]:
    """llama.cpp: `content: null` with the role at first, an empty delta at the end, then usage with no choices."""
    steps: list[Step] = [_chunk({"role": "assistant", "content": None})]
    steps += [_chunk({"content": text}) for text in texts]
    steps += [_chunk({"tool_calls": [call]}) for call in calls]
    usage = {**_chunk({}), "choices": [], "usage": {"completion_tokens": 9, "prompt_tokens": 70, "total_tokens": 79}}
    return [*steps, _chunk({}, "tool_calls" if calls else "stop"), usage, DONE]


def call(name: str | None, arguments: Any, index: int | None = 0, call_id: str | None = None) -> dict[str, Any]:
    """One entry of `tool_calls`; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    entry: dict[str, Any] = {"index": index, "id": call_id, "type": "function" if name else None, "function": function}
    return {key: value for key, value in entry.items() if value is not None}


def _chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish, **more}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": [choice]}


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


async def _start(send: Send, status: int, kind: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})


async def _json(send: Send, status: int, body: Any) -> None:
    await _start(send, status, b"application/json")
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
