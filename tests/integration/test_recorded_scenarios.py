"""Records conversations of the example bot, plays what was recorded, and breaks a rule under it."""

from __future__ import annotations

import pytest
from rasa_commands import ROOT

pytest.importorskip("rasa")

from example_scenarios import SCENARIOS
from mutations import MUTATIONS

from handover_channel.recording.control_log import StoreLog
from handover_channel.recording.scenario_recorder import ScenarioRecorder
from handover_channel.testing import player
from handover_channel.testing.scenario import read

pytestmark = pytest.mark.rasa

#: Files of tests/scenarios that are played, recorded, and played as recorded.
RECORDED = (
    "hello",
    "back_by_the_agent",
    "agent_takes_over",
    "back_by_done_in_the_page_inbox",
    "released",
    "arabic",
    "time_limit",
)


@pytest.fixture(scope="module")
def bot(model):
    from handover_channel.testing.in_process import InProcess

    bot = InProcess(ROOT, model)
    yield bot
    bot.close()


def recorded(bot, scenario, file, monkeypatch):
    """Play *scenario* while a recorder looks on; return what it has written."""
    recorder = ScenarioRecorder(bot.page, file, StoreLog(bot._services.store))
    settle = bot.settle

    def settle_and_write(psid):
        settle(psid)
        recorder.flush()  # time stands still here, and two acts may have the same

    monkeypatch.setattr(bot, "settle", settle_and_write)
    played = player.play(bot, scenario)
    recorder.close()
    monkeypatch.undo()
    assert not played.failed, played.diff()
    return read(file)


def of_file(name):
    return [(key, each) for key, each in SCENARIOS.items() if each.file.stem == name]


@pytest.mark.parametrize("name", [key for file in RECORDED for key, _ in of_file(file)])
def test_what_was_recorded_can_be_played_at_once(bot, name, tmp_path, monkeypatch):
    (found,) = recorded(bot, SCENARIOS[name], tmp_path / "it.yml", monkeypatch)

    acts = [step for step in found.steps if step.kind not in ("reply", "silence", "control")]
    of_original = [step for step in SCENARIOS[name].steps if step.kind not in ("reply", "silence", "control")]
    assert [step.kind for step in acts] == [step.kind for step in of_original]
    played = player.play(bot, found)
    assert not played.failed, f"\n{played.diff()}"


def test_a_broken_rule_fails_what_was_recorded_before(bot, tmp_path, monkeypatch):
    mutation = MUTATIONS["the bot is silent while it does not have control"]
    (_, scenario), *_ = of_file("to_the_built_in_inbox")
    (found,) = recorded(bot, scenario, tmp_path / "it.yml", monkeypatch)
    assert not player.play(bot, found).failed

    mutation.breaks(monkeypatch)

    assert player.play(bot, found).failed
