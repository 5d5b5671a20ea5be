from __future__ import annotations

from concurrent.futures import Executor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from play import DAY, OUTAGE, PSID, settings_with

from handover_channel.credentials import Page
from handover_channel.errors import StoreUnavailable
from handover_channel.profiles import AGAIN, LONGEST_NAME, Profiles, person_of
from handover_channel.simulator.refusals import Refusal
from handover_channel.store import news, people

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
        return people.get(connection, thread)


def news_of(play):
    with play.store.reading() as connection:
        return [thread for _, thread in news.since(connection, news_id=0, change_id=10**9, at=1e12)]


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


@pytest.mark.parametrize(("fault", "pause"), [(OUTAGE, AGAIN), (NO_PROFILE, DAY)])
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

    monkeypatch.setattr(people, "get", away)
    profiles.want(PSID, page="")
    pool.works()
    monkeypatch.undo()
    play.clock.passes(AGAIN + 1)
    profiles.want(PSID, page="")
    pool.works()

    assert known(play).name


def test_a_name_is_one_line_and_not_too_long():
    answer = {"first_name": "Na\ndia ", "last_name": "H" * 500, "profile_pic": "javascript:alert(1)"}
    person = person_of(answer, PSID, now=1.0)

    assert person.name.startswith("Na dia HHH")
    assert len(person.name) == LONGEST_NAME
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
