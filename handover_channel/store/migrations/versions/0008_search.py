"""Adds the tables of the inbox's search. What there is gets in in steps, while the server runs.

Without FTS5, SQLite gets plain tables of the same names, which are read from end to end.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: Table of words -> whose, and by which column.
_WORDS = {"line_words": ("transcript", "id"), "searched_words": ("searched", "place")}


def upgrade() -> None:
    """Add the tables, and what takes words away with what they are of."""
    op.create_table(
        "searched",
        sa.Column("place", _Id, autoincrement=True, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_searched"),
        sa.UniqueConstraint("thread", "kind", "number", name="uq_searched_thread_kind_number"),
    )
    op.create_table(
        "search_progress",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_search_progress"),
    )
    for name, (of, key) in _WORDS.items():
        if op.get_bind().dialect.name == "postgresql":
            _on_postgresql(name, of, key)
        else:
            _on_sqlite(name, of, key)


def _on_postgresql(name: str, of: str, key: str) -> None:
    op.execute(
        f"CREATE TABLE {name} (id BIGINT PRIMARY KEY REFERENCES {of} ({key}) ON DELETE CASCADE, "
        "words TSVECTOR NOT NULL)"
    )
    # Without fastupdate: a search would read what is pending from end to end.
    op.execute(f"CREATE INDEX ix_{name}_words ON {name} USING gin (words) WITH (fastupdate = off)")


def _on_sqlite(name: str, of: str, key: str) -> None:
    has_fts5 = op.get_bind().exec_driver_sql("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").first()
    if has_fts5:
        op.execute(
            f"CREATE VIRTUAL TABLE {name} USING fts5(words, tokenize='ascii', detail='none', columnsize=0)"
        )
    else:
        op.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, words TEXT NOT NULL)")
    gone = f"BEGIN DELETE FROM {name} WHERE rowid = old.{key}; END"  # noqa: S608 - our own words
    op.execute(f"CREATE TRIGGER {name}_gone AFTER DELETE ON {of} {gone}")
    op.execute(f"CREATE TRIGGER {name}_changed AFTER UPDATE OF text ON {of} WHEN new.text <> old.text {gone}")
