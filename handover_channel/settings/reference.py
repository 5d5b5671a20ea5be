"""Writes the reference tables of docs/settings.md from the keys that the sections declare.

`python -m handover_channel.settings.reference docs/settings.md` (or `make docs`) rewrites the file. A table
stands below the heading of its file; what is written around it stays.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Dict, Iterable, Iterator, Tuple

from handover_channel.settings.credentials import Credentials
from handover_channel.settings.keys import Key, keys_of
from handover_channel.settings.loader import Settings

#: Heading in the document -> the keys below it.
TABLES: Dict[str, Tuple[Key, ...]] = {
    "handover.yml": keys_of(Settings),
    "credentials.yml": keys_of(Credentials),
}

_TABLE = re.compile(r"^\| key \|.*\n(?:\|.*\n)+", re.MULTILINE)


def with_reference(text: str) -> str:
    """Return the document *text* with the tables as the sections declare them.

    Raises ValueError where a heading or its table is not there.
    """
    for heading, keys in TABLES.items():
        before, found, after = text.partition(f"\n## {heading}\n")
        section, next_heading, rest = after.partition("\n## ")
        old = _TABLE.search(section)
        if old is None:
            raise ValueError(f"there is no table of keys below the heading {heading}")
        section = f"{section[: old.start()]}{table(keys)}{section[old.end() :]}"
        text = f"{before}{found}{section}{next_heading}{rest}"
    return text


def table(keys: Iterable[Key]) -> str:
    """Return the reference of *keys*, and of those below them, as a table in Markdown."""
    return "".join(f"{row}\n" for row in ("| key | default | meaning |", "|---|---|---|", *_rows(keys)))


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
    document = Path(sys.argv[1])
    document.write_text(with_reference(document.read_text(encoding="utf-8")), encoding="utf-8")
