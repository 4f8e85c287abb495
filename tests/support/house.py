"""A whole house on a port: the real server, Twilio's stand-in with scripted people, and a model that says its lines."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import uvicorn

from server import migrations, ports, routes_twilio
from server.adapters.twilio_rest import TwilioTelephony
from server.asgi import MediaHandover, create_app
from server.bootstrap import SystemClock
from server.config.settings import Settings
from server.db import db
from server.domain import commands as do
from server.domain import events as on
from server.models_sql import CallEvent, CallLease, CallLog, ConversationTurn, ProviderEvent, Transfer
from server.ports.realtime import RealtimeSink, VoiceConfig
from server.services.businesses import demo_business, save_business
from server.services.transfer_targets import save_target
from simulator.level import is_voiced
from simulator.plan import CallPlan
from simulator.report import CallReport
from simulator.standin import Standin
from tests.support.fakes import FakeWorld

ACCOUNT, TOKEN = "AC" + "0" * 32, "the account's token"
CALLER, SALON, ANNA, BEN = "+447700900123", "+441632960101", "+447700900201", "+447700900202"
SOUND = base64.b64encode(b"\x10\x90" * 3200).decode()
"""0.8 s of loud sound, as μ-law."""
QUIET_FRAMES = 8


@dataclass
class Says:
    """One response of the model's: its words, and the tool it calls after them."""

    words: str
    tool: str = ""
    arguments: str = "{}"


def transfer_to(name: str, reason: str = "") -> Says:
    """The model puts the caller through."""
    given = f'"colleague": "{name}"' + (f', "reason": "{reason}"' if reason else "")
    return Says(f"I will put you through to {name}.", "transfer_call", f"{{{given}}}")


GOODBYE = Says("Goodbye.", "end_call")


class Talker:
    """The realtime port: each connection says the next of `scripts`, a line for every response it is asked for."""

    def __init__(self, *scripts: Sequence[Says], hears: str = "Can I talk to Anna, please?") -> None:
        self.scripts = scripts
        self.hears = hears
        self.connections: list[Connection] = []

    async def connect(self, config: VoiceConfig, sink: RealtimeSink) -> Connection:
        made = Connection(self, len(self.connections), config, sink)
        self.connections.append(made)
        asyncio.get_running_loop().call_soon(made.happens, on.SessionUpdated())
        return made


class Connection:
    """One session with the model, with a voice detection of its own."""

    def __init__(self, talker: Talker, number: int, config: VoiceConfig, sink: RealtimeSink) -> None:
        self.config = config
        self.told: list[do.ModelCommand] = []
        self._talker, self._number = talker, number
        self._sink: RealtimeSink | None = sink
        self._lines = list(talker.scripts[number]) if number < len(talker.scripts) else []
        self._said = self._heard = self._quiet = 0
        self._speaking = False

    def happens(self, *events: on.Event) -> None:
        for event in events:
            if self._sink is not None:
                self._sink.model_event(event)

    def caller_audio(self, payload: str) -> None:
        voiced = is_voiced(base64.b64decode(payload))
        self._quiet = 0 if voiced else self._quiet + 1
        item = f"u{self._number}_{self._heard}"
        if voiced and not self._speaking:
            self._speaking = True
            self.happens(on.SpeechStarted(item))
        elif self._speaking and self._quiet >= QUIET_FRAMES:
            self._speaking = False
            self._heard += 1
            self.happens(on.SpeechStopped(item), on.Committed(item), on.ItemAdded(item, "message", "user"),
                         on.CallerTranscript(item, self._talker.hears))  # fmt: skip

    def tell(self, command: do.ModelCommand) -> None:
        self.told.append(command)
        if isinstance(command, do.CreateResponse) and self._lines:
            asyncio.get_running_loop().call_soon(self._say, self._lines.pop(0))

    def _say(self, line: Says) -> None:
        self._said += 1
        name = f"{self._number}_{self._said}"
        calls = (on.FunctionCall(f"call_{name}", line.tool, line.arguments),) if line.tool else ()
        self.happens(on.ResponseCreated(f"r{name}"), on.ItemAdded(f"a{name}", "message", "assistant"))
        if self._sink is not None:
            self._sink.agent_audio(f"a{name}", SOUND)
        self.happens(on.TranscriptDone(f"a{name}", line.words), on.ResponseDone(f"r{name}", "completed", calls))

    def close(self) -> None:
        self._sink = None

    @property
    def restored(self) -> list[tuple[str, str]]:
        """What it was told of the conversation before it."""
        return [(one.speaker, one.text) for one in self.told if isinstance(one, do.AddMessage)]

    @property
    def first_words(self) -> str:
        """What it was asked to say first."""
        return next(one.instructions or "" for one in self.told if isinstance(one, do.CreateResponse))

    @property
    def tools(self) -> list[str]:
        """The tools it was offered."""
        return [tool["name"] for tool in self.config.tools]


@dataclass
class House:
    """The running house, and what it has stored."""

    url: str
    standin: Standin
    talker: Talker
    world: FakeWorld
    app: Any
    reports: list[CallReport] = field(default_factory=list)

    async def rings(self, **plan: Any) -> CallReport:
        """A caller rings the salon, ten times as fast as in life, until the call is over."""
        usual: dict[str, Any] = {"to": SALON, "from_": CALLER, "voice_url": f"{self.url}/webhook/voice", "speed": 10.0}
        made = CallPlan(**(usual | plan))
        self.reports.append(await asyncio.wait_for(self.standin.place_call(made), 90))
        return self.reports[-1]

    @property
    def call(self) -> CallLog:
        """The one call."""
        with db.scope(write=False):
            return cast(CallLog, CallLog.query.one())

    @property
    def transfers(self) -> list[Transfer]:
        """The attempts to put it through."""
        with db.scope(write=False):
            return list(Transfer.query.order_by(Transfer.id))

    @property
    def turns(self) -> list[ConversationTurn]:
        """What was said."""
        with db.scope(write=False):
            return list(ConversationTurn.query.order_by(ConversationTurn.sequence))

    @property
    def kinds(self) -> list[str]:
        """The kinds of the timeline's lines."""
        with db.scope(write=False):
            return [row.kind for row in CallEvent.query.order_by(CallEvent.id)]

    def events(self, kind: str) -> list[ProviderEvent]:
        """What the provider sent, of one kind."""
        with db.scope(write=False):
            return list(ProviderEvent.query.filter_by(kind=kind).order_by(ProviderEvent.id))

    @property
    def lines_in_use(self) -> int:
        """How many leases there are."""
        with db.scope(write=False):
            return int(CallLease.query.count())


async def until(true: Callable[[], Any], timeout_s: float = 20.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(timeout_s):
        while not true():
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def house(folder: Path, port: int, talker: Talker, **targets: bool) -> AsyncIterator[House]:
    """The salon with colleagues Anna and Ben (both warm unless `Anna=False`), recording nothing."""
    migrations.upgrade(db.configure(f"sqlite:///{folder / 'test.db'}"))
    url = f"http://127.0.0.1:{port}"
    settings = Settings(home=folder, database_url="", public_url=url, twilio_auth_token=TOKEN)
    standin = await Standin.start(account_sid=ACCOUNT, auth_token=TOKEN)
    world = FakeWorld(folder, clock=SystemClock())
    telephony = TwilioTelephony(ACCOUNT, TOKEN, standin.base_url)
    ports.install(
        world.ports(
            telephony=telephony, public_url=url, media_url=settings.media_url, realtime=cast(Any, talker),
            apply_event=routes_twilio.apply_event,
        )
    )  # fmt: skip
    with db.scope() as session:
        salon = save_business(**demo_business() | {"record_calls": False})
        for name, number in (("Anna", ANNA), ("Ben", BEN)):
            save_target(salon.id, name, number, warm=targets.get(name, True))
        session.commit()
    app = create_app(settings)
    config = uvicorn.Config(
        app, port=port, ws=cast(Any, MediaHandover), log_config=None, http="httptools", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield House(url, standin, talker, world, app)
    finally:
        await standin.stop()
        server.should_exit = True
        await asyncio.wait_for(serving, 20)
        ports.install(None)
        db.dispose()
