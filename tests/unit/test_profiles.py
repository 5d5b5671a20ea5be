from __future__ import annotations

import dataclasses
from concurrent.futures import Executor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from play import DAY, OUTAGE, PSID, SALES_BOT, settings_with

from handover_channel.errors import StoreUnavailable
from handover_channel.graph_api.profiles import (
    ASK_AGAIN_AFTER_OUTAGE,
    FRESH,
    LONGEST_PERSON_NAME,
    Profiles,
    person_of,
)
from handover_channel.inbox.queries import BotHistory, Queries
from handover_channel.messenger.events import PAGE_INBOX_APP_ID
from handover_channel.replies.sending_rules import SendingRules
from handover_channel.settings.credentials import Page
from handover_channel.simulator.refusals import Refusal
from handover_channel.store import page_names, page_updates
from handover_channel.store import profiles as store_profiles

NO_PROFILE = Refusal(100, "(#100) No profile available for this user.", 2018218)


class Later(Executor):
    """A pool that works when told to."""

    def __init__(self):
        self.tasks = []

    def submit(self, task, *given):
        self.tasks.append((task, given))

    def works(self):
        tasks, self.tasks = self.tasks, []
        for task, arguments in tasks:
            task(*arguments)
        return len(tasks)


@pytest.fixture
def pool():
    return Later()


@pytest.fixture
def profiles(play, pool):
    play.says("hello")
    play.calls()
    return Profiles(play.settings, play.store, play.graph, play.clock, pool=pool)


def known(play, thread=PSID):
    with play.store.reading() as connection:
        return store_profiles.get(connection, thread)


def news_of(play):
    with play.store.reading() as connection:
        return [thread for _, thread in page_updates.since(connection, news_id=0, change_id=10**9, at=1e12)]


def test_nobody_waits_for_meta(profiles, play, pool):
    profiles.want(PSID, page="")

    assert play.calls() == []
    assert known(play) is None
    assert pool.works() == 1


def test_name_and_picture_come_a_moment_later_and_pages_are_told(profiles, play, pool):
    profiles.want(PSID, page="")
    pool.works()

    assert known(play).name == play.page.thread(PSID).name
    assert known(play).picture.startswith("https://")
    assert news_of(play) == [PSID]


def test_meta_is_asked_once_a_day(profiles, play, pool):
    for _ in range(3):
        profiles.want(PSID, page="")
        pool.works()
    assert play.calls() == [PSID]

    play.clock.passes(DAY + 1)
    profiles.want(PSID, page="")
    pool.works()

    assert play.calls() == [PSID]
    assert news_of(play) == [PSID]  # nothing that is shown has changed


def test_what_another_process_has_fetched_counts(profiles, play, pool):
    other = Profiles(play.settings, play.store, play.graph, play.clock, pool=pool)
    for each in (profiles, other):
        each.want(PSID, page="")
        pool.works()

    assert play.calls() == [PSID]


def test_that_meta_tells_nothing_is_remembered_too(profiles, play, pool):
    play.meta.fails(PSID, NO_PROFILE)
    for _ in range(2):
        profiles.want(PSID, page="")
        pool.works()

    assert (known(play).name, known(play).picture) == ("", "")
    assert play.calls() == [PSID]
    assert news_of(play) == []


@pytest.mark.parametrize(("fault", "pause"), [(OUTAGE, ASK_AGAIN_AFTER_OUTAGE), (NO_PROFILE, DAY)])
def test_a_name_that_was_known_stays_when_meta_does_not_tell_it(profiles, play, pool, fault, pause):
    profiles.want(PSID, page="")
    pool.works()
    before = known(play)
    play.clock.passes(DAY + 1)
    play.meta.fails(PSID, fault)
    profiles.want(PSID, page="")
    pool.works()

    assert (known(play).name, known(play).picture) == (before.name, before.picture)
    play.calls()
    for seconds, asked in ((pause - 1, []), (2, [PSID])):
        play.clock.passes(seconds)
        profiles.want(PSID, page="")
        pool.works()
        assert play.calls() == asked


NOT_PERMITTED = Refusal(100, "(#100) Insufficient permission to access user profile.", 2018247)


def test_locale_and_time_zone_come_with_it_where_meta_allows_that(profiles, play, pool):
    profiles.want(PSID, page="")
    pool.works()

    assert (known(play).locale, known(play).timezone) == ("ar_AR", 1.0)


def test_an_app_without_more_permissions_gets_name_and_picture_and_asks_for_no_more_for_a_day(
    profiles, play, pool
):
    play.meta.faults.append((PSID, NOT_PERMITTED))
    profiles.want(PSID, page="")
    pool.works()
    asked = play.calls()

    assert (known(play).name != "", known(play).locale, known(play).timezone) == (True, "", None)
    assert asked == [PSID, PSID]
    play.page.person("7002").says("hello")
    profiles.want("7002", page="")
    pool.works()
    assert play.calls() == ["7002"]
    play.clock.passes(FRESH + 1)
    profiles.want(PSID, page="")
    pool.works()
    assert known(play).locale == "ar_AR"


@pytest.mark.parametrize("answer", [{"locale": "<b>"}, {"timezone": True}, {"timezone": 1e9}, {"locale": 7}])
def test_a_locale_or_time_zone_that_is_none_is_left_out(answer):
    found = person_of(answer, PSID, now=1.0)

    assert (found.locale, found.timezone) == ("", None)


def test_only_messenger_has_profiles(profiles, pool):
    profiles.want("t1", page="", channel="telegram")

    assert pool.works() == 0


def test_a_page_without_a_token_stops_nothing(play, pool, caplog):
    settings = settings_with(pages=(Page("1", "a"), Page("2", "b")))
    Profiles(settings, play.store, play.graph, play.clock, pool=pool).want(PSID, page="3")
    pool.works()

    assert known(play).name == ""


def test_a_database_that_is_away_is_asked_again_later(profiles, play, pool, monkeypatch):
    def away(*given):
        raise StoreUnavailable("gone")

    monkeypatch.setattr(store_profiles, "get", away)
    profiles.want(PSID, page="")
    pool.works()
    monkeypatch.undo()
    play.clock.passes(ASK_AGAIN_AFTER_OUTAGE + 1)
    profiles.want(PSID, page="")
    pool.works()

    assert known(play).name


def test_a_name_is_one_line_and_not_too_long():
    answer = {"first_name": "Na\ndia ", "last_name": "H" * 500, "profile_pic": "javascript:alert(1)"}
    person = person_of(answer, PSID, now=1.0)

    assert person.name.startswith("Na dia HHH")
    assert len(person.name) == LONGEST_PERSON_NAME
    assert person.picture == ""


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("first_name", "last_name", "profile_pic"), _json)))
def test_whatever_meta_answers_is_a_person(answer):
    person = person_of(answer, PSID, now=1.0)

    assert isinstance(person.name, str)
    assert isinstance(person.picture, str)


# --- pages --------------------------------------------------------------------------------------------


def several(play, *ids):
    return dataclasses.replace(play.settings, pages=tuple(Page(each, "demo-page-token") for each in ids))


def names(play):
    with play.store.reading() as connection:
        return page_names.names(connection)


def test_where_there_are_several_pages_their_names_are_fetched_once_a_day(play, pool):
    ours = play.page.page_id
    profiles = Profiles(several(play, ours, "999"), play.store, play.graph, play.clock, pool=pool)
    play.calls()
    for _ in range(2):
        profiles.want_pages()
        pool.works()

    assert names(play)[ours] == "Lamp & Leaf"
    assert play.calls() == [ours, "999"]
    play.clock.passes(DAY + 1)
    profiles.want_pages()
    pool.works()
    assert play.calls() == [ours, "999"]


def test_one_page_needs_no_name(play, pool):
    Profiles(play.settings, play.store, play.graph, play.clock, pool=pool).want_pages()
    Profiles(several(play, "1"), play.store, play.graph, play.clock, pool=pool).want_pages()

    assert pool.works() == 0


def test_a_name_that_is_known_outlives_an_outage(play, pool):
    ours = play.page.page_id
    profiles = Profiles(several(play, ours, ours), play.store, play.graph, play.clock, pool=pool)
    profiles.want_pages()
    pool.works()
    play.clock.passes(DAY + 1)
    play.meta.fails(ours, OUTAGE)

    profiles.want_pages()
    pool.works()

    assert names(play) == {ours: "Lamp & Leaf"}


@pytest.mark.parametrize(
    ("ids", "shown"), [((), ""), (("1",), ""), (("{}", "1"), "Lamp & Leaf"), (("1", "2"), "{}")]
)
def test_the_page_is_named_where_there_are_several(play, ids, shown):
    ours = play.page.page_id
    settings = several(play, *(each.format(ours) for each in ids)) if ids else play.settings
    play.hands_over()
    if ids and ours in [each.id for each in settings.pages]:
        with play.store.writing() as connection:
            page_names.put(connection, page_names.PageName(ours, "Lamp & Leaf", play.clock()))
    queries = Queries(settings, play.store, lambda row: SendingRules(True, "", ""), play.clock)

    assert queries.thread(play.row, BotHistory(), agent="sara", link=str).page_name == shown.format(ours)


def test_an_app_that_is_no_target_has_the_name_that_meta_tells(profiles, play, pool):
    play.meta.always["secondary_receivers"] = {"data": [{"id": "5555", "name": "Hoot & Co"}]}
    profiles.want_app("5555", PSID, page="")
    profiles.want_app("5555", PSID, page="")
    assert pool.works() == 1

    assert profiles.app_names["5555"] == "Hoot & Co"
    assert news_of(play) == [PSID]
    profiles.want_app("5555", PSID, page="")
    assert pool.works() == 0


@pytest.mark.parametrize("app", ["", "another_app", "inbox", PAGE_INBOX_APP_ID, SALES_BOT])
def test_meta_is_not_asked_for_the_name_of_what_has_one(profiles, pool, app):
    profiles.want_app(app, PSID, page="")

    assert pool.works() == 0


def test_apps_that_meta_does_not_name_keep_their_ids_for_a_day(profiles, play, pool):
    for call in ("secondary_receivers", "subscribed_apps"):
        play.meta.always[call] = NO_PROFILE
    profiles.want_app("5555", PSID, page="")
    pool.works()
    play.clock.passes(FRESH - 1)
    profiles.want_app("5555", PSID, page="")

    assert (profiles.app_names, pool.works()) == ({}, 0)


def test_apps_of_a_page_without_a_token_keep_their_ids(play, pool, caplog):
    pages = (Page("1", "one"), Page("2", "two"))
    settings = dataclasses.replace(play.settings, pages=pages)
    profiles = Profiles(settings, play.store, play.graph, play.clock, pool=pool)
    profiles.want_app("5555", PSID, page="3")

    pool.works()

    assert profiles.app_names == {}
    assert [each.levelname for each in caplog.records if each.levelno >= 40] == []
