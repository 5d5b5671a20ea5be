"""The table of limits is whole, enforced where it says so, and what SECURITY.md shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from handover_channel.rules import limits
from handover_channel.rules.limits import FIELDS, TABLE, Limit

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "handover_channel"
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = {name: each for name, each in vars(limits).items() if isinstance(each, Limit)}


def shown(limit):
    """The row of a limit in SECURITY.md."""
    value = limit.value
    if limit.unit == "bytes":
        most = f"{value // limits.MB} MB" if value >= limits.MB else f"{value / limits.KB:g} kB"
    else:
        most = f"{value:,} {limit.unit}"
    return f"| {limit.way} | {limit.what} | {most} | {limit.why} |"


def test_every_limit_is_in_the_table_once():
    assert {*NAMED.values(), *FIELDS.values()} == set(TABLE)
    assert len(set(TABLE)) == len(TABLE)


@pytest.mark.parametrize("name", [name for name in NAMED if NAMED[name].where != "Sanic"])
def test_a_limit_is_enforced_where_it_says_so(name):
    limit = NAMED[name]
    text = (PACKAGE / f"{limit.where}.py").read_text(encoding="utf-8")
    grouped = [each for each in vars(limits).values() if isinstance(each, limits.Body)]

    assert re.search(rf"\b(MOST_)?{name}\b", text) or any(limit in (each.size, each.time) for each in grouped)


READERS = ("rasa/channel.py", "inbox/route.py", "inbox/routes.py", "inbox/auth_routes.py")


def test_every_body_that_has_limits_is_read_by_somebody():
    texts = [(PACKAGE / name).read_text() for name in READERS]

    for name in ("WEBHOOK", "SIGN_IN", "FORM", "NOTE", "REPLY"):
        assert any(f"limits.{name}" in text for text in texts), name


def test_security_md_shows_the_table_as_it_is():
    rows = [line for line in SECURITY.splitlines() if line.startswith("| ") and line.count("|") == 5]

    assert rows[1:] == [shown(limit) for limit in TABLE]  # after the heads
