"""Past what it can carry, the engine refuses a new session at once, and the calls it has go on."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from engine.settings import EngineSettings
from engine.speech.bank import SpeechBank
from engine.speech.capacity import SESSIONS_PER_CORE, cores


async def refusal(url: str) -> tuple[str, int]:
    """The error's code and the close code of a session that is refused."""
    async with connect(url) as socket:
        error = json.loads(await socket.recv())
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    return error["error"]["code"], closed.value.rcvd.code


async def test_the_limit_is_the_measured_capacity_unless_one_is_set(engine: Any) -> None:
    engine.speech.capacity = 1
    async with engine.client() as first:
        assert await refusal(engine.url) == ("session_limit_reached", 1013)
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{engine.base}/healthz")).json() == {
                "status": "ok", "sessions": 1, "max_sessions": 1,
            }  # fmt: skip
        await first.alive()


async def test_a_set_limit_goes_before_the_measured_one(serve: Any) -> None:
    async with serve(EngineSettings(max_sessions=2)) as engine:
        engine.speech.capacity = 1
        async with engine.client(), engine.client() as second:
            await second.alive()


async def test_an_engine_that_is_behind_takes_no_new_session(engine: Any) -> None:
    async with engine.client() as first:
        engine.speech.overdue = True
        assert await refusal(engine.url) == ("session_limit_reached", 1013)
        await first.alive()
        engine.speech.overdue = False
        async with engine.client() as second:
            await second.alive()


@pytest.mark.speech
def test_loading_measures_this_machine() -> None:
    bank = SpeechBank(EngineSettings())
    bank.load()
    bank.close()
    assert 1 <= bank.capacity <= 20 * SESSIONS_PER_CORE * cores()
    assert not bank.overdue
