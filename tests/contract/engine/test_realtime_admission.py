"""Who may connect and how: keys in headers and in a browser's subprotocols, the retired beta, no leaks after."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, NegotiationError

from engine.settings import EngineSettings

BROWSER = ["realtime", "openai-insecure-api-key.right"]


@pytest.fixture
async def guarded(serve: Callable[..., Any]) -> AsyncIterator[Any]:
    async with serve(EngineSettings(api_key="right")) as running:
        yield running


async def test_a_browser_brings_its_key_as_a_subprotocol(guarded: Any) -> None:
    async with guarded.client("", subprotocols=BROWSER) as client:
        assert client.socket.subprotocol == "realtime"
        await client.alive()


async def test_without_the_right_key_there_is_no_upgrade(guarded: Any) -> None:
    wrong: list[dict[str, Any]] = [
        {},
        {"additional_headers": {"Authorization": "Bearer wrong"}},
        {"subprotocols": ["realtime"]},
        {"subprotocols": ["realtime", "openai-insecure-api-key.wrong"]},
        {"subprotocols": BROWSER, "additional_headers": {"Authorization": "Bearer wrong"}},
    ]
    for options in wrong:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(guarded.url, **options):
                pass
        assert refused.value.response.status_code == 401, options


async def test_the_beta_is_refused_by_header_and_by_subprotocol(guarded: Any) -> None:
    key = {"Authorization": "Bearer right"}
    for options in (
        {"additional_headers": {**key, "OpenAI-Beta": "realtime=v1"}},
        {"subprotocols": [*BROWSER, "openai-beta.realtime-v1"]},
    ):
        async with connect(guarded.url, **options) as socket:
            assert json.loads(await socket.recv())["error"]["code"] == "beta_api_shape_disabled"
            await socket.wait_closed()
            assert socket.close_code == 4000


async def test_the_keys_subprotocol_is_never_sent_back(guarded: Any) -> None:
    try:
        async with connect(guarded.url, subprotocols=BROWSER[1:]) as socket:
            assert socket.subprotocol is None
    except NegotiationError:
        pytest.fail("a client that offers only its key is served without a subprotocol")


async def test_a_client_that_vanishes_in_mid_answer_leaves_nothing_behind(serve: Any) -> None:
    async with serve(EngineSettings()) as engine:
        engine.speech.speak_delay_s = 0.01
        before = len(asyncio.all_tasks())
        for _ in range(5):
            async with engine.client() as client:
                await client.phone()
                text = " ".join(f"Sentence number {n}." for n in range(50))
                await client.send("response.create", response={"instructions": f'Say exactly: "{text}"'})
                await client.until("response.output_audio.delta")
                await client.speak(frames=20, silence=10)
                client.socket.transport.abort()
        async with asyncio.timeout(5):
            while engine.speech.out_vads or len(asyncio.all_tasks()) > before:
                await asyncio.sleep(0.01)
