"""What many begin with, for `bench/bridge.py`: FastAPI, `websockets` and `json`; marks, interruption, truncation."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from websockets.asyncio.client import connect

MODEL_PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 0
AUDIO = {"format": {"type": "audio/pcmu"}}
SESSION = {
    "type": "realtime",
    "output_modalities": ["audio"],
    "instructions": "You answer the phone.",
    "audio": {"input": {**AUDIO, "turn_detection": {"type": "server_vad"}}, "output": {**AUDIO, "voice": "marin"}},
}
app = FastAPI()


@app.websocket("/ws")
async def stream(phone: WebSocket) -> None:
    """One call."""
    await phone.accept()
    async with connect(f"ws://127.0.0.1:{MODEL_PORT}/v1/realtime?model=fake", max_size=None, compression=None) as model:
        await model.send(json.dumps({"type": "session.update", "session": SESSION}))
        await model.send(json.dumps({"type": "response.create", "response": {}}))
        bridge = Bridge(phone, model)
        await asyncio.gather(bridge.from_phone(), bridge.from_model(), return_exceptions=True)


class Bridge:
    """The two directions of one call."""

    def __init__(self, phone: WebSocket, model: Any) -> None:
        self._phone, self._model = phone, model
        self._stream_sid = ""
        self._item, self._began = "", 0.0
        self._marks: list[str] = []

    async def from_phone(self) -> None:
        """Caller's audio and marks."""
        try:
            while True:
                message = json.loads(await self._phone.receive_text())
                if message["event"] == "media":
                    audio = message["media"]["payload"]
                    await self._model.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
                elif message["event"] == "start":
                    self._stream_sid = message["start"]["streamSid"]
                elif message["event"] == "mark" and self._marks:
                    self._marks.pop(0)
        except WebSocketDisconnect:
            await self._model.close()

    async def from_model(self) -> None:
        """Agent's audio, and interruptions."""
        async for raw in self._model:
            event = json.loads(raw)
            if event["type"] == "response.output_audio.delta":
                if self._item != event["item_id"]:
                    self._item, self._began = event["item_id"], time.monotonic()
                media = {"event": "media", "streamSid": self._stream_sid, "media": {"payload": event["delta"]}}
                await self._phone.send_text(json.dumps(media))
                self._marks.append("part")
                await self._phone.send_text(
                    json.dumps({"event": "mark", "streamSid": self._stream_sid, "mark": {"name": "part"}})
                )
            elif event["type"] == "input_audio_buffer.speech_started" and self._marks and self._item:
                heard = int((time.monotonic() - self._began) * 1000)
                cut = {"item_id": self._item, "content_index": 0, "audio_end_ms": heard}
                await self._model.send(json.dumps({"type": "conversation.item.truncate", **cut}))
                await self._phone.send_text(json.dumps({"event": "clear", "streamSid": self._stream_sid}))
                self._marks.clear()


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", ws="websockets")
