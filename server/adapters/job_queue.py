"""The job engine as edges see it: DBOS, whose tables lie in our own database, so that a job joins our transaction."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, EnqueueOptions
from dbos._serialization import DBOSPortableJSONSerializer
from sqlalchemy.engine import Engine

from server.db import db
from server.domain.jobs import ENGINE_VERSION, QUEUE, WORKFLOW

_LOCK_KEY: Final = 727_170_002
_one_at_a_time = threading.Lock()


class DbosQueue:
    """The `JobQueue` port: an enqueue is a row in the open transaction."""

    def __init__(self, engine: Engine) -> None:
        self._client = DBOSClient(system_database_engine=engine, serializer=DBOSPortableJSONSerializer(), lazy=True)

    def enqueue(self, kind: str, key: str, payload: Mapping[str, Any]) -> None:
        """Join the open transaction with a job; a second one of the same `key` is the first."""
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": QUEUE,
            "workflow_id": key,
            "app_version": ENGINE_VERSION,
        }
        self._client.enqueue_in_transaction(db.session, options, kind, dict(payload))


def prepare(database_url: str) -> None:
    """Create or migrate the job engine's tables, one process at a time. They live outside Alembic."""
    with _one_at_a_time:
        if database_url.startswith("sqlite"):
            DBOS.migrate(database_url)
            return
        engine = sa.create_engine(database_url)
        try:
            with engine.begin() as connection:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
                DBOS.migrate(database_url)
        finally:
            engine.dispose()
