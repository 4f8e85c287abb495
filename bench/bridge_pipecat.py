"""The same call on Pipecat, for `bench/bridge.py`: its Twilio serializer and its OpenAI service, as documented.

Runs in an environment of its own (`requirements/bench.txt`), which `make bench-bridge` sets up.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.frames.frames import LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport

app = FastAPI()


@app.websocket("/ws/pcm")
async def stream(phone: WebSocket) -> None:
    """One call."""
    await phone.accept()
    await phone.receive_text()
    sid = json.loads(await phone.receive_text())["streamSid"]
    quiet = TwilioFrameSerializer.InputParams(auto_hang_up=False)
    serializer = TwilioFrameSerializer(sid, params=quiet)
    params = FastAPIWebsocketParams(
        audio_in_enabled=True, audio_out_enabled=True, add_wav_header=False, serializer=serializer
    )
    transport = FastAPIWebsocketTransport(websocket=phone, params=params)
    llm = OpenAIRealtimeLLMService(
        api_key="bench",
        base_url=f"ws://127.0.0.1:{sys.argv[2]}/v1/realtime",
        settings=OpenAIRealtimeLLMService.Settings(session_properties=_session()),
    )
    context = LLMContextAggregatorPair(LLMContext([{"role": "user", "content": "Greet the caller."}]))
    steps = [transport.input(), context.user(), llm, transport.output(), context.assistant()]
    task = PipelineTask(Pipeline(steps), params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000))

    @transport.event_handler("on_client_connected")
    async def connected(_: Any, __: Any) -> None:
        await task.queue_frames([LLMRunFrame()])

    @transport.event_handler("on_client_disconnected")
    async def gone(_: Any, __: Any) -> None:
        await task.cancel()

    await PipelineRunner(handle_sigint=False).run(task)


def _session() -> events.SessionProperties:
    detection = events.TurnDetection(type="server_vad", silence_duration_ms=500)
    audio = events.AudioConfiguration(
        input=events.AudioInput(turn_detection=detection, transcription=events.InputAudioTranscription()),
        output=events.AudioOutput(voice="marin"),
    )
    return events.SessionProperties(instructions="You answer the phone.", audio=audio)


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
