"""Tests that the hour at which tests of a bot run does not decide how they go (testing/own_bot.py)."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from handover_channel import services
from handover_channel.rules.business_hours import DAYS
from handover_channel.settings import loader
from handover_channel.simulator import Simulator
from handover_channel.testing import in_process, own_bot
from handover_channel.testing.in_process import InProcess
from handover_channel.testing.over_http import OwnBot

DAY = 86400
#: In none of them is anybody there when this runs: a minute, in two days.
SOON = DAYS[(time.gmtime().tm_wday + 2) % 7]
HOURS = f'{{timezone: UTC, {SOON}: "9:00-9:01"}}'


@pytest.fixture
def bot_with(tmp_path):
    """Write the settings of a bot with these targets."""

    def write(**hours):
        targets = "".join(f"  {name}: {{kind: inbox, hours: {each}}}\n" for name, each in hours.items())
        (tmp_path / "handover.yml").write_text(f'app_id: "1111"\ntargets:\n{targets}')
        channel = "handover_channel.MessengerInput: {verify: w, secret: s, page-access-token: t}"
        (tmp_path / "credentials.yml").write_text(channel)
        return tmp_path

    return write


def test_a_test_in_the_process_begins_while_somebody_is_there_and_always_at_the_same_hour(
    bot_with, monkeypatch
):
    monkeypatch.setattr(in_process, "load_agent", lambda model, actions: None)
    monkeypatch.setattr(InProcess, "_bot", lambda self: SimpleNamespace())
    folder = bot_with(inbox=f'{{timezone: UTC, {SOON}: "9:00-17:00"}}')
    bot = InProcess(folder, model=folder / "none.tar.gz")
    try:
        begun = []
        for _ in range(2):
            bot.begin()
            begun.append(time.strftime("%w %H:%M:%S", time.gmtime(bot.clock())))
            bot.move_clock("13 hours", stopping=False)
    finally:
        bot.close()

    assert begun[0] == begun[1]
    assert begun[0].endswith("09:00:00")


def test_over_http_time_goes_on_to_the_hours_where_the_bot_follows_it(bot_with, monkeypatch):
    page = Simulator(app_id="1111", token="t", secret="s")  # noqa: S106 - of nobody
    given = services.build(loader.load(str(bot_with(inbox=HOURS) / "handover.yml")), page.clock)
    moves = []
    monkeypatch.setattr(OwnBot, "_advance", lambda self, by, how: moves.append(by) or 1)

    OwnBot(page, given).begin()
    now = page.clock()

    given.store.close()
    assert given.settings.target("inbox").hours.is_open(now + moves[-1] + 1)


def test_at_a_bot_that_does_not_follow_the_time_stays(bot_with, monkeypatch):
    page = Simulator(app_id="1111", token="t", secret="s")  # noqa: S106 - of nobody
    given = services.build(loader.load(str(bot_with(inbox=HOURS) / "handover.yml")), page.clock)
    moves = []
    monkeypatch.setattr("handover_channel.testing.over_http.FOLLOWS_WITHIN", 0)
    monkeypatch.setattr(OwnBot, "_advance", lambda self, by, how: moves.append(by) or 0)
    bot = OwnBot(page, given)

    bot.begin()

    given.store.close()
    assert set(moves) == {"0 seconds"}
    assert bot.cannot({"clock"})


def test_targets_that_are_never_open_together_leave_the_time_as_it_is(bot_with):
    later = HOURS.replace("9:00-9:01", "9:01-9:02")
    settings = loader.load(str(bot_with(inbox=HOURS, desk=later) / "handover.yml"))

    assert own_bot.until_all_are_there(settings, time.time()) == 0
