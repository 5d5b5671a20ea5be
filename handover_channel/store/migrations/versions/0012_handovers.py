"""A row for each handover, for reports. Those that there were are read off changes, acts and transcript."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.engine import Connection

revision = "0012"
down_revision = "0011"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table, filled."""
    op.create_table(
        "handovers",
        sa.Column("change", _Id, autoincrement=False, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("began_at", sa.Float(53), nullable=False),
        sa.Column("taken_at", sa.Float(53)),
        sa.Column("agent", sa.Text, nullable=False, server_default=""),
        sa.Column("answered_at", sa.Float(53)),
        sa.Column("ended_at", sa.Float(53)),
        sa.Column("return_reason", sa.Text, nullable=False, server_default=""),
        sa.Column("again", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("change", name="pk_handovers"),
    )
    fill(op.get_bind())
    op.create_index("ix_handovers_thread", "handovers", ["thread", "began_at"])
    op.create_index("ix_handovers_began_at", "handovers", ["began_at"])


def fill(connection: Connection) -> None:
    """Fill the empty table by sets: what began, what came next, and what happened in between."""
    # A role that may change the tables of a PostgreSQL need not have the privilege TEMPORARY there.
    kind = "UNLOGGED" if connection.dialect.name == "postgresql" else "TEMPORARY"
    for statement in (_PAIRED, _BY_THREAD, _HAPPENED, _BY_CHANGE, _FILLED, *_NO_LONGER_NEEDED):
        connection.execute(sa.text(statement.format(kind=kind)))


# A change begins a handover, ends one, or neither (a pass that was refused, from one app to another).
# The thread is no column of a table in there: SQLite would walk over its index, row by row, to spare a sort.
_PAIRED = """
CREATE {kind} TABLE handovers_paired AS
SELECT * FROM (
    SELECT id, thread, target, reason, at, is_end,
        lead(is_end) OVER of_thread AS next_is_end,
        lead(at) OVER of_thread AS next_at,
        lead(reason) OVER of_thread AS next_reason,
        lead(is_end, 2) OVER of_thread AS then_is_end,
        lead(at, 2) OVER of_thread AS then_at
    FROM (
        SELECT id, thread || '' AS thread, target, reason, at,
            CASE WHEN control = 'bot' THEN 1 ELSE 0 END AS is_end
        FROM changes
        WHERE thread <> '' AND control <> 'passing'
            AND (control_before IN ('bot', 'passing')) <> (control = 'bot')
    ) AS marked
    WINDOW of_thread AS (PARTITION BY thread ORDER BY id)
) AS followed
WHERE is_end = 0
"""
_BY_THREAD = "CREATE INDEX ix_handovers_paired ON handovers_paired (thread, at)"

_HAPPENED = """
CREATE {kind} TABLE handovers_happened AS
SELECT at, agent, is_answer, (
    SELECT id FROM handovers_paired AS paired WHERE paired.thread = each_of.thread AND paired.at <= each_of.at
    ORDER BY paired.at DESC, id DESC LIMIT 1
) AS change
FROM (
    SELECT thread, at, whom AS agent, 0 AS is_answer FROM acts WHERE kind IN ('claimed', 'assigned')
    UNION ALL
    SELECT thread, CAST("timestamp" AS DOUBLE PRECISION) / 1000, agent, 1 FROM transcript
    WHERE author IN ('agent', 'app')
) AS each_of
"""
_BY_CHANGE = "CREATE INDEX ix_handovers_happened ON handovers_happened (change, at, agent)"

_DURING = "happened.change = paired.id AND (next_is_end IS NULL OR next_is_end = 0 OR happened.at <= next_at)"
_TAKEN = (
    f"FROM handovers_happened AS happened WHERE {_DURING} AND agent <> '' ORDER BY happened.at, agent LIMIT 1"
)
_FILLED = f"""
INSERT INTO handovers (
    change, thread, target, reason, began_at, ended_at, return_reason, again, answered_at, taken_at, agent
)
SELECT id, thread, target, reason, at,
    CASE WHEN next_is_end = 1 THEN next_at END,
    CASE WHEN next_is_end = 1 THEN next_reason ELSE '' END,
    CASE WHEN next_is_end = 1 AND then_is_end = 0 AND then_at - next_at <= 86400 THEN 1 ELSE 0 END,
    (SELECT min(happened.at) FROM handovers_happened AS happened WHERE {_DURING} AND is_answer = 1),
    (SELECT happened.at {_TAKEN}),
    coalesce((SELECT agent {_TAKEN}), '')
FROM handovers_paired AS paired
ORDER BY id
"""  # noqa: S608 - our own words
_NO_LONGER_NEEDED = ("DROP TABLE handovers_happened", "DROP TABLE handovers_paired")
