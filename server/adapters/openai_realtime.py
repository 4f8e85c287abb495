"""OpenAI's Realtime protocol (GA shape) over WebSocket, for OpenAI and every server that speaks it.

Wire facts: OpenAI's realtime reference as collected in the project's protocol notes; the URL and authentication follow
the openai SDK (`http` becomes `ws`, `/realtime?model=…`, bearer key), which the contract tests hold against the SDK.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec
import picows

from server.config.calls import MODEL_CONNECT_TIMEOUT_S
from server.domain import commands as do
from server.domain import events as on
from server.ports import ProviderError
from server.ports.realtime import RealtimeConnection, RealtimeSink, VoiceConfig

_FATAL: Final = frozenset({"session_expired", "beta_api_shape_disabled", "invalid_api_key", "insufficient_quota"})


class _Wire(msgspec.Struct):
    """A server event, as far as we read it; unknown fields are skipped without being built."""

    type: str
    item_id: str | None = None
    delta: str | None = None
    transcript: str | None = None
    response: dict[str, Any] | None = None
    item: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


_decode = msgspec.json.Decoder(_Wire).decode
_encode = msgspec.json.Encoder().encode


def realtime_url(base_url: str, model: str) -> str:
    """The WebSocket address for a base URL, by the openai SDK's rules."""
    parts = urlsplit(base_url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    query = "&".join(piece for piece in (parts.query, urlencode({"model": model})) if piece)
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + "/realtime", query, ""))


def session_update(config: VoiceConfig, *, transcription_model: str) -> dict[str, Any]:
    """The `session.update` event for a call: μ-law both ways. Voice is detected there; who answers is decided here."""
    transcription = {"model": transcription_model, "language": config.language}
    detection = {
        "type": "server_vad",
        "silence_duration_ms": config.silence_ms,
        "prefix_padding_ms": 300,
        "threshold": 0.5,
        "create_response": False,
        "interrupt_response": False,
    }
    session = {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": config.instructions,
        "audio": {
            "input": {"format": {"type": "audio/pcmu"}, "transcription": transcription, "turn_detection": detection},
            "output": {"format": {"type": "audio/pcmu"}, "voice": config.voice},
        },
        "tools": list(config.tools),
        "tool_choice": "auto",
    }
    return {"type": "session.update", "session": session}


class OpenAIRealtime:
    """Opens sessions with one server and model."""

    def __init__(self, *, base_url: str, api_key: str, model: str, transcription_model: str) -> None:
        self._url = realtime_url(base_url, model)
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._transcription_model = transcription_model
        self._where = urlsplit(self._url).netloc

    async def connect(self, config: VoiceConfig, sink: RealtimeSink) -> RealtimeConnection:
        """Connect and send the configuration. Raises `ProviderError` that says what to look at."""
        try:
            transport, listener = await asyncio.wait_for(
                picows.ws_connect(
                    lambda: _Listener(sink),
                    self._url,
                    extra_headers=self._headers,
                    max_frame_size=16 * 1024 * 1024,
                    enable_auto_ping=True,
                    websocket_handshake_timeout=MODEL_CONNECT_TIMEOUT_S,
                ),
                MODEL_CONNECT_TIMEOUT_S,
            )
        except (OSError, TimeoutError, picows.WSError) as problem:
            raise ProviderError(
                f"the realtime model at {self._where} can't be reached ({type(problem).__name__}: {problem}); "
                "check OPENAI_BASE_URL, OPENAI_API_KEY and that the engine runs",
                retryable=True,
            ) from problem
        assert isinstance(listener, _Listener)
        connection = _Connection(transport, listener)
        connection.send(session_update(config, transcription_model=self._transcription_model))
        return connection


class _Connection:
    """What we send. Audio is put together as text: no object is built per frame."""

    def __init__(self, transport: picows.WSTransport, listener: _Listener) -> None:
        self._transport = transport
        self._listener = listener

    def send(self, event: dict[str, Any]) -> None:
        """Send one client event."""
        self._transport.send(picows.WSMsgType.TEXT, _encode(event))

    def caller_audio(self, payload: str) -> None:
        """`input_audio_buffer.append`, without transcoding."""
        self._transport.send(
            picows.WSMsgType.TEXT, ('{"type":"input_audio_buffer.append","audio":"' + payload + '"}').encode()
        )

    def tell(self, command: do.ModelCommand) -> None:
        """One of the session's wishes, as a client event."""
        self.send(client_event(command))

    def close(self) -> None:
        """Close without a further event."""
        self._listener.silent = True
        self._transport.send_close(picows.WSCloseCode.OK)
        self._transport.disconnect()


def client_event(command: do.ModelCommand) -> dict[str, Any]:
    """A command as the protocol's client event."""
    match command:
        case do.CreateResponse():
            return _response_create(command)
        case do.CancelResponse():
            return {"type": "response.cancel", "response_id": command.response_id}
        case do.Truncate():
            place = {"item_id": command.item_id, "content_index": 0}
            return {"type": "conversation.item.truncate", **place, "audio_end_ms": command.audio_end_ms}
        case do.DeleteItem():
            return {"type": "conversation.item.delete", "item_id": command.item_id}
        case do.AddContext():
            return _item_create(_message("system", command.text))
        case do.AddMessage():
            return _item_create({"id": command.item_id, **_message(command.speaker, command.text)})
        case do.AddToolCall():
            call = {"call_id": command.call_id, "name": command.name, "arguments": command.arguments}
            return _item_create({"type": "function_call", **call})
        case do.ReturnToolOutput():
            output = {"call_id": command.call_id, "output": command.output}
            return _item_create({"type": "function_call_output", **output})


def _response_create(command: do.CreateResponse) -> dict[str, Any]:
    response: dict[str, Any] = {}
    if command.instructions is not None:
        response["instructions"] = command.instructions
    if not command.tools:
        response["tool_choice"] = "none"
    if command.outside:
        response |= {"conversation": "none", "input": []}
    event: dict[str, Any] = {"type": "response.create", "response": response}
    return {**event, "event_id": command.key} if command.key else event


def _item_create(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": item}


def _message(role: str, text: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


class _Listener(picows.WSListener):
    """What we hear, as domain events."""

    def __init__(self, sink: RealtimeSink) -> None:
        self._sink = sink
        self.silent = False

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """One server event."""
        if frame.msg_type == picows.WSMsgType.CLOSE:
            self._lost(f"closed with {frame.get_close_code()}")
            transport.disconnect()
            return
        if frame.msg_type != picows.WSMsgType.TEXT or self.silent:
            return
        try:
            wire = _decode(frame.get_payload_as_memoryview())
        except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
            self._lost(f"sent something that is no event ({problem})")
            transport.disconnect()
            return
        if wire.type == "response.output_audio.delta" and wire.item_id and wire.delta:
            self._sink.agent_audio(wire.item_id, wire.delta)
            return
        if wire.type == "response.output_audio_transcript.delta" and wire.item_id and wire.delta:
            self._sink.agent_words(wire.item_id, wire.delta)
            return
        event = translate(wire)
        if event is not None:
            self._sink.model_event(event)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """The connection is gone."""
        self._lost("disconnected")

    def _lost(self, how: str) -> None:
        if not self.silent:
            self.silent = True
            self._sink.model_event(on.ModelFailed("connection_closed", f"the realtime model {how}", fatal=True))


def translate(wire: _Wire) -> on.Event | None:
    """A wire event as a domain event; None for those a call does not need."""
    item_id = wire.item_id or ""
    match wire.type:
        case "session.updated":
            return on.SessionUpdated()
        case "response.created":
            return on.ResponseCreated(str((wire.response or {}).get("id", "")))
        case "conversation.item.added" | "conversation.item.created" | "response.output_item.added":
            item = wire.item or {}
            return on.ItemAdded(str(item.get("id", "")), str(item.get("type", "")), str(item.get("role", "")))
        case "response.output_audio_transcript.done":
            return on.TranscriptDone(item_id, wire.transcript or "")
        case "response.done":
            return _response_done(wire.response or {})
        case "input_audio_buffer.speech_started":
            return on.SpeechStarted(item_id)
        case "input_audio_buffer.speech_stopped":
            return on.SpeechStopped(item_id)
        case "input_audio_buffer.committed":
            return on.Committed(item_id)
        case "conversation.item.input_audio_transcription.completed":
            return on.CallerTranscript(item_id, wire.transcript or "")
        case "conversation.item.input_audio_transcription.failed":
            return on.CallerTranscript(item_id, "", failed=True)
        case "error":
            error = wire.error or {}
            code = str(error.get("code") or error.get("type") or "error")
            about = str(error.get("event_id") or "")
            return on.ModelFailed(code, str(error.get("message") or ""), fatal=code in _FATAL, about=about)
    return None


def _response_done(response: dict[str, Any]) -> on.ResponseDone:
    calls = tuple(
        on.FunctionCall(str(item.get("call_id", "")), str(item.get("name", "")), str(item.get("arguments") or "{}"))
        for item in response.get("output") or ()
        if item.get("type") == "function_call"
    )
    details = response.get("status_details") or {}
    reason = str(details.get("reason") or (details.get("error") or {}).get("code") or "")
    return on.ResponseDone(str(response.get("id", "")), str(response.get("status", "")), calls, reason)
