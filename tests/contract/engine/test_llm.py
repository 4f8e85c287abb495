"""Calls and texts with a language model as the brain: an engine and a chat server, both on real ports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from websockets.asyncio.client import connect

from engine.app import create_app
from engine.llm.brain import SORRY, ChatBrain
from engine.settings import EngineSettings
from tests.contract.engine.conftest import PCMU, TOOLS, Client, ScriptedSpeech
from tests.support.chat_server import CUT, ChatServer, call, chat_server, ollama, served, vllm


class Engine:
    """An engine whose brain is the chat server's model."""

    def __init__(self, url: str, chat: ChatServer, speech: ScriptedSpeech) -> None:
        self.url, self.chat, self.speech = url, chat, speech


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    speech = ScriptedSpeech()
    async with chat_server() as chat:
        app = create_app(EngineSettings(), speech, ChatBrain(chat.settings(patience_s=2.0)))
        async with served(app) as url:
            yield Engine(url, chat, speech)


@pytest.fixture
async def client(engine: Engine) -> AsyncIterator[Client]:
    url = f"{engine.url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime-2.1"
    async with connect(url, max_size=None, max_queue=None) as socket:
        client = Client(socket)
        await client.until("conversation.created")
        await client.session(instructions="Be kind.", tools=TOOLS, audio={"output": PCMU})
        yield client


async def ask(client: Client, text: str) -> None:
    content = [{"type": "input_text", "text": text}]
    await client.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    await client.send("response.create")


async def test_the_first_sentence_is_heard_before_the_last_token_is_written(client: Client, engine: Engine) -> None:
    written = asyncio.Event()
    steps = ollama("We open", " at nine.", " Do", " come in.")
    engine.chat.play(*steps[:3], written, *steps[3:])
    await ask(client, "When do you open?")
    await client.until("response.output_audio.delta")
    assert not written.is_set() and engine.speech.said == ["We open at nine."]
    written.set()
    done = await client.until("response.done")
    assert done["response"]["status"] == "completed"
    assert done["response"]["output"][0]["content"][0]["transcript"] == "We open at nine. Do come in."
    assert engine.chat.messages[-1] == {"role": "user", "content": "When do you open?"}


async def test_a_tool_call_and_what_came_of_it(client: Client, engine: Engine) -> None:
    arguments = '{"customer_name": "Ann Lee", "date": "2026-12-03", "time": "10:00"}'
    engine.chat.play(*vllm("One moment.", calls=[call("book_appointment", arguments, 0, "abc")], finish="tool_calls"))
    engine.chat.play(*vllm("You are booked."))
    await ask(client, "Book me in.")
    message, called = (await client.until("response.done"))["response"]["output"]
    assert message["content"][0]["transcript"] == "One moment."
    assert (called["name"], called["arguments"]) == ("book_appointment", arguments)
    output = {"type": "function_call_output", "call_id": called["call_id"], "output": '{"ok": true}'}
    await client.send("conversation.item.create", item=output)
    await client.send("response.create")
    told = (await client.until("response.done"))["response"]["output"][0]["content"][0]["transcript"]
    assert told == "You are booked."
    assert [one["role"] for one in engine.chat.messages] == ["system", "user", "assistant", "tool"]
    assert engine.chat.messages[-1]["content"] == '{"ok": true}'


async def test_barge_in_closes_the_models_stream(client: Client, engine: Engine) -> None:
    await client.phone()
    engine.speech.script = ["Stop, please."]
    engine.chat.play(*vllm("We open at nine. On", " Sundays"), asyncio.Event())
    await ask(client, "When do you open?")
    await client.until("response.output_audio.delta")
    engine.chat.play(*vllm("Of course."))
    await client.speak()
    done = await client.until("response.done")
    assert done["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    await asyncio.wait_for(engine.chat.left.wait(), 5)
    done = await client.until("response.done")
    assert done["response"]["output"][0]["content"][0]["transcript"] == "Of course."
    assert engine.chat.messages[-2:] == [
        {"role": "assistant", "content": "We open at nine."},
        {"role": "user", "content": "Stop, please."},
    ]


async def test_cancelling_closes_the_models_stream(client: Client, engine: Engine) -> None:
    engine.chat.play(*vllm()[:1], asyncio.Event())
    await ask(client, "When do you open?")
    await asyncio.wait_for(engine.chat.asked.wait(), 5)
    await client.send("response.cancel")
    assert (await client.until("response.done"))["response"]["status"] == "cancelled"
    await asyncio.wait_for(engine.chat.left.wait(), 5)


@pytest.mark.parametrize(
    ("ending", "words"),
    [([CUT], "broke off its reply"), ([asyncio.Event()], "no token for 2 s")],
    ids=["cut", "silence"],
)
async def test_a_broken_reply_ends_as_failed_and_keeps_what_was_said(
    client: Client, engine: Engine, ending: Any, words: str
) -> None:
    engine.chat.play(*vllm("We open at nine. On")[:2], *ending)
    await ask(client, "When do you open?")
    response = (await client.until("response.done"))["response"]
    assert response["status"] == "failed" and words in response["status_details"]["error"]["message"]
    assert response["output"][0]["content"][0]["transcript"] == "We open at nine."
    engine.chat.play(*vllm("At nine."))
    await ask(client, "Sorry?")
    assert (await client.until("response.done"))["response"]["status"] == "completed"


async def test_a_refusal_ends_as_failed_with_its_remedy(
    client: Client, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.chat.refuse(404, {"error": {"message": "no model for: When do you open? I am +447700900123"}})
    await ask(client, "When do you open? I am +447700900123")
    details = (await client.until("response.done"))["response"]["status_details"]
    assert details["type"] == "failed" and "correct ENGINE_LLM_MODEL" in details["error"]["message"]
    assert len([record for record in caplog.records if record.name == "engine"]) == 1
    assert "900123" not in caplog.text and "When do" not in caplog.text


async def test_a_call_of_no_such_tool_never_reaches_the_client(client: Client, engine: Engine) -> None:
    for _ in range(2):
        engine.chat.play(*ollama(calls=[call("open_the_safe", "{}", 0, "a")]))
    await ask(client, "Open the safe.")
    (message,) = (await client.until("response.done"))["response"]["output"]
    assert message["content"][0]["transcript"] == SORRY
    assert "response.function_call_arguments.done" not in client.kinds()


async def test_exact_words_and_text_output_need_no_other_path(client: Client, engine: Engine) -> None:
    once = {"instructions": 'Greet the caller. Say exactly: "Harbour Hair, hello!"'}
    await client.send("response.create", response=once)
    await client.until("response.done")
    assert engine.speech.said == ["Harbour Hair, hello!"] and engine.chat.requests == []
    engine.chat.play(*vllm("We open", " at nine."))
    await client.session(output_modalities=["text"])
    await ask(client, "When do you open?")
    assert (await client.until("response.output_text.done"))["text"] == "We open at nine."


async def test_the_responses_api_has_the_same_brain(engine: Engine) -> None:
    engine.chat.play(*vllm("We open", " at nine."))
    engine.chat.play(*ollama(calls=[call("end_call", '{"reason": "done"}', 0, "a")]))
    client = openai.AsyncOpenAI(api_key="any", base_url=f"{engine.url}/v1", max_retries=0)
    told = await client.responses.create(model="m", instructions="Be kind.", input="When do you open?")
    assert told.output_text == "We open at nine."
    flat: Any = [{**tool, "strict": False} for tool in TOOLS]
    called = await client.responses.create(model="m", instructions="Be kind.", input="Goodbye.", tools=flat)
    assert called.output[0].type == "function_call" and called.output[0].name == "end_call"
    assert engine.chat.messages[0]["content"].startswith("Be kind.")


async def test_the_responses_api_tells_why_the_model_failed(engine: Engine) -> None:
    client = openai.AsyncOpenAI(api_key="any", base_url=f"{engine.url}/v1", max_retries=0)
    engine.chat.refuse(401)
    with pytest.raises(openai.APIStatusError, match="set ENGINE_LLM_API_KEY") as failed:
        await client.responses.create(model="m", instructions="Be kind.", input="When do you open?")
    assert (failed.value.status_code, failed.value.code) == (502, "model_key_refused")
    engine.chat.play(*vllm("We open at nine. On")[:2], CUT)
    with pytest.raises(openai.APIError, match="broke off its reply"):
        await client.responses.create(model="m", instructions="Be kind.", input="When do you open?")
