"""An outbound call against the stand-in: API, job, REST, webhooks and media stream, with the model faked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import uvicorn

from server import migrations, ports, routes_twilio, tasks_calls
from server.adapters.twilio_rest import TwilioTelephony
from server.asgi import MediaHandover, create_app
from server.config.settings import Settings
from server.db import db
from server.domain import commands as do
from server.domain import events as on
from server.domain.verdicts import Cancel, Done, Retry, Step
from server.models_sql import CallEvent, CallLease, CallLog
from server.ports.realtime import RealtimeSink, VoiceConfig
from server.services import access
from server.services.businesses import demo_business, save_business
from simulator.account import OutboundRequest
from simulator.caller import Manners
from simulator.faults import Faults
from simulator.plan import CallPlan
from simulator.standin import Standin
from tests.support.clock import FakeClock
from tests.support.fakes import FakeWorld

ACCOUNT, TOKEN = "AC" + "0" * 32, "the account's token"
CALLEE, SALON = "+447700900123", "+441632960101"
SECOND_OF_TONE = "/" * 10_664


class Model:
    """The realtime port: greets, and hangs up when its goodbye is heard."""

    def __init__(self) -> None:
        self.config: VoiceConfig | None = None
        self.sink: RealtimeSink | None = None

    async def connect(self, config: VoiceConfig, sink: RealtimeSink) -> Model:
        self.config, self.sink = config, sink
        asyncio.get_running_loop().call_soon(sink.model_event, on.SessionUpdated())
        return self

    def tell(self, command: do.ModelCommand) -> None:
        if not isinstance(command, do.CreateResponse):
            return
        assert self.sink is not None
        end = on.FunctionCall("c1", "end_call", "{}")
        self.sink.model_event(on.ResponseCreated("r1"))
        self.sink.model_event(on.ItemAdded("item_a", "message", "assistant"))
        self.sink.agent_audio("item_a", SECOND_OF_TONE)
        self.sink.model_event(on.TranscriptDone("item_a", "Hello and goodbye."))
        self.sink.model_event(on.ResponseDone("r1", "completed", (end,)))

    def __getattr__(self, _: str) -> Any:
        return lambda *args, **kwargs: None


@dataclass
class House:
    """A running server and the account that it calls through."""

    url: str
    standin: Standin
    model: Model
    world: FakeWorld
    key: str

    async def ask(self, dedup_key: str, **more: Any) -> dict[str, Any]:
        body = {"business": 1, "to": CALLEE, "dedup_key": dedup_key} | more
        async with httpx.AsyncClient() as client:
            answer = await client.post(
                f"{self.url}/api/v1/calls", json=body, headers={"Authorization": f"Bearer {self.key}"}
            )
        assert answer.status_code == 202, answer.text
        return cast(dict[str, Any], answer.json())

    async def work(self) -> None:
        """Run the dial jobs."""
        for kind, _, payload in self.world.jobs.jobs:
            if kind == "dial":
                await asyncio.to_thread(tasks_calls.dial, payload, _run)


def _run(name: str, step: Step) -> Done | Cancel:
    said = step(0)
    assert not isinstance(said, Retry), said
    return said


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    migrations.upgrade(db.configure(f"sqlite:///{tmp_path / 'test.db'}"))
    yield tmp_path
    ports.install(None)
    db.dispose()


@contextlib.asynccontextmanager
async def house(folder: Path, port: int, plan: CallPlan) -> AsyncIterator[House]:
    url = f"http://127.0.0.1:{port}"
    settings = Settings(home=folder, database_url="", public_url=url, twilio_auth_token=TOKEN)

    def callee(_: OutboundRequest) -> CallPlan:
        return plan

    standin = await Standin.start(account_sid=ACCOUNT, auth_token=TOKEN, callee=callee)
    world, model = FakeWorld(folder, clock=FakeClock()), Model()
    ports.install(
        world.ports(
            telephony=TwilioTelephony(ACCOUNT, TOKEN, standin.base_url), public_url=url, media_url=settings.media_url,
            realtime=cast(Any, model), apply_event=routes_twilio.apply_event,
        )
    )  # fmt: skip
    with db.scope() as session:
        save_business(**demo_business() | {"outbound_prompt": "Remind them kindly.", "record_calls": False})
        key = access.create_api_key("test", None)
        session.commit()
    config = uvicorn.Config(
        create_app(settings), port=port, ws=cast(Any, MediaHandover), log_config=None, http="httptools",
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield House(url, standin, model, world, key)
    finally:
        await standin.stop()
        server.should_exit = True
        await asyncio.wait_for(serving, 20)


def _call() -> CallLog:
    with db.scope(write=False):
        return cast(CallLog, CallLog.query.one())


def _kinds() -> list[str]:
    with db.scope(write=False):
        return [row.kind for row in CallEvent.query.order_by(CallEvent.id)]


async def test_a_requested_call_is_answered_by_the_agent_and_ends(place: Path, free_port: int) -> None:
    plan = CallPlan(to="", from_="", voice_url=f"http://127.0.0.1:{free_port}/webhook/voice", speed=10.0,
                    manners=Manners(speaks_first=True))  # fmt: skip
    async with house(place, free_port, plan) as here:
        asked = await here.ask("order-1", purpose="your appointment", time_limit_s=120)
        await here.work()
        report = await asyncio.wait_for(here.standin.finished(_call().call_sid), 60)
        created = [call for call in here.standin.account.rest_calls if call.path.endswith("/Calls.json")]
        call = _call()
    assert here.model.config is not None
    assert "Remind them kindly." in here.model.config.instructions and "appointment" in here.model.config.instructions
    assert len(created) == 1 and created[0].params["TimeLimit"] == "120" and created[0].params["AsyncAmd"] == "true"
    assert asked["id"] in created[0].params["Url"]
    assert (call.status, call.direction, call.to_number) == ("completed", "outbound", CALLEE), report
    assert "hang_up" in _kinds()
    with db.scope(write=False):
        assert CallLease.query.count() == 0


async def test_regression_16_a_number_that_is_busy_gives_its_line_back(place: Path, free_port: int) -> None:

    class Busy(Faults):
        """The stand-in's own hook for how a call is answered."""

        def ring_result(self) -> str:
            return "busy"

    plan = CallPlan(to="", from_="", voice_url=f"http://127.0.0.1:{free_port}/webhook/voice", speed=10.0,
                    faults=Busy())  # fmt: skip
    async with house(place, free_port, plan) as here:
        await here.ask("order-1")
        await here.work()
        await asyncio.wait_for(here.standin.finished(_call().call_sid), 60)
        assert _call().status == "busy"
    with db.scope(write=False):
        assert CallLease.query.count() == 0
