"""The quick reference runs as written.

Every "good", "best practice" and "task" piece is run unchanged as a function's body, in the context its heading names,
with only those names supplied that the piece leaves free. Every "bad" piece is reported by the checker, and those that
write are refused by the guard.
"""

from __future__ import annotations

import builtins
import logging
import symtable
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from integrity.api import audit_source, load_owner_map
from phoneaudio.wav import wav_bytes
from server import migrations, ports
from server.db import OwnershipViolation, db
from server.models_sql import CallLog, ConversationTurn, JobKey
from server.services import realtime_prompt_builder as builder
from server.services.businesses import demo_business, save_business
from tests.support.clock import FakeClock
from tests.support.quick_reference import Piece, pieces

WEBHOOKS, MEDIA, NOBODY = "server.routes_twilio", "server.media_ws_ai", None
OWNERS = load_owner_map(Path(__file__).resolve().parents[2] / "server" / "ownership.py")
WAV = wav_bytes(8000, b"\1\0" * 8000, b"\2\0" * 8000)


class Phone:
    """Serves the recording of every call; counts how often it is fetched."""

    def __init__(self) -> None:
        self.fetched = 0

    def fetch_recording(self, recording_url: str, target: Path) -> int:
        self.fetched += 1
        return target.write_bytes(WAV)


class Blobs:
    """Keeps recordings in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put_file(self, key: str, source: Path) -> None:
        self.kept[key] = source.read_bytes()

    def fetch_to(self, key: str, target: Path) -> bool:
        if key not in self.kept:
            return False
        target.write_bytes(self.kept[key])
        return True

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)


class Queue:
    """Remembers what was enqueued."""

    def __init__(self) -> None:
        self.jobs: list[str] = []

    def enqueue(self, kind: str, key: str, payload: Any) -> None:
        self.jobs.append(key)


@dataclass
class World:
    """What a piece finds: one business, one call in progress, and the ports."""

    phone: Phone
    queue: Queue
    lines: list[str]

    def names(self) -> dict[str, Any]:
        """Everything a piece may leave free."""
        return {
            "CallLog": CallLog,
            "DEBUG": True,
            "audio_stream": [b"frame"] * 3,
            "business_id": 1,
            "call": _call(),
            "call_direction": "inbound",
            "call_log": _call(),
            "call_sid": "CA1",
            "confidence": 0.9,
            "count": 3,
            "duration": 52,
            "expensive_computation": lambda: "result",
            "i": 0,
            "logger": _Logger(self.lines),
            "new_status": "completed",
            "process": lambda item: item,
            "recording_url": "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1",
            "stream": [b"frame"] * 3,
            "transcript_text": "When do you open?",
        }


class _Logger:
    """Collects lines."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def debug(self, text: str) -> None:
        self._lines.append(text)

    info = debug


def _call() -> CallLog:
    with db.scope(write=False):
        return cast(CallLog, CallLog.query.one())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    migrations.upgrade(db.configure(f"sqlite:///{tmp_path / 'test.db'}"))
    builder._cache.clear()  # it outlives the database of the test before
    phone, queue, nothing = Phone(), Queue(), cast(Any, None)
    ports.install(ports.Ports(cast(Any, phone), nothing, nothing, Blobs(), queue, FakeClock(), tmp_path / "cache"))
    with db.scope() as session:
        saved = save_business(**demo_business())
        session.commit()
    with db.scope(WEBHOOKS) as session:
        session.add(
            CallLog(
                call_sid="CA1", business_id=saved.id, direction="inbound", status="in-progress",
                recording_sid="RE1", recording_url="https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1",
                recording_status="completed",
            )
        )  # fmt: skip
        session.commit()
    yield World(phone, queue, [])
    ports.install(None)
    db.dispose()


def _free_names(code: str) -> set[str]:
    """The names a function's body uses and neither binds, imports nor finds among the builtins."""

    def unbound(table: symtable.SymbolTable) -> set[str]:
        found = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
        return found.union(*(unbound(child) for child in table.get_children()))

    return unbound(symtable.symtable(code, "piece", "exec")) - set(dir(builtins)) - {"piece"}


def _run(piece: Piece, world: World) -> types.FunctionType:
    """Run the piece as the body of a function; returns that function."""
    source = piece.as_function()
    names = world.names()
    space = {name: names[name] for name in _free_names(source)}
    exec(compile(source, piece.heading, "exec"), space)
    function = cast(types.FunctionType, space["piece"])
    function()
    return function


def _one_prompt(_: World) -> None:
    assert builder.cache_info()["size"] == 1


def _status(expected: str) -> Callable[[World], None]:
    def check(_: World) -> None:
        assert _call().status == expected

    return check


def _one_fetch(world: World) -> None:
    assert world.phone.fetched == 1


def _one_turn(_: World) -> None:
    with db.scope(write=False):
        turn = ConversationTurn.query.one()
    assert (turn.speaker, turn.message, turn.sequence, turn.business_id) == ("user", "When do you open?", 1, 1)


def _one_job(world: World) -> None:
    assert len(world.queue.jobs) == 1
    with db.scope(write=False):
        assert JobKey.query.count() == 1


def _lines(*expected: str) -> Callable[[World], None]:
    def check(world: World) -> None:
        assert world.lines == list(expected)

    return check


def _nothing(_: World) -> None:
    """What the piece does is to run; there is nothing to see afterwards."""


CASES: dict[tuple[str, str], tuple[str | None, Callable[[World], None]]] = {
    ("good", "❌ Building Prompts Yourself"): (NOBODY, _nothing),
    ("good", "❌ Downloading Recordings Directly"): (NOBODY, _one_fetch),
    ("good", "❌ Updating Call Status from Non-Webhook"): (MEDIA, _status("in-progress")),
    ("good", "❌ Logging in Hot Loops"): (NOBODY, _lines("Processing chunks (count: 0)")),
    ("good", "❌ Expensive Operations Before DEBUG Check"): (NOBODY, _lines("Data: result")),
    ("practice", "✅ Document Ownership"): (NOBODY, _nothing),
    ("practice", "✅ Use Rate Limiters"): (NOBODY, _lines("Processed 3 items")),
    ("practice", "✅ Use Once-Per-Call"): (NOBODY, _lines("Configuration loaded successfully")),
    ("practice", "✅ Check Deduplication"): (NOBODY, _lines()),
    ("practice", "✅ Use Transactions"): (WEBHOOKS, _status("completed")),
    ("task", "Task: Build a prompt for a call"): (NOBODY, _one_prompt),
    ("task", "Task: Get recording file"): (NOBODY, _one_fetch),
    ("task", "Task: Store conversation turn"): (MEDIA, _one_turn),
    ("task", "Task: Update call status (webhooks only!)"): (WEBHOOKS, _status("completed")),
    ("task", "Task: Enqueue recording job"): (NOBODY, _one_job),
}
RULES = {
    "❌ Building Prompts Yourself": "prompt-outside-builder",
    "❌ Downloading Recordings Directly": "recording-outside-service",
    "❌ Updating Call Status from Non-Webhook": "column-outside-owner",
    "❌ Logging in Hot Loops": "log-in-hot-loop",
    "❌ Expensive Operations Before DEBUG Check": "work-before-debug-check",
}
ALL = pieces()
RUNNABLE = [piece for piece in ALL if piece.kind != "bad"]
BAD = [piece for piece in ALL if piece.kind == "bad"]


def test_every_piece_of_the_document_has_a_case() -> None:
    assert {(piece.kind, piece.heading) for piece in RUNNABLE} == set(CASES)
    assert len(BAD) == 5


@pytest.mark.parametrize("piece", RUNNABLE, ids=lambda piece: f"{piece.kind}: {piece.heading}")
def test_it_runs_as_written(world: World, piece: Piece) -> None:
    owner, check = CASES[piece.kind, piece.heading]
    with db.scope(owner):
        _run(piece, world)
    check(world)


def test_the_function_that_the_good_prompt_piece_defines_runs_as_written(world: World) -> None:
    """It is called where no scope is open; what it builds is the text that the cache then holds."""
    piece = next(piece for piece in RUNNABLE if "Building Prompts" in piece.heading)
    space: dict[str, Any] = {"business_id": 1, "call_direction": "inbound"}
    exec(compile(piece.code, piece.heading, "exec"), space)
    space["my_function"]()
    (text,) = (text for _, text in builder._cache.values())
    assert "Harbour Hair" in text


@pytest.mark.parametrize("piece", BAD, ids=lambda piece: piece.heading)
def test_every_bad_piece_is_reported(piece: Piece) -> None:
    assert RULES[piece.heading] in {finding.rule for finding in audit_source(piece.code, owners=OWNERS)}


def test_the_bad_status_write_is_refused_by_the_guard(world: World) -> None:
    piece = next(piece for piece in BAD if "Call Status" in piece.heading)
    with db.scope(MEDIA):
        call = CallLog.query.one()
        exec(piece.code, {"call": call})
        with pytest.raises(OwnershipViolation, match="update_call_status"):
            db.session.commit()
    assert _call().status == "in-progress"


def test_the_logger_of_the_pieces_stands_for_a_real_one() -> None:
    assert all(hasattr(logging.getLogger(), name) for name in ("debug", "info"))
