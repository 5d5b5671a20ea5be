"""Names the bot's database in .gitignore: it holds conversations, which no commit should. No I/O."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Optional

from handover_channel.project_setup.edits import Edit
from handover_channel.project_setup.project import GIT_IGNORE, Planned
from handover_channel.project_setup.yaml_text import Document, newline_of

#: What SQLite writes beside the database while Rasa runs.
BESIDE = "handover.db-wal"
_LINES = ("# Conversations and who has control of them: handover's database.", "handover.db*")


def lacks(text: str) -> bool:
    """Whether no line names the database, as far as can be told without git."""
    return not any(fnmatchcase(BESIDE, line.strip().lstrip("/")) for line in text.splitlines())


def plan(text: Optional[str], settings: Document, *, wanted: bool) -> Planned:
    """Add the database, unless handover.yml puts it elsewhere. *text*: None without the file."""
    if not wanted or settings.section("database") is not None:
        return Planned()
    end = newline_of(text or "")
    lines = "".join(f"{line}{end}" for line in _LINES)
    if text is None:
        return Planned(created={GIT_IGNORE: lines})
    start = "" if not text or text.endswith("\n") else end
    return Planned({GIT_IGNORE: (Edit(len(text), "", start + lines),)})
