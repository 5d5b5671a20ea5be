"""Plays the example bot's scenarios in this process, and breaks one rule of the channel at a time.

A scenario that cannot fail proves nothing: each of MUTATIONS is caught by those that it names.
"""

from __future__ import annotations

import pytest
from rasa_commands import ROOT

pytest.importorskip("rasa")

from example_scenarios import NAMES, SCENARIOS
from mutations import MUTATIONS

from handover_channel.testing.player import play

pytestmark = pytest.mark.rasa


@pytest.fixture(scope="module")
def bot(model):
    from handover_channel.testing.in_process import InProcess

    bot = InProcess(ROOT, model)
    yield bot
    bot.close()


@pytest.mark.parametrize("name", NAMES)
def test_the_conversation_goes_as_the_scenario_says(bot, name):
    played = play(bot, SCENARIOS[name])

    assert not played.skipped
    assert not played.failed, f"\n{played.diff()}"


@pytest.mark.parametrize("rule", MUTATIONS)
def test_a_rule_that_is_broken_fails_a_scenario(bot, rule, monkeypatch):
    mutation = MUTATIONS[rule]
    mutation.breaks(monkeypatch)

    for file in mutation.caught_by:
        scenarios = [each for each in SCENARIOS.values() if each.file.stem == file]
        assert any(play(bot, each).failed for each in scenarios), f"{file} does not notice it"


def test_a_test_of_a_few_lines_is_the_same_each_time(bot):
    from handover_channel.testing.fixtures import AnyExpect, AnyStaff, Messenger

    for _ in range(3):
        bot.begin()
        person = Messenger(bot).person()
        person.says("talk to sales")
        AnyStaff(person)("sales_bot").done()
        printed = str(person.conversation).splitlines()
        AnyExpect(person).control("bot")

        assert [line.split()[0] for line in printed].count("bot") == 2
