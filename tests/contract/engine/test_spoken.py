"""Real models: a caller's voice over the openai SDK's own realtime client, as μ-law at 8 kHz."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from engine.settings import EngineSettings
from engine.speech.bank import SpeechBank
from phoneaudio import g711
from phoneaudio.resample import resample_pcm16
from phoneaudio.wav import wav_bytes

pytestmark = pytest.mark.speech
SETTINGS = EngineSettings()


@pytest.fixture(scope="module")
def bank() -> SpeechBank:
    """The real models, loaded once for this module."""
    models = SpeechBank(SETTINGS)
    models.load()
    return models


class Shared:
    """The bank for an app of one test: closing the app leaves the models to the next."""

    def __init__(self, models: SpeechBank) -> None:
        self._models = models

    def __getattr__(self, name: str) -> Any:
        return getattr(self._models, name)

    def close(self) -> None:
        pass


@pytest.fixture
async def real(serve: Any, bank: SpeechBank) -> AsyncIterator[Any]:
    async with serve(SETTINGS, Shared(bank)) as engine:
        yield engine


async def spoken(bank: SpeechBank, text: str) -> bytes:
    pcm = await bank.say(text, 1.0)
    return g711.ulaw_from_pcm16(resample_pcm16(pcm, 24000, 8000))


async def hear_turn(connection: Any, audio: bytes) -> tuple[str, list[Any]]:
    """Send speech and a second of silence (faster than real time) and give what was heard and answered."""
    for at in range(0, len(audio), 800):
        await connection.input_audio_buffer.append(audio=base64.b64encode(audio[at : at + 800]).decode())
    await connection.input_audio_buffer.append(audio=base64.b64encode(b"\xff" * 8000).decode())
    heard = ""
    async with asyncio.timeout(20):
        async for event in connection:
            if event.type == "conversation.item.input_audio_transcription.completed":
                heard = event.transcript
            if event.type == "response.done":
                return heard, event.response.output
    return heard, []


async def test_the_demo_call_is_understood_by_ear(real: Any, bank: SpeechBank, salon: dict[str, Any]) -> None:
    client = openai.AsyncOpenAI(api_key="any", base_url=f"{real.base}/v1")
    pcmu = {"format": {"type": "audio/pcmu"}}
    async with client.realtime.connect(model="gpt-realtime-2.1") as connection:
        listening = {**pcmu, "transcription": {"model": "gpt-transcribe"}}
        await connection.session.update(
            session={
                "type": "realtime",
                "instructions": salon["instructions"],
                "tools": salon["tools"],
                "audio": {"input": listening, "output": pcmu},
            }
        )
        await connection.conversation.item.create(item=salon["context"])
        heard, output = await hear_turn(
            connection, await spoken(bank, "Hello, what are your opening hours on Saturday?")
        )
        assert heard == "Hello, what are your opening hours on Saturday?"
        assert output[0].content[0].transcript == "On Saturday we are open from 10 am to 4 pm."
        await hear_turn(connection, await spoken(bank, "I would like to book a haircut, please."))
        await hear_turn(connection, await spoken(bank, "My name is Maria Lopez."))
        _, output = await hear_turn(connection, await spoken(bank, "Thursday at half past two."))
        assert output[0].content[0].transcript.endswith("on Thursday 26 November at 2:30 pm. Is that right?")
        _, output = await hear_turn(connection, await spoken(bank, "Yes, that's right."))
        assert json.loads(output[0].arguments)["time"] == "14:30"


async def test_a_recording_of_both_sides_is_transcribed(real: Any, bank: SpeechBank) -> None:
    gap = b"\0" * 16000
    pcm = [
        resample_pcm16(await bank.say(text, 1.0), 24000, 8000)
        for text in ("Is there parking nearby?", "Do you take credit cards?")
    ]
    client = openai.AsyncOpenAI(api_key="any", base_url=f"{real.base}/v1")
    wav = wav_bytes(8000, pcm[0] + gap + pcm[1] + gap)
    result = await client.audio.transcriptions.create(
        file=("call.wav", wav), model="gpt-transcribe", response_format="verbose_json"
    )
    assert [segment.text.strip() for segment in result.segments or []] == [
        "Is there parking nearby?",
        "Do you take credit cards?",
    ]


async def test_two_callers_are_transcribed_side_by_side(bank: SpeechBank) -> None:
    from phoneaudio.resample import float_from_pcm16

    texts = ["Do you take credit cards?", "Is there parking nearby?"]
    audio = [float_from_pcm16(await bank.say(text, 1.0)) for text in texts]
    heard = await asyncio.gather(*(bank.hear(samples, 24000) for samples in audio))
    assert [one.text for one in heard] == texts
