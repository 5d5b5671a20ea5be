"""Locale and time zone of people, for the page about the person beside the chat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns of `people`."""
    op.add_column("people", sa.Column("locale", sa.Text, nullable=False, server_default=""))
    op.add_column("people", sa.Column("timezone", sa.Float(53)))
