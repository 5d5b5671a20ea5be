"""Writes handovers and lines of transcripts as CSV or JSON Lines, one row after the other.

1. No cell of a CSV file is a formula: rules/spreadsheets.py.
2. CSV is that of RFC 4180 with a header, in UTF-8. https://www.rfc-editor.org/rfc/rfc4180
3. JSON Lines have the texts as they are. https://jsonlines.org/
4. Times are ISO 8601, UTC; what is not known is empty in CSV, null in JSON.
"""

from __future__ import annotations

import csv
import hashlib
import json
import secrets
from datetime import datetime, timezone
from enum import Enum
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, TextIO

from handover_channel.rules.spreadsheets import cell
from handover_channel.store.exported import Handover, SaidLine

Row = Mapping[str, Any]

HANDOVER_COLUMNS = (
    "thread", "page", "channel", "target", "reason", "who",
    "handed_over_at", "first_answer_at", "returned_at", "return_reason", "seconds",
)  # fmt: skip
LINE_COLUMNS = (
    "thread", "page", "channel", "target", "at", "author", "agent", "app_id", "text",
    "attachments", "mid", "reply_to", "original",
)  # fmt: skip


class Format(str, Enum):
    """How rows are written."""

    CSV = "csv"
    JSONL = "jsonl"


class Pseudonyms:
    """Puts another name for each id: the same one for the same id, and another one in the next run.

    Nobody can tell the id from it, not by trying all ids either: the key is known to nobody.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def __call__(self, name: str) -> str:
        """Return the pseudonym of *name*; "" stays ""."""
        if not name:
            return ""
        data = name.encode("utf-8", "surrogatepass")
        return "p" + hashlib.blake2b(data, key=self._key, digest_size=15).hexdigest()


def as_it_is(name: str) -> str:
    """Return *name*: no pseudonym."""
    return name


def handover_row(handover: Handover, name: Callable[[str], str] = as_it_is) -> Row:
    """Return the row of a handover. `seconds`: until it returned; None while it has not."""
    lasted = None if handover.returned_at is None else handover.returned_at - handover.handed_over_at
    return {
        **vars(handover),
        "thread": name(handover.thread),
        "handed_over_at": _iso(handover.handed_over_at),
        "first_answer_at": _iso(handover.first_answer_at),
        "returned_at": _iso(handover.returned_at),
        "seconds": None if lasted is None else round(max(lasted, 0.0), 3),
    }


def line_row(line: SaidLine, name: Callable[[str], str] = as_it_is) -> Row:
    """Return the row of a line. Meta's ids of messages are names of the thread, too."""
    ids = {"thread": name(line.thread), "mid": name(line.mid), "reply_to": name(line.reply_to)}
    return {**vars(line), **ids, "at": _iso(line.at)}


def write(
    stream: TextIO, how: Format, columns: Iterable[str], rows: Iterable[Row], *, excel: bool = False
) -> int:
    """Write *rows* to a stream that leaves line breaks alone, and return how many there were.

    *excel*: with the mark without which Excel does not take a CSV file for UTF-8.
    """
    names, count = list(columns), 0
    line = _csv_writer(stream, names, excel) if how is Format.CSV else _json_writer(stream, names)
    for row in rows:
        line(row)
        count += 1
    return count


def _csv_writer(stream: TextIO, names: Iterable[str], excel: bool) -> Callable[[Row], Any]:
    names = list(names)
    writer = csv.writer(stream)
    if excel:
        stream.write("\ufeff")
    writer.writerow(names)
    return lambda row: writer.writerow([cell(row[name]) for name in names])


def _json_writer(stream: TextIO, names: Iterable[str]) -> Callable[[Row], Any]:
    def line(row: Row) -> None:
        values: Dict[str, Any] = {name: row[name] for name in names}
        stream.write(json.dumps(values, ensure_ascii=False) + "\n")

    return line


def _iso(seconds: Optional[float]) -> Optional[str]:
    """Write a time to the millisecond; None where it is none: Meta's clock says whatever it says."""
    if seconds is None:
        return None
    try:
        at = datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
