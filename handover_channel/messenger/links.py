"""Decides which web addresses of others may be opened, and unwraps Facebook's own.

1. Only http and https; no address that names a user (`https://bank.example@evil.example`) or that browsers
   and we would read differently.
2. Facebook wraps addresses that people share (`l.facebook.com/l.php?u=...`): agents see, and open, what they
   lead to.
"""

from __future__ import annotations

import re
from typing import Any, Optional
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

#: Addresses that only lead on: `l.facebook.com`, `lm.facebook.com`, `l.messenger.com`, `l.instagram.com` ...
_WRAPPING = re.compile(r"(?:l|lm)\.(?:facebook|messenger|instagram|workplace|threads)\.(?:com|net)")
_OF_META = re.compile(r"(?:[\w-]+\.)*(?:facebook|messenger|instagram|workplace|threads)\.(?:com|net)")
#: Characters of a file's name; file systems take no longer ones.
LONGEST_FILE_NAME = 255
#: So many wrappings are taken off at most: one would be usual.
_WRAPPINGS = 5


def safe(address: Any) -> str:
    """Return *address* where an agent may open it, or the server fetch it; "" where not."""
    if not isinstance(address, str):
        return ""
    stripped: str = address.strip()
    parts = _parts(stripped)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    # "\" is "/" for browsers and a letter for us; whoever names a user wants to be taken for that host.
    if "\\" in stripped or parts.username is not None or not stripped.isprintable() or " " in stripped:
        return ""
    return stripped


def opened(address: Any) -> str:
    """Return the address behind Facebook's wrapping of *address*, else itself; "" as in `safe`."""
    found = safe(address)
    for _ in range(_WRAPPINGS):
        inner = _wrapped_in(found)
        if not inner:
            break
        found = inner
    return found


def host_of(address: str) -> str:
    """Return the host of *address*, as agents read it: without "www."."""
    parts = _parts(address)
    host = (parts.hostname or "") if parts else ""
    return host[4:] if host.startswith("www.") else host


def file_name_in(address: str) -> str:
    """Return the name of the file that *address* ends in, "" where it ends in none that can be shown.

    Signs that turn the direction of writing make one kind of file look like another ("gpj.exe").
    """
    parts = _parts(address)
    name = unquote(parts.path.rpartition("/")[2]) if parts else ""
    return name if "." in name.strip(".") and name.isprintable() and len(name) <= LONGEST_FILE_NAME else ""


def _wrapped_in(address: str) -> str:
    parts = _parts(address)
    host = (parts.hostname or "") if parts else ""
    if parts is None or not _OF_META.fullmatch(host):
        return ""
    if not (_WRAPPING.fullmatch(host) or parts.path.rstrip("/").endswith("/l.php")):
        return ""
    try:
        given = parse_qs(parts.query, max_num_fields=50)
    except ValueError:
        return ""
    return next(filter(None, map(safe, given.get("u", ()))), "")


def _parts(address: str) -> Optional[SplitResult]:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - it is read only when asked for, and may be none
    except ValueError:
        return None
    return parts
