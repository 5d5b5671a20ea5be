"""Writes tables of the documents from what the code declares: here those of docs/settings.md, from its keys.

`python -m handover_channel.settings.reference docs/settings.md` (or `make docs`) rewrites the file. A table
stands below its heading, here that of its file; what is written around it stays. Others write theirs by
`with_tables`, too: doctor/reference.py, docs/messages.py.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, Mapping, Tuple

from handover_channel.settings.credentials import Credentials
from handover_channel.settings.keys import Key, keys_of
from handover_channel.settings.loader import Settings

#: Heading in the document -> the keys below it.
TABLES: Dict[str, Tuple[Key, ...]] = {
    "handover.yml": keys_of(Settings),
    "credentials.yml": keys_of(Credentials),
}

#: A table in Markdown, after its first line.
_LINES_OF_A_TABLE = r"\n(?:\|.*\n)+"


def with_reference(text: str) -> str:
    """Return the document *text* with the tables as the sections declare them.

    Raises ValueError where a heading or its table is not there.
    """
    return with_tables(text, {heading: table(keys) for heading, keys in TABLES.items()})


def with_tables(text: str, tables: Mapping[str, str]) -> str:
    """Return the document *text* with *tables* in place of those of the same columns.

    *tables*: heading (`## ...`) -> the table below it, in Markdown. Raises ValueError where one of
    them is not there.
    """
    for heading, made in tables.items():
        before, found, after = text.partition(f"\n## {heading}\n")
        section, next_heading, rest = after.partition("\n## ")
        columns = made.partition("\n")[0]
        as_it_is = made.replace("\\", r"\\")
        section, times = re.subn(
            f"^{re.escape(columns)}{_LINES_OF_A_TABLE}", as_it_is, section, flags=re.MULTILINE
        )
        if times != 1:
            raise ValueError(f"there is no table {columns} below the heading {heading}")
        text = f"{before}{found}{section}{next_heading}{rest}"
    return text


def table(keys: Iterable[Key]) -> str:
    """Return the reference of *keys*, and of those below them, as a table in Markdown."""
    return table_of(("key", "default", "meaning"), _rows(keys))


def table_of(columns: Iterable[str], rows: Iterable[str]) -> str:
    """Return a table in Markdown. *rows*: each as a line, from its first "|" to its last."""
    names = tuple(columns)
    head = (f"| {' | '.join(names)} |", f"|{'---|' * len(names)}")
    return "".join(f"{row}\n" for row in (*head, *rows))


def rewrite(document: Path, tables: Callable[[str], str]) -> None:
    """Write the file *document* anew, as *tables* returns its text."""
    document.write_text(tables(document.read_text(encoding="utf-8")), encoding="utf-8")


def _rows(keys: Iterable[Key], path: str = "") -> Iterator[str]:
    for key in keys:
        name = f"{path}{key.name}"
        if key.meaning:
            yield f"| `{name}` |{_cell(_default(key))}|{_cell(_meaning(key))}|"
        yield from _rows(key.below, f"{name}.")


def _default(key: Key) -> str:
    return key.default_in_words if key.default is None else f"`{key.default}`"


def _meaning(key: Key) -> str:
    kinds = " and ".join(f"`{kind}`" for kind in key.kinds)
    return f"For {kinds}: {key.meaning}" if kinds else key.meaning


def _cell(text: str) -> str:
    return f" {text} " if text else " "


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]), with_reference)
