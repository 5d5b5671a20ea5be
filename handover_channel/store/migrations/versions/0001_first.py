"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Seconds = sa.Float(53)


def _text(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str, kind: type = sa.BigInteger) -> sa.Column:
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "threads",
        _text("id"),
        _text("channel"),
        _text("page"),
        _text("control"),
        _text("owner"),
        _text("target"),
        _number("stamp"),
        _number("precedence", sa.Integer),
        _text("reason"),
        sa.Column("changed_at", _Seconds, nullable=False),
        sa.Column("until", _Seconds),
        _number("version", sa.Integer),
        _text("wanted"),
        _text("refusal"),
        _number("attempts", sa.Integer),
        _number("seen"),
        sa.Column("active_at", _Seconds, nullable=False),
        _number("person_at"),
        _text("context"),
        _number("answers_from"),
        sa.PrimaryKeyConstraint("id", name="pk_threads"),
    )
    op.create_index(
        "ix_threads_open",
        "threads",
        ["control", "target", "wanted"],
        sqlite_where=sa.text("control <> 'bot'"),
        postgresql_where=sa.text("control <> 'bot'"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", _Id, autoincrement=True, nullable=False),
        _text("key"),
        _text("thread"),
        _number("timestamp"),
        _text("kind"),
        _text("body"),
        sa.Column("received_at", _Seconds, nullable=False),
        sa.Column("done_at", _Seconds),
        _text("outcome"),
        _number("attempts", sa.Integer),
        _number("failures", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("key", name="uq_deliveries_key"),
    )
    op.create_index(
        "ix_deliveries_waiting",
        "deliveries",
        ["thread", "timestamp", "id"],
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index(
        "ix_deliveries_failed",
        "deliveries",
        ["id"],
        sqlite_where=sa.text("outcome = 'failed'"),
        postgresql_where=sa.text("outcome = 'failed'"),
    )
    op.create_index(
        "ix_deliveries_oldest",
        "deliveries",
        ["received_at", "id"],
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "claims",
        _text("thread"),
        _text("worker"),
        sa.Column("until", _Seconds, nullable=False),
        sa.PrimaryKeyConstraint("thread", name="pk_claims"),
    )
    op.create_table(
        "sent",
        _text("tag"),
        sa.Column("at", _Seconds, nullable=False),
        sa.PrimaryKeyConstraint("tag", name="pk_sent"),
    )
    op.create_table(
        "deadlines",
        _text("thread"),
        _text("kind"),
        sa.Column("due_at", _Seconds, nullable=False),
        sa.PrimaryKeyConstraint("thread", "kind", name="pk_deadlines"),
    )
    op.create_index("ix_deadlines_due_at", "deadlines", ["due_at"])
    op.create_table(
        "transcript",
        sa.Column("id", _Id, autoincrement=True, nullable=False),
        _text("thread"),
        _text("mid", nullable=True),
        _number("timestamp"),
        _text("author"),
        _text("app_id"),
        _text("text"),
        _text("attachments"),
        sa.PrimaryKeyConstraint("id", name="pk_transcript"),
        sa.UniqueConstraint("thread", "mid", name="uq_transcript_thread_mid"),
    )
    op.create_index("ix_transcript_thread", "transcript", ["thread"])
    op.create_table(
        "changes",
        sa.Column("id", _Id, autoincrement=True, nullable=False),
        _text("thread"),
        sa.Column("at", _Seconds, nullable=False),
        _text("control_before"),
        _text("control"),
        _text("owner"),
        _text("target"),
        _text("reason"),
        _text("who"),
        sa.PrimaryKeyConstraint("id", name="pk_changes"),
    )
    op.create_index("ix_changes_thread", "changes", ["thread"])
