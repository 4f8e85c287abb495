"""Real models over HTTP: what the engine says, it understands, in every format that it writes and reads."""

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
TEXT = "Good morning. We are open from nine until six on Thursday. Parking is free behind the building."


@pytest.fixture
async def real(serve: Any) -> AsyncIterator[Any]:
    models = SpeechBank(EngineSettings())
    models.load()
    async with serve(speech=models) as engine:
        yield engine


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+|\d", text.lower())


async def test_what_is_said_is_understood_in_every_format(real: Any) -> None:
    client = openai.AsyncOpenAI(api_key="any", base_url=f"{real.base}/v1")
    for form in ("mp3", "opus", "aac", "flac", "wav"):
        said = await client.audio.speech.create(
            model="tts-1",
            voice="marin",
            input=TEXT,
            response_format=form,  # type: ignore[arg-type]
        )
        assert 4.0 < decoded(said.content)[0] < 8.0
        heard = await client.audio.transcriptions.create(file=(f"said.{form}", said.content), model="gpt-transcribe")
        assert words(heard.text.replace("9", "nine").replace("6", "six")) == words(TEXT)


async def test_slower_takes_longer_and_every_speed_is_understood(real: Any) -> None:
    client = openai.AsyncOpenAI(api_key="any", base_url=f"{real.base}/v1")
    lengths = []
    for speed in (0.75, 1.0, 1.5):
        said = await client.audio.speech.create(
            model="tts-1", voice="marin", input="Parking is free.", response_format="wav", speed=speed
        )
        lengths.append(decoded(said.content)[0])
        heard = await client.audio.transcriptions.create(file=("said.wav", said.content), model="gpt-transcribe")
        assert words(heard.text) == ["parking", "is", "free"]
    assert lengths[0] > lengths[1] > lengths[2]
