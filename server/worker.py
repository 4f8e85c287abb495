"""The worker process: durable jobs around and after calls, and taking over those of a worker that died.

DBOS remembers each finished step in our own database. It recovers what was pending by executor id, and every worker
process has an id of its own, so the take-over is ours: a worker beats; one whose beat stopped loses its row to whoever
deletes it, and that one resumes the jobs.

✅ OWNER: the running of jobs, and `worker_beats`.
"""

from __future__ import annotations

import functools
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from server import ports, tasks_calls, tasks_recording
from server.config.settings import Settings
from server.db import acting_as, db
from server.domain.jobs import (
    CALLS_QUEUE,
    DIAL_QUEUE,
    DIALS_PER_SECOND,
    ENGINE_VERSION,
    QUEUE,
    RECONCILE,
    WORKFLOW,
    queue_of,
)
from server.domain.verdicts import Cancel, Done, Retry, Step, Verdict
from server.logging_setup import RateLimiter, get_logger
from server.models_sql import WorkerBeat
from server.services import recording_service

log = get_logger(__name__)

OWNER: Final = "server.worker"
CONCURRENCY: Final = 2
"""Steps after calls that run at once. A job that waits for its next try holds none of these places."""
CALLS_CONCURRENCY: Final = 4
"""Steps around calls in progress that run at once: nobody on the phone waits for a transcription."""
JOBS_AT_ONCE: Final = 64
"""Jobs this worker has begun, the waiting ones included."""
CRASH_DELAYS_S: Final = (1.0, 5.0, 30.0, 120.0)
POLL_S: Final = 0.2
BEAT_S: Final = 2.0
DEAD_AFTER: Final = timedelta(seconds=10)
RECONCILE_EVERY_S: Final = 60.0
KEEP: Final = timedelta(days=14)
"""How long the job engine's own record of a finished job is kept; our keys stay."""
MAX_TAKEOVERS: Final = 8
"""A job that was running in so many workers when they died is likely what killed them."""
CLEAN_EVERY_S: Final = 3600.0
STOP_GRACE_S: Final = 10.0

JOBS: Final = {**tasks_recording.JOBS, **tasks_calls.JOBS}
_slots = threading.Semaphore(CONCURRENCY)
_call_slots = threading.Semaphore(CALLS_CONCURRENCY)


# --- jobs ------------------------------------------------------------------------------------------------------------


@DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MAX_TAKEOVERS)
def job(kind: str, payload: dict[str, Any]) -> str:
    """Run one job of `JOBS`, each of its steps durable; returns what came of it, in words."""
    call_sid = str(payload.get("call_sid", ""))
    places = _slots if queue_of(kind) == QUEUE else _call_slots
    try:
        outcome = JOBS[kind](payload, functools.partial(durably, call_sid, places=places))
    except Exception as problem:
        log.error("job failed", job=kind, call_sid=call_sid, error=repr(problem), exc_info=problem)
        _note_failure(call_sid, kind, f"{type(problem).__name__}: {problem}")
        raise
    return f"cancelled: {outcome.reason}" if isinstance(outcome, Cancel) else "done"


def durably(call_sid: str, name: str, step: Step, *, places: threading.Semaphore = _slots) -> Done | Cancel:
    """Run a step until it is done or cancelled. What it said is remembered; a retry waits its delay, over restarts."""
    tried = 0
    while True:
        with places:
            record = DBOS.run_step({"name": f"{name} ({tried})"}, _attempt, call_sid, name, step, tried)
        said = _verdict(record)
        if not isinstance(said, Retry):
            return said
        DBOS.sleep(said.delay_s)
        tried += said.counts


def _attempt(call_sid: str, name: str, step: Step, tried: int) -> dict[str, Any]:
    """One try of a step; what the step did not foresee is tried again a few times, and then given up with a line."""
    try:
        return _record(step(tried))
    except Exception as problem:
        # A job's edge: whatever went wrong, the job goes on, or ends in words.
        error = f"{type(problem).__name__}: {problem}"
        log.error("job step crashed", call_sid=call_sid, step=name, tried=tried, error=error, exc_info=problem)
        if tried < len(CRASH_DELAYS_S):
            return _record(Retry(CRASH_DELAYS_S[tried], error))
        _note_failure(call_sid, name, error)
        return _record(Cancel(error))


def _note_failure(call_sid: str, what: str, error: str) -> None:
    """A line in the call's timeline, where the job is about a call."""
    if call_sid:
        tasks_recording.note_failure(call_sid, what, error)


def _record(verdict: Verdict) -> dict[str, Any]:
    """A verdict as the job engine keeps it."""
    match verdict:
        case Done():
            return {"verdict": "done", "value": verdict.value}
        case Cancel():
            return {"verdict": "cancel", "reason": verdict.reason}
        case Retry():
            return {
                "verdict": "retry", "reason": verdict.reason, "delay_s": verdict.delay_s, "counts": verdict.counts
            }  # fmt: skip


def _verdict(record: Mapping[str, Any]) -> Verdict:
    match record["verdict"]:
        case "done":
            return Done(record["value"])
        case "cancel":
            return Cancel(record["reason"])
        case _:
            return Retry(record["delay_s"], record["reason"], record.get("counts", True))


# --- the life of a worker --------------------------------------------------------------------------------------------


def run(settings: Settings) -> None:
    """Work until told to stop; the ports are installed already."""
    executor = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    beat(executor)
    logging.getLogger("dbos").addHandler(logging.NullHandler())  # else the job engine adds one that is not JSON
    DBOS(config=_config(settings, executor))
    DBOS.launch()
    _register_queues()
    log.info("worker ready")
    status = 0
    try:
        _watch(executor, stop)
    except Exception as problem:
        # The process's edge: whatever it was, jobs are handed on in order before the process ends.
        log.error("worker failed", error=f"{type(problem).__name__}: {problem}", exc_info=problem)
        status = 1
    _let_steps_finish()
    DBOS.destroy()
    _forget(executor)
    log.info("worker stopped")
    _leave(status)


def _register_queues() -> None:
    """The account's pace of dialling is the job engine's rate limit, which all workers share."""
    for name, limit in ((QUEUE, None), (CALLS_QUEUE, None), (DIAL_QUEUE, DIALS_PER_SECOND)):
        DBOS.register_queue(
            name, worker_concurrency=JOBS_AT_ONCE, polling_interval_sec=POLL_S, on_conflict="always_update",
            limiter=None if limit is None else {"limit": limit, "period": 1.0},
        )  # fmt: skip


def _let_steps_finish() -> None:
    """Take every place, so that no step runs and none begins; what was not finished is for another worker to resume."""
    deadline = time.monotonic() + STOP_GRACE_S
    for places, number in ((_call_slots, CALLS_CONCURRENCY), (_slots, CONCURRENCY)):
        for _ in range(number):
            places.acquire(timeout=max(0.0, deadline - time.monotonic()))


def _leave(status: int) -> None:
    """End the process even where the job engine's threads sleep towards a retry, which Python would wait for."""
    if any(thread.name.startswith("dbos-executor") for thread in threading.enumerate()):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _config(settings: Settings, executor: str) -> DBOSConfig:
    return {
        "name": "frontdesk",
        "system_database_url": settings.database_url,
        "executor_id": executor,
        "application_version": ENGINE_VERSION,
        "serializer": DBOSPortableJSONSerializer(),
        "run_migrations": False,
        "enable_otlp": False,
        "log_level": "WARNING",
        "notification_listener_polling_interval_sec": 1.0,
    }


def _watch(executor: str, stop: threading.Event) -> None:
    """Beat, take over the jobs of the dead, and forget what finished long ago."""
    limiter, parent = RateLimiter(), os.getppid()
    while not stop.wait(BEAT_S):
        if os.getppid() != parent:
            log.warning("the parent process is gone: the worker stops")
            return
        try:
            beat(executor)
            reap(executor)
            bury()
            if limiter.every("reconcile", RECONCILE_EVERY_S):
                schedule_reconciling()
            if limiter.every("clean", CLEAN_EVERY_S):
                clean()
        except SQLAlchemyError as problem:
            if limiter.every("database", 30.0):
                log.error("the worker can't reach the database", error=type(problem).__name__)


def schedule_reconciling() -> None:
    """Have this minute's reconciling done by one of the workers: its key is the minute, which all of them share."""
    minute = ports.current().clock.now().strftime("%Y-%m-%dT%H:%M")
    with db.scope() as session:
        ports.current().jobs.enqueue(RECONCILE, f"{RECONCILE}:{minute}", {})
        session.commit()


def beat(executor: str) -> None:
    """Say that this worker lives.

    ✅ OWNER: the `worker_beats` table.
    """
    now = ports.current().clock.now()
    with db.scope() as session, acting_as(OWNER):
        row = session.scalars(sa.select(WorkerBeat).where(WorkerBeat.executor_id == executor)).one_or_none()
        if row is None:
            session.add(WorkerBeat(executor_id=executor, beat_at=now))
        else:
            row.beat_at = now
        session.commit()


def reap(executor: str) -> None:
    """Resume the jobs of every worker whose beat stopped, and of those that died before their first beat."""
    limit = ports.current().clock.now() - DEAD_AFTER
    with db.scope(write=False) as session:
        beats = {row.executor_id: row.beat_at for row in session.scalars(sa.select(WorkerBeat))}
    dead = {name for name, at in beats.items() if at < limit and name != executor}
    for status in DBOS.list_workflows(status="PENDING", name=WORKFLOW, load_input=False, load_output=False):
        started = datetime.fromtimestamp((status.updated_at or 0) / 1000, UTC)
        if status.executor_id not in beats and started < limit:
            dead.add(str(status.executor_id))
    for name in sorted(dead):
        take_over(name)


def take_over(executor: str) -> None:
    """Give a dead worker's jobs back to the queue.

    The engine does so only to what that worker still holds, so that two reapers at once do no harm, and counts it,
    which `DBOS.resume_workflow` would not: a job that kills every worker comes to an end.
    """
    resumed = DBOS._recover_pending_workflows([executor])
    _forget(executor)
    if resumed:
        log.warning("took over the jobs of a dead worker", jobs=[handle.get_workflow_id() for handle in resumed])


def bury() -> None:
    """Make visible what was given up after too many take-overs; cancelled, it is not found again."""
    for status in DBOS.list_workflows(status="MAX_RECOVERY_ATTEMPTS_EXCEEDED", name=WORKFLOW, load_output=False):
        kind, payload = (status.input or {"args": ("", {})})["args"]
        call_sid, error = str(payload.get("call_sid", "")), f"it was running when {MAX_TAKEOVERS} workers died"
        _note_failure(call_sid, kind, error)
        log.error("job given up", call_sid=call_sid, job=status.workflow_id, error=error,
                  remedy="look for what killed the workers, such as too little memory")  # fmt: skip
        DBOS.cancel_workflow(status.workflow_id)


def _forget(executor: str) -> None:
    """Remove a worker's beat."""
    with db.scope() as session, acting_as(OWNER):
        session.execute(sa.delete(WorkerBeat).where(WorkerBeat.executor_id == executor))
        session.commit()


def clean() -> None:
    """Forget the job engine's records of what finished long ago, and half-fetched files of workers that were killed."""
    recording_service.sweep_partial_files()
    before = (ports.current().clock.now() - KEEP).isoformat()
    old = DBOS.list_workflows(
        status=["SUCCESS", "ERROR", "CANCELLED"], end_time=before, limit=1000, load_input=False, load_output=False
    )
    if old:
        DBOS.delete_workflows([status.workflow_id for status in old])
