"""Alembic's entry: runs on the connection that `server.migrations.upgrade` holds."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context

from server.models_sql import Base, UtcDateTime


def _render(kind: str, item: Any, _: Any) -> Any:
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _ours(item: Any, name: str | None, kind: str, *_: Any) -> bool:
    """The job engine's tables share the database and are no business of ours."""
    return kind != "table" or name in Base.metadata.tables


def _run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=_render,
        include_object=_ours,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=False,
    )
    context.run_migrations()


_run(context.config.attributes["connection"])
