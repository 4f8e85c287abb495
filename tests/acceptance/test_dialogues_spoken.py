"""The dialogues marked `spoken: yes`, by ear: a synthetic caller over a noisy telephone line into a running engine.

The caller is the engine's own voice at 8 kHz μ-law with white noise 15 dB below it, in pauses too. Audio goes in as
fast as the engine takes it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from engine.app import create_app
from engine.dialogue.agent import DialogueAgent
from engine.realtime.brain import Call, Output, Say
from engine.settings import EngineSettings
from engine.speech.bank import SpeechBank
from phoneaudio import g711
from phoneaudio.resample import float_from_pcm16, pcm16_from_float, resample_pcm16
from tests.support.dialogue_checks import Heard
from tests.support.dialogue_run import DialogueFailed, Results, Step, conduct
from tests.support.dialogues import Dialogue, read_dialogue

pytestmark = pytest.mark.speech
FOLDER = Path(__file__).parent / "dialogues"
SETTINGS = EngineSettings()
NOISE_DB = 15.0
PAUSE_S = 1.2
IDLE_MS = 5000
HEARD_MS = 400
"""How much of an answer is heard before the caller cuts it off."""
BYTES_PER_MS = 8
APPEND = 1600
SPOKEN = [path for path in sorted(FOLDER.glob("*.txt")) if "\nspoken: yes\n" in path.read_text(encoding="utf-8")]


@pytest.fixture(scope="module")
def bank() -> Any:
    """The real models, loaded once for this module."""
    models = SpeechBank(SETTINGS)
    models.load()
    yield models
    models.close()


class Lent:
    """The bank for an app of one test: closing the app leaves the models to the next."""

    def __init__(self, models: SpeechBank) -> None:
        self._models = models

    def __getattr__(self, name: str) -> Any:
        return getattr(self._models, name)

    def close(self) -> None:
        """Nothing: the module's fixture closes it."""


class Line:
    """A noisy telephone line from the caller: speech, then a pause, as μ-law at 8 kHz."""

    def __init__(self, bank: SpeechBank) -> None:
        self._bank = bank
        self._random = np.random.default_rng(15)
        self._level = 0.005

    async def speak(self, words: str) -> bytes:
        """One turn. Sentences follow one another with the voice's own short pauses."""
        sentences = re.split(r"(?<=[.!?])\s+", words)
        pcm = b"".join([await self._bank.say(one, 1.0) for one in sentences])
        speech = float_from_pcm16(resample_pcm16(pcm, 24000, 8000))
        self._level = float(np.sqrt(np.mean(speech**2))) * 10 ** (-NOISE_DB / 20)
        return self._noisy(np.concatenate([speech, np.zeros(int(8000 * PAUSE_S), np.float32)]))

    def silence(self, ms: int) -> bytes:
        """Noise alone."""
        return self._noisy(np.zeros(ms * 8, np.float32))

    def _noisy(self, samples: np.ndarray) -> bytes:
        noise = self._random.normal(0.0, self._level, samples.size).astype(np.float32)
        return g711.ulaw_from_pcm16(pcm16_from_float(samples + noise))


class SpokenCall:
    """One realtime session, driven as a telephone bridge drives it."""

    def __init__(self, socket: ClientConnection, dialogue: Dialogue, line: Line, heard: Heard) -> None:
        self._socket = socket
        self._dialogue = dialogue
        self._line = line
        self._heard = heard
        self._ids: dict[int, str] = {}
        self._calls: list[Call] = []
        self._answer = ""
        self._answer_ms = 0
        self.understood: list[str] = []

    async def begin(self) -> None:
        """Set the session up and let the greeting be said."""
        business = self._dialogue.business
        detection = {"type": "server_vad", "idle_timeout_ms": IDLE_MS}
        pcmu = {"format": {"type": "audio/pcmu"}}
        listening = {**pcmu, "transcription": {"model": "gpt-transcribe"}, "turn_detection": detection}
        tools = [tool.spec for tool in business.tools.values()]
        session = {"type": "realtime", "instructions": business.instructions, "tools": tools}
        await self._send("session.update", session={**session, "audio": {"input": listening, "output": pcmu}})
        if business.context:
            content = [{"type": "input_text", "text": self._dialogue.context}]
            await self._send("conversation.item.create", item={"type": "message", "role": "system", "content": content})
        greeting = f'Greet the caller now. Say exactly: "{business.greeting}"'
        await self._send("response.create", response={"instructions": greeting})
        assert await self._outputs() == [Say(business.greeting)]

    async def take(self, step: Step) -> list[Output]:
        """Let something happen; gives what the agent did."""
        if isinstance(step, Results):
            await self._give(step)
        elif step.words is None:
            await self._hear(self._line.silence(self._answer_ms + IDLE_MS + 500))
        else:
            if step.interrupts:
                await self._send(
                    "conversation.item.truncate", item_id=self._answer, content_index=0, audio_end_ms=HEARD_MS
                )
            await self._hear(await self._line.speak(step.words))
        return await self._outputs()

    async def _give(self, step: Results) -> None:
        for call, output in step.outputs:
            item = {"type": "function_call_output", "call_id": self._ids[id(call)], "output": output}
            await self._send("conversation.item.create", item=item)
        await self._send("response.create")

    async def _hear(self, audio: bytes) -> None:
        for at in range(0, len(audio), APPEND):
            await self._send("input_audio_buffer.append", audio=base64.b64encode(audio[at : at + APPEND]).decode())

    async def _outputs(self) -> list[Output]:
        """The next whole reply."""
        sent_ms = 0
        while True:
            async with asyncio.timeout(30):
                event = json.loads(await self._socket.recv())
            kind = event["type"]
            assert kind != "error", event
            if kind == "conversation.item.input_audio_transcription.completed":
                self.understood.append(event["transcript"])
                self._heard.sources.append(event["transcript"])
            elif kind == "response.output_audio.delta":
                sent_ms += len(base64.b64decode(event["delta"])) // BYTES_PER_MS
            elif kind == "response.done" and event["response"]["status"] == "completed":
                self._answer_ms = sent_ms
                return [self._output(item) for item in event["response"]["output"]]

    def _output(self, item: dict[str, Any]) -> Output:
        if item["type"] == "message":
            self._answer = item["id"]
            return Say(item["content"][0]["transcript"])
        call = Call(item["name"], item["arguments"])
        self._calls.append(call)  # kept, so that its identity stays its own
        self._ids[id(call)] = item["call_id"]
        return call

    async def _send(self, kind: str, **fields: Any) -> None:
        await self._socket.send(json.dumps({"type": kind, **fields}))


@asynccontextmanager
async def session(dialogue: Dialogue, bank: SpeechBank) -> AsyncIterator[ClientConnection]:
    """A socket to an engine that lives in the dialogue's time."""
    app = create_app(SETTINGS, Lent(bank), DialogueAgent(now=lambda: dialogue.now_utc))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws_max_size=24 << 20))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/v1/realtime?model=gpt-realtime-2.1"
        async with connect(url, max_size=None, max_queue=None) as connection:
            yield connection
    finally:
        server.should_exit = True
        await serving


async def hold(dialogue: Dialogue, bank: SpeechBank) -> None:
    """Run one dialogue by ear. Raises `DialogueFailed`, with what was understood."""
    async with session(dialogue, bank) as connection:
        heard = Heard(dialogue)
        call = SpokenCall(connection, dialogue, Line(bank), heard)
        await call.begin()
        talk = conduct(dialogue, heard)
        step = next(talk)
        while True:
            outputs = await call.take(step)
            try:
                step = talk.send(outputs)
            except StopIteration:
                return
            except DialogueFailed as failed:
                raise DialogueFailed("\n".join([str(failed), "  understood:", *call.understood])) from None


@pytest.mark.parametrize("path", SPOKEN, ids=lambda path: path.stem)
async def test_spoken_dialogue(path: Path, bank: SpeechBank) -> None:
    failure = ""
    try:
        await hold(read_dialogue(path, FOLDER / "businesses"), bank)
    except DialogueFailed as failed:
        failure = str(failed)
    if failure:
        pytest.fail(failure, pytrace=False)


def test_a_tenth_of_the_dialogues_is_spoken() -> None:
    everything = len(list(FOLDER.glob("*.txt")))
    assert round(everything / 10) <= len(SPOKEN) <= everything / 8
