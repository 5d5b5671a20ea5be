"""Changes a text in marked places only, and takes the changes out again. No I/O.

An edit replaces `removed` at the index `at` by `inserted`; nothing else is touched, so comments, order,
quoting and line ends survive. What was put in is kept as `Trace`s, whose indexes are those of the new text.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import Iterable, List, Optional, Tuple

from handover_channel.errors import HandoverError


class ChangedSince(HandoverError):
    """What was put in is not there any more as it was: nobody knows what to take out."""


@dataclass(frozen=True)
class Edit:
    """A change in one place of a text."""

    at: int  #: index in the text as it is before any edit
    removed: str
    inserted: str


@dataclass(frozen=True)
class Trace:
    """What an edit left behind."""

    at: int  #: index in the text as it is after all edits
    removed: str
    inserted: str
    place: int  #: before how many others like it: how often `inserted` occurs in front of it
    among: int  #: how often `inserted` occurs in all


def apply(text: str, edits: Iterable[Edit]) -> Tuple[str, Tuple[Trace, ...]]:
    """Return the text with the edits, and their traces.

    In one place what is put in stands in the given order, before what is replaced.

    Raises ValueError for edits that overlap, or do not fit the text.
    """
    pieces: List[str] = []
    found: List[Tuple[int, Edit]] = []
    done = length = 0
    for edit in sorted(edits, key=lambda each: (each.at, bool(each.removed))):
        if edit.at < done or not text.startswith(edit.removed, edit.at):
            raise ValueError(f"the edit at {edit.at} does not fit")
        pieces += [text[done : edit.at], edit.inserted]
        length += edit.at - done
        found.append((length, edit))
        length += len(edit.inserted)
        done = edit.at + len(edit.removed)
    changed = "".join([*pieces, text[done:]])
    return changed, tuple(_trace(changed, at, edit) for at, edit in found)


def _trace(text: str, at: int, edit: Edit) -> Trace:
    everywhere = _occurrences(text, edit.inserted)
    place = sum(1 for each in everywhere if each < at)
    return Trace(at, edit.removed, edit.inserted, place, len(everywhere))


def take_out(text: str, traces: Iterable[Trace], *, unchanged: bool) -> str:
    """Return the text without what the traces put in. *unchanged*: the text is as the edits left it.

    Raises ChangedSince where what was put in was changed, or cannot be told from what was added since.
    """
    placed = [(*((trace.at, trace.inserted) if unchanged else _find(text, trace)), trace) for trace in traces]
    for at, found, trace in sorted(placed, key=lambda each: each[0])[::-1]:  # of one place, too
        text = text[:at] + trace.removed + text[at + len(found) :]
    return text


def _find(text: str, trace: Trace) -> Tuple[int, str]:
    """Return where what was put in is now, and how it is written there.

    `rasa train` writes config.yml anew to put an id in: lists are at the margin then, lines end in a feed.
    """
    for written in dict.fromkeys((trace.inserted, as_rasa_writes(trace.inserted))):
        at = _find_written(text, written, trace)
        if at is not None:
            return at, written
    raise ChangedSince(trace.inserted.strip())


def as_rasa_writes(text: str) -> str:
    """Return lines of config.yml as `rasa train` writes them: lists at the margin, a feed at each end."""
    lines = text.replace("\r\n", "\n").splitlines(keepends=True)
    below = next((place for place, line in enumerate(lines) if line.startswith(" ")), len(lines))
    return "".join(lines[:below]) + dedent("".join(lines[below:]))


def _find_written(text: str, written: str, trace: Trace) -> Optional[int]:
    everywhere = _occurrences(text, written)
    if len(everywhere) == 1 and trace.among == 1:
        return everywhere[0]
    if len(everywhere) >= trace.among and written and text.startswith(written, trace.at):
        return trace.at
    if len(everywhere) == trace.among and written:
        return everywhere[trace.place]
    return None


def _occurrences(text: str, part: str) -> List[int]:
    found, at = [], text.find(part) if part else -1
    while at >= 0:
        found.append(at)
        at = text.find(part, at + 1)
    return found
