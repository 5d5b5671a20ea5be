"""Edits and reactions, what messages answer, and other events that agents are to see."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables of edits and events, and the transcript's columns."""
    op.add_column("transcript", sa.Column("reply_to", sa.Text, nullable=False, server_default=""))
    op.add_column("transcript", sa.Column("original", sa.Text))
    op.create_table(
        "edits",
        sa.Column("id", _Id, autoincrement=True, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("mid", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_edits"),
    )
    op.create_index("ix_edits_message", "edits", ["thread", "mid"])
    op.create_table(
        "thread_events",
        sa.Column("id", _Id, autoincrement=True, nullable=False),
        sa.Column("delivery", sa.BigInteger, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("mid", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_thread_events"),
        sa.UniqueConstraint("delivery", name="uq_thread_events_delivery"),
    )
    op.create_index("ix_thread_events_time", "thread_events", ["thread", "timestamp"])
