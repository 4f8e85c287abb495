"""Enqueue once: a job's key is a row with a unique constraint, in the transaction that caused the job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError

from server import ports
from server.db import acting_as, db
from server.models_sql import JobKey


def enqueue_once(kind: str, key: str, payload: Mapping[str, Any], *, delay_s: float = 0.0) -> bool:
    """Join the open transaction with a job unless `kind:key` was enqueued before; True when it was added.

    It is not begun before `delay_s` seconds have passed.

    ✅ OWNER: the deduplication of jobs. A rollback takes the key and the job with it.
    """
    job_key = f"{kind}:{key}"
    with acting_as("server.services.job_keys"):
        try:
            with db.session.begin_nested():
                db.session.add(JobKey(job_key=job_key, kind=kind))
        except IntegrityError:
            return False
    later = {"delay_s": delay_s} if delay_s > 0 else {}
    ports.current().jobs.enqueue(kind, job_key, payload, **later)
    return True
