"""The look at the chat server at the start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.llm.check import check_in_background, trouble
from tests.support.chat_server import ChatServer, chat_server
from tests.support.ports import free_port


@pytest.fixture
async def chat() -> AsyncIterator[ChatServer]:
    async with chat_server() as server:
        yield server


async def told(chat: ChatServer, **changes: Any) -> str | None:
    return await asyncio.to_thread(trouble, chat.settings(**changes))


async def test_a_server_that_lists_the_model_is_fine(chat: ChatServer) -> None:
    assert await told(chat) is None
    chat.models = [{"id": "qwen3:latest", "object": "model", "owned_by": "library"}]
    assert await told(chat, model="qwen3") is None
    chat.models = [{"id": "/models/some.gguf", "object": "model", "owned_by": "llamacpp"}]
    assert await told(chat, model="anything") is None


async def test_a_model_that_is_not_listed_is_told_with_those_that_are(chat: ChatServer) -> None:
    chat.models = [{"id": name, "object": "model", "owned_by": "library"} for name in ("a:1b", "b:8b")]
    assert await told(chat) == (
        f"The chat server at {chat.url}/v1 does not list 'test-model': set ENGINE_LLM_MODEL to one of: a:1b, b:8b."
    )
    chat.models = []
    assert str(await told(chat)).endswith("one of: none.")


async def test_a_refused_key_and_a_wrong_path_are_told(chat: ChatServer) -> None:
    chat.models_status = 401
    assert "set ENGINE_LLM_API_KEY to a key it accepts" in str(await told(chat))
    assert "ENGINE_LLM_BASE_URL lacks its path" in str(await told(chat, base_url=f"{chat.url}/v2"))


async def test_one_warning_when_nobody_answers(chat: ChatServer, caplog: pytest.LogCaptureFixture) -> None:
    nobody = chat.settings(base_url=f"http://127.0.0.1:{free_port()}/v1")
    await asyncio.to_thread(check_in_background(nobody).join, 5)
    records = [record for record in caplog.records if record.name == "engine"]
    assert [record.levelno for record in records] == [logging.WARNING]
    assert "can't be reached: start it, or correct ENGINE_LLM_BASE_URL" in records[0].getMessage()
