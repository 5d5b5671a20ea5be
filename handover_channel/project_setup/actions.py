"""Shows our custom actions to `rasa run actions`. No I/O.

A folder `actions/` gets a module of its own, since rasa_sdk loads all of them; a file `actions.py` gets one
import behind those that are there.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import List, Mapping, Optional, Tuple

from handover_channel.project_setup.edits import Edit
from handover_channel.project_setup.project import NoProject, Planned
from handover_channel.project_setup.yaml_text import newline_of
from handover_channel.rules.bot_contract import HANDOVER_ACTION, RETURN_ACTION, SESSION_START_ACTION

#: What some editors put in front of a text.
UTF8_MARK = "\ufeff"
MODULE = "handover_channel.actions"
ACTIONS_FILE = "actions.py"
FOLDER = "actions/"
#: Our module in a folder, and what it is called where that name is taken.
NAMES = ("actions/handover.py", "actions/handover_actions.py")

#: Name of an action -> its class.
CLASSES = {
    HANDOVER_ACTION: "ActionHandover",
    RETURN_ACTION: "ActionHandoverReturn",
    SESSION_START_ACTION: "ActionSessionStart",
}


@dataclass(frozen=True)
class Facts:
    """What matters in the bot's own actions."""

    own: Tuple[str, ...]  #: names of ours that the bot's code spells itself
    imported: Tuple[str, ...]  #: classes of ours that are imported already


def look(texts: Mapping[str, str]) -> Facts:
    """Find what the code names and imports. Of a file that is no Python, Python itself complains."""
    own: List[str] = []
    imported: List[str] = []
    for text in texts.values():
        try:
            tree = _parsed(text)
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == MODULE:
                imported += [each.name for each in node.names]
            elif isinstance(node, ast.ClassDef):
                own += _names_in(node)
        if _is_whole_module(tree):
            imported += CLASSES.values()
    return Facts(tuple(dict.fromkeys(own)), tuple(dict.fromkeys(imported)))


def _parsed(text: str) -> ast.Module:
    """Return the tree of a text, as Python reads files: the mark of UTF-8 is no part of it."""
    return ast.parse(text[len(_mark_of(text)) :])


def _mark_of(text: str) -> str:
    return UTF8_MARK if text.startswith(UTF8_MARK) else ""


def _is_whole_module(tree: ast.AST) -> bool:
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == MODULE]
    return any(node.names[0].name == "*" for node in imports)


def _names_in(node: ast.ClassDef) -> List[str]:
    values = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
    return [each for each in values if isinstance(each, str) and each in CLASSES]


def plan(texts: Mapping[str, str], facts: Facts, needed: Tuple[str, ...]) -> Planned:
    """Import the classes of the actions *needed*. Raises NoProject where the bot has such names."""
    taken = [each for each in facts.own if each != SESSION_START_ACTION]
    if taken:
        raise NoProject(
            f"the bot's own code has an action {taken[0]}, as ours is called -> rename the bot's own"
        )
    classes = [CLASSES[name] for name in needed if CLASSES[name] not in facts.imported]
    if not classes:
        return Planned()
    line = f"from {MODULE} import {', '.join(classes)}"
    if ACTIONS_FILE in texts and not any(path.startswith(FOLDER) for path in texts):
        return Planned({ACTIONS_FILE: (_import(texts[ACTIONS_FILE], f"{line}  # noqa: F401"),)})
    path = next((each for each in NAMES if each not in texts), None)
    if path is None:
        raise NoProject(f"{' and '.join(NAMES)} are there already -> rename one of them")
    text = f'"""The handover actions, for `rasa run actions`."""\n\n{line}\n\n__all__ = {_quoted(classes)}\n'
    created = {path: text}
    if not any(each.startswith(FOLDER) for each in texts):
        created[f"{FOLDER}__init__.py"] = ""
    return Planned(created=created)


def _quoted(names: List[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _import(text: str, line: str) -> Edit:
    """Return the edit that puts an import behind the last one, the docstring, or the comments at the top."""
    newline, mark = newline_of(text), _mark_of(text)
    lines = re.split(r"(?<=\n)", text[len(mark) :])  # as Python counts them: splitlines knows more line ends
    after = _line_of_last_import(text)
    if after is None:  # #! and the coding have to stay where they are
        after = next((place for place, each in enumerate(lines) if not each.startswith("#")), len(lines))
    at = len(mark) + sum(map(len, lines[:after]))
    if after and not text[:at].endswith(("\n", "\r")):
        return Edit(at, "", newline + line)
    return Edit(at, "", line + newline)


def _line_of_last_import(text: str) -> Optional[int]:
    """Return behind which line the head of a module ends, and nothing goes on: `import a; b = [` may."""
    try:
        body = _parsed(text).body
    except (SyntaxError, ValueError):
        return None
    head = body[:1] if body and _is_docstring(body[0]) else []
    imports = [node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
    last = max((_last_line(node) for node in [*head, *imports]), default=0)
    for node in body:
        if node.lineno <= last:
            last = max(last, _last_line(node))
    return last or None


def _last_line(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
