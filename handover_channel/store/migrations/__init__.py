"""The schema's history, by Alembic. `handover` and the servers upgrade by themselves when they start."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import Optional

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

_FOLDER = Path(__file__).parent


def config(connection: Connection) -> Config:
    """Return Alembic's configuration for an open connection."""
    settings = Config()
    settings.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings


def revision(connection: Connection) -> Optional[str]:
    """Return the revision of the schema, None where there is none yet.

    Alembic tells at each start, at level INFO, how it goes about that. It is heard from `WARNING` on, unless
    somebody has set the level of its logger.
    """
    alembic = logging.getLogger("alembic")
    if alembic.level == logging.NOTSET:
        alembic.setLevel(logging.WARNING)
    found: Optional[str] = MigrationContext.configure(connection).get_current_revision()
    return found


def upgrade(connection: Connection) -> None:
    """Upgrade to the newest schema, inside the connection's transaction."""
    if revision(connection) != newest():
        command.upgrade(config(connection), "head")


@functools.cache
def newest() -> Optional[str]:
    """Return the newest revision: Alembic imports every file of the history to find it out."""
    return ScriptDirectory(str(_FOLDER)).get_current_head()


def is_known(name: str) -> bool:
    """Tell whether this version of the package has a revision of that name."""
    return any(each.revision == name for each in ScriptDirectory(str(_FOLDER)).walk_revisions())
