"""Tests who hears a message on another channel than Messenger, and what is written down of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from play import Clock, settings_with

from handover_channel.control.thread_control import ThreadControl
from handover_channel.control.turn_gate import Heard, Held, OpenGate, Said, SettingsGate
from handover_channel.errors import StoreUnavailable
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings.loader import WhileMuted
from handover_channel.store import transcript

SAID_AT = 1_700_000_000_000
BUTTON = '/handover_returned{"reason": "button"}'
BY_BOT = Heard(by_bot=True)
REST = "rest"


class Desk:
    """A gate and what is behind it."""

    def __init__(self, store, **changes):
        self.store, self.clock = store, Clock()
        self.thread_control = ThreadControl(settings_with(**changes), store, None, self.clock)
        self.gate = SettingsGate(self.thread_control)

    def hears(self, text, thread="abc", channel=REST, mid="m1"):
        return self.gate.hear(Said(thread, channel, text, mid, SAID_AT))

    def hand_over(self, thread="abc", channel=REST):
        return self.thread_control.hand_over(thread, channel=channel)

    def control(self, thread="abc"):
        return self.thread_control.find(thread).state.control.value

    def lines(self, thread="abc"):
        with self.store.reading() as connection:
            return [(line.text, line.mid, line.timestamp) for line in transcript.of(connection, thread)]


@pytest.fixture
def desk(store):
    return Desk(store)


def test_the_bot_hears_whoever_was_never_seen_and_whoever_is_back(desk):
    assert desk.hears("back to bot") == BY_BOT
    desk.hand_over()
    desk.hears("back to bot")

    assert desk.hears("back to bot") == BY_BOT
    assert desk.lines() == [("back to bot", "m1", SAID_AT)]


def test_a_message_is_kept_once_and_held_for_whoever_has_the_thread(desk):
    row = desk.hand_over()

    heard = [desk.hears("where is my order"), desk.hears("where is my order")]

    assert heard == [Heard(by_bot=False, held=Held("inbox", row.until, tells=False))] * 2
    assert desk.lines() == [("where is my order", "m1", SAID_AT)]
    assert desk.control() == "inbox"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("half an emoji \ud83d", "half an emoji ?"),
        ("\udc00", "?"),
        ("a\0b", "ab"),
        ("\N{GRINNING FACE}", "\N{GRINNING FACE}"),
    ],
)
def test_words_that_no_database_stores_are_kept_as_near_as_can_be(desk, said, kept):
    desk.hand_over()

    heard = desk.hears(said)

    assert not heard.by_bot
    assert desk.lines() == [(kept, "m1", SAID_AT)]


def test_a_way_back_beside_half_an_emoji_is_one(desk):
    desk.hand_over()

    assert desk.hears("back to bot \ud83d").returned is ReturnReason.KEYWORD


@pytest.mark.parametrize("sender", ["a\0b", "\ud800", "fine\udfff"])
def test_the_bot_hears_whoever_has_an_id_that_cannot_be_stored(desk, sender):
    assert desk.hears("hello", thread=sender) == BY_BOT
    assert desk.gate.is_muted(sender) is None


def test_the_channels_client_is_told_where_the_settings_say_so(store):
    desk = Desk(store, rest_while_muted=WhileMuted.HANDOVER)
    desk.hand_over()

    assert desk.hears("hello?").held.tells


@pytest.mark.parametrize(
    ("text", "kept", "reason"),
    [
        ("Back to bot!", "Back to bot!", ReturnReason.KEYWORD),
        (BUTTON, "Back to Bot", ReturnReason.BUTTON),
    ],
)
def test_a_way_back_returns_the_thread_without_a_note_to_anybody(desk, text, kept, reason):
    desk.hand_over()

    heard = desk.hears(text)

    assert heard == Heard(by_bot=False, returned=reason)
    assert desk.control() == "bot"
    assert [line[0] for line in desk.lines()] == [kept]
    with desk.store.reading() as connection:  # whoever has the message runs the turn
        assert connection.exec_driver_sql("SELECT count(*) FROM deliveries").scalar() == 0
        assert connection.exec_driver_sql("SELECT reason, who FROM changes ORDER BY id").fetchall()[-1] == (
            reason.value,
            "person",
        )


@pytest.mark.parametrize(
    ("when", "rest", "always"),
    [("never", "", False), ("understood", "when are you open", False), ("always", "when are you open", True)],
)
def test_the_rest_of_a_keywords_message_is_the_bots_as_the_settings_say(store, when, rest, always):
    returning = replace(settings_with().returning, rest=when)
    desk = Desk(store, returning=returning)
    desk.hand_over()

    heard = desk.hears("back to bot, when are you open")

    assert (heard.returned, heard.rest, heard.rest_always) == (ReturnReason.KEYWORD, rest, always)


def test_what_comes_by_another_channel_is_neither_kept_nor_a_way_back(desk):
    desk.hand_over(channel="telegram")

    heard = [desk.hears("my words"), desk.hears("back to bot", mid="m2"), desk.hears(BUTTON, mid="m3")]

    assert [each.returned for each in heard] == [None] * 3
    assert not any(each.by_bot for each in heard)
    assert (desk.lines(), desk.control()) == ([], "inbox")


def test_what_comes_by_no_channel_counts_as_one_of_the_threads(desk):
    desk.hand_over(channel="telegram")

    assert desk.hears("my words", channel="").held
    assert desk.hears("back to bot", channel="", mid="m2").returned is ReturnReason.KEYWORD
    assert [line[0] for line in desk.lines()] == ["my words", "back to bot"]


def test_on_messenger_nobody_speaks_for_the_person_without_a_channel(desk, caplog):
    desk.hand_over(channel="facebook")

    heard = [desk.hears(text, channel="", mid=text) for text in ("my words", "back to bot", BUTTON)]

    assert all(each.held for each in heard)
    assert (desk.lines(), desk.control()) == ([], "inbox")
    assert "thread abc is on facebook: what came by Rasa's HTTP API is not kept" in caplog.text


def test_of_a_message_without_text_nothing_is_kept(desk):
    desk.hand_over()

    assert desk.hears("").held
    assert desk.lines() == []


def test_when_the_time_is_up_and_nobody_has_noticed_the_bot_hears(desk):
    row = desk.hand_over()

    desk.clock.now = row.until + 60

    assert desk.hears("back to bot") == BY_BOT
    assert (desk.lines(), desk.control()) == ([], "bot")


def test_what_changes_hands_too_often_stays_with_the_agents(desk):
    for number in range(20):
        desk.hand_over()
        heard = desk.hears("back to bot", mid=f"m{number}")
        if heard.returned is None:
            break

    assert heard.held
    assert desk.control() == "inbox"
    assert desk.lines()[-1][1] == f"m{number}"


@pytest.mark.parametrize("method", ["glancing", "writing"])
def test_without_a_store_nobody_hears_and_it_is_said(desk, monkeypatch, method):
    def out_of_reach():
        raise StoreUnavailable("no connection")

    desk.hand_over()
    monkeypatch.setattr(desk.store, method, out_of_reach)

    with pytest.raises(StoreUnavailable):
        desk.hears("where is my order")

    monkeypatch.undo()
    assert (desk.lines(), desk.control()) == ([], "inbox")


def test_the_open_gate_has_the_bot_hear_everything():
    assert OpenGate().hear(Said("abc", REST, "back to bot", "m1", SAID_AT)) == BY_BOT


def test_what_another_process_changes_in_the_middle_of_a_turn_is_seen_by_the_next_question(desk, open_store):
    desk.hand_over()
    desk.thread_control.return_to_bot("abc", ReturnReason.AGENT, who="kim")
    other = ThreadControl(desk.thread_control.settings, open_store(), None, desk.clock)
    assert desk.gate.is_muted("abc") is False

    other.hand_over("abc", channel=REST)
    assert desk.gate.is_muted("abc") is True

    other.return_to_bot("abc", ReturnReason.AGENT, who="kim")
    assert desk.gate.is_muted("abc") is False
    assert desk.gate.is_muted("nobody") is None
