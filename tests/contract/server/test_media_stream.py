"""The media socket on uvicorn's own port, as Twilio meets it: the hand-over to picows, bad input, a call's audio.

The database is real; the model is a fake behind its port, so that each case is exact.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import picows
import pytest
import uvicorn
from fastapi import FastAPI
from twilio.request_validator import RequestValidator

from server import migrations, ports
from server.asgi import MEDIA_PATH, MediaHandover
from server.config import calls as limits
from server.config.settings import Settings
from server.db import db
from server.domain import events as on
from server.media_ws_ai import MediaHub
from server.models_sql import CallEvent, CallLog, ConversationTurn
from server.ports.realtime import RealtimeSink, VoiceConfig
from server.services import stream_tokens
from server.services.businesses import demo_business, save_business
from tests.support.clock import FakeClock

TOKEN = "the account's token"
START = {
    "event": "start",
    "sequenceNumber": "1",
    "streamSid": "MZ1",
    "start": {"accountSid": "AC1", "streamSid": "MZ1", "callSid": "CA1", "tracks": ["inbound"], "customParameters": {}},
}
MEDIA = (
    '{"event":"media","streamSid":"MZ1","media":{"track":"inbound","chunk":"1","timestamp":"5","payload":"/////w=="}}'
)


@dataclass
class Model:
    """The realtime port: what the bridge told it, and a way to let things happen."""

    sink: RealtimeSink | None = None
    config: VoiceConfig | None = None
    down: bool = False
    broken: bool = False
    closed: bool = False
    heard: list[str] = field(default_factory=list)
    asked: list[tuple[str, Any]] = field(default_factory=list)

    async def connect(self, config: VoiceConfig, sink: RealtimeSink) -> Model:
        if self.broken:
            raise RuntimeError("nobody foresaw this")
        if self.down:
            raise ports.ProviderError("the realtime model can't be reached", retryable=True)
        self.config, self.sink = config, sink
        return self

    def caller_audio(self, payload: str) -> None:
        self.heard.append(payload)

    def create_response(self, instructions: str | None, *, tools: bool) -> None:
        self.asked.append(("response", instructions))

    def add_context(self, text: str) -> None:
        self.asked.append(("context", text))

    def return_tool_output(self, call_id: str, output: str) -> None:
        self.asked.append(("output", json.loads(output)))

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        self.asked.append(("truncate", item_id))

    def close(self) -> None:
        self.closed = True

    def happens(self, *events: on.Event) -> None:
        assert self.sink is not None
        for event in events:
            self.sink.model_event(event)

    def speaks(self, item_id: str, payload: str) -> None:
        assert self.sink is not None
        self.sink.agent_audio(item_id, payload)


class Telephony:
    """The telephony port: remembers which calls were ended by REST."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def end_call(self, call_sid: str) -> None:
        self.ended.append(call_sid)


class Phone(picows.WSListener):
    """Twilio's side of the socket."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.transport: picows.WSTransport | None = None
        self.close: tuple[int, str] | None = None
        self.gone = asyncio.Event()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            self.close = (int(frame.get_close_code()), frame.get_close_reason() or "")
            transport.send_close()
            transport.disconnect()
        else:
            self.messages.append(json.loads(frame.get_payload_as_utf8_text()))

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.gone.set()

    def send(self, message: dict[str, Any] | str) -> None:
        assert self.transport is not None
        text = message if isinstance(message, str) else json.dumps(message)
        self.transport.send(picows.WSMsgType.TEXT, text.encode())

    def starts(self, token: str) -> None:
        self.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = json.loads(json.dumps(START))
        start["start"]["customParameters"] = {"token": token, "business_id": "1"}
        self.send(start)


@dataclass
class Desk:
    """A running server with one call that is waiting for its stream."""

    port: int
    model: Model
    telephony: Telephony
    hub: MediaHub
    token: str
    phones: list[Phone] = field(default_factory=list)

    async def dial(self, path: str = MEDIA_PATH, sign: str = TOKEN) -> Phone:
        signature = RequestValidator(sign).compute_signature(f"wss://127.0.0.1:{self.port}{MEDIA_PATH}", {})
        _, phone = await picows.ws_connect(
            Phone, f"ws://127.0.0.1:{self.port}{path}", extra_headers={"X-Twilio-Signature": signature}
        )
        self.phones.append(cast(Phone, phone))
        return self.phones[-1]

    async def in_call(self) -> Phone:
        phone = await self.dial()
        phone.starts(self.token)
        await until(lambda: self.model.config is not None)
        self.model.happens(on.SessionUpdated())
        return phone


async def until(true: Callable[[], Any], timeout_s: float = 5.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(timeout_s):
        while not true():
            await asyncio.sleep(0.005)


@pytest.fixture
async def desk(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr("server.media_ws_ai.COMPLETION_NET_S", 0.1)
    monkeypatch.setattr(limits, "STREAM_START_TIMEOUT_S", 0.3)
    model, telephony = Model(), Telephony()
    migrations.upgrade(db.configure(f"sqlite:///{tmp_path / 'test.db'}"))
    nothing = cast(Any, None)
    ports.install(
        ports.Ports(
            cast(Any, telephony), nothing, nothing, nothing, nothing, FakeClock(), tmp_path, realtime=cast(Any, model)
        )
    )
    with db.scope() as session:
        saved = save_business(**demo_business())
        token = stream_tokens.issue("CA1", saved.id)
        session.commit()
    with db.scope("server.routes_twilio") as session:
        session.add(CallLog(call_sid="CA1", business_id=saved.id, direction="inbound", status="in-progress"))
        session.commit()
    app = FastAPI()
    app.state.settings = Settings(
        home=tmp_path, database_url="", public_url=f"http://127.0.0.1:{free_port}", twilio_auth_token=TOKEN
    )
    app.state.media = MediaHub()
    config = uvicorn.Config(
        app, port=free_port, ws=cast(Any, MediaHandover), lifespan="off", log_config=None, http="httptools",
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    made = Desk(free_port, model, telephony, app.state.media, token)
    yield made
    for phone in made.phones:
        assert phone.transport is not None
        phone.transport.disconnect()
    server.should_exit = True
    await asyncio.wait_for(serving, 10)
    await app.state.media.close()
    ports.install(None)
    db.dispose()


def _stored(model: Any) -> list[Any]:
    with db.scope(write=False):
        return list(model.query.order_by(model.id))


async def test_a_call_s_audio_goes_through_both_ways_with_a_mark_behind_it(desk: Desk) -> None:
    phone = await desk.in_call()
    phone.send(MEDIA)
    await until(lambda: desk.model.heard)
    assert desk.model.heard == ["/////w=="]
    desk.model.speaks("item_a", "////")
    await until(lambda: len(phone.messages) == 2)
    assert phone.messages == [
        {"event": "media", "streamSid": "MZ1", "media": {"payload": "////"}},
        {"event": "mark", "streamSid": "MZ1", "mark": {"name": "a1"}},
    ]


async def test_audio_before_the_model_is_configured_is_held_and_then_sent(desk: Desk) -> None:
    phone = await desk.dial()
    phone.starts(desk.token)
    phone.send(MEDIA)
    await until(lambda: desk.model.config is not None)
    await asyncio.sleep(0.05)
    assert desk.model.heard == []
    desk.model.happens(on.SessionUpdated())
    assert desk.model.heard == ["/////w=="]


async def test_the_greeting_is_asked_for_first_with_the_caller_s_context_beside_it(desk: Desk) -> None:
    await desk.in_call()
    kinds = [kind for kind, _ in desk.model.asked]
    assert kinds == ["context", "response"]
    assert "Current local time: Tuesday 24 November 2026, 09:12" in desk.model.asked[0][1]
    assert desk.model.asked[1][1].startswith("Greet the caller now. Say exactly:")
    assert desk.model.config is not None and "Harbour Hair" in desk.model.config.instructions


async def test_a_tool_runs_off_the_loop_and_its_words_go_to_the_model(desk: Desk) -> None:
    await desk.in_call()
    call = on.FunctionCall("c1", "check_availability", '{"date":"2026-11-29"}')
    desk.model.happens(on.ResponseCreated("r1"), on.ResponseDone("r1", "completed", (call,)))
    await until(lambda: any(kind == "output" for kind, _ in desk.model.asked))
    output = next(value for kind, value in desk.model.asked if kind == "output")
    assert "Nothing is free on Sunday" in output["message"]


async def test_barge_in_clears_at_once(desk: Desk) -> None:
    phone = await desk.in_call()
    desk.model.happens(on.ResponseCreated("r1"), on.ItemAdded("item_a", "message", "assistant"))
    desk.model.speaks("item_a", "/" * 4000)
    desk.model.happens(on.SpeechStarted("item_u"))
    await until(lambda: any(message["event"] == "clear" for message in phone.messages))
    assert ("truncate", "item_a") in desk.model.asked


async def test_goodbye_hangs_up_when_the_last_mark_is_back_and_rest_completes_what_stays_open(desk: Desk) -> None:
    phone = await desk.in_call()
    desk.model.happens(on.ResponseCreated("r1"), on.ItemAdded("item_a", "message", "assistant"))
    desk.model.speaks("item_a", "////")
    end = on.FunctionCall("c9", "end_call", "{}")
    desk.model.happens(on.TranscriptDone("item_a", "Goodbye."), on.ResponseDone("r1", "completed", (end,)))
    await asyncio.sleep(0.05)
    assert phone.close is None
    phone.send({"event": "mark", "streamSid": "MZ1", "mark": {"name": "a1"}})
    await asyncio.wait_for(phone.gone.wait(), 5)
    assert phone.close == (1000, "the call is over")
    assert desk.model.closed
    (turn,) = _stored(ConversationTurn)
    assert (turn.speaker, turn.message) == ("assistant", "Goodbye.")
    await until(lambda: desk.telephony.ended == ["CA1"])
    assert desk.hub.active == {}


async def test_turns_are_stored_while_the_call_runs(desk: Desk) -> None:
    await desk.in_call()
    desk.model.happens(on.ItemAdded("item_u", "message", "user"), on.CallerTranscript("item_u", "Hello?"))
    await desk.hub.writer.flush()
    (turn,) = _stored(ConversationTurn)
    assert (turn.speaker, turn.message, turn.sequence, turn.business_id) == ("user", "Hello?", 1, 1)


async def test_a_caller_who_hangs_up_ends_the_model_s_session(desk: Desk) -> None:
    phone = await desk.in_call()
    phone.send({"event": "stop", "streamSid": "MZ1", "stop": {"accountSid": "AC1", "callSid": "CA1"}})
    assert phone.transport is not None
    phone.transport.disconnect()
    await until(lambda: desk.model.closed)
    assert desk.hub.active == {}
    assert desk.telephony.ended == []


async def test_a_model_that_is_down_ends_the_call_with_a_reason(desk: Desk) -> None:
    desk.model.down = True
    phone = await desk.dial()
    phone.starts(desk.token)
    await asyncio.wait_for(phone.gone.wait(), 5)
    failed = [event for event in _stored(CallEvent) if event.kind == "call_failed"]
    assert [event.detail["reason"] for event in failed] == ["model_unavailable"]


async def test_an_error_nobody_foresaw_ends_the_stream_instead_of_leaving_silence(desk: Desk) -> None:
    desk.model.broken = True
    phone = await desk.dial()
    phone.starts(desk.token)
    await asyncio.wait_for(phone.gone.wait(), 5)
    assert phone.close == (1011, "the call could not be started; see the server's log")
    await until(lambda: desk.hub.active == {})


async def test_a_pass_works_once(desk: Desk) -> None:
    await desk.in_call()
    second = await desk.dial()
    second.starts(desk.token)
    await asyncio.wait_for(second.gone.wait(), 5)
    assert second.close == (1008, "the stream's token is wrong, used or expired")


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_a_wrong_pass_reaches_no_model(desk: Desk, token: str) -> None:
    phone = await desk.dial()
    phone.starts(token)
    await asyncio.wait_for(phone.gone.wait(), 5)
    assert phone.close == (1008, "the stream's token is wrong, used or expired")
    assert desk.model.config is None


async def test_malformed_media_is_named_and_the_call_is_closed(desk: Desk) -> None:
    phone = await desk.in_call()
    phone.send('{"event":')
    await asyncio.wait_for(phone.gone.wait(), 5)
    assert phone.close is not None
    assert phone.close[0] == 1007 and phone.close[1].startswith("malformed media message")
    await until(lambda: desk.hub.active == {})


async def test_a_socket_that_never_starts_is_closed(desk: Desk) -> None:
    phone = await desk.dial()
    await asyncio.wait_for(phone.gone.wait(), 5)
    assert phone.close == (1008, "no `start` event came")


async def test_an_upgrade_twilio_did_not_sign_is_refused(desk: Desk) -> None:
    with pytest.raises(picows.WSInvalidStatusError) as refusal:
        await desk.dial(sign="another token")
    assert refusal.value.response is not None and refusal.value.response.status == 403
    assert b"check PUBLIC_URL" in (refusal.value.raw_body or b"")


async def test_another_path_is_no_websocket(desk: Desk) -> None:
    with pytest.raises(picows.WSInvalidStatusError) as refusal:
        await desk.dial(path="/ws/elsewhere")
    assert refusal.value.response is not None and refusal.value.response.status == 404


async def test_http_still_answers_on_the_same_port(desk: Desk) -> None:
    await desk.in_call()
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
    writer.write(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"404" in await reader.readline()
    writer.close()
