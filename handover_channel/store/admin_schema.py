"""Defines the tables of what admins look after in the inbox, beside the agents themselves.

A change here needs a migration, as one in schema.py does; times are seconds since the epoch, by our clock.
"""

from __future__ import annotations

import sqlalchemy as sa

from handover_channel.store.schema import metadata

#: Of the links by which agents set a password of their own: agent_links.py. One for each agent at most.
agent_links = sa.Table(
    "agent_links",
    metadata,
    sa.Column("agent", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),  # SHA-256
    sa.Column("expires_at", sa.Float(53), nullable=False),
)

#: Canned replies that were saved in the page: canned_replies.py.
canned_replies = sa.Table(
    "canned_replies",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # the name as it is compared
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),  # who saved it last
    sa.Column("at", sa.Float(53), nullable=False),
)
