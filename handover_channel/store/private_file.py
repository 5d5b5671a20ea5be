"""Makes the SQLite file its owner's alone: conversations, notes and the agents' password hashes are in it.

1. A new one is made with mode 0600, before SQLite opens it; -wal and -shm get the mode of the file:
   https://www.sqlite.org/wal.html#the_wal_file
2. From an old one what others may do is taken away, and what the group may read; a group that may write was
   meant to.
3. What cannot be changed, as the file is another user's, is said once.
"""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path
from typing import Optional

from sqlalchemy.engine import URL

logger = logging.getLogger(__name__)

MODE = 0o600
_FOR_OTHERS, _FOR_GROUP, _FOR_GROUP_TO_WRITE = 0o007, 0o070, 0o020


def path_of(url: URL) -> Optional[Path]:
    """Return the path of the file, None where the database is none."""
    name = url.database or ""
    return None if name in ("", ":memory:") or name.startswith("file:") else Path(name)


def make(path: Path) -> None:
    """Make the file for its owner alone, or take away what others may do with it. Never raises."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, MODE))
    except FileExistsError:
        for each in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
            _tighten(each)
    except OSError:
        pass  # SQLite says what is wrong


def _tighten(path: Path) -> None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode & ~_FOR_OTHERS if mode & _FOR_GROUP_TO_WRITE else mode & ~(_FOR_OTHERS | _FOR_GROUP)
        if wanted != mode:
            path.chmod(wanted)
            logger.info("%s was open to other users of this machine, and is no longer", path)
    except FileNotFoundError:
        pass
    except OSError:
        logger.warning(
            "%s is open to other users of this machine, with all conversations -> as its owner: chmod %o %s",
            path,
            MODE,
            path,
        )
