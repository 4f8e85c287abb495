"""The media socket under very many calls and very bad input: nothing is left behind, nothing gets stuck."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from server import metrics, ports
from server.domain import events as on
from server.domain.timing import Timing
from server.media.bridge import Bridge
from server.media_ws_ai import MediaHub
from tests.support.clock import FakeClock
from tests.support.media_calls import FRAME, Connection, Model, Phone, Writer, admission

SEED = 4
QUICK = Timing(reconnect_tries_ms=(0, 1, 2), reconnect_ms=50, hold_clip_ms=1)


class Telephony:
    """Ends every call that it is told to."""

    def end_call(self, call_sid: str) -> None:
        """Done."""


@pytest.fixture
async def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MediaHub]:
    monkeypatch.setattr("server.media_ws_ai.COMPLETION_NET_S", 0.01)
    monkeypatch.setattr("server.media_ws_ai.admit", lambda token, call_sid, _, **__: admission(call_sid, QUICK))
    monkeypatch.setattr("server.media_ws_ai.complete_if_open", lambda call_sid: None)
    nothing = cast(Any, None)
    ports.install(ports.Ports(cast(Any, Telephony()), nothing, nothing, nothing, nothing, FakeClock(), tmp_path))
    made = MediaHub()
    made.writer.stop()
    made.writer = cast(Any, Writer())
    yield made
    await made.close()
    ports.install(None)


def with_model(model: Model) -> None:
    """Install the port of the realtime model."""
    object.__setattr__(ports.current(), "realtime", model)


async def settled(hub: MediaHub) -> None:
    """Wait until no side task is running."""
    async with asyncio.timeout(20):
        while hub._tasks:
            await asyncio.sleep(0.01)


def something(pick: random.Random, phone: Phone, model: Model) -> None:
    """One thing that happens in some call."""
    connection: Connection | None = pick.choice(list(model.open)) if model.open else None
    what = pick.choice(("speaks", "mark", "key", "starts", "stops", "says", "lost", "tool"))
    if what == "speaks":
        phone.speaks(5)
    elif what == "mark":
        phone.sends({"event": "mark", "mark": {"name": f"a{pick.randint(1, 5)}"}})
    elif what == "key":
        phone.sends({"event": "dtmf", "dtmf": {"digit": pick.choice("12#")}})
    elif connection is not None:
        item = f"u{pick.randint(1, 3)}"
        call = on.FunctionCall(item, pick.choice(("end_call", "transfer_call")), "{}")
        happens: dict[str, tuple[on.Event, ...]] = {
            "starts": (on.SpeechStarted(item),),
            "stops": (on.SpeechStopped(item), on.Committed(item)),
            "says": (on.CallerTranscript(item, pick.choice(("Yeah", "Stop it please", ""))),),
            "lost": (on.ModelFailed("connection_closed", "gone", fatal=True),),
            "tool": (on.ResponseCreated("rt"), on.ResponseDone("rt", "completed", (call,))),
        }
        for event in happens[what]:
            connection.says(event)


async def test_regression_18_two_hundred_calls_dropped_at_random_leave_nothing_behind(hub: MediaHub) -> None:
    pick = random.Random(SEED)
    model = Model(lambda: None if pick.random() < 0.1 else pick.random() * 0.01)
    with_model(model)
    bridges: list[weakref.ref[Bridge]] = []

    async def one_call(number: int) -> None:
        phone = Phone(hub, f"CA{number}")
        if pick.random() < 0.95:
            phone.starts()
            bridges.append(weakref.ref(cast(Bridge, phone.stream._bridge)))
        for _ in range(pick.randint(0, 20)):
            await asyncio.sleep(pick.random() * 0.004)
            something(pick, phone, model)
        if pick.random() < 0.5:
            phone.sends({"event": "stop"})
        phone.drops()

    async with asyncio.timeout(60):
        await asyncio.gather(*(one_call(number) for number in range(200)))
    await settled(hub)
    assert hub.active == {} and model.open == set()
    assert metrics.CALLS_ACTIVE._value.get() == 0
    await asyncio.sleep(0)
    gc.collect()
    assert len(bridges) > 150 and [ref for ref in bridges if ref() is not None] == []


def mutated(pick: random.Random) -> bytes:
    """A message of the protocol with something wrong in it, or something else altogether."""
    message: Any = pick.choice(MESSAGES)()
    text = json.dumps(message).encode()
    kind = pick.randrange(6)
    if kind == 0:
        return pick.randbytes(pick.randint(0, 80))
    if kind == 1:
        at = pick.randrange(len(text))
        return text[:at] + pick.randbytes(pick.randint(0, 3)) + text[at + pick.randint(0, 3) :]
    if kind == 2:
        return text[: pick.randrange(len(text))]
    if kind == 3:
        key = pick.choice(list(message))
        message[key] = pick.choice((None, 1, 1e400, [], {}, "", "x" * 1000, True, {"payload": 5}, {"digit": "☎"}))
        return json.dumps(message).encode()
    if kind == 4:
        return json.dumps(
            {pick.choice(("event", "Event", "")): pick.choice((None, "media", "mark", "bye", 3))}
        ).encode()
    return text


MESSAGES = (
    lambda: {"event": "media", "media": {"payload": FRAME}},
    lambda: {"event": "media", "media": {"payload": 'x","y":"'}},
    lambda: {"event": "media", "media": {"payload": "é" * 9}},
    lambda: {"event": "mark", "mark": {"name": "a1"}},
    lambda: {"event": "dtmf", "dtmf": {"digit": "5"}},
    lambda: {"event": "start", "start": {"callSid": "CA9", "streamSid": "MZ9", "customParameters": {"token": "t"}}},
    lambda: {"event": "connected", "protocol": "Call"},
)


async def test_ten_thousand_malformed_messages_neither_crash_nor_leak_nor_hold_a_call(hub: MediaHub) -> None:
    pick = random.Random(SEED)
    model = Model()
    with_model(model)
    bridges: list[weakref.ref[Bridge]] = []
    refused = taken = 0
    phone: Phone | None = None
    for _ in range(10_000):
        if phone is None:
            phone = Phone(hub)
            phone.starts()
            bridges.append(weakref.ref(cast(Bridge, phone.stream._bridge)))
            if pick.random() < 0.1:
                await asyncio.sleep(0.001)
        phone.sends(mutated(pick))
        if phone.transport.close is not None:
            refused += 1
            assert phone.transport.gone
            assert len(phone.transport.close[1]) <= 123
            phone.drops()
            phone = None
        else:
            taken += 1
    if phone is not None:
        phone.drops()
    await settled(hub)
    assert refused > 1000 and taken > 1000
    assert hub.active == {} and model.open == set()
    gc.collect()
    assert [ref for ref in bridges if ref() is not None] == []
