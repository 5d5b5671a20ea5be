"""Reads where the Graph API and the database are: `graph_api` and `database` of handover.yml.

Rule 1: a page token goes over https, or stays on this machine.
Rule 2: the database is SQLite in a file, or PostgreSQL: control has to survive a restart and to be the same
        for Rasa, the action server and the command. So a relative path counts from the settings' folder.
Rule 3: the database's URL may hold a password, and is never quoted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional
from urllib.parse import SplitResult, urlsplit

from handover_channel.settings import keys
from handover_channel.settings.keys import setting
from handover_channel.settings.section import Section, quoted

DEFAULT_DATABASE = "sqlite:///handover.db"
DEFAULT_URL = "https://graph.facebook.com"
DEFAULT_VERSION = "v27.0"  # https://developers.facebook.com/docs/graph-api/changelog/versions/

#: Hosts of this machine, as the host of a URL.
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class GraphApiSettings:
    """Where the Graph API is."""

    #: Without a slash at the end.
    url: str = setting(
        read=Section.text,
        default=DEFAULT_URL,
        meaning="Where Meta is. `http://` is for this machine only: `http://127.0.0.1:8090` is the "
        "simulator.",
    )
    version: str = setting(
        read=Section.text, default=DEFAULT_VERSION, meaning="The version of the Graph API."
    )


def graph_api(section: Section) -> GraphApiSettings:
    """Return where the Graph API is, from the section `graph_api`; its list of problems may grow."""
    found = keys.read(GraphApiSettings, section)
    url, version = found.url.rstrip("/"), found.version
    problem = _problem_of_url(url)
    if problem:
        section.refuse("url", f"is {quoted(section.text('url'))}: {problem}")
    if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]", version):
        section.refuse("version", f'is {quoted(version)}: write it as "{DEFAULT_VERSION}"')
    return replace(found, url=url)


def web_address(url: str) -> Optional[SplitResult]:
    """Return the parts of an address of the web, None if it is none."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # reading the port checks it
    except ValueError:
        return None
    return parts if host and parts.scheme in ("https", "http") else None


def is_in_the_open(address: SplitResult) -> bool:
    """Tell whether what goes to *address* leaves this machine without https."""
    return address.scheme == "http" and address.hostname not in LOOPBACK


def _problem_of_url(url: str) -> str:
    parts = web_address(url)
    if parts is None:
        return f"write {DEFAULT_URL}, or leave it out"
    if is_in_the_open(parts):
        return "write https:// (http:// is for this machine only, as the page token goes along)"
    if re.search(r"/v[0-9]+\.[0-9]+$", parts.path):
        return "leave the version out, it is a key of its own"
    if parts.query or parts.fragment:
        return "leave out what follows the path"
    return ""


def database(section: Section, folder: Path) -> str:
    """Return the database's URL, the key `database` of *section*; a relative path counts from *folder*."""
    # Never quoted: the URL may hold a password.
    url = section.text("database", DEFAULT_DATABASE, secret=True)
    dialect, separator, rest = url.partition("://")
    if dialect.split("+")[0] == "postgresql" and separator:
        return url
    if dialect.split("+")[0] != "sqlite" or not separator:
        remedy = f"write {DEFAULT_DATABASE} or postgresql://user:password@host/name"
        section.refuse("database", f"is neither SQLite nor PostgreSQL: {remedy}")
        return url
    path, mark, options = rest[1:].partition("?")
    if not rest.startswith("/") or not path or path == ":memory:":
        section.refuse("database", f"names no file: write {DEFAULT_DATABASE}, with three slashes")
        return url
    if path.startswith("file:"):  # SQLite's own URI: its path is SQLite's business
        return url
    return f"{dialect}:///{(folder / path).as_posix()}{mark}{options}"
