"""The brain against a chat server on a real port, in each server's shape of stream."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
import pytest_asyncio

from engine.llm.brain import SORRY, ChatBrain
from engine.llm.failures import ModelFailed
from engine.realtime.brain import Ask, Call, Output, Say, Turn
from tests.support.chat_server import CUT, DONE, ChatServer, call, chat_server, llamacpp, ollama, vllm
from tests.support.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOOK = {"type": "function", "name": "book", "parameters": {"type": "object", "properties": {"day": {"type": "string"}}}}
END = {"type": "function", "name": "end_call", "description": "Hang up."}
ASK = Ask("You answer for Harbour Hair.", (Turn("user", "Book me in for Friday"),), (BOOK, END))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_server() -> AsyncIterator[ChatServer]:
    async with chat_server() as server:
        yield server


@pytest.fixture
def chat(one_server: ChatServer) -> ChatServer:
    one_server.reset()
    return one_server


async def replied(chat: ChatServer, ask: Ask = ASK, **settings: Any) -> list[Output]:
    return [output async for output in ChatBrain(chat.settings(**settings)).reply(ask)]


async def collect(outputs: list[Output], brain: ChatBrain) -> None:
    async for output in brain.reply(ASK):
        outputs.append(output)


def said(*sentences: str) -> list[Output]:
    return [Say(sentence) for sentence in sentences]


@pytest.mark.parametrize("shape", [vllm, ollama, llamacpp])
async def test_words_come_as_whole_sentences(chat: ChatServer, shape: Any) -> None:
    chat.play(*shape("We open", " at 10", ".30 with Mr", ". Smith", ". A **cut", "** is £4", ".50", "."))
    assert await replied(chat) == said("We open at 10.30 with Mr. Smith.", "A cut is £4.50.")


async def test_a_sentence_leaves_before_the_next_is_written(chat: ChatServer) -> None:
    held = asyncio.Event()
    steps = vllm("Hello there.", " How", " are you?")
    chat.play(*steps[:3], held, *steps[3:])
    async with aclosing(ChatBrain(chat.settings()).reply(ASK)) as reply:
        assert await asyncio.wait_for(anext(reply), 5) == Say("Hello there.")
        assert not held.is_set()
        held.set()
        assert [output async for output in reply] == said("How are you?")


@pytest.mark.parametrize(
    "steps",
    [
        vllm(calls=[call("book", "", 0, "a"), call(None, '{"day": "Fri'), call(None, 'day"}')], finish="tool_calls"),
        ollama(calls=[call("book", '{"day":"Friday"}', 0, "call_x")]),
        llamacpp(calls=[call("book", '{"day":', 0, "y"), call(None, '"Friday"}')]),
        vllm(calls=[call("book", '{"day": "Friday"}', None, None)]),
        vllm(calls=[call("book", {"day": "Friday"})]),
        vllm(calls=[call("book", '"{\\"day\\": \\"Friday\\"}"')]),
        vllm(calls=[call("book", '{"day": ', 0, "a"), call("book", '"Friday"}', 0, "a")]),
        vllm('<tool_call>{"name": "book", "argu', 'ments": {"day": "Friday"}}</tool_call>'),
        vllm('{"name": "book", "parameters"', ': {"day": "Friday"}}'),
    ],
    ids=[
        "in pieces", "whole", "llama.cpp", "no index, no id", "object", "encoded twice", "name repeated",
        "written in tags", "written as JSON",
    ],
)  # fmt: skip
async def test_a_call_arrives_whole_whatever_its_shape(chat: ChatServer, steps: Any) -> None:
    chat.play(*steps)
    assert await replied(chat) == [Call("book", '{"day": "Friday"}')]


@pytest.mark.parametrize(
    "steps",
    [
        vllm("One moment.", calls=[
            call("book", "", 0, "a"), call("end_call", "", 1, "b"), call(None, '{"day": "x"}', 0), call(None, "{}", 1),
        ]),
        ollama("One moment.", calls=[call("book", '{"day": "x"}', 0, "a"), call("end_call", "{}", 0, "b")]),
        ollama("One moment.", calls=[call("book", '{"day": "x"}', 0), call("end_call", "{}", 0)]),
        llamacpp("One moment.", calls=[call("book", '{"day": "x"}', None, "a"), call("end_call", "", None, "b")]),
    ],
    ids=["interleaved", "one index", "one index, no id", "ids alone"],
)  # fmt: skip
async def test_parallel_calls_follow_the_words(chat: ChatServer, steps: Any) -> None:
    chat.play(*steps)
    assert await replied(chat) == [Say("One moment."), Call("book", '{"day": "x"}'), Call("end_call", "{}")]


async def test_thoughts_are_never_spoken(chat: ChatServer) -> None:
    reasoning = {"choices": [{"index": 0, "delta": {"reasoning_content": "The user wants"}, "finish_reason": None}]}
    chat.play(reasoning, *vllm("<th", "ink>Hm. Let me see.</thi", "nk>\n\nYes, ", "we do. 1 < 2."))
    chat.play(*vllm("Okay. So the user", " asks.</think>", "Yes, we do."))
    assert await replied(chat) == said("Yes, we do.", "1 < 2.")
    assert (await replied(chat))[-1] == Say("Yes, we do.")


async def test_exact_words_are_said_without_the_model(chat: ChatServer) -> None:
    ask = Ask("You answer.", (), once='Greet the caller. Say exactly: "Harbour Hair, good morning!"')
    assert await replied(chat, ask) == said("Harbour Hair, good morning!")
    assert chat.requests == []


async def test_a_wrong_call_gets_one_more_try(chat: ChatServer) -> None:
    chat.play(*vllm("Let me see.", calls=[call("reserve", "{}", 0, "a"), call("book", '{"day": "x"}', 1, "b")]))
    chat.play(*vllm("Booking now.", calls=[call("book", '{"day": "Friday"}', 0, "c")]))
    assert await replied(chat) == [Say("Let me see."), Call("book", '{"day": "Friday"}')]
    assert chat.messages[-2:] == [
        {"role": "assistant", "content": "Let me see."},
        {
            "role": "system",
            "content": "Your tool call was not made: there is no tool 'reserve' (the tools are: book, end_call). "
            "Call a tool correctly, or answer in words.",
        },
    ]


async def test_after_a_wrong_call_words_will_do(chat: ChatServer) -> None:
    chat.play(*vllm("Let me see.", calls=[call("book", '{"day": "Fri', 0, "a")], finish="length"))
    chat.play(*vllm("Which day suits you?"))
    assert await replied(chat) == said("Let me see.", "Which day suits you?")
    assert "the arguments of 'book' are not one JSON object" in chat.messages[-1]["content"]


@pytest.mark.parametrize("steps", [vllm(), vllm("<think>Hm.</think>"), vllm(calls=[call("book", "[1]", 0, "a")])])
async def test_what_cannot_be_used_twice_is_apologised_for(
    chat: ChatServer, steps: Any, caplog: pytest.LogCaptureFixture
) -> None:
    chat.play(*steps)
    chat.play(*steps)
    assert await replied(chat) == said(SORRY)
    assert len(chat.requests) == 2
    assert [record.levelno for record in caplog.records if record.name == "engine"] == [logging.WARNING]


REFUSALS = [
    (401, None, "model_key_refused", "ENGINE_LLM_API_KEY"),
    (403, None, "model_key_refused", "ENGINE_LLM_API_KEY"),
    (404, "model 'x' not found", "model_not_found", "ENGINE_LLM_MODEL"),
    (429, None, "model_busy", "try again later"),
    (400, "x does not support tools", "model_request_refused", "choose a model that does"),
    (413, None, "model_request_refused", "its own log"),
    (500, None, "model_server_error", "answers 500"),
    (503, "Loading model", "model_server_error", "answers 503"),
]


@pytest.mark.parametrize(("status", "body", "code", "remedy"), REFUSALS)
async def test_a_refusal_names_its_cause_and_remedy(
    chat: ChatServer, caplog: pytest.LogCaptureFixture, status: int, body: Any, code: str, remedy: str
) -> None:
    echo = {"message": f"{body} in: Harbour Hair, book me in for Friday, +447700900123"}
    chat.refuse(status, {"error": echo})
    with pytest.raises(ModelFailed) as failed:
        await replied(chat)
    caplog.handler.handle(logging.makeLogRecord({"exc_info": (ModelFailed, failed.value, failed.tb)}))
    assert failed.value.code == code and remedy in str(failed.value) and chat.url in str(failed.value)
    assert len(chat.requests) == 1
    assert "Traceback" in caplog.text and "Harbour" not in caplog.text and "900123" not in caplog.text
    assert not [record for record in caplog.records if record.name == "engine"]  # the edge logs it, once


async def test_a_server_that_is_not_there_is_told(chat: ChatServer) -> None:
    with pytest.raises(ModelFailed, match="can't be reached: start it, or correct ENGINE_LLM_BASE_URL") as failed:
        await replied(chat, base_url=f"http://user:secret@127.0.0.1:{free_port()}/v1")
    assert failed.value.code == "model_unreachable" and "secret" not in str(failed.value)


@pytest.mark.parametrize("sent", [0, 1], ids=["silence", "a role, then silence"])
async def test_no_token_in_time_fails(chat: ChatServer, sent: int) -> None:
    chat.play(*vllm("Never said.")[:sent], asyncio.Event())
    with pytest.raises(ModelFailed, match=r"no token for 0\.2 s.*ENGINE_LLM_TIMEOUT_S") as failed:
        await replied(chat, patience_s=0.2)
    assert failed.value.code == "model_timeout"
    await asyncio.wait_for(chat.left.wait(), 5)


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ([CUT], "model_stream_cut"),
        ([DONE], "model_stream_cut"),
        ([{"error": {"message": "CUDA error", "code": 500}}], "model_server_error"),
        (["data: <html>\n\n"], "model_answer_unreadable"),
        ([asyncio.Event()], "model_timeout"),
    ],
    ids=["cut", "ended early", "error in the stream", "no JSON", "silence"],
)
async def test_a_broken_stream_keeps_what_was_said_and_makes_no_call(chat: ChatServer, ending: Any, code: str) -> None:
    steps = vllm("I can do that. Half a", calls=[call("book", '{"day": "Friday"}', 0, "a")])
    chat.play(*steps[:-2], *ending)
    outputs: list[Output] = []
    with pytest.raises(ModelFailed) as failed:
        await collect(outputs, ChatBrain(chat.settings(patience_s=0.3)))
    assert failed.value.code == code
    assert outputs == said("I can do that.")


async def test_closing_the_reply_closes_the_stream(chat: ChatServer) -> None:
    chat.play(*vllm("Hello there.", " And")[:3], asyncio.Event())
    async with aclosing(ChatBrain(chat.settings()).reply(ASK)) as reply:
        assert await anext(reply) == Say("Hello there.")
    await asyncio.wait_for(chat.left.wait(), 5)


async def test_cancelling_while_the_model_thinks_closes_the_stream(chat: ChatServer) -> None:
    chat.play(asyncio.Event())
    waiting = asyncio.create_task(replied(chat))
    await asyncio.wait_for(chat.asked.wait(), 5)
    waiting.cancel()
    await asyncio.wait_for(chat.left.wait(), 5)
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_the_key_is_sent_and_openais_never(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-openai")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-for-openai")
    chat.play(*vllm("Yes."))
    chat.play(*vllm("Yes."))
    await replied(chat)
    await replied(chat, api_key="mine")
    assert "for-openai" not in json.dumps(chat.headers)
    assert chat.headers[1]["authorization"] == "Bearer mine"


async def test_a_stricter_template_gets_the_same_words_in_turn(chat: ChatServer) -> None:
    turns = (Turn("assistant", "Harbour Hair."), Turn("system", "It is 9 o'clock."), Turn("user", "Hello?"))
    chat.refuse(400, {"error": {"message": "System message must be at the beginning."}})
    chat.play(*llamacpp("Hello."))
    assert await replied(chat, Ask("You answer.", turns)) == said("Hello.")
    assert [message["role"] for message in chat.messages] == ["system", "user", "assistant", "user"]
    assert chat.messages[-1]["content"] == "(Not said by the caller: It is 9 o'clock.)\nHello?"
