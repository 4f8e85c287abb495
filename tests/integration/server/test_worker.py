"""The worker as a process: regressions 19 to 24, with kill -9 where it hurts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa

from server.db import db
from server.tasks_recording import enqueue_call_followup, enqueue_recording_download_only
from server.worker import MAX_TAKEOVERS
from tests.integration.server.conftest import BOTH, Installation

ON_BOTH = pytest.mark.parametrize("installation", BOTH, indirect=True)
FINISHED = ["recording_fetched", "transcript_ready", "summary_ready"]


def follow_up(call_sid: str = "CA1") -> bool:
    with db.scope(), db.session.begin():
        return enqueue_call_followup(call_sid)


@ON_BOTH
def test_a_call_is_fetched_transcribed_and_summarised_once_whatever_is_repeated(installation: Installation) -> None:
    installation.call()
    assert [follow_up() for _ in range(3)] == [True, False, False]
    worker = installation.worker()
    call = installation.wait_for_summary()
    assert call.transcript_source == "recording"
    assert call.final_transcript == "[00:00] Caller: words 1\n[00:02] Agent: words 2"
    assert call.summary == "The caller asked for the opening hours."
    assert not follow_up()
    time.sleep(0.6)
    assert installation.timeline() == FINISHED
    assert installation.provider.asked == {"recording": 1, "transcription": 2, "summary": 1}
    said = [json.loads(line) for line in worker.lines]
    assert [line["event"] for line in said] == ["worker ready", "recording stored", "transcript ready", "summary ready"]


def test_regression_19_a_cached_file_does_not_skip_the_transcription(installation: Installation) -> None:
    call = installation.call()
    enqueue_recording_download_only(call.call_sid, installation.provider.recording_url, call.business_id)
    installation.worker()
    installation.wait(lambda: "recording_fetched" in installation.timeline(), "the download")
    assert installation.read().final_transcript is None
    follow_up()
    assert installation.wait_for_summary().transcript_source == "recording"
    assert installation.provider.asked["recording"] == 1


def test_regression_25_a_recording_that_is_404_at_first_is_asked_for_again(installation: Installation) -> None:
    installation.provider.refusals["recording"] = [404, 404]
    installation.call()
    follow_up()
    installation.worker()
    assert installation.wait_for_summary().transcript_source == "recording"
    assert installation.provider.asked["recording"] == 3


def test_a_recording_that_is_refused_for_good_leaves_the_realtime_transcript(installation: Installation) -> None:
    installation.provider.refusals["recording"] = [403] * 9
    installation.call()
    follow_up()
    worker = installation.worker()
    call = installation.wait_for_summary()
    assert call.transcript_source == "realtime"
    assert call.final_transcript == "[00:00] Caller: When are you open?\n[00:00] Agent: From nine."
    assert "job_failed" in installation.timeline()
    problem = next(json.loads(line) for line in worker.lines if '"error"' in line)
    assert (problem["level"], problem["call_sid"]) == ("error", "CA1")
    assert "403" in problem["error"]
    assert "transcription" not in installation.provider.asked


@ON_BOTH
@pytest.mark.parametrize("step", ["recording", "transcription", "summary"])
def test_kill_9_in_the_middle_of_a_step_leaves_the_rest_to_the_next_worker(
    installation: Installation, step: str
) -> None:
    installation.call()
    follow_up()
    installation.provider.hold(step)
    doomed = installation.worker()
    installation.provider.wait_until_asked(step)
    doomed.kill()
    installation.provider.let_go()
    installation.worker()
    call = installation.wait_for_summary()
    assert call.transcript_source == "recording"
    time.sleep(0.6)
    assert installation.timeline() == FINISHED
    asked = installation.provider.asked
    assert asked["recording"] <= 2
    assert asked["transcription"] <= 3
    assert asked["summary"] <= 2
    partial = Path(installation.environment["FRONTDESK_HOME"]) / "cache" / "partial"
    assert [path for path in partial.parent.rglob("*.wav") if partial not in path.parents]


@ON_BOTH
def test_a_second_worker_takes_over_while_it_runs(installation: Installation) -> None:
    installation.call()
    follow_up()
    installation.provider.hold("transcription")
    doomed = installation.worker()
    installation.provider.wait_until_asked("transcription")
    survivor = installation.worker()
    doomed.kill()
    installation.provider.let_go()
    installation.wait_for_summary()
    assert installation.timeline() == FINISHED
    assert any("dead worker" in line for line in survivor.lines)


@ON_BOTH
def test_a_job_that_killed_too_many_workers_is_given_up_where_it_can_be_seen(installation: Installation) -> None:
    installation.call()
    follow_up()
    table = "workflow_status" if db.engine.dialect.name == "sqlite" else "dbos.workflow_status"
    with db.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {table} SET recovery_attempts = :tries"), {"tries": MAX_TAKEOVERS + 1})
    worker = installation.worker()
    installation.wait(lambda: installation.timeline() == ["job_failed"], "the end of the job")
    time.sleep(0.8)
    assert installation.timeline() == ["job_failed"]
    assert installation.provider.asked == {}
    said = [json.loads(line) for line in worker.lines]
    assert [line["call_sid"] for line in said if line["event"] == "job given up"] == ["CA1"]


def test_told_to_stop_it_finishes_the_step_and_leaves_the_rest(installation: Installation) -> None:
    installation.call()
    follow_up()
    let_go = installation.provider.hold("transcription")
    worker = installation.worker()
    installation.provider.wait_until_asked("transcription")
    worker.tell_to_stop()
    time.sleep(0.3)
    let_go()
    assert worker.wait(8) == 0
    asked = installation.provider.asked["transcription"]
    installation.worker()
    installation.wait_for_summary()
    assert installation.provider.asked["transcription"] == asked, "what was transcribed was not kept"
    assert installation.timeline() == FINISHED


def test_a_job_that_waits_for_its_next_try_neither_blocks_others_nor_the_end(installation: Installation) -> None:
    installation.provider.refusals["recording"] = [503] * 60
    for number in range(3):
        installation.call(f"CA{number}")
        follow_up(f"CA{number}")
    installation.call("CAother", recorded=False)
    worker = installation.worker()
    installation.wait(lambda: installation.provider.asked["recording"] >= 9, "some tries")
    follow_up("CAother")
    assert installation.wait_for_summary("CAother").transcript_source == "realtime"
    began = time.monotonic()
    worker.tell_to_stop()
    assert worker.wait(8) == 0
    assert time.monotonic() - began < 5


def test_it_ends_with_its_parent(installation: Installation) -> None:
    parent = installation.process(parent_of_a_worker)
    child = int(parent.wait_for_line(r"child (\d+)")[1])
    parent.wait_for_line("worker ready")
    parent.kill()
    installation.wait(lambda: _is_gone(child), "the end of the worker", 8)


def parent_of_a_worker(environment: Mapping[str, str]) -> None:
    """Starts a worker as `serve` does, and waits."""
    child = subprocess.Popen([sys.executable, "-m", "tests.support.quick_worker"], env={**os.environ, **environment})
    sys.stdout.write(f"child {child.pid}\n")
    sys.stdout.flush()
    time.sleep(60)


def _is_gone(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return not status.exists() or "State:\tZ" in status.read_text()
