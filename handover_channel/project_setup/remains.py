"""Takes out what is left of what was put into a file, where part of it is gone already. No I/O.

Of lines that were put in together those that still stand there go. A line counts as ours if it names
something of ours, or stands beside such a line: `type: text` alone may be anybody's.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Iterable, List, Set, Tuple

from handover_channel.project_setup import edits
from handover_channel.project_setup.edits import ChangedSince, Trace

#: What every name of ours has in it.
OURS = "handover"
_WORD = re.compile(r"[\w.]+")


@dataclass(frozen=True)
class Rest:
    """A text without what is ours, and what was not found as it was put in."""

    text: str
    missing: Tuple[Trace, ...] = ()


def take_out(text: str, traces: Iterable[Trace], *, unchanged: bool) -> Rest:
    """Return the text without all that is as the traces put it in. *unchanged*: so is the whole text."""
    traces = tuple(traces)
    if unchanged:
        return Rest(edits.take_out(text, traces, unchanged=True))
    alike = Counter((trace.inserted, trace.removed) for trace in traces)
    held = [trace for trace in traces if _is_continued(text, trace.inserted)]
    found, missing = _divided(text, [trace for trace in traces if trace not in held])
    text = edits.take_out(text, found, unchanged=False)
    left = held
    for trace in missing:
        if alike[trace.inserted, trace.removed] == trace.among and trace.inserted in text:
            text = text.replace(trace.inserted, trace.removed, 1)  # all of them are ours
            continue
        if not trace.removed:
            text = _without_lines(text, trace.inserted)
        left.append(trace)
    return Rest(text, tuple(left))


def _is_continued(text: str, inserted: str) -> bool:
    """Whether somebody has written keys of their own below the last line of lines that were put in."""
    variants = (inserted, edits.as_rasa_writes(inserted)) if inserted.endswith("\n") else ()
    written = next((each for each in variants if each in text), "")
    if not written:
        return False
    below = text[text.index(written) + len(written) :].split("\n", 1)[0].rstrip()
    is_key = bool(below) and not below.lstrip().startswith("#")
    return is_key and _indent(below) > _indent(written.splitlines()[-1])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _divided(text: str, traces: Iterable[Trace]) -> Tuple[List[Trace], List[Trace]]:
    found: List[Trace] = []
    missing: List[Trace] = []
    for trace in traces:
        try:
            edits.take_out(text, [trace], unchanged=False)
        except ChangedSince:
            missing.append(trace)
        else:
            found.append(trace)
    return found, missing


def _without_lines(text: str, inserted: str) -> str:
    """Return the text without those lines that were put in together, and are ours beyond doubt."""
    lines = text.splitlines(keepends=True)
    written = (inserted, edits.as_rasa_writes(inserted)) if "\n" in inserted else ()
    gone = max((_ours(lines, each) for each in written), key=len, default=set())
    return "".join(line for place, line in enumerate(lines) if place not in gone)


def _ours(lines: List[str], inserted: str) -> Set[int]:
    bare, put = _bare(lines), _bare(inserted.splitlines())
    often = Counter(bare)
    blocks = SequenceMatcher(None, put, bare, autojunk=False).get_matching_blocks()
    spans = [range(block.b, block.b + block.size) for block in blocks if block.size]
    sure = [any(OURS in bare[place] and often[bare[place]] == 1 for place in span) for span in spans]
    for one, other in [*zip(range(len(spans)), range(1, len(spans)))]:
        sure[other] = sure[other] or (sure[one] and spans[one].stop == spans[other].start)
    for one, other in reversed([*zip(range(len(spans)), range(1, len(spans)))]):
        sure[one] = sure[one] or (sure[other] and spans[one].stop == spans[other].start)
    return {place for span, is_sure in zip(spans, sure) if is_sure for place in span}


def _bare(lines: Iterable[str]) -> List[str]:
    return [line.rstrip("\r\n") for line in lines]


def changed(text: str, missing: Iterable[Trace]) -> List[Tuple[int, str]]:
    """Return where a text still names something of traces that were not found: line, from 1, and name."""
    names = {name for trace in missing for name in _names(trace.inserted)}
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = _WORD.findall(line) if not line.lstrip().startswith("#") else []
        found += [(number, word) for word in dict.fromkeys(words) if word in names]
    return found


def _names(inserted: str) -> List[str]:
    code = "\n".join(line for line in inserted.splitlines() if not line.lstrip().startswith("#"))
    words = _WORD.findall(code)
    return [word for word in words if OURS in word] or words[:1]
