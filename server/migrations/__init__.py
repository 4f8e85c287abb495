"""Schema migrations. `upgrade` brings the database to the newest schema, once, whoever else starts at the same time."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

_LOCK_KEY = 727_170_001


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, without a file: the scripts live in this package."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest version. PostgreSQL holds an advisory lock; SQLite its write lock."""
    with engine.execution_options(begin_immediate=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        command.upgrade(config(connection), "head")


def pending(engine: Engine) -> bool:
    """True when the database's schema is not the newest."""
    newest = ScriptDirectory.from_config(config()).get_current_head()
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() != newest
