"""Makes cells of CSV files that do nothing in a spreadsheet. No I/O.

A spreadsheet calculates what begins with = + - @, a tab or a line break, and a formula can send the other
cells away: such a text gets an apostrophe before it, and so does one that begins with apostrophes and goes on
like that. It can be undone: one apostrophe there is ours.
https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import json
import re
from typing import Any

#: Also in the width of East Asian letters, which spreadsheets take for the same.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def cell(value: Any) -> str:
    """Return the text of a cell that is no formula, without NUL: CSV has none. "" for None."""
    if value is None:
        return ""
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False) if value else ""
    text = str(value).replace("\0", "")
    return f"'{text}" if _FORMULA.match(text) else text
