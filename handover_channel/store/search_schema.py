"""Defines what the inbox's search keeps beside what it searches (search_index.py).

The words themselves are in `line_words` and `searched_words`, by the ids of `transcript` and the places of
`searched`: tables of FTS5 on SQLite, with a tsvector on PostgreSQL. Migration 0008 makes them, as SQLAlchemy
cannot describe them.
"""

from __future__ import annotations

import sqlalchemy as sa

from handover_channel.store.schema import metadata

#: What is searched beside the transcript: names of people, and what was said to the bot before a handover.
searched = sa.Table(
    "searched",
    metadata,
    sa.Column(
        "place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
    ),
    sa.Column("thread", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # "name"; "person", "bot": who said it
    sa.Column("number", sa.BigInteger, nullable=False),  # of the event in Rasa's tracker; 0 of a name
    sa.Column("timestamp", sa.BigInteger, nullable=False),  # ms; 0 of a name
    sa.Column("text", sa.Text, nullable=False),
    sa.UniqueConstraint("thread", "kind", "number"),
)

#: How far the search has got with what there is: search_index.Progress.
search_progress = sa.Table(
    "search_progress",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
