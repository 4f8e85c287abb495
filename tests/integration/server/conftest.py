"""Real worker processes on a real database, with the outside world on one local port."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server import bootstrap, ports
from server.config.settings import Settings, load
from server.db import db
from server.models_sql import Business, CallEvent, CallLog, ConversationTurn
from tests.support.provider import ACCOUNT, Provider, serving
from tests.support.quick_worker import ForkedProcess, work

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
"""Parameters of the `installation` fixture for what must hold on both databases."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Twilio's recordings and OpenAI's API."""
    with serving() as made:
        yield made


@dataclasses.dataclass
class Installation:
    """One installation: its database and folder, and the worker processes that a test starts on it."""

    environment: dict[str, str]
    settings: Settings
    provider: Provider
    folder: Path
    processes: list[ForkedProcess] = dataclasses.field(default_factory=list)

    def worker(self) -> ForkedProcess:
        """A worker process that is ready for jobs."""
        process = self.process(work)
        process.wait_for_line("worker ready")
        return process

    def process(self, function: Callable[[Mapping[str, str]], None], **more: str) -> ForkedProcess:
        """A process that runs a function, which is given this installation's environment."""
        log = self.folder / f"process-{len(self.processes)}.log"
        self.processes.append(ForkedProcess(function, self.environment | more, log))
        return self.processes[-1]

    def call(self, call_sid: str = "CA1", *, recorded: bool = True) -> CallLog:
        """A finished call of the one business, with two turns of the realtime model."""
        now = datetime.now(UTC)
        with db.scope("server.services.businesses") as session:
            business = session.query(Business).first() or Business(name="Harbour Hair", phone_e164="+441632960101")
            session.add(business)
            session.commit()
        row = CallLog(call_sid=call_sid, business_id=business.id, direction="inbound", status="completed", ended_at=now)
        if recorded:
            row.recording_url, row.recording_status = self.provider.recording_url, "completed"
        with db.scope("server.routes_twilio") as session:
            session.add(row)
            session.commit()
        with db.scope("server.media_ws_ai") as session:
            for speaker, words in (("user", "When are you open?"), ("assistant", "From nine.")):
                session.add(
                    ConversationTurn(
                        call_sid=call_sid, call_log_id=row.id, speaker=speaker, message=words, started_ms=0
                    )
                )
                session.flush()
            session.commit()
        return row

    def read(self, call_sid: str = "CA1") -> CallLog:
        """The call as it is stored now."""
        with db.scope(write=False):
            found: CallLog = CallLog.query.filter_by(call_sid=call_sid).one()
            return found

    def timeline(self, call_sid: str = "CA1") -> list[str]:
        """What the call's timeline says, oldest first."""
        with db.scope(write=False):
            return [line.kind for line in CallEvent.query.filter_by(call_sid=call_sid).order_by(CallEvent.id)]

    def wait(self, until: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + timeout_s
        while not until():
            assert time.monotonic() < deadline, f"{what} did not happen within {timeout_s} s:\n" + "\n".join(
                line for process in self.processes for line in process.lines[-40:]
            )
            time.sleep(0.05)

    def wait_for_summary(self, call_sid: str = "CA1") -> CallLog:
        """Wait for the end of a call's follow-up."""
        self.wait(lambda: self.read(call_sid).summary is not None, "a summary")
        return self.read(call_sid)


@pytest.fixture
def installation(request: pytest.FixtureRequest, tmp_path: Path, provider: Provider) -> Iterator[Installation]:
    """On SQLite, or on what the test's indirect parameter says."""
    on_postgres = getattr(request, "param", "sqlite") == "postgresql"
    url = request.getfixturevalue("postgres_database") if on_postgres else f"sqlite:///{tmp_path / 'frontdesk.db'}"
    environment = {
        "DATABASE_URL": url,
        "FRONTDESK_HOME": str(tmp_path / "home"),
        "RECORDINGS_URL": (tmp_path / "recordings").as_uri(),
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_API_BASE": provider.url,
        "OPENAI_BASE_URL": f"{provider.url}/v1",
        "OPENAI_API_KEY": "key",
    }
    settings = load(environment)
    bootstrap.upgrade(settings)
    made = Installation(environment, bootstrap.build(settings), provider, tmp_path)
    try:
        yield made
    finally:
        provider.let_go()
        for process in made.processes:
            process.kill()
        ports.install(None)
        db.dispose()
