"""Shows what would change in files, as a diff, in colour where there is a terminal."""

from __future__ import annotations

import re
from difflib import unified_diff
from typing import List, Mapping, Optional

from rich.console import Console

from handover_channel.log import printable
from handover_channel.project_setup.project import CREDENTIALS

#: First characters of a line of a diff -> how a terminal shows it.
_STYLES = (("+++", "bold"), ("---", "bold"), ("@@", "cyan"), ("+", "green"), ("-", "red"))

#: Where a text may hold a secret: what stands around a change is left out then.
_SECRET = re.compile(r"page_access_token|page-access-token|database:.*@")


def show_changes(console: Console, before: Mapping[str, str], after: Mapping[str, Optional[str]]) -> None:
    """Print a diff of each file. *after*: path -> text, None for one that goes."""
    for path in sorted(after):
        old, new = before.get(path), after[path]
        names = ("/dev/null" if old is None else path, "/dev/null" if new is None else path)
        around = 0 if _SECRET.search(old or "") or path == CREDENTIALS else 3
        lines = unified_diff(_lines(old), _lines(new), *names, lineterm="", n=around)
        for line in lines:
            style = next((style for start, style in _STYLES if line.startswith(start)), None)
            console.print(printable(line), style=style, markup=False, highlight=False, soft_wrap=True)


def _lines(text: Optional[str]) -> List[str]:
    return (text or "").splitlines()
