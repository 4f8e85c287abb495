"""The life of a call: requested calls, lines in use, what answered, and what a business does without its agent"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ADDED = {
    "businesses": (
        sa.Column("max_calls", sa.Integer(), nullable=False, server_default="10"),
        sa.Column("fallback_number", sa.String(length=20), nullable=True),
        sa.Column("voicemail_message", sa.Text(), nullable=True),
        sa.Column("outbound_countries", sa.JSON(), nullable=True),
    ),
    "call_logs": (
        sa.Column("recording_source", sa.String(length=16), nullable=True),
        sa.Column("answered_by", sa.String(length=32), nullable=True),
        sa.Column("disposition", sa.String(length=24), nullable=True),
    ),
    "provider_events": (sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),),
}


def upgrade() -> None:
    for table, columns in ADDED.items():
        for column in columns:
            op.add_column(table, column)
    op.create_table(
        "outbound_calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("business_id", sa.Integer(), nullable=False),
        sa.Column("dedup_key", sa.String(length=200), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("to_number", sa.String(length=20), nullable=False),
        sa.Column("from_number", sa.String(length=20), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("instructions", sa.Text(), nullable=True),
        sa.Column("customer_name", sa.String(length=200), nullable=True),
        sa.Column("voicemail_message", sa.Text(), nullable=True),
        sa.Column("machine_detection", sa.Boolean(), nullable=False),
        sa.Column("time_limit_s", sa.Integer(), nullable=False),
        sa.Column("ring_timeout_s", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("call_sid", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dialed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("business_id", "dedup_key"),
        sa.UniqueConstraint("request_id"),
        sa.UniqueConstraint("call_sid"),
    )
    op.create_index("ix_outbound_calls_business_id", "outbound_calls", ["business_id"])
    op.create_index("ix_outbound_calls_state_id", "outbound_calls", ["state", "id"])
    op.create_table(
        "call_leases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lease_key", sa.String(length=64), nullable=False),
        sa.Column("business_id", sa.Integer(), nullable=False),
        sa.Column("business_slot", sa.Integer(), nullable=False),
        sa.Column("installation_slot", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("lease_key"),
        sa.UniqueConstraint("business_id", "business_slot"),
        sa.UniqueConstraint("installation_slot"),
    )
    op.create_index("ix_call_leases_expires_at", "call_leases", ["expires_at"])


def downgrade() -> None:
    op.drop_table("call_leases")
    op.drop_table("outbound_calls")
    # Not in batch mode: rows of other tables name these, and SQLite would refuse to make the tables anew.
    for table, columns in ADDED.items():
        for column in columns:
            op.drop_column(table, column.name)
