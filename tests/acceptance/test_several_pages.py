"""A bot that serves two pages: a handover on one of them leaves the same person on the other with the bot."""

from __future__ import annotations

import pytest
from two_pages import GARDEN, LAMPS, SCENARIOS, bot_with_two_pages

from handover_channel.testing import start
from handover_channel.testing.player import play

pytestmark = pytest.mark.rasa


@pytest.fixture(scope="module")
def bot(model, tmp_path_factory):
    folder = bot_with_two_pages(tmp_path_factory.mktemp("two_pages"), model)
    with start.bot(start.Wanted(folder, start.OVER_HTTP, model)) as running:
        yield running


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.name for each in SCENARIOS])
def test_a_handover_on_one_page_leaves_the_same_person_on_the_other_with_the_bot(bot, scenario):
    played = play(bot, scenario)
    pages = played.conversation.everywhere

    assert not played.failed, f"\n{played.diff()}"
    assert set(pages) == {LAMPS, GARDEN}
    for page_id, conversation in pages.items():
        calls = [line for line in bot.journal(conversation.psid) if line["kind"] == "graph"]
        # With the token of another page Meta would not know the person.
        assert calls
        assert {(call["page"], call["status"]) for call in calls} == {(page_id, 200)}
