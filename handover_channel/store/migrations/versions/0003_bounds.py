"""Bounds for the effect of a delivery, the ids of sent messages, and findings about the set-up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns and the table; given up is now more than what failed."""
    op.add_column("threads", sa.Column("released_from", sa.Text, nullable=False, server_default=""))
    op.add_column("threads", sa.Column("release_refused", sa.Integer, nullable=False, server_default="0"))
    op.add_column("deliveries", sa.Column("rounds", sa.Integer, nullable=False, server_default="0"))
    op.add_column("sent", sa.Column("mid", sa.Text, nullable=False, server_default=""))
    has_mid = sa.text("mid <> ''")
    op.create_index("ix_sent_mid", "sent", ["mid"], sqlite_where=has_mid, postgresql_where=has_mid)
    op.drop_index("ix_deliveries_failed", table_name="deliveries")
    given_up = sa.text("outcome IN ('failed', 'not sent', 'over budget')")
    op.create_index(
        "ix_deliveries_failed", "deliveries", ["id"], sqlite_where=given_up, postgresql_where=given_up
    )
    op.create_table(
        "findings",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_findings"),
    )
