"""The person beside the chat, and the card above it: what is read, how often, and as whom."""

from __future__ import annotations

import dataclasses

import pytest
from inbox_page import SARA, add_agents, get, services_of
from play import HOUR, PSID

from handover_channel.errors import NotKnown
from handover_channel.inbox import beside, routes
from handover_channel.inbox.beside import FRESH_WITH_BOT, FRESH_WITH_PEOPLE, KnownFacts
from handover_channel.inbox.bot_facts import BotFacts, Failure
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings.inbox import InboxSettings
from handover_channel.store import conversation_lists, profiles
from handover_channel.store.profiles import Profile

FACTS = BotFacts(
    intent="order_status",
    words=("where is it", "a human please"),
    form="order_form",
    asked="contact",
    failures=(Failure("not_understood", 2), Failure("not_taken", 1, "order_form")),
    slots={"order_number": "10234", "secret_note": "do not show"},
)
TITLED = InboxSettings(
    continue_with={"order_status": {"en": "Where is my order?", "ar": "أين طلبي؟"}},
    show_slots={"contact": {"en": "Contact", "ar": "x"}, "order_number": {"en": "Order no.", "ar": "y"}},
)


class Bot:
    """Rasa: counts how often it is asked; with an error as its facts it fails."""

    def __init__(self, facts=FACTS):
        self.known, self.asked = facts, 0

    def facts(self, thread):
        self.asked += 1
        if isinstance(self.known, Exception):
            raise self.known
        return self.known


class Moments:
    """Seconds that are moved by hand."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


# --- how often Rasa is asked ---------------------------------------------------------------------


def test_while_people_have_the_conversation_rasa_is_asked_once(play):
    bot, moments = Bot(), Moments()
    known = KnownFacts(moments)
    row = play.hands_over("inbox")

    assert known.of(row, bot) == FACTS
    moments.now += FRESH_WITH_PEOPLE - 1
    assert known.of(row, bot) == FACTS
    assert bot.asked == 1


def test_with_the_next_handover_it_is_asked_again(play):
    bot, known = Bot(), KnownFacts(Moments())
    known.of(play.hands_over("inbox"), bot)
    play.clock.passes(60)
    play.thread_control.return_to_bot(PSID, ReturnReason.AGENT, who="sara")
    play.work()

    known.of(play.hands_over("inbox"), bot)

    assert bot.asked == 2


def test_while_the_bot_has_it_what_it_knows_counts_for_seconds(play):
    bot, moments = Bot(), Moments()
    known = KnownFacts(moments)
    row = play.says("hello")

    known.of(row, bot)
    moments.now += FRESH_WITH_BOT - 0.1
    known.of(row, bot)
    assert bot.asked == 1
    moments.now += 0.2
    known.of(row, bot)
    assert bot.asked == 2


def test_no_more_is_remembered_than_there_is_room_for(play, monkeypatch):
    monkeypatch.setattr(beside, "FACTS_REMEMBERED", 2)
    bot, known = Bot(), KnownFacts(Moments())
    row = play.hands_over("inbox")

    for number in range(5):
        known.of(dataclasses.replace(row, id=str(number)), bot)

    assert len(known._known) == 2


def test_a_tracker_that_cannot_be_read_is_said_and_asked_for_again(play, caplog):
    bot, known = Bot(RuntimeError("secret words")), KnownFacts(Moments())
    row = play.hands_over("inbox")

    assert known.of(row, bot) is None
    assert "Rasa's tracker cannot be read" in caplog.text
    assert "secret words" not in caplog.text
    bot.known = FACTS
    assert known.of(row, bot) == FACTS


# --- the person -----------------------------------------------------------------------------------


def person(play, settings=TITLED, facts=FACTS):
    return beside.person_view(play.store, settings, play.row, facts)


def test_the_profile_and_the_first_sign_of_the_person_are_shown(play):
    play.says("hello")
    play.hands_over("inbox")
    at = play.row.changed_at
    with play.store.writing() as connection:
        found = Profile(PSID, "Ada Okafor", "https://x.example/p.png", 1.0, locale="ar_AR", timezone=3.0)
        profiles.put(connection, found)
        conversation_lists.add_tag(connection, PSID, "vip")

    shown = person(play)

    assert (shown.thread, shown.name, shown.has_picture) == (PSID, "Ada Okafor", True)
    assert (shown.locale, shown.timezone, shown.tags) == ("ar_AR", 3.0, ("vip",))
    assert shown.first_seen == at
    assert person(play, facts=dataclasses.replace(FACTS, since=at - HOUR)).first_seen == at - HOUR


def test_only_slots_that_the_setting_names_are_shown_by_their_titles(play):
    play.hands_over("inbox")

    assert [(title["en"], value) for title, value in person(play).slots] == [("Order no.", "10234")]
    assert person(play, InboxSettings(show_slots={})).slots == []


def test_without_the_setting_every_slot_is_shown_under_its_name_in_words(play):
    play.hands_over("inbox")

    shown = person(play, InboxSettings()).slots

    assert [title["en"] for title, _ in shown] == ["Order number", "Secret note"]


def test_where_rasa_cannot_be_read_the_rest_is_there(play):
    play.hands_over("inbox")

    shown = person(play, facts=None)

    assert (shown.is_known, shown.slots, len(shown.episodes)) == (False, [], 1)


def test_past_handovers_are_told_with_who_ended_them_and_why(play):
    add_agents(play, "sara")
    play.hands_over("inbox")
    began = play.clock()
    play.clock.passes(60)
    play.thread_control.return_to_bot(PSID, ReturnReason.AGENT, who="sara", note="refund agreed")
    play.work()
    play.clock.passes(HOUR)
    play.hands_over("sales_bot")

    now, before = person(play).episodes

    assert (now.target, now.ended, now.returned) == ("sales_bot", None, "")
    assert (before.target, before.began, before.ended) == ("inbox", began, began + 60)
    assert (before.returned, before.who, before.note) == ("agent", "Sara", "refund agreed")


# --- the card -------------------------------------------------------------------------------------


def test_the_card_tells_what_was_wanted_and_what_failed_by_titles(play):
    card = beside.card_view(TITLED, play.hands_over("inbox"), FACTS)

    assert (card.wanted["en"], card.form["en"], card.asked["en"]) == (
        "Where is my order?",
        "Order form",
        "Contact",
    )
    assert card.words == ("where is it", "a human please")
    assert [(each.kind, each.times, each.about.get("en", "")) for each in card.troubles] == [
        ("not_understood", 2, ""),
        ("not_taken", 1, "Order form"),
    ]
    assert [value for _, value in card.slots] == ["10234"]


@pytest.mark.parametrize("facts", [None, BotFacts()])
def test_there_is_no_card_where_nothing_is_known(play, facts):
    assert beside.card_view(TITLED, play.hands_over("inbox"), facts) is None


def test_there_is_no_card_while_the_bot_has_control(play):
    assert beside.card_view(TITLED, play.says("hello"), FACTS) is None


# --- on the page ----------------------------------------------------------------------------------


@pytest.fixture
def services(play):
    services = services_of(play)
    yield services
    services.pools.shutdown()


async def test_both_are_fragments_that_the_page_loads_afterwards(play, services):
    play.hands_over("inbox")

    page = (await routes.show_thread(services, get())).content
    shown = (await routes.show_person(services, get())).content
    card = (await routes.show_card(services, get())).content

    assert "10234" not in page
    assert f"/thread/{PSID}/person" in page
    assert f"/thread/{PSID}/card" in page
    assert "10234" in shown
    assert PSID in shown
    assert "my parcel is wet" in card
    assert "Order status" in card


async def test_a_conversation_of_the_bots_asks_for_no_card(play, services):
    play.says("hello")

    assert "/card" not in (await routes.show_thread(services, get())).content


@pytest.mark.parametrize("show", [routes.show_person, routes.show_card])
async def test_a_thread_that_was_never_seen_has_neither(services, show):
    with pytest.raises(NotKnown):
        await show(services, get(SARA, "nobody"))


async def test_two_people_of_one_name_are_told_apart_in_the_list(play, services):
    play.hands_over("inbox")
    play.thread_control.hand_over("9998887771234", channel="rest")
    with play.store.writing() as connection:
        for thread in (PSID, "9998887771234"):
            profiles.put(connection, Profile(thread, "Ada Okafor", "", 1.0))

    page = (await routes.show_list(services, get())).content

    assert "…7001" in page
    assert "…1234" in page
