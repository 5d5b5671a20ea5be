"""The tables. Times ending in `_at` are seconds since the epoch, UTC, by our clock; `timestamp`, `seen` and
`stamp` are milliseconds by Meta's. A change here needs a migration in `migrations/versions/`.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

#: SQLite counts up only an INTEGER primary key.
_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Seconds = sa.Float(53)

threads = sa.Table(
    "threads",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # PSID: Rasa's conversation id
    sa.Column("channel", sa.Text, nullable=False),  # name of the Rasa channel
    sa.Column("page", sa.Text, nullable=False),
    # Who has control: control.State
    sa.Column("control", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("stamp", sa.BigInteger, nullable=False),
    sa.Column("precedence", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),  # of the last change
    sa.Column("changed_at", _Seconds, nullable=False),
    sa.Column("until", _Seconds),  # when the time limit returns the thread
    sa.Column("version", sa.Integer, nullable=False),  # counts the writes of control; guards them
    # A way back that Meta refused
    sa.Column("wanted", sa.Text, nullable=False),  # the reason to return for, "" for none
    sa.Column("refusal", sa.Text, nullable=False),  # what Meta said, and what to do
    sa.Column("attempts", sa.Integer, nullable=False),
    # What was seen
    sa.Column("seen", sa.BigInteger, nullable=False),  # newest event that was worked off
    sa.Column("active_at", _Seconds, nullable=False),  # last event, by our clock
    sa.Column("person_at", sa.BigInteger, nullable=False),  # last message of the person, Meta's clock
    sa.Column("context", sa.Text, nullable=False),  # JSON: referral and opt-in for the next message
    sa.Column("answers_from", sa.BigInteger, nullable=False),  # older deliveries are backlog
)

_open = sa.text("control <> 'bot'")
sa.Index(
    "ix_threads_open",
    threads.c.control,
    threads.c.target,
    threads.c.wanted,
    sqlite_where=_open,
    postgresql_where=_open,
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("thread", sa.Text, nullable=False),
    sa.Column("timestamp", sa.BigInteger, nullable=False),  # order within the thread, then id
    sa.Column("kind", sa.Text, nullable=False),  # "event", or a note to the worker: "returned", "muted"
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("received_at", _Seconds, nullable=False),
    sa.Column("done_at", _Seconds),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),  # how often it was begun
    sa.Column("failures", sa.Integer, nullable=False),  # how often that ended in an error
)
_waiting = deliveries.c.done_at.is_(None)
sa.Index(
    "ix_deliveries_waiting",
    deliveries.c.thread,
    deliveries.c.timestamp,
    deliveries.c.id,
    sqlite_where=_waiting,
    postgresql_where=_waiting,
)

_failed = sa.text("outcome = 'failed'")
sa.Index("ix_deliveries_failed", deliveries.c.id, sqlite_where=_failed, postgresql_where=_failed)
sa.Index(
    "ix_deliveries_oldest",
    deliveries.c.received_at,
    deliveries.c.id,
    sqlite_where=_waiting,
    postgresql_where=_waiting,
)

claims = sa.Table(
    "claims",
    metadata,
    sa.Column("thread", sa.Text, primary_key=True),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("until", _Seconds, nullable=False),
)

sent = sa.Table(
    "sent",
    metadata,
    sa.Column("tag", sa.Text, primary_key=True),  # delivery and number of a message of ours
    sa.Column("at", _Seconds, nullable=False),
)

deadlines = sa.Table(
    "deadlines",
    metadata,
    sa.Column("thread", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("due_at", _Seconds, nullable=False, index=True),
)

transcript = sa.Table(
    "transcript",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("thread", sa.Text, nullable=False, index=True),
    sa.Column("mid", sa.Text),  # null: Meta gave none
    sa.Column("timestamp", sa.BigInteger, nullable=False),
    sa.Column("author", sa.Text, nullable=False),  # "person", "agent", "bot", "app"
    sa.Column("app_id", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("attachments", sa.Text, nullable=False),  # JSON list
    sa.UniqueConstraint("thread", "mid"),
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("thread", sa.Text, nullable=False, index=True),
    sa.Column("at", _Seconds, nullable=False),
    sa.Column("control_before", sa.Text, nullable=False),
    sa.Column("control", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
)
