"""Tools: booking rules, time that bookings hold, colleagues, HTTP tools and runs"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_UNIT_S = 300
_OLD_MINUTES = 30
# The first migration named no constraint: PostgreSQL did, SQLite kept none, and batch mode needs one to drop.
_NAMING = {"uq": "uq_%(table_name)s_%(column_0_name)s"}


def upgrade() -> None:
    with op.batch_alter_table("businesses", schema=None) as batch_op:
        for name in ("services", "tools_off", "tool_hosts"):
            batch_op.add_column(sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
        for name, value in (("slot_minutes", "30"), ("book_ahead_days", "366"), ("least_notice_minutes", "0")):
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default=value))
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("appointments", schema=None, naming_convention=_NAMING) as batch_op:
        batch_op.add_column(sa.Column("minutes", sa.Integer(), nullable=False, server_default=str(_OLD_MINUTES)))
        batch_op.add_column(sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.drop_constraint(_start_constraint(), type_="unique")
        batch_op.create_index("ix_appointments_business_id_local_date", ["business_id", "local_date"], unique=False)
    op.create_table(
        "booked_units",
        sa.Column("business_id", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("appointment_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"]),
        sa.ForeignKeyConstraint(["appointment_id"], ["appointments.id"]),
        sa.PrimaryKeyConstraint("business_id", "unit"),
    )
    with op.batch_alter_table("booked_units", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_booked_units_appointment_id"), ["appointment_id"], unique=False)
    _take_booked_time()
    _create_tool_tables()


def _start_constraint() -> str:
    if op.get_bind().dialect.name == "sqlite":
        return "uq_appointments_business_id"
    return "appointments_business_id_starts_at_key"


def _take_booked_time() -> None:
    """Every appointment that is stored holds its half hour; of two that overlap (the hours changed), the first."""
    bind = op.get_bind()
    booked = sa.table(
        "appointments", sa.column("id"), sa.column("business_id"), sa.column("starts_at", sa.DateTime(timezone=True))
    )
    taken: dict[tuple[int, int], int] = {}
    for row in bind.execute(sa.select(booked).order_by(booked.c.id)):
        first = _epoch(row.starts_at) // _UNIT_S
        for unit in range(first, first + _OLD_MINUTES * 60 // _UNIT_S):
            taken.setdefault((row.business_id, unit), row.id)
    rows: list[dict[str, Any]] = [
        {"business_id": business, "unit": unit, "booking": appointment}
        for (business, unit), appointment in taken.items()
    ]
    if rows:
        # audit: allow[column-outside-owner] a migration fills the table that it makes, and is nobody on the map
        insert = "INSERT INTO booked_units (business_id, unit, appointment_id) VALUES (:business_id, :unit, :booking)"
        bind.execute(sa.text(insert), rows)


def _epoch(starts: datetime) -> int:
    return int((starts if starts.tzinfo else starts.replace(tzinfo=UTC)).timestamp())


def _create_tool_tables() -> None:
    op.create_table(
        "transfer_targets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("business_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("name_key", sa.String(length=100), nullable=False),
        sa.Column("phone_e164", sa.String(length=20), nullable=False),
        sa.Column("purpose", sa.String(length=300), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("business_id", "name_key"),
    )
    op.create_table(
        "http_tools",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("business_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("secrets", sa.JSON(), nullable=False),
        sa.Column("timeout_ms", sa.Integer(), nullable=False),
        sa.Column("max_bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("business_id", "name"),
    )
    op.create_table(
        "tool_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_key", sa.String(length=160), nullable=False),
        sa.Column("business_id", sa.Integer(), nullable=False),
        sa.Column("call_sid", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("request_key"),
    )
    with op.batch_alter_table("tool_runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tool_runs_business_id"), ["business_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tool_runs_call_sid"), ["call_sid"], unique=False)


def downgrade() -> None:
    for table in ("tool_runs", "http_tools", "transfer_targets", "booked_units"):
        op.drop_table(table)
    op.execute("DELETE FROM appointments WHERE cancelled_at IS NOT NULL")
    with op.batch_alter_table("appointments", schema=None) as batch_op:
        batch_op.drop_index("ix_appointments_business_id_local_date")
        batch_op.drop_column("cancelled_at")
        batch_op.drop_column("minutes")
        batch_op.create_unique_constraint(_start_constraint(), ["business_id", "starts_at"])
    # Not in batch mode: rows of other tables name these, and SQLite would refuse to make the tables anew.
    op.drop_column("messages", "handled_at")
    for name in ("least_notice_minutes", "book_ahead_days", "slot_minutes", "tool_hosts", "tools_off", "services"):
        op.drop_column("businesses", name)
