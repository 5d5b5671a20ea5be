"""Acts of agents (claims, tags, notes, sign-ins, roles), and an index by which the log is read by time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table of acts, and the indexes of audit and report."""
    op.create_table(
        "acts",
        sa.Column("id", _Id, autoincrement=True, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("whom", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_acts"),
    )
    op.create_index("ix_acts_thread", "acts", ["thread"])
    op.create_index("ix_acts_at", "acts", ["at"])
    op.create_index("ix_changes_at", "changes", ["at"])
