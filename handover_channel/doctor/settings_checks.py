"""Checks the settings: handover.yml and the channel's part of credentials.yml."""

from __future__ import annotations

from typing import Iterable, Iterator, Tuple

from handover_channel.doctor.check import Check, Found, fail, ok
from handover_channel.doctor.facts import Facts
from handover_channel.doctor.report import UNSAID, Where
from handover_channel.sentences import Sentence, of_others


def wrong(problems: Iterable[str]) -> Iterator[Found]:
    """Return what is wrong with the settings: *problems* are those of a SettingsError."""
    for each in problems:
        yield fail(
            Sentence(
                "the settings cannot be used, so nobody can be handed over: %(problem)s",
                problem=of_others(each),
            ),
            UNSAID,
            UNSAID,
            Where(each.partition(":")[0]),
        )


def _valid(facts: Facts) -> Iterator[Found]:
    problems = facts.settings_problems
    yield from wrong(problems)
    if not problems:
        yield ok(Sentence("the file %(file)s can be used", file=str(facts.config)))


CHECKS: Tuple[Check, ...] = (
    Check("settings.valid", Sentence("The settings are complete"), _valid, at_start=False),
)
