"""`POST /v1/responses`: text in, text and function calls out, with the same brain as the telephone's."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from engine.errors import ApiError
from engine.http.errors import engine_failed
from engine.http.responses_request import Body, Wanted
from engine.http.streams import Event
from engine.realtime.brain import Brain, BrainFailed, Call, Output, Say
from engine.realtime.protocol import new_id

log = logging.getLogger("engine")

_WORDS = re.compile(r"\s*\S+(?:\s+$)?|\s+$")
_ARGUMENT_PIECE = 24


async def create(wanted: Wanted, brain: Brain) -> Body:
    """The answer whole. Raises `ApiError` when the brain fails: 502 with its reason, 500 when it gave none."""
    run = ResponseRun(wanted.body)
    try:
        async with aclosing(_outputs(wanted, brain)) as outputs:
            async for output in outputs:
                run.take(run.output(output))
    except Exception as problem:
        raise _failure(problem) from problem
    run.take(run.complete())
    return run.wire("completed")


async def stream_events(wanted: Wanted, brain: Brain) -> AsyncGenerator[Event, None]:
    """The answer as the events of OpenAI's `ResponseStreamEvent`, each as soon as the brain has said so much.

    The last one is `response.completed`, or `response.failed` when the brain raised.
    """
    run = ResponseRun(wanted.body)
    for event in run.begin():
        yield event
    try:
        async with aclosing(_outputs(wanted, brain)) as outputs:
            async for output in outputs:
                for event in run.output(output):
                    yield event
    except Exception as problem:  # noqa: BLE001 - a response's edge: the client must learn that it failed
        ending = run.fail(_failure(problem).message)
    else:
        ending = run.complete()
    for event in ending:
        yield event


def _outputs(wanted: Wanted, brain: Brain) -> AsyncGenerator[Output, None]:
    return brain.reply(wanted.ask) if wanted.summary is None else _said(wanted.summary)


async def _said(text: str) -> AsyncGenerator[Output, None]:
    yield Say(text)


def _failure(problem: Exception) -> ApiError:
    if isinstance(problem, BrainFailed):
        log.warning("a response failed: %s", problem)
        return ApiError(502, problem.code, str(problem))
    log.error("a response failed", exc_info=problem)
    return engine_failed()


@dataclass(slots=True)
class ResponseRun:
    """✅ OWNER of one response's events, their numbers and its output items.

    Knows no clock but the one for `created_at`, no transport and no brain: outputs in, events out.
    """

    body: Body
    id: str = field(default_factory=lambda: new_id("resp"))
    created_at: int = field(default_factory=lambda: int(time.time()))
    items: list[Body] = field(default_factory=list)
    _message: Body | None = None
    _error: Body | None = None
    _number: int = 0

    def begin(self) -> Iterator[Event]:
        """It exists."""
        yield self._event("response.created", response=self.wire("in_progress"))
        yield self._event("response.in_progress", response=self.wire("in_progress"))

    def output(self, output: Output) -> Iterator[Event]:
        """What the brain said or called. Words that follow words belong to the same message."""
        if isinstance(output, Call):
            yield from self._end_message("completed")
            yield from self._call(output)
        elif output.text:
            yield from self._say(output.text)

    def complete(self) -> Iterator[Event]:
        """Nothing more comes."""
        yield from self._end_message("completed")
        yield self._event("response.completed", response=self.wire("completed"))

    def fail(self, reason: str) -> Iterator[Event]:
        """Nothing more can come; what was said so far stays, marked incomplete."""
        self._error = {"code": "server_error", "message": reason}
        yield from self._end_message("incomplete")
        yield self._event("response.failed", response=self.wire("failed"))

    def take(self, events: Iterator[Event]) -> None:
        """Let the events happen for an answer that is given whole: they leave their items behind."""
        for _ in events:
            pass

    def _say(self, text: str) -> Iterator[Event]:
        if self._message is None:
            yield from self._begin_message()
            lead = ""
        else:
            lead = " "
        for piece in _WORDS.findall(lead + text):
            self._part["text"] += piece
            yield self._part_event("response.output_text.delta", delta=piece, logprobs=[])

    def _begin_message(self) -> Iterator[Event]:
        self._message = {"type": "message", "id": new_id("msg"), "status": "in_progress", "role": "assistant"}
        self._message["content"] = []
        yield self._open(self._message)
        self._message["content"].append({"type": "output_text", "text": "", "annotations": [], "logprobs": []})
        yield self._part_event("response.content_part.added", part=dict(self._part))

    def _end_message(self, status: str) -> Iterator[Event]:
        message = self._message
        if message is None:
            return
        yield self._part_event("response.output_text.done", text=self._part["text"], logprobs=[])
        yield self._part_event("response.content_part.done", part=dict(self._part))
        self._message = None
        yield self._close(message, status)

    def _call(self, call: Call) -> Iterator[Event]:
        item = {"type": "function_call", "id": new_id("fc"), "call_id": new_id("call"), "status": "in_progress"}
        item |= {"name": call.name, "arguments": ""}
        yield self._open(item)
        where = {"item_id": item["id"], "output_index": len(self.items) - 1}
        for at in range(0, len(call.arguments), _ARGUMENT_PIECE):
            piece = call.arguments[at : at + _ARGUMENT_PIECE]
            yield self._event("response.function_call_arguments.delta", **where, delta=piece)
        done = {"name": call.name, "arguments": call.arguments}
        yield self._event("response.function_call_arguments.done", **where, **done)
        item["arguments"] = call.arguments
        yield self._close(item, "completed")

    def _open(self, item: Body) -> Event:
        self.items.append(item)
        copied = {**item, "content": []} if "content" in item else dict(item)
        return self._event("response.output_item.added", output_index=len(self.items) - 1, item=copied)

    def _close(self, item: Body, status: str) -> Event:
        item["status"] = status
        return self._event("response.output_item.done", output_index=len(self.items) - 1, item=dict(item))

    @property
    def _part(self) -> Body:
        part: Body = self.items[-1]["content"][0]
        return part

    def _part_event(self, kind: str, **fields: Any) -> Event:
        where = {"item_id": self.items[-1]["id"], "output_index": len(self.items) - 1, "content_index": 0}
        return self._event(kind, **where, **fields)

    def _event(self, kind: str, **fields: Any) -> Event:
        number, self._number = self._number, self._number + 1
        return {"type": kind, "sequence_number": number, **fields}

    def wire(self, status: str) -> Body:
        """The response object as it stands."""
        body = self.body
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "completed_at": int(time.time()) if status == "completed" else None,
            "status": status,
            "background": False,
            "error": self._error,
            "incomplete_details": None,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "metadata": body.get("metadata") or {},
            "model": str(body.get("model") or "frontdesk"),
            "output": list(self.items),
            "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
            "previous_response_id": None,
            "store": False,
            "temperature": body.get("temperature"),
            "tool_choice": body.get("tool_choice") or "auto",
            "tools": body.get("tools") or [],
            "top_p": body.get("top_p"),
            "text": body.get("text") or {"format": {"type": "text"}},
            "usage": self._usage() if status == "completed" else None,
        }

    def _usage(self) -> Body:
        read = len(str(self.body.get("input"))) // 4
        written = sum(len(str(item)) for item in self.items) // 4
        return {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": read + written,
        }
