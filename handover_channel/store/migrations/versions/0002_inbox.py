"""Adds the tables of the built-in inbox: assignments, waiting threads, replies and notes, and the agents."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Seconds = sa.Float(53)


def _text(name: str, **given: Any) -> sa.Column:
    return sa.Column(name, sa.Text, **{"nullable": False, **given})


def _id() -> sa.Column:
    return sa.Column("id", _Id, autoincrement=True, nullable=False)


def _at(name: str = "at") -> sa.Column:
    return sa.Column(name, _Seconds, nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def upgrade() -> None:
    """Add the inbox's tables, and its columns of the others."""
    _columns()
    _people()
    _conversations()


def _columns() -> None:
    op.add_column("threads", _text("assignee", server_default=""))
    for name in ("assigned_at", "waiting_since"):
        op.add_column("threads", sa.Column(name, _Seconds))
    for name in ("delivered_to", "read_to"):
        op.add_column("threads", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("transcript", _text("agent", server_default=""))
    op.add_column("changes", _text("note", server_default=""))
    waits, is_open = sa.text("waiting_since IS NOT NULL"), sa.text("control <> 'bot'")
    op.create_index(
        "ix_threads_waiting", "threads", ["waiting_since"], sqlite_where=waits, postgresql_where=waits
    )
    op.create_index("ix_threads_active_at", "threads", ["active_at", "id"])
    op.create_index(
        "ix_threads_active_open",
        "threads",
        ["active_at", "id"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    some = sa.text("assignee <> ''")
    op.create_index(
        "ix_threads_assignee",
        "threads",
        ["assignee", "active_at"],
        sqlite_where=some,
        postgresql_where=some,
    )
    was_back = sa.text("control = 'bot' AND reason <> ''")
    op.create_index(
        "ix_threads_returned",
        "threads",
        ["active_at", "id"],
        sqlite_where=was_back,
        postgresql_where=was_back,
    )
    is_done = sa.text("done_at IS NOT NULL")
    op.create_index(
        "ix_deliveries_done", "deliveries", ["done_at"], sqlite_where=is_done, postgresql_where=is_done
    )


def _people() -> None:
    op.create_table(
        "agents",
        _text("name"),
        _text("shown_name"),
        _text("password"),
        _text("role"),
        _text("picture", server_default=""),
        _text("persona", server_default=""),
        _text("preferences", server_default="{}"),
        _at("created_at"),
        _key("agents", "name"),
    )
    op.create_table(
        "sign_ins",
        _text("key"),
        _text("agent"),
        _text("csrf"),
        _text("proof_key", server_default=""),
        _text("preferences", server_default="{}"),
        _at("started_at"),
        _at("expires_at"),
        _key("sign_ins", "key"),
    )
    op.create_index("ix_sign_ins_agent", "sign_ins", ["agent"])
    op.create_table("entrance_keys", _text("key"), _at("expires_at"), _key("entrance_keys", "key"))
    op.create_table(
        "failed_sign_ins", _id(), _text("name"), _text("address"), _at(), _key("failed_sign_ins", "id")
    )
    op.create_index("ix_failed_sign_ins_name", "failed_sign_ins", ["name"])
    op.create_index("ix_failed_sign_ins_address", "failed_sign_ins", ["address"])
    op.create_table(
        "people",
        _text("thread"),
        _text("name"),
        _text("picture"),
        _at("fetched_at"),
        _key("people", "thread"),
    )


def _conversations() -> None:
    op.create_table("tags", _text("thread"), _text("tag"), _key("tags", "thread", "tag"))
    op.create_index("ix_tags_tag", "tags", ["tag"])
    op.create_table(
        "remarks", _id(), _text("thread"), _text("agent"), _at(), _text("text"), _key("remarks", "id")
    )
    op.create_index("ix_remarks_thread", "remarks", ["thread"])
    op.create_table(
        "replies",
        _id(),
        _text("key"),
        _text("thread"),
        _text("agent"),
        _at(),
        _text("text"),
        sa.Column("file", sa.LargeBinary),
        _text("file_name"),
        _text("file_type"),
        _text("state"),
        _text("error"),
        _key("replies", "id"),
        sa.UniqueConstraint("key", name="uq_replies_key"),
    )
    op.create_index("ix_replies_thread", "replies", ["thread"])
    op.create_table(
        "read_marks",
        _text("agent"),
        _text("thread"),
        sa.Column("person_at", sa.BigInteger, nullable=False),
        _key("read_marks", "agent", "thread"),
    )
    op.create_table(
        "presence",
        _text("page"),
        _text("agent"),
        _text("thread"),
        _at("seen_at"),
        _at("typing_at"),
        _key("presence", "page"),
    )
    op.create_index("ix_presence_agent", "presence", ["agent"])
    op.create_index("ix_presence_thread", "presence", ["thread"])
    op.create_table(
        "news", _id(), _text("thread"), _at(), _text("kind", server_default="news"), _key("news", "id")
    )
    op.create_index("ix_news_at", "news", ["at"])
