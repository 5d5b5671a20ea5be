"""Adds the index by which an agent's conversations are read unanswered first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_WAITING = sa.text("waiting_since IS NOT NULL")


def upgrade() -> None:
    """Add the index: it is partial, and as small as what waits."""
    op.create_index(
        "ix_threads_unanswered",
        "threads",
        ["assignee", "waiting_since"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
