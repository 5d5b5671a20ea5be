"""Finds where items, entries and keys go into a YAML text, and what to write there. No I/O.

Block style gets lines of its own behind the last value, in the indentation of those that are there; flow
style gets what it needs before its bracket closes.
"""

from __future__ import annotations

import json
import re
from typing import Any, Callable, List, Mapping, Optional, Sequence

from handover_channel.project_setup.edits import Edit
from handover_channel.project_setup.yaml_text import Document, Node, Unreadable

#: Text that means itself without quotes, in block and in flow style.
_PLAIN_SCALAR = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_.-]*(?: [A-Za-z0-9_.-]+)*|\d+ [a-z]+)\Z")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


class Lines(List[str]):
    """A text of several lines, in block style: |."""


def scalar(value: Any) -> str:
    """Return a value as YAML writes it on one line."""
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value)
    text = str(value)
    plain = _PLAIN_SCALAR.match(text) and text.lower() not in _WORDS
    if plain:
        return text
    single = '"' in text and not set("'\\") & set(text) and text.isprintable()
    return f"'{text}'" if single else json.dumps(text, ensure_ascii=False)


def flow(value: Any) -> str:
    """Return a value in flow style."""
    if isinstance(value, Lines):
        return json.dumps("".join(f"{line}\n" for line in value), ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def block(value: Any, indent: str = "") -> List[str]:
    """Return the lines of a mapping or list in block style."""
    lines: List[str] = []
    if isinstance(value, Mapping):
        for key, each in value.items():
            lines += _entry(f"{indent}{scalar(key)}:", each, indent + "  ")
        return lines
    for each in value:
        inner = block(each, indent + "  ") if isinstance(each, (Mapping, list, tuple)) and each else []
        if inner:
            lines += [f"{indent}- {inner[0].lstrip()}", *inner[1:]]
        else:
            lines.append(f"{indent}- {flow(each)}")
    return lines


def _entry(head: str, value: Any, indent: str) -> List[str]:
    if isinstance(value, Lines):
        return [f"{head} |", *(indent + line for line in value)]
    if isinstance(value, (Mapping, list, tuple)) and value:
        return [head, *block(value, indent)]
    if value is None:
        return [head]
    return [f"{head} {flow(value)}"]


def line_end(text: str, at: int) -> int:
    """Return where the line of an index ends, behind its line end; the index itself at a line's beginning."""
    if at and text[at - 1] == "\n":
        return at
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def lines_at(document: Document, at: int, lines: Sequence[str]) -> Edit:
    """Return the edit that puts lines in front of the line that begins at *at*, or at the end of the text."""
    text, newline = document.text, document.newline
    joined = newline.join(lines)
    if at == len(text) and text and not text.endswith("\n"):
        return Edit(at, "", newline + joined)
    return Edit(at, "", joined + newline)


def add_items(document: Document, key: str, items: Sequence[Any]) -> List[Edit]:
    """Return the edits that put items behind those of the list *key*, which begins where there is none."""
    return _add(document, key, list(items), "sequence")


def add_entries(document: Document, key: str, entries: Mapping[str, Any]) -> List[Edit]:
    """Return the edits that put entries behind those of the mapping *key*."""
    return _add(document, key, dict(entries), "mapping")


def _add(document: Document, key: str, values: Any, kind: str) -> List[Edit]:
    if not values:
        return []
    section = document.section(key)
    if section is None:
        return [add_keys(document, {key: values})]
    if section.is_null:
        return _fill(document, document.root, key, values)
    if section.kind != kind:
        raise _misfit(document, section, key, kind)
    return [into(document, section, values)]


def _misfit(document: Document, node: Node, key: str, kind: str) -> Unreadable:
    wanted = "a list" if kind == "sequence" else "names with values"
    where = f"{document.name}, line {document.line(node.start)}"
    if node.kind == "alias":
        return Unreadable(f"{where}: {key} is an alias (*): write it out, so that it can be added to")
    return Unreadable(f"{where}: {key} is not {wanted}: correct it")


def _fill(document: Document, parent: Optional[Node], key: str, values: Any) -> List[Edit]:
    """Return the edits that give a key its first values."""
    if parent is None:
        return [add_keys(document, {key: values})]
    node, name = parent.get(key), parent.key(key)
    assert node is not None  # noqa: S101 - the caller has found it empty
    assert name is not None  # noqa: S101 - as above
    if parent.flow:
        return [Edit(node.start, node.value, flow(values) if node.value else " " + flow(values))]
    text, end = document.text, line_end(document.text, node.end)
    lines = block(values, " " * (document.column(name.start) + 2))
    if not node.value:
        return [lines_at(document, end, lines)]
    start = node.start
    while text[start - 1] == " ":
        start -= 1
    put = lines_at(document, end, lines).inserted
    return [Edit(start, text[start:end], text[node.end : end] + put)]


def into(document: Document, node: Node, values: Any) -> Edit:
    """Return the edit that puts values behind those of a list or mapping."""
    if node.flow:
        return _into_flow(node, values)
    if node.kind == "sequence":
        column = document.column(node.dashes[-1])
    else:
        column = document.column(node.pairs[0][0].start)
    return lines_at(document, line_end(document.text, node.last_leaf().end), block(values, " " * column))


def _into_flow(node: Node, values: Any) -> Edit:
    inner = flow(values)[1:-1]
    last = node.items[-1] if node.items else node.pairs[-1][1] if node.pairs else None
    if last is None:
        opening = node.end - 1
        return Edit(opening, "", inner)
    return Edit(last.end, "", ", " + inner)


def add_keys(document: Document, values: Mapping[str, Any], comment: Sequence[str] = ()) -> Edit:
    """Return the edit that puts new keys at the end of a file."""
    root, text = document.root, document.text
    if root is not None and root.flow:
        return _into_flow(root, values)
    column = document.column(root.pairs[0][0].start) if root is not None and root.pairs else 0
    at = len(text)
    if document.ended:
        at = line_end(text, root.last_leaf().end) if root is not None else text.rfind("...")
    lines = block(values, " " * column)
    return lines_at(document, at, [*_gap(document, root), *comment, *lines])


def _gap(document: Document, root: Optional[Node]) -> List[str]:
    """Return an empty line, where it is nobody's text."""
    if root is None and not document.text.strip():
        return []
    leaf = root.last_leaf() if root is not None else None
    return [] if leaf is not None and leaf.style in ("|", ">") else [""]


def comment_out_of(text: str, is_head: Callable[[str], bool]) -> Optional[Edit]:
    """Return the edit that takes the # from a commented key and the lines indented below it."""
    start = 0
    for line in text.splitlines(keepends=True):
        bare = line[1:] if line.startswith("#") else ""
        if bare and is_head(bare.strip()):
            lead = len(bare) - len(bare.lstrip(" "))
            return _bare(text, start, lead)
        start += len(line)
    return None


def _bare(text: str, start: int, lead: int) -> Edit:
    taken, written = "", ""
    for number, line in enumerate(text[start:].splitlines(keepends=True)):
        bare = line[1:]
        indent = len(bare) - len(bare.lstrip(" "))
        if not line.startswith("#") or not bare.strip() or (number and indent <= lead):
            break
        taken += line
        written += bare[lead:]
    return Edit(start, taken, written)
