"""A bot that serves two pages, in the process of the test: what happens on one page stays there."""

from __future__ import annotations

import pytest

pytest.importorskip("rasa")

from two_pages import SCENARIOS, bot_with_two_pages

from handover_channel.testing.player import play

pytestmark = pytest.mark.rasa


@pytest.fixture(scope="module")
def bot(model, tmp_path_factory):
    from handover_channel.testing.in_process import InProcess

    bot = InProcess(bot_with_two_pages(tmp_path_factory.mktemp("two_pages"), model), model)
    yield bot
    bot.close()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.name for each in SCENARIOS])
def test_what_happens_on_one_page_stays_there(bot, scenario):
    played = play(bot, scenario)

    assert not played.failed, f"\n{played.diff()}"
