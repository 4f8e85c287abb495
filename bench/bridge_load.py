"""Many phones and one fake model in a process of its own: the load that `bench/bridge.py` puts on a bridge.

It is both ends of every call, so one clock measures what the bridge adds: a loud frame among quiet ones on its way from
the phone to the model, the first audio of an answer on its way back, and the time from `speech_started` to `clear`.
Prints one JSON object. The calls follow a script of 10 s: an utterance, an answer of 4 s sent at four times its speed,
and in every second round an interruption in mid-answer.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import struct
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import picows
import uvloop
from twilio.request_validator import RequestValidator

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.bridge_model import LOUD_FRAME, LOUD_PIECE, QUIET_FRAME, TEXT, ModelSide
from bench.machine import cpu_s, rss_kb
from phoneaudio import g711

CYCLE_S = 10.0
SETTLE_S = 6.0
MARKER_EVERY = 50


@dataclass(slots=True)
class Plan:
    """What to run: given as JSON in the first argument."""

    model_port: int
    bridge_port: int
    bridge_pid: int
    calls: int
    seconds: float
    frontdesk: bool = False
    account_sid: str = ""
    auth_token: str = ""
    to: str = ""
    path: str = "/ws"


@dataclass(slots=True)
class Measured:
    """Seconds, collected while `on`."""

    on: bool = False
    inbound: list[float] = field(default_factory=list)
    outbound: list[float] = field(default_factory=list)
    clears: list[float] = field(default_factory=list)
    lag: list[float] = field(default_factory=list)
    answers: int = 0
    interruptions: int = 0
    lost: int = 0


class Call(picows.WSListener):
    """One phone: a frame every 20 ms, marks returned when their audio has been played, and the call's script."""

    def __init__(self, load: Load, number: int, parameters: dict[str, str]) -> None:
        self._load, self._number, self._parameters = load, number, parameters
        self._loop = asyncio.get_running_loop()
        self._transport: picows.WSTransport | None = None
        self.model: ModelSide | None = None
        self.call_sid, self.stream_sid = f"CA{number:032x}", f"MZ{number:032x}"
        head = '{"event":"media","streamSid":"' + self.stream_sid + '","sequenceNumber":"'
        self._head = head
        self._frames = 0
        self._next = 0.0
        self.marker_sent = 0.0
        self._answer_sent = 0.0
        self._interrupted = 0.0
        self._playing_until = 0.0
        self._marks: deque[str] = deque()
        self._round = 0
        self._loud_until_seen = False

    # -- the phone's socket

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """Twilio's first two messages."""
        self._transport = transport
        self._tell({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        media = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
        start = {"accountSid": self._load.plan.account_sid or "AC1", "streamSid": self.stream_sid}
        start |= {"callSid": self.call_sid, "tracks": ["inbound"], "mediaFormat": media}
        start |= {"customParameters": self._parameters}
        self._tell({"event": "start", "sequenceNumber": "1", "streamSid": self.stream_sid, "start": start})

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """The bridge closed the stream."""
        if not self._load.over:
            self._load.measured.lost += 1
        self._transport = None

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Audio, a mark or a clear from the bridge."""
        if frame.msg_type != TEXT:
            return
        data = frame.get_payload_as_bytes()
        if b'"media"' in data[:120] and b'"payload"' in data:
            self._audio(data)
        elif b'"mark"' in data:
            self._mark(json.loads(data)["mark"]["name"])
        elif b'"clear"' in data:
            self._cleared()

    def _audio(self, data: bytes) -> None:
        begin = data.index(b'"payload"') + 11
        size = (data.index(b'"', begin + 1) - begin) * 3 // 4
        now = time.perf_counter()
        if self._answer_sent and (LOUD_PIECE in data or self._loud(data)):
            if self._load.measured.on:
                self._load.measured.outbound.append(now - self._answer_sent)
            self._answer_sent = 0.0
        self._playing_until = max(now, self._playing_until) + size / 8000

    def _loud(self, data: bytes) -> bool:
        if not self.model or not self.model.pcm:
            return False
        return max(abs(n) for n in _samples(base64.b64decode(json.loads(data)["media"]["payload"]))) > 8000

    def _mark(self, name: str) -> None:
        self._marks.append(name)
        self._loop.call_later(max(0.0, self._playing_until - time.perf_counter()), self._return_mark, name)

    def _return_mark(self, name: str) -> None:
        if name in self._marks:
            self._marks.remove(name)
            self._tell({"event": "mark", "streamSid": self.stream_sid, "sequenceNumber": "9", "mark": {"name": name}})

    def _cleared(self) -> None:
        if self._interrupted:
            if self._load.measured.on:
                self._load.measured.clears.append(time.perf_counter() - self._interrupted)
            self._interrupted = 0.0
        self._playing_until = 0.0
        for name in tuple(self._marks):
            self._return_mark(name)

    def _tell(self, message: dict[str, Any]) -> None:
        if self._transport is not None:
            self._transport.send(TEXT, json.dumps(message).encode())

    # -- what happens in the call

    def begin(self) -> None:
        """Start the frames, and the script at a moment of its own."""
        self._next = time.perf_counter() + self._load.random.uniform(0, 0.02)
        self._loop.call_later(self._next - time.perf_counter(), self._frame)
        self._loop.call_later(5 + self._load.random.uniform(0, CYCLE_S), self._utterance)

    def _frame(self) -> None:
        now = time.perf_counter()
        if self._transport is None or self._load.over:
            return
        if self._load.measured.on:
            self._load.measured.lag.append(now - self._next)
        self._frames += 1
        loud = self._frames % MARKER_EVERY == self._number % MARKER_EVERY
        if loud:
            if self.marker_sent and self._load.measured.on:
                self._load.measured.inbound.append(now - self.marker_sent)  # it never arrived: counted as that late
            self.marker_sent = now
        message = self._head + str(self._frames) + '","media":{"track":"inbound","chunk":"' + str(self._frames)
        message += '","timestamp":"' + str(self._frames * 20) + '","payload":"'
        message += (LOUD_FRAME if loud else QUIET_FRAME) + '"}}'
        self._transport.send(TEXT, message.encode())
        self._next += 0.02
        self._loop.call_later(max(0.0, self._next - time.perf_counter()), self._frame)

    def marker_arrived(self) -> None:
        """The loud frame has reached the model."""
        if self._load.measured.on:
            self._load.measured.inbound.append(time.perf_counter() - self.marker_sent)
        self.marker_sent = 0.0

    def answer_sent(self) -> None:
        """The model sends the first audio of an answer."""
        self._answer_sent = time.perf_counter()
        if self._load.measured.on:
            self._load.measured.answers += 1

    def _utterance(self) -> None:
        if self._load.over or self.model is None:
            return
        self._round += 1
        item = f"item_u_{self._number}_{self._round}"
        self.model.speech(started=True, item=item)
        self._loop.call_later(2.0, self._said, item)
        if self._round % 2 == 0:
            self._loop.call_later(4.0, self._interrupt, item + "b")
        self._loop.call_later(CYCLE_S, self._utterance)

    def _said(self, item: str) -> None:
        if self.model is not None and not self._load.over:
            self.model.speech(started=False, item=item)

    def _interrupt(self, item: str) -> None:
        if self.model is None or self._load.over or self._playing_until <= time.perf_counter() - 0.1:
            return
        self._interrupted = time.perf_counter()
        if self._load.measured.on:
            self._load.measured.interruptions += 1
        self.model.speech(started=True, item=item)
        self._loop.call_later(1.5, self._said, item)

    def model_gone(self) -> None:
        """The bridge closed the model's session."""
        self.model = None

    def hang_up(self) -> None:
        """The caller leaves."""
        self._tell(
            {
                "event": "stop",
                "sequenceNumber": "9",
                "streamSid": self.stream_sid,
                "stop": {"accountSid": "AC1", "callSid": self.call_sid},
            }
        )
        if self._transport is not None:
            self._transport.disconnect()


def _samples(ulaw: bytes) -> tuple[int, ...]:
    pcm = g711.pcm16_from_ulaw(ulaw)
    return struct.unpack(f"<{len(pcm) // 2}h", pcm)


class Load:
    """All calls of one measurement."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.measured = Measured()
        self.random = random.Random(plan.calls)
        self.over = False
        self.calls: list[Call] = []
        self._opened: asyncio.Queue[ModelSide] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    def model_opened(self, side: ModelSide) -> None:
        """A bridge has opened a model session."""
        self._opened.put_nowait(side)

    def spawn(self, work: Any) -> None:
        """Run something beside the rest."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self) -> dict[str, Any]:
        """Open all calls, let them settle, measure, hang up."""
        server = await picows.ws_create_server(
            lambda _: ModelSide(self), "127.0.0.1", self.plan.model_port, max_frame_size=1 << 24
        )
        idle_kb = rss_kb(self.plan.bridge_pid)
        async with httpx.AsyncClient() as http:
            for number in range(1, self.plan.calls + 1):
                await self._open(number, http)
            await asyncio.sleep(SETTLE_S)
            result = await self._measure(idle_kb)
            self.over = True
            for call in self.calls:
                call.hang_up()
            if self.plan.frontdesk:
                for call in self.calls:
                    await self._webhook(
                        http, "/webhook/call_status", call.call_sid, CallStatus="completed", CallDuration="30"
                    )
        server.close()
        return result

    async def _measure(self, idle_kb: int) -> dict[str, Any]:
        measured = self.measured
        measured.on, began, used = True, time.perf_counter(), cpu_s(self.plan.bridge_pid)
        own = time.process_time()
        await asyncio.sleep(self.plan.seconds)
        measured.on = False
        seconds = time.perf_counter() - began
        cpu = cpu_s(self.plan.bridge_pid) - used
        return {
            "calls": self.plan.calls,
            "seconds": round(seconds, 1),
            "cpu_ms_per_call_second": 1000 * cpu / seconds / self.plan.calls,
            "core_used": cpu / seconds,
            "load_core_used": (time.process_time() - own) / seconds,
            "kb_per_call": (rss_kb(self.plan.bridge_pid) - idle_kb) / self.plan.calls,
            "to_model_ms": spread(measured.inbound),
            "to_phone_ms": spread(measured.outbound),
            "added_ms": spread(measured.inbound + measured.outbound),
            "clear_ms": spread(measured.clears),
            "load_lag_ms": spread(measured.lag),
            "answers": measured.answers,
            "interruptions": measured.interruptions,
            "clears": len(measured.clears),
            "lost_calls": measured.lost,
        }

    async def _open(self, number: int, http: httpx.AsyncClient) -> None:
        parameters = {"token": await self._admitted(number, http)} if self.plan.frontdesk else {}
        call = Call(self, number, parameters)
        self.calls.append(call)
        address = f"ws://127.0.0.1:{self.plan.bridge_port}{self.plan.path}"
        headers = {}
        if self.plan.frontdesk:
            public = f"wss://127.0.0.1:{self.plan.bridge_port}{self.plan.path}"
            headers["X-Twilio-Signature"] = RequestValidator(self.plan.auth_token).compute_signature(public, {})
        await picows.ws_connect(lambda: call, address, extra_headers=headers, max_frame_size=1 << 24)
        call.model = await asyncio.wait_for(self._opened.get(), 20)
        call.model.call = call
        call.model.pcm = not self.plan.frontdesk and self.plan.path.endswith("pcm")
        call.begin()

    async def _admitted(self, number: int, http: httpx.AsyncClient) -> str:
        answer = await self._webhook(http, "/webhook/voice", f"CA{number:032x}", CallStatus="ringing")
        token = re.search(r'name="token" value="([^"]+)"', answer)
        if token is None:
            raise SystemExit(f"the server did not admit call {number}: {answer}")
        return token[1]

    async def _webhook(self, http: httpx.AsyncClient, path: str, call_sid: str, **more: str) -> str:
        form = {
            "CallSid": call_sid,
            "AccountSid": self.plan.account_sid,
            "From": f"+44163297{hash(call_sid) % 10000:04d}",
        }
        form |= {"To": self.plan.to, "Direction": "inbound", "ApiVersion": "2010-04-01", **more}
        address = f"http://127.0.0.1:{self.plan.bridge_port}{path}"
        signature = RequestValidator(self.plan.auth_token).compute_signature(address, form)
        answer = await http.post(address, data=form, headers={"X-Twilio-Signature": signature}, timeout=20)
        answer.raise_for_status()
        return answer.text


def spread(seconds: list[float]) -> dict[str, float] | None:
    """Median and 99th percentile in ms, and how many."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    at = lambda share: round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3)  # noqa: E731
    return {"p50": at(0.5), "p99": at(0.99), "count": len(ordered)}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(Load(Plan(**json.loads(sys.argv[1]))).run())))
