"""Real models over HTTP: what the engine says, it understands, compressed or not, slow or fast."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from engine.settings import EngineSettings
from engine.speech.bank import SpeechBank
from tests.unit.engine.http.made_audio import decoded

pytestmark = pytest.mark.speech
TEXT = "Good morning. We are open on Thursday. Parking is free behind the building."


@pytest.fixture
async def real(serve: Any) -> AsyncIterator[Any]:
    models = SpeechBank(EngineSettings())
    models.load()
    async with serve(speech=models) as engine:
        yield engine


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+|\d", text.lower())


async def test_what_is_said_is_understood(real: Any) -> None:
    client = openai.AsyncOpenAI(api_key="any", base_url=f"{real.base}/v1")
    lengths = []
    for form, speed in (("mp3", 0.75), ("opus", 1.0), ("wav", 1.25)):
        wanted: dict[str, Any] = {"model": "tts-1", "voice": "marin", "input": TEXT}
        said = await client.audio.speech.create(**wanted, response_format=form, speed=speed)
        lengths.append(decoded(said.content)[0])
        heard = await client.audio.transcriptions.create(file=(f"said.{form}", said.content), model="gpt-transcribe")
        assert words(heard.text) == words(TEXT), (form, speed)
    assert lengths[0] > lengths[1] > lengths[2] > 2.0
