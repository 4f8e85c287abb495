"""The main job: `frontdesk demo --once` places a real spoken call, and everything of it is stored.

One call at real pace serves all of these tests, so one of them carries the mark; the regressions named are those that
only a whole call can show.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from phoneaudio.wav import read_wav
from tests.support.ports import free_port

pytestmark = [pytest.mark.speech, pytest.mark.timeout(300)]
CALLER = "+447700900123"


@dataclass(frozen=True)
class Demo:
    """What one run of the demo left behind."""

    code: int
    output: str
    home: Path

    def rows(self, query: str) -> list[sqlite3.Row]:
        with sqlite3.connect(self.home / "demo" / "frontdesk.db") as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(query).fetchall()

    @property
    def log(self) -> list[dict[str, Any]]:
        lines = (self.home / "demo" / "frontdesk.log").read_text().splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "server.cli", "demo", "--once", "--port", str(free_port())]
    run = subprocess.run(
        command, env=os.environ | {"FRONTDESK_HOME": str(home)}, capture_output=True, text=True, timeout=280
    )
    return Demo(run.returncode, run.stdout + run.stderr, home)


@pytest.mark.realtime
def test_it_ends_well_when_everything_was_stored(demo: Demo) -> None:
    assert demo.code == 0, demo.output


def test_the_terminal_shows_the_call_with_its_times(demo: Demo) -> None:
    for shown in (
        r"00:0\d\.\d  phone     ringing",
        r"agent     “Thank you for calling Harbour Hair",
        r"heard     “Hello",
        r"On Saturday we are open from 10 am to 4 pm.”   \[answered in \d+ ms\]",
        r"agent     “Parking is free behind the building",
        r"frontdesk agent hangs up \(goodbye\)",
        r"frontdesk recording fetched",
        r"frontdesk post-call transcript ready \(from the recording\)",
        r"frontdesk summary ready",
        r"Booked: Maria Lopez, Thursday",
        r"median \d+ ms",
        r"Recording: .+\.wav",
    ):
        assert re.search(shown, demo.output), f"{shown} is missing in\n{demo.output}"


def test_the_call_is_stored_once_and_finished(demo: Demo) -> None:
    (call,) = demo.rows("SELECT * FROM call_logs")
    assert (call["status"], call["direction"], call["transcript_source"]) == ("completed", "inbound", "recording")
    assert 20 < call["duration"] < 120
    assert call["summary"] and "Maria Lopez" in call["summary"]
    assert re.search(r"\[00:\d\d\] Caller: .*opening hours", call["final_transcript"])


def test_regression_6_greeted_once_and_each_utterance_answered_once(demo: Demo) -> None:
    turns = demo.rows("SELECT * FROM conversation_turns ORDER BY sequence")
    said = [(turn["speaker"], turn["message"]) for turn in turns]
    assert [speaker for speaker, _ in said] == ["assistant", *["user", "assistant"] * 7]
    assert sum("Thank you for calling Harbour Hair. This call" in message for _, message in said) == 1
    assert all(
        turn["latency_ms"] is not None for turn in turns if turn["speaker"] == "assistant" and turn["sequence"] > 1
    )


def test_the_appointment_is_in_the_business_s_own_time(demo: Demo) -> None:
    (booked,) = demo.rows("SELECT * FROM appointments")
    assert booked["customer_name"] == "Maria Lopez"
    assert datetime.fromisoformat(booked["local_date"]).strftime("%A") == "Thursday"


def test_regressions_19_and_24_one_download_and_one_transcript(demo: Demo) -> None:
    (stored,) = demo.rows("SELECT * FROM recording_files")
    assert stored["state"] == "stored" and stored["size_bytes"] > 100_000
    kinds = [row["kind"] for row in demo.rows("SELECT kind FROM call_events")]
    for once in ("recording_started", "recording_fetched", "transcript_ready", "summary_ready", "hang_up"):
        assert kinds.count(once) == 1


def test_the_recording_holds_both_sides(demo: Demo) -> None:
    path = re.search(r"Recording: (.+\.wav)", demo.output)
    assert path is not None
    wav = read_wav(Path(path[1]))
    assert len(wav.channels) == 2 and wav.rate_hz == 8000
    assert all(len(set(channel)) > 20 for channel in wav.channels)


def test_regression_35_the_log_is_quiet_and_holds_nothing_personal(demo: Demo) -> None:
    lines = demo.log
    assert 10 <= len(lines) <= 20, "\n".join(str(line) for line in lines)
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    assert CALLER not in text and CALLER[1:] not in text
    for private in ("Maria", "receptionist", "Parking", "Saturday"):
        assert private not in text
    assert not any(line.get("level") in ("warning", "error") for line in lines), text
    assert len({(line["event"], line.get("process")) for line in lines}) == len(lines), "a line is repeated"
