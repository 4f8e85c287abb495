"""The media WebSocket, from Twilio's side: a signed upgrade, the messages of one stream, and how it closed."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit, urlunsplit

from picows import WSCloseCode, WSFrame, WSHandshakeError, WSListener, WSMsgType, WSTransport, ws_connect

from simulator.faults import Faults
from simulator.ids import new_sid
from simulator.journal import Journal
from simulator.line import Line
from simulator.places import BadUrl, Places
from simulator.signing import Signer
from simulator.verbs import ConnectStream
from simulator.wire import FRAME_MS, BadMessage, Clear, Mark, Media, Sender, read_message

HANDSHAKE_S = 5.0
CLOSE_S = 2.0
PARAMETER_LIMIT = 500
NO_CODE = 1005
_CLEAN = {1000, 1001, NO_CODE}


class StreamRefused(Exception):
    """The media socket could not be opened; the message says why."""


class MediaStream(WSListener):
    """One stream of one call.

    ✅ OWNER: the socket. `closed` is set when it is gone, `fault` then says what was wrong with the way it closed.
    """

    def __init__(self, sender: Sender, line: Line, journal: Journal, faults: Faults) -> None:
        self._sender, self._line, self._journal, self._faults = sender, line, journal, faults
        self._transport: WSTransport | None = None
        self._fragments = bytearray()
        self._stream_ms = 0
        self.closed = asyncio.Event()
        self.fault: str | None = None
        self._closing = False
        self._abandoned = False

    @property
    def sid(self) -> str:
        """The stream's `MZ…` identifier."""
        return self._sender.stream_sid

    # What Twilio sends.

    def open(self, parameters: dict[str, str]) -> None:
        """Send `connected` and `start`."""
        self._send(self._sender.connected())
        self._send(self._sender.start(parameters))

    def send_media(self, audio: bytes) -> None:
        """Send caller's audio."""
        frames = self._journal.report.frames
        frames.sent += 1
        frames.sent_bytes += len(audio)
        self._send(self._sender.media(audio, self._stream_ms))

    def send_mark(self, name: str) -> None:
        """Return a mark."""
        self._send(self._sender.mark(name))

    def send_key(self, digit: str) -> None:
        """Send one key press."""
        self._send(self._sender.dtmf(digit))

    def tick(self) -> None:
        """20 ms have passed."""
        self._stream_ms += FRAME_MS
        if self._faults.cuts_socket(self._stream_ms) and self._transport is not None:
            self._journal.note("socket_cut")
            self._closing = True
            self._transport.disconnect(graceful=False)

    async def stop(self) -> None:
        """Send `stop` and close, because the call ended or was redirected."""
        if self.closed.is_set() or self._transport is None:
            return
        self._closing = True
        self._send(self._sender.stop())
        self._transport.send_close(WSCloseCode.OK)
        try:
            async with asyncio.timeout(CLOSE_S):
                await self.closed.wait()
        except TimeoutError:
            self._transport.disconnect()

    def _send(self, text: str) -> None:
        if self._transport is not None and not self.closed.is_set() and not self._transport.is_close_frame_sent:
            self._transport.send(WSMsgType.TEXT, text)

    # What the server sends.

    def on_ws_connected(self, transport: WSTransport) -> None:
        """picows: the upgrade succeeded."""
        self._transport = transport
        if self._abandoned:
            self._closing = True
            transport.disconnect()

    def abandon(self) -> None:
        """The call ended while the socket was being opened: close it as soon as it is there, and say nothing on it."""
        self._abandoned = True
        if self._transport is not None:
            self.on_ws_connected(self._transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """picows: a frame came in."""
        if frame.msg_type == WSMsgType.CLOSE:
            self._on_close(transport, frame)
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.CONTINUATION):
            self._fragments += frame.get_payload_as_memoryview()
            if frame.fin:
                message, self._fragments = bytes(self._fragments), bytearray()
                self._on_message(message)
        elif frame.msg_type == WSMsgType.BINARY:
            self._bad("a binary frame; Media Streams messages are text")

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """picows: the connection is gone."""
        if not self._closing:
            self.fault = "the server's end of the media socket was lost without a close frame"
        self.closed.set()

    def _on_close(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else NO_CODE
        if not self._closing and code not in _CLEAN:
            self.fault = f"the server closed the media socket with {code}"
        if not self._closing:
            self._closing = True
            transport.send_close(WSCloseCode.OK)
        transport.disconnect()

    def _on_message(self, text: bytes) -> None:
        try:
            message = read_message(text, self.sid)
        except BadMessage as problem:
            self._bad(str(problem))
            return
        if isinstance(message, Media):
            frames = self._journal.report.frames
            frames.received += 1
            frames.received_bytes += len(message.audio)
            self._line.play(message.audio)
        elif isinstance(message, Mark):
            self._line.mark(message.name)
        elif isinstance(message, Clear):
            self._line.clear()

    def _bad(self, why: str) -> None:
        frames = self._journal.report.frames
        frames.bad_messages += 1
        if frames.bad_messages <= 3:
            self._journal.warn(f"a message of the server's was ignored: {why}")


def stream_url(verb: ConnectStream, places: Places, journal: Journal) -> str:
    """The `wss://` URL that Twilio would connect to and sign: the query is stripped. Raises `StreamRefused`."""
    parts = urlsplit(verb.url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise StreamRefused(f"<Stream url={verb.url!r}> is not an absolute wss:// URL")
    if parts.scheme == "ws":
        if places.public_origin.startswith("https"):
            raise StreamRefused(f"<Stream url={verb.url!r}>: Twilio takes wss:// only")
        journal.warn("<Stream> names a ws:// URL; Twilio takes wss:// only. Dialled all the same, as a rehearsal")
    if parts.query:
        journal.warn("<Stream> has a query string; Twilio strips it. Pass <Parameter>s instead")
    for name, value in verb.parameters.items():
        if len(name) + len(value) >= PARAMETER_LIMIT:
            journal.warn(f"<Parameter name={name!r}> is longer than Twilio's limit of {PARAMETER_LIMIT} characters")
    return urlunsplit(("wss", parts.netloc, parts.path, "", ""))


async def open_stream(
    verb: ConnectStream,
    call: tuple[str, str],
    line: Line,
    journal: Journal,
    signer: Signer,
    places: Places,
    faults: Faults,
) -> MediaStream:
    """Connect, and send `connected` and `start`; `call` is (account sid, call sid). Raises `StreamRefused`."""
    url = stream_url(verb, places, journal)
    stream = MediaStream(Sender(*call, new_sid("MZ")), line, journal, faults)
    try:
        target = places.target(url)
        await ws_connect(
            lambda: stream,
            target.dial,
            extra_headers=signer.socket_headers(target.public) | target.headers,
            websocket_handshake_timeout=HANDSHAKE_S,
            max_redirects=0,
        )
    except asyncio.CancelledError:
        stream.abandon()
        raise
    except BadUrl as problem:
        raise StreamRefused(str(problem)) from problem
    except WSHandshakeError as problem:
        status = problem.response.status.value if problem.response is not None else None
        why = f"it answered {status}" if status else str(problem) or "no answer"
        raise StreamRefused(f"the server refused the media socket {url}: {why}") from problem
    except (OSError, TimeoutError) as problem:
        raise StreamRefused(f"no media socket at {target.dial}: {problem or 'no answer in time'}") from problem
    stream.open(verb.parameters)
    return stream
