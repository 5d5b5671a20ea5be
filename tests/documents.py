"""Finds what the documents show: fenced blocks, links and headings of README.md and docs/."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Iterator, List, NamedTuple, Set

ROOT = Path(__file__).parent.parent

_BLOCK = re.compile(r"^([ ]*)```(\w+)[^\n]*\n(.*?)^\1```[ ]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!\\)\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block."""

    document: str  #: path from the root
    line: int  #: of its first line of content, from 1
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def file(self) -> str:
        """The file whose content it shows, by its first line; "" where that does not say."""
        found = re.match(r"# ([\w./]+\.(?:yml|py))\b", self.text)
        return found.group(1) if found else ""


class Link(NamedTuple):
    """A link of a document."""

    document: str
    target: str

    def __str__(self) -> str:
        return f"{self.document} -> {self.target}"


def documents() -> List[Path]:
    """Return the paths of all documents, the README first."""
    others = ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
    return [ROOT / "README.md", *(ROOT / name for name in others), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(*languages: str) -> List[Block]:
    """Return the blocks of these languages in all documents."""
    return [block for path in documents() for block in blocks_of(path) if block.language in languages]


def blocks_of(path: Path) -> Iterator[Block]:
    """Yield the blocks of the document *path*."""
    text = path.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start(3)) + 1
        yield Block(_name(path), line, found.group(2), textwrap.dedent(found.group(3)))


def links() -> List[Link]:
    """Return the links of all documents that lead to this repository's own files."""
    return [
        Link(_name(path), target)
        for path in documents()
        for found in _LINK.finditer(_without_code(path.read_text(encoding="utf-8")))
        for target in [found.group(1) or found.group(2)]
        if not re.match(r"[a-z]+:", target)
    ]


def anchors(path: Path) -> Set[str]:
    """Return what a link into the document *path* may have behind its #."""
    found: Set[str] = set()
    for heading in _HEADING.findall(_without_code(path.read_text(encoding="utf-8"))):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        number = 0
        while f"{anchor}-{number}" in found if number else anchor in found:
            number += 1
        found.add(f"{anchor}-{number}" if number else anchor)
    return found


def _without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", _BLOCK.sub("", text))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
