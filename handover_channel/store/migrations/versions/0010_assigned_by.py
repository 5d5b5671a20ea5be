"""The agent who gave a conversation to the one who answers it, so that those can be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column of `threads`."""
    op.add_column("threads", sa.Column("assigned_by", sa.Text, nullable=False, server_default=""))
