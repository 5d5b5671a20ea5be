"""Reads whether the bot is told how the human part ended, and who words it: `summary` of handover.yml.

Rule 1: `false` (the default), `true` for our own note, or who writes it: a function by its dotted name, or an
        address that is called. Instead of one of these, a section with `by` and its other keys.
Rule 2: what people said goes over https, or stays on this machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from handover_channel.settings import keys
from handover_channel.settings.keys import setting
from handover_channel.settings.locations import is_in_the_open, web_address
from handover_channel.settings.section import Section, quoted

#: `by` of our own note.
OUR_NOTE = "true"

#: A person waits for the bot's first words so long at most.
LONGEST_WAIT = timedelta(seconds=20)

_DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_REMEDY = "write true, the dotted name of a function (my_bot.notes.write), or an address (https://...)"


def _by(section: Section, key: str, default: str) -> str:
    given = section.values.get(key)
    if given is None or given is False:
        return ""
    if given is True:
        return OUR_NOTE
    text = section.text(key, secret=True)
    if not text or text == OUR_NOTE or _DOTTED_NAME.fullmatch(text):
        return text
    problem = _problem_of(text)
    if problem:
        section.refuse(key, problem)
    return text


def _problem_of(url: str) -> str:
    """Return what is wrong with an address, never quoted: it may hold a key."""
    address = web_address(url)
    if address is None:
        return f"is neither a dotted name nor an address: {_REMEDY}"
    if is_in_the_open(address):
        return "is an http:// address: write https:// (http:// is for this machine only)"
    return ""


def _within(section: Section, key: str, default: timedelta) -> timedelta:
    found = section.duration(key, default)
    if found is None or found > LONGEST_WAIT:
        seconds = int(LONGEST_WAIT.total_seconds())
        section.refuse(key, f"is {quoted(section.values.get(key))}: write up to {seconds} seconds")
        return default
    return found


@dataclass(frozen=True)
class SummarySettings:
    """Tells who words the human part for the bot, and within which time."""

    #: "": nobody; `OUR_NOTE`; a dotted name; a URL.
    by: str = setting(
        read=_by,
        default="false",
        meaning="Who writes it, where it is written as a section: as `summary` itself.",
        repr=False,
    )
    within: timedelta = setting(
        read=_within,
        default="5 seconds",
        meaning="How long a function or an address may take, up to 20 seconds: the bot's first words wait "
        "for it. After that the bot gets our own note.",
    )
    token: str = setting(
        read=lambda section, key, _: section.text(key, secret=True),
        absent="",
        meaning="Sent to the address as `Authorization: Bearer ...`.",
        repr=False,
    )

    @property
    def is_wanted(self) -> bool:
        """Tell whether the bot is told at all."""
        return bool(self.by)

    @property
    def url(self) -> str:
        """The address that is called, "" for none."""
        return self.by if "://" in self.by else ""

    @property
    def function(self) -> str:
        """The dotted name of the function that is called, "" for none."""
        return "" if self.url or self.by == OUR_NOTE else self.by


def read(section: Section, key: str) -> SummarySettings:
    """Return what the key *key* of *section* says, whose list of problems grows by what is wrong with it."""
    given = section.values.get(key)
    if isinstance(given, dict):
        return keys.read(SummarySettings, section.section(key))
    return SummarySettings(by=_by(section, key, ""))
