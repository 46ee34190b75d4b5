"""What people answer to predictions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prediction_id", sa.Text, nullable=False),
        sa.Column("client", sa.Text),
        sa.Column("rater", sa.Text),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("predicted", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("predicted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("text_sha256", sa.Text),
        sa.Column("comment", sa.Text),
        sa.PrimaryKeyConstraint("seq", name="pk_feedback"),
        sa.UniqueConstraint("event_id", name="uq_feedback_event_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feedback_prediction_id", "feedback", ["prediction_id"])
