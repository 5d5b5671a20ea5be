"""Tests what deliveries and refusals leave behind for the doctor: played through, on both databases."""

from __future__ import annotations

import pytest
from play import OURS, PSID, SALES_BOT

from handover_channel.graph_api.errors import TAKE_REFUSED
from handover_channel.settings.automatic_replies import AUTOMATIC_REPLY, META_AI
from handover_channel.simulator import page_settings
from handover_channel.store import evidence, findings


@pytest.fixture
def play(make_play):
    return make_play(talks=True)


@pytest.fixture
def seen(database, clock):
    def read():
        authors = (AUTOMATIC_REPLY, META_AI)
        return evidence.read(database("a"), now=clock(), authors=authors, since=clock() - 3600)

    return read


def test_a_quiet_page_leaves_nothing(play, seen):
    play.says("hello")

    found = seen()

    assert (found.findings, found.refusals, found.held) == ((), (), ())
    assert found.answered_by_itself == frozenset()


@pytest.mark.parametrize(("kind", "author"), [("instant_reply", AUTOMATIC_REPLY), ("meta_ai", META_AI)])
def test_what_meta_answers_by_itself_is_seen(play, seen, kind, author):
    page_settings.change_page(play.page, {"automatic_reply": kind})
    play.says("hello")

    assert seen().answered_by_itself == {author}


@pytest.mark.parametrize("without", ["default app", "switch"])
def test_a_refused_way_back_is_seen_with_what_meta_says(play, seen, without):
    play.hands_over("sales_bot")
    if without == "switch":
        page_settings.change_app(play.page, OURS, {"may_take": False})
    else:
        page_settings.change_page(play.page, {"default_app": None})
    play.says("back to bot")

    (refused,) = seen().refusals

    remedy = refused.said.values["remedy"]
    assert refused.thread == PSID
    assert TAKE_REFUSED in str(remedy)
    assert ("Conversation Routing is not enabled" in refused.said) is (without == "default app")


def test_a_thread_that_another_app_has_is_seen_with_its_app(play, seen):
    play.hands_over("sales_bot")

    found = seen()

    assert [(each.thread, each.owner) for each in found.held] == [(PSID, SALES_BOT)]
    assert SALES_BOT in found.apps


def test_our_own_echoes_under_another_id_are_seen(make_play, seen):
    play = make_play(talks=True)
    play.says("hello")
    echoes = [
        each["item"]
        for each in play.page.events_of("bot", PSID)
        if each["item"].get("message", {}).get("is_echo")
    ]
    echo = {**echoes[-1]["message"], "app_id": 999}
    play.deliver({**echoes[-1], "message": echo})
    play.work()

    assert [(each.kind, each.subject) for each in seen().findings] == [(findings.APP_ID_DIFFERS, "999")]
