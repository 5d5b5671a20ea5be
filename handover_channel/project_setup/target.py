"""Adds a target to handover.yml: one entry among the others, and what else keeps its meaning then. No I/O.

1. Without `targets` there is the built-in inbox alone. Written out, the list has to name it.
2. The only target is the default one without being called so. Beside another it has to be.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from handover_channel.project_setup import yaml_edits
from handover_channel.project_setup.edits import Edit, apply
from handover_channel.project_setup.yaml_text import read

TARGETS_KEY, DEFAULT_TARGET = "targets", "default_target"
#: Rule 1.
INBOX_TARGET = {"inbox": {"kind": "inbox"}}


def add(path: str, text: str, name: str, values: Mapping[str, Any], *, default_target: str) -> str:
    """Return the *text* of handover.yml with the target *name*, and *default_target* as before.

    Nothing else is touched: comments, order, quoting, line ends. Raises Unreadable for a text that nobody can
    change safely.
    """
    document = read(path, text)
    present = document.names(TARGETS_KEY)
    new = {**({} if present else INBOX_TARGET), name: values}
    changed = _applied(text, yaml_edits.add_entries(document, TARGETS_KEY, new))
    return _with_default(path, changed, (*present, *new), default_target)


def _with_default(path: str, text: str, names: Sequence[str], default_target: str) -> str:
    document = read(path, text)
    says_so = document.section(DEFAULT_TARGET)
    if says_so is not None and not says_so.is_null:
        return text
    by_itself = names[0] if len(names) == 1 else "inbox" if "inbox" in names else ""
    if default_target == by_itself:
        return text
    value = yaml_edits.scalar(default_target)
    if says_so is None:
        return _applied(text, [yaml_edits.add_keys(document, {DEFAULT_TARGET: default_target})])
    return _applied(text, [Edit(says_so.start, says_so.value, value if says_so.value else f" {value}")])


def _applied(text: str, edits: Sequence[Edit]) -> str:
    return apply(text, edits)[0]
