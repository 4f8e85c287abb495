"""Two processes want one recording at once, as playback and worker do: regressions 19 and 21."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server import migrations
from server.db import db
from server.models_sql import Business, CallLog
from tests.support.fakes import RECORDING
from tests.support.machine import ROOT
from tests.support.provider import ACCOUNT, Provider

PLAYBACK = """
import json, sys
from pathlib import Path
from server import bootstrap
from server.config.settings import load
from server.db import db
from server.models_sql import CallLog
from server.services.recording_service import get_recording_file_for_call
bootstrap.build(load(json.loads(sys.argv[1])), process="test")
print("ready", flush=True)
sys.stdin.readline()
with db.scope():
    print(get_recording_file_for_call(CallLog.query.filter_by(call_sid="CA1").first()), flush=True)
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def environment(request: pytest.FixtureRequest, tmp_path: Path, provider: Provider) -> Iterator[dict[str, str]]:
    """One installation with one recorded call, on either database."""
    url = f"sqlite:///{tmp_path / 'test.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_database")
    migrations.upgrade(db.configure(url))
    with db.scope("server.services.businesses") as session:
        session.add(Business(name="Harbour Hair", phone_e164="+441632960101"))
        session.commit()
    with db.scope("server.routes_twilio") as session:
        session.add(CallLog(call_sid="CA1", business_id=1, direction="inbound", status="completed",
                            recording_url=provider.recording_url))  # fmt: skip
        session.commit()
    yield {
        "DATABASE_URL": url, "FRONTDESK_HOME": str(tmp_path / "home"),
        "RECORDINGS_URL": (tmp_path / "recordings").as_uri(), "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": "token", "TWILIO_API_BASE": provider.url,
        "OPENAI_BASE_URL": f"{provider.url}/v1", "OPENAI_API_KEY": "key",
    }  # fmt: skip
    db.dispose()


def test_two_processes_at_once_fetch_once(environment: dict[str, str], provider: Provider) -> None:
    let_go = provider.hold("recording")
    racing = [
        subprocess.Popen(
            [sys.executable, "-c", PLAYBACK, json.dumps(environment)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        for process in racing:
            assert process.stdout is not None and process.stdin is not None
            assert process.stdout.readline() == "ready\n"
        for process in racing:
            process.stdin.write("go\n")
            process.stdin.flush()
        provider.wait_until_asked("recording")
        time.sleep(0.5)  # the other one has found the claim taken by now, and waits
        let_go()
        paths = {process.communicate(timeout=30)[0].splitlines()[-1] for process in racing}
    finally:
        for process in racing:
            process.kill()
            process.wait()
    assert len(paths) == 1
    assert Path(paths.pop()).read_bytes() == RECORDING
    assert provider.asked["recording"] == 1
