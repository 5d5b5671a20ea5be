"""Links by which agents set a password of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "agent_links",
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("agent", name="pk_agent_links"),
        sa.UniqueConstraint("key", name="uq_agent_links_key"),
    )
