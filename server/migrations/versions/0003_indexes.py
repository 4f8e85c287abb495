"""Find calls and bookings by contact and calls by status"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("appointments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_appointments_contact_id"), ["contact_id"], unique=False)

    with op.batch_alter_table("call_logs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_call_logs_contact_id"), ["contact_id"], unique=False)
        batch_op.create_index("ix_call_logs_status_id", ["status", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("call_logs", schema=None) as batch_op:
        batch_op.drop_index("ix_call_logs_status_id")
        batch_op.drop_index(batch_op.f("ix_call_logs_contact_id"))

    with op.batch_alter_table("appointments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_appointments_contact_id"))
