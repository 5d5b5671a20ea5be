"""Checks the settings: handover.yml and the channel's part of credentials.yml."""

from __future__ import annotations

from typing import Iterator, Tuple

from handover_channel.doctor.check import Check, Found, fail, ok
from handover_channel.doctor.facts import Facts
from handover_channel.doctor.report import UNSAID, Where
from handover_channel.sentences import Sentence, of_others


def _valid(facts: Facts) -> Iterator[Found]:
    problems = facts.settings_problems
    for each in problems:
        yield fail(
            Sentence("the settings cannot be used: %(problem)s", problem=of_others(each)),
            Sentence("Rasa and the action server do not start with them"),
            UNSAID,
            Where(each.partition(":")[0]),
        )
    if not problems:
        yield ok(Sentence("%(file)s can be used", file=str(facts.config)))


CHECKS: Tuple[Check, ...] = (Check("settings.valid", Sentence("The settings are complete"), _valid),)
