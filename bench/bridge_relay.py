"""The floor of `bench/bridge.py`: a relay on picows that does nothing but pass audio on, both ways."""

from __future__ import annotations

import asyncio
import json
import sys

import picows
import uvloop

TEXT = picows.WSMsgType.TEXT
AUDIO = {"format": {"type": "audio/pcmu"}}
SESSION = {"type": "realtime", "audio": {"input": AUDIO, "output": AUDIO}}


class Model(picows.WSListener):
    """The model's socket of one call."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Audio goes to the phone, everything else nowhere."""
        data = frame.get_payload_as_bytes()
        if b"response.output_audio.delta" in data[:120]:
            begin = data.rindex(b'"delta": "') + 10
            self._phone.play(data[begin : data.index(b'"', begin)])


class Phone(picows.WSListener):
    """The phone's socket of one call."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: picows.WSTransport | None = None
        self._model: picows.WSTransport | None = None
        self._head = b""
        self._opening: asyncio.Task[None] | None = None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """picows: open."""
        self._transport = transport

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """picows: gone."""
        if self._model is not None:
            self._model.disconnect()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Audio goes to the model."""
        data = frame.get_payload_as_bytes()
        if self._model is not None and data[:16] == b'{"event":"media"':
            begin = data.rindex(b'"payload":"') + 11
            self._model.send(
                TEXT, b'{"type":"input_audio_buffer.append","audio":"' + data[begin : data.index(b'"', begin)] + b'"}'
            )
        elif b'"start"' in data and self._opening is None:
            sid = json.loads(data)["streamSid"]
            self._head = ('{"event":"media","streamSid":"' + sid + '","media":{"payload":"').encode()
            self._opening = asyncio.get_running_loop().create_task(self._open())

    def play(self, payload: bytes) -> None:
        """Audio from the model."""
        if self._transport is not None:
            self._transport.send(TEXT, self._head + payload + b'"}}')

    async def _open(self) -> None:
        url = f"ws://127.0.0.1:{self._port}/v1/realtime?model=fake"
        self._model, _ = await picows.ws_connect(lambda: Model(self), url, max_frame_size=1 << 24)
        self._model.send(TEXT, json.dumps({"type": "session.update", "session": SESSION}).encode())


async def main(port: int, model_port: int) -> None:
    """Serve until killed."""
    server = await picows.ws_create_server(lambda _: Phone(model_port), "127.0.0.1", port, max_frame_size=1 << 24)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
