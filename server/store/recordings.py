"""What is known of a call's recording."""

from __future__ import annotations

import sqlalchemy as sa

from server.db import db
from server.models_sql import RecordingFile


def file_of(call_sid: str, *, lock: bool = False) -> RecordingFile | None:
    """The row of a call's one download; `lock` holds it until the transaction ends (PostgreSQL)."""
    query = sa.select(RecordingFile).where(RecordingFile.call_sid == call_sid)
    return db.session.scalars(query.with_for_update() if lock else query).one_or_none()
