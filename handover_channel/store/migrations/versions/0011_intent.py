"""The intent with which the bot was to go on after a return, so that the conversation can name it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column of `changes`."""
    op.add_column("changes", sa.Column("intent", sa.Text, nullable=False, server_default=""))
