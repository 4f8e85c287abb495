"""The job engine as edges see it: DBOS, whose tables lie in our own database, so that a job joins our transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions
from sqlalchemy.engine import Engine

from server.db import db
from server.domain.jobs import ENGINE_VERSION, WORKFLOW, queue_of


class DbosQueue:
    """The `JobQueue` port: an enqueue is a row in the open transaction."""

    def __init__(self, engine: Engine) -> None:
        self._client = DBOSClient(system_database_engine=engine, serializer=DBOSPortableJSONSerializer(), lazy=True)

    def enqueue(self, kind: str, key: str, payload: Mapping[str, Any], *, delay_s: float = 0.0) -> None:
        """Join the open transaction with a job; a second one of the same `key` is the first."""
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": queue_of(kind),
            "workflow_id": key,
            "app_version": ENGINE_VERSION,
        }
        if delay_s > 0:
            options["delay_seconds"] = delay_s
        self._client.enqueue_in_transaction(db.session, options, kind, dict(payload))


def prepare(database_url: str) -> None:
    """Create or migrate the job engine's tables, which live outside Alembic; safe where several start at once.

    The engine takes a lock of its own meanwhile. No transaction of ours may be open around it: on PostgreSQL it builds
    indexes concurrently, which waits for every older transaction to end.
    """
    DBOS.migrate(database_url)
