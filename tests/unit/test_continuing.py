"""With what the bot may go on after a return: subjects, under names that people read."""

from __future__ import annotations

import dataclasses

import pytest

from handover_channel.inbox.queries import BotHistory, Queries
from handover_channel.replies.service import AgentReplies
from handover_channel.rules.continuing import choices, in_words
from handover_channel.settings.inbox import InboxSettings

STARTER = ["greet", "goodbye", "affirm", "deny", "mood_great", "mood_unhappy", "bot_challenge"]
BOTS = [*STARTER, "out_of_scope", "track_order", "ask-hours", "Returns"]


def test_without_a_setting_subjects_are_offered_in_words_and_small_talk_is_not():
    assert {intent: names["en"] for intent, names in choices(BOTS, None).items()} == {
        "track_order": "Track order",
        "ask-hours": "Ask hours",
        "Returns": "Returns",
    }


def test_a_bot_of_small_talk_alone_offers_nothing():
    assert choices(STARTER, None) == {}


def test_what_is_set_is_offered_in_its_order_and_only_if_the_bot_has_it():
    named = {"Returns": {"en": "Send it back"}, "gone": {"en": "Gone"}, "track_order": {"en": "My order"}}

    assert list(choices(BOTS, named)) == ["Returns", "track_order"]


def test_small_talk_that_is_named_is_meant():
    assert list(choices(BOTS, {"greet": in_words("greet")})) == ["greet"]


def test_nothing_is_offered_where_that_is_set():
    assert choices(BOTS, {}) == {}


FLOWS = {"transfer_money": "Send money to a\n  friend.", "no_words": "", "long": "x" * 200}


def test_of_a_calm_bot_its_flows_are_offered_by_their_descriptions_and_no_intents():
    offered = choices(BOTS, None, FLOWS)

    assert {flow: names["ar"] for flow, names in offered.items()} == {
        "transfer_money": "Send money to a friend.",
        "no_words": "No words",
        "long": "x" * 89 + "…",
    }


def test_flows_may_be_named_as_intents_are():
    named = {"transfer_money": {"en": "Send money"}, "gone": {"en": "Gone"}}

    assert list(choices([], named, FLOWS)) == ["transfer_money"]


@pytest.fixture
def shown(play):
    play.hands_over()

    def show(continue_with, intents=BOTS, flows=None):
        inbox = InboxSettings(continue_with=continue_with)
        settings = dataclasses.replace(play.settings, inbox=inbox)
        agent = AgentReplies(settings, play.store, play.graph, play.thread_control, play.clock)
        queries = Queries(settings, play.store, agent.sending_rules, play.clock)
        return queries.thread(
            play.row, BotHistory(intents=intents, flows=flows or {}), agent="sara", link=str
        )

    return show


def test_the_page_shows_the_names_that_were_set(shown):
    view = shown({"track_order": {"en": "My order", "ar": "طلبي"}})

    assert (view.intents, view.intent_names["track_order"]["ar"]) == (["track_order"], "طلبي")


def test_an_intent_that_the_bot_does_not_have_is_said_once(shown, caplog):
    for _ in range(2):
        shown({"trakc_order": in_words("trakc_order")})
    assert "trakc_order" in caplog.text
    assert "inbox.continue_with" in caplog.text


def test_a_flow_that_is_named_is_known(shown, caplog):
    view = shown({"transfer_money": in_words("transfer_money")}, intents=[], flows=FLOWS)

    assert view.intents == ["transfer_money"]
    assert "continue_with" not in caplog.text


def test_while_no_model_is_loaded_no_intent_is_called_unknown(shown, caplog):
    assert shown({"track_order": in_words("track_order")}, intents=[]).intents == []
    assert "continue_with" not in caplog.text
