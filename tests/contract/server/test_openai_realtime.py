"""Our realtime client against the openai SDK's rules and types."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import picows
import pytest
from openai import AsyncOpenAI
from openai.types.realtime import RealtimeClientEvent
from pydantic import TypeAdapter

from server.adapters.openai_realtime import OpenAIRealtime, client_event, realtime_url
from server.domain import commands as do
from server.domain import events as on
from server.ports import ProviderError
from server.ports.realtime import VoiceConfig

CONFIG = VoiceConfig(instructions="Be brief.", tools=[], voice="marin", language="en", silence_ms=500)
CLIENT_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
COMMANDS: tuple[do.ModelCommand, ...] = (
    do.CreateResponse("Say hello.", tools=False, key="ask_1"),
    do.CreateResponse(),
    do.CreateResponse("Say exactly: “One moment.”", tools=False, outside=True),
    do.CancelResponse("resp_1"),
    do.AddContext("Caller: known"),
    do.AddMessage("keys_3", "user", "The caller pressed 1."),
    do.AddMessage("item_2", "assistant", "Good morning."),
    do.AddToolCall("c1", "book", "{}"),
    do.ReturnToolOutput("c1", '{"ok":true}'),
    do.Truncate("item_1", 320),
    do.DeleteItem("item_9"),
)
"""One of each kind that a call session may want."""


class Server(picows.WSListener):
    """A model server that remembers what it was asked, and says what it is told to."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.received: list[dict[str, Any]] = []
        self.transport: picows.WSTransport | None = None
        self.got = asyncio.Event()
        self.port = 0

    def accept(self, request: picows.WSUpgradeRequest) -> Server:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.path.decode(), headers))
        return self

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close()
            transport.disconnect()
        elif frame.msg_type == picows.WSMsgType.TEXT:
            self.received.append(json.loads(frame.get_payload_as_utf8_text()))
            self.got.set()

    def say(self, text: str) -> None:
        assert self.transport is not None
        self.transport.send(picows.WSMsgType.TEXT, text.encode())


class Sink:
    """Remembers what the model did."""

    def __init__(self) -> None:
        self.audio: list[tuple[str, str]] = []
        self.words: list[tuple[str, str]] = []
        self.events: list[on.Event] = []
        self.changed = asyncio.Event()

    def agent_audio(self, item_id: str, payload: str) -> None:
        self.audio.append((item_id, payload))
        self.changed.set()

    def agent_words(self, item_id: str, delta: str) -> None:
        self.words.append((item_id, delta))

    def model_event(self, event: on.Event) -> None:
        self.events.append(event)
        self.changed.set()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    model = Server()
    listening = await picows.ws_create_server(model.accept, "127.0.0.1", 0)
    model.port = listening.sockets[0].getsockname()[1]
    yield model
    listening.close()


def _realtime(server: Server) -> OpenAIRealtime:
    return OpenAIRealtime(
        base_url=f"http://127.0.0.1:{server.port}/v1", api_key="sk-test", model="gpt-x", transcription_model="t"
    )


async def test_address_and_authentication_are_the_sdk_s(server: Server) -> None:
    connection = await _realtime(server).connect(CONFIG, Sink())
    connection.close()
    client = AsyncOpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="sk-test")
    async with client.realtime.connect(model="gpt-x"):
        pass
    ours, theirs = server.requests
    assert ours[0] == theirs[0] == "/v1/realtime?model=gpt-x"
    assert ours[1]["authorization"] == theirs[1]["authorization"] == "Bearer sk-test"
    assert "openai-beta" not in ours[1]


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://api.openai.com/v1", "wss://api.openai.com/v1/realtime?model=m"),
        ("https://x.example/openai/v1/?api-version=1", "wss://x.example/openai/v1/realtime?api-version=1&model=m"),
        ("wss://api.x.ai/v1", "wss://api.x.ai/v1/realtime?model=m"),
    ],
)
def test_every_kind_of_base_url(base: str, url: str) -> None:
    assert realtime_url(base, "m") == url


async def test_every_event_we_send_is_one_of_the_protocol(server: Server) -> None:
    connection = await _realtime(server).connect(CONFIG, Sink())
    connection.caller_audio("/////w==")
    for command in COMMANDS:
        connection.tell(command)
    async with asyncio.timeout(5):
        while len(server.received) < 2 + len(COMMANDS):
            server.got.clear()
            await server.got.wait()
    connection.close()
    for event in server.received:
        CLIENT_EVENT.validate_python(event)
    audio = server.received[0]["session"]["audio"]
    assert audio["input"]["format"] == audio["output"]["format"] == {"type": "audio/pcmu"}


async def test_regression_6_the_model_neither_answers_nor_stops_by_itself(server: Server) -> None:
    (await _realtime(server).connect(CONFIG, Sink())).close()
    await asyncio.wait_for(server.got.wait(), 5)
    detection = server.received[0]["session"]["audio"]["input"]["turn_detection"]
    assert detection["create_response"] is False and detection["interrupt_response"] is False
    assert "idle_timeout_ms" not in detection


def test_a_response_outside_the_conversation_reads_none_of_it() -> None:
    event = client_event(do.CreateResponse("Say exactly: “One moment.”", tools=False, outside=True, key="ask_3"))
    assert event["event_id"] == "ask_3"
    assert event["response"]["conversation"] == "none" and event["response"]["input"] == []
    assert event["response"]["tool_choice"] == "none"


async def test_audio_and_events_reach_the_call(server: Server) -> None:
    sink = Sink()
    await _realtime(server).connect(CONFIG, sink)
    server.say('{"type":"session.updated","event_id":"e","session":{}}')
    server.say('{"type":"response.output_audio.delta","item_id":"i1","delta":"AAAA","response_id":"r"}')
    server.say('{"type":"response.output_audio_transcript.delta","item_id":"i1","delta":"Hello","response_id":"r"}')
    server.say('{"type":"input_audio_buffer.committed","item_id":"u1","previous_item_id":null}')
    server.say(
        '{"type":"response.done","response":{"id":"r","status":"completed","output":'
        '[{"type":"function_call","call_id":"c","name":"book","arguments":"{}"}]}}'
    )
    server.say('{"type":"rate_limits.updated","rate_limits":[]}')
    server.say(
        '{"type":"error","error":{"type":"invalid_request_error","code":"invalid_value","message":"no","event_id":"ask_1"}}'
    )
    async with asyncio.timeout(5):
        while len(sink.events) < 4:
            sink.changed.clear()
            await sink.changed.wait()
    assert sink.audio == [("i1", "AAAA")]
    assert sink.words == [("i1", "Hello")]
    assert sink.events == [
        on.SessionUpdated(),
        on.Committed("u1"),
        on.ResponseDone("r", "completed", (on.FunctionCall("c", "book", "{}"),)),
        on.ModelFailed("invalid_value", "no", fatal=False, about="ask_1"),
    ]


@pytest.mark.parametrize("how", ["closes", "talks nonsense"])
async def test_a_lost_connection_is_one_fatal_event(server: Server, how: str) -> None:
    sink = Sink()
    await _realtime(server).connect(CONFIG, sink)
    assert server.transport is not None
    if how == "closes":
        server.transport.send_close(picows.WSCloseCode.GOING_AWAY)
        server.transport.disconnect()
    else:
        server.say("this is no JSON")
    async with asyncio.timeout(5):
        await sink.changed.wait()
    await asyncio.sleep(0.05)
    (event,) = sink.events
    assert isinstance(event, on.ModelFailed) and event.fatal


async def test_a_model_that_is_down_is_named_with_the_remedy(free_port: int) -> None:
    realtime = OpenAIRealtime(
        base_url=f"http://127.0.0.1:{free_port}/v1", api_key="k", model="m", transcription_model="t"
    )
    with pytest.raises(ProviderError, match="check OPENAI_BASE_URL, OPENAI_API_KEY and that the engine runs"):
        await realtime.connect(CONFIG, Sink())
