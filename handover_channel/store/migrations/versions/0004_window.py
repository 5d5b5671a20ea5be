"""Adds the messaging window, its refusals, the last words of each thread, and the names of pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and the table."""
    for name in ("window_at", "last_at"):
        op.add_column("threads", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    for name in ("obstacle", "last_author", "last_text", "last_file"):
        op.add_column("threads", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.create_table(
        "pages",
        sa.Column("page", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("fetched_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("page", name="pk_pages"),
    )
