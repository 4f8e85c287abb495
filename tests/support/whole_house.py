"""A whole installation for tests: a web process, a worker, the stand-in for Twilio and a model without speech.

The two processes are real and stay for a module; the stand-in and the model live on a thread of the test process.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
import pytest

from server import asgi, bootstrap, logging_setup, ports, tasks_calls, tasks_recording
from server.config import calls as limits
from server.config.settings import Settings, load
from server.db import db
from server.models_sql import (
    Base,
    Business,
    CallEvent,
    CallLease,
    CallLog,
    ConversationTurn,
    ProviderEvent,
    RecordingFile,
)
from server.services import access, reconciling
from server.services.businesses import demo_business, save_business
from simulator.account import OutboundRequest
from simulator.caller import Manners, Utterance
from simulator.colleagues import Colleague
from simulator.fault_catalogue import faults
from simulator.plan import CallPlan
from simulator.report import CallReport
from simulator.standin import Standin
from tests.support import quick_worker
from tests.support.ports import free_port
from tests.support.provider import ACCOUNT, Provider, serving
from tests.support.quick_worker import ForkedProcess
from tests.support.voice_model import GOODBYE_AUDIO, QUESTION_AUDIO, VoiceModel

T = TypeVar("T")
TOKEN = "the account's token"
SPEED = 8.0
"""Callers, and what they hear, run so many times as fast; the server's own waits do not."""
MANNERS = Manners(patience_ms=40_000, end_wait_ms=60_000)


def serve(environment: Mapping[str, str]) -> None:
    """A web process's life, in the process that calls it; it gives a model up soon."""
    limits.TIMING = replace(limits.TIMING, reconnect_tries_ms=(0, 300, 700), reconnect_ms=1500)  # type: ignore[misc]
    logging_setup.configure("web", development=False)
    settings = load(environment)
    asgi.run(settings, host="127.0.0.1", port=int(environment["WEB_PORT"]))


def work(environment: Mapping[str, str]) -> None:
    """A worker that does not wait long for a recording's callback, or between its tries to place a call."""
    tasks_calls.IN_DOUBT_DELAYS_S = (0.5,) * 6  # type: ignore[misc, assignment]
    tasks_calls.AGAIN_S = (0.5,) * 6  # type: ignore[misc, assignment]
    tasks_recording.CALLBACK_DELAYS_S = (0.5, 1, 2, 4)  # type: ignore[misc, assignment]
    quick_worker.work(environment)


@dataclass
class House:
    """The installation, and what a test asks of it."""

    folder: Path
    environment: dict[str, str]
    settings: Settings
    loop: asyncio.AbstractEventLoop
    provider: Provider
    model: VoiceModel
    standin: Standin
    port: int
    key: str = ""
    processes: list[ForkedProcess] = field(default_factory=list)
    callees: dict[str, CallPlan] = field(default_factory=dict)
    model_url: str = ""
    """Another model than the one here, for the web process."""

    # --- processes --------------------------------------------------------------------------------------------------

    def start_web(self) -> ForkedProcess:
        """A web process that answers."""
        own = {
            "WEB_PORT": str(self.port),
            "OPENAI_BASE_URL": self.model_url or f"http://127.0.0.1:{self.model.port}/v1",
        }
        process = self._start(serve, "web", own)
        process.wait_for_line("web server ready")
        self.until(self._answers, "the web server's answer")
        return process

    def start_worker(self) -> ForkedProcess:
        """A worker that is ready."""
        process = self._start(work, "worker", {"OPENAI_BASE_URL": f"{self.provider.url}/v1"})
        process.wait_for_line("worker ready")
        return process

    def _start(self, function: Callable[[Mapping[str, str]], None], name: str, own: dict[str, str]) -> ForkedProcess:
        log = self.folder / f"{name}-{len(self.processes)}.log"
        self.processes.append(ForkedProcess(function, self.environment | own, log))
        return self.processes[-1]

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz").status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def log(self) -> list[dict[str, Any]]:
        """Every line that the processes wrote."""
        return [json.loads(line) for process in self.processes for line in process.lines if line.startswith("{")]

    # --- calls ------------------------------------------------------------------------------------------------------

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 60.0) -> T:
        """Do something on the stand-in's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout_s)

    def plan(self, *names: str, seed: int = 3, from_: str = "+447700900123", **more: Any) -> CallPlan:
        """A caller who asks one question and says goodbye, on a line with these faults."""
        lines = [Utterance(QUESTION_AUDIO, "question"), Utterance(GOODBYE_AUDIO, "goodbye")]
        values: dict[str, Any] = {
            "to": demo_business()["phone_e164"], "from_": from_, "lines": lines, "speed": SPEED, "manners": MANNERS,
            "voice_url": f"http://127.0.0.1:{self.port}/webhook/voice", "faults": faults(*names, seed=seed),
            "wait_recording_s": 0.0, "ring_s": 0.5,
        }  # fmt: skip
        return CallPlan(**values | more)

    def ask(self, to: str, dedup_key: str, **more: Any) -> str:
        """Ask for an outbound call; the request's id."""
        answer = httpx.post(
            f"http://127.0.0.1:{self.port}/api/v1/calls", headers={"Authorization": f"Bearer {self.key}"},
            json={"business": 1, "to": to, "dedup_key": dedup_key} | more,
        )  # fmt: skip
        assert answer.status_code in (200, 202), answer.text
        return str(answer.json()["id"])

    # --- what is stored -----------------------------------------------------------------------------------------------

    def until(self, true: Callable[[], Any], what: str, timeout_s: float = 30.0) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + timeout_s
        while not true():
            assert time.monotonic() < deadline, f"{what} did not come within {timeout_s} s\n" + "\n".join(
                line for process in self.processes for line in process.lines[-30:]
            )
            time.sleep(0.05)

    def rows(self, model: type[Base], **wanted: Any) -> list[Any]:
        """Rows, oldest first."""
        with db.scope(write=False):
            return list(cast(Any, model).query.filter_by(**wanted).order_by(cast(Any, model).id))

    def call(self, call_sid: str) -> CallLog:
        """The one row of a call."""
        (row,) = self.rows(CallLog, call_sid=call_sid)
        return cast(CallLog, row)

    def kinds(self, call_sid: str) -> list[str]:
        """A call's timeline."""
        return [row.kind for row in self.rows(CallEvent, call_sid=call_sid)]

    def turns(self, call_sid: str) -> list[tuple[str, str]]:
        """Who said what."""
        return [(row.speaker, row.message) for row in self.rows(ConversationTurn, call_sid=call_sid)]

    def leases(self, call_sid: str) -> list[CallLease]:
        """The lines that a call holds."""
        return self.rows(CallLease, lease_key=call_sid)

    def undone(self, call_sid: str) -> list[str]:
        """A call's events that were not applied."""
        events = self.rows(ProviderEvent, call_sid=call_sid)
        return [f"{row.kind} {row.state}: {row.error}" for row in events if row.state != "done"]

    def recordings(self, call_sid: str) -> list[RecordingFile]:
        """A call's stored recordings."""
        return self.rows(RecordingFile, call_sid=call_sid)

    def lines_of(self, call_sid: str) -> list[dict[str, Any]]:
        """What was logged of a call."""
        return [line for line in self.log if line.get("call_sid") == call_sid]

    def change(self, **values: Any) -> Business:
        """Save the business with other values."""
        with db.scope() as session:
            saved = save_business(**demo_business() | values)
            session.commit()
            return saved


def reconcile_at_once() -> None:
    """The reconciler's job, which is patient no more: every call without a final state is asked about."""
    waits = ("SETTLED_S", "AFTER_STREAM_S", "CALL_LIMIT_S", "FALLBACK_LIMIT_S", "LEASE_MARGIN_S", "MESSAGE_LIMIT_S",
             "RING_TIMEOUT_S")  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name in waits:
            patch.setattr(reconciling, name, 0)
        tasks_calls.reconcile_once()


@contextmanager
def running_house(
    folder: Path, *, colleagues: tuple[Colleague, ...] = (), worker: bool = True, model_url: str = ""
) -> Iterator[House]:
    """An installation in a folder, its processes running."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    with serving() as provider:
        house = _built(folder, loop, provider, colleagues)
        house.model_url = model_url
        try:
            house.start_web()
            if worker:
                house.start_worker()
            yield house
        finally:
            for process in house.processes:
                process.kill()
            house.run(house.standin.stop())
            loop.call_soon_threadsafe(house.model.close)
            ports.install(None)
            db.dispose()
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()


def _built(
    folder: Path, loop: asyncio.AbstractEventLoop, provider: Provider, colleagues: tuple[Colleague, ...]
) -> House:
    callees: dict[str, CallPlan] = {}

    def callee(request: OutboundRequest) -> CallPlan:
        return callees[request.params["To"]]

    async def outside() -> tuple[VoiceModel, Standin]:
        model = VoiceModel()
        await model.start()
        standin = await Standin.start(
            account_sid=ACCOUNT, auth_token=TOKEN, callee=callee, colleagues=colleagues, calls_per_second=None
        )
        return model, standin

    model, standin = asyncio.run_coroutine_threadsafe(outside(), loop).result(30)
    port = free_port()
    environment = {
        "DATABASE_URL": f"sqlite:///{folder / 'frontdesk.db'}", "FRONTDESK_HOME": str(folder / "home"),
        "RECORDINGS_URL": (folder / "recordings").as_uri(), "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_API_BASE": standin.base_url,
        "OPENAI_BASE_URL": f"{provider.url}/v1", "OPENAI_API_KEY": "key",
    }  # fmt: skip
    settings = load(environment)
    bootstrap.upgrade(settings)
    house = House(folder, environment, bootstrap.build(settings), loop, provider, model, standin, port)
    house.callees = callees
    house.change(
        outbound_prompt="Remind them kindly.", voicemail_message="Please call Harbour Hair back.", max_calls=30
    )
    with db.scope() as session:
        house.key = access.create_api_key("test", None)
        session.commit()
    return house


def place(house: House, plan: CallPlan) -> CallReport:
    """One call from outside, to its end."""
    return house.run(house.standin.place_call(plan), 120)
