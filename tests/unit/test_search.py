"""The search on both databases: what is found, in which order, and that the index goes with what it is of."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from databases import on_sqlite
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.rules.search_words import wanted_of
from handover_channel.store import (
    edits,
    personal_data,
    profiles,
    retention,
    search,
    search_index,
    search_sources,
    transcript,
)
from handover_channel.store.conversation_lists import Narrowed
from handover_channel.store.edits import Edit
from handover_channel.store.profiles import Profile
from handover_channel.store.schema import changes, threads
from handover_channel.store.search import Below
from handover_channel.store.search_index import LINES, SEARCHED
from handover_channel.store.search_sources import Heard
from handover_channel.store.transcript import Line

ROW = {
    "channel": "facebook", "page": "1", "owner": "", "target": "", "stamp": 0, "precedence": 0, "reason": "",
    "changed_at": 0.0, "until": None, "version": 1, "wanted": "", "refusal": "", "attempts": 0, "seen": 0,
    "active_at": 0.0, "person_at": 0, "context": "{}", "answers_from": 0,
}  # fmt: skip


@pytest.fixture
def put(store):
    """Add threads."""

    def put(*ids, control="inbox", **given):
        with store.writing() as connection:
            for thread in ids:
                values = {**ROW, "id": thread, "control": control, **given}
                connection.execute(sa.insert(threads).values(**values))

    return put


@pytest.fixture
def say(store):
    """Write lines down, each a second after the one before."""
    said = iter(range(1, 10_000))

    def say(thread, *texts, at=None):
        with store.writing() as connection:
            for text in texts:
                number = next(said)
                line = Line("person", text, number * 1000 if at is None else at, mid=f"m{number}")
                transcript.add(connection, thread, line)

    return say


def bring_in(store):
    """Do what the inbox does beside all else, until there is no more."""
    with store.writing() as connection:
        search_sources.begin(connection)
    while search_sources.bring_in_lines(store) or search_sources.bring_in_names(store):
        pass


def page(store, text, *, name="", below=None, limit=50, clock=None, **narrowed):
    where = search.conditions_of(name, Narrowed(**narrowed))
    given = {"conditions": where, "agent": "sara", "below": below or Below(), "limit": limit}
    with store.reading() as connection:
        return search.messages(connection, wanted_of(text), **given, **({"clock": clock} if clock else {}))


def found(store, text, **given):
    return [hit.thread for hit in page(store, text, **given).hits]


def named(store, text, **narrowed):
    where = search.conditions_of("", Narrowed(**narrowed))
    with store.reading() as connection:
        return search.names(connection, wanted_of(text), conditions=where, agent="sara", limit=50)


def kept_words(store, index):
    with store.reading() as connection:
        return connection.execute(sa.text(f"SELECT count(*) FROM {index}")).scalar()  # noqa: S608


# --- what is found --------------------------------------------------------------------------------


def test_what_was_said_is_found_in_all_lists_the_newest_first(store, put, say):
    put("open", "mine")
    put("returned", control="bot", reason="keyword")
    say("open", "my shoes are red")
    say("returned", "Red SHOES, please")
    say("mine", "a red hat")
    bring_in(store)

    assert found(store, "shoes") == ["returned", "open"]
    assert found(store, "red sho") == ["returned", "open"]
    assert found(store, "red", name="returned") == ["returned"]
    assert found(store, "blue") == []


def test_arabic_is_found_as_people_type_it(store, put, say):
    put("a", "b")
    say("a", "المنتج وصل مكسورًا")
    say("b", "أين الطلب؟")
    bring_in(store)

    assert found(store, "مكسورا") == found(store, "منتج مكسور") == ["a"]
    assert found(store, "طلب") == ["b"]


def test_a_conversation_is_shown_once_by_its_newest_hit_with_how_many_there_are(store, put, say):
    put("a")
    say("a", "first parcel", "nothing", "second parcel")
    bring_in(store)

    found_page = page(store, "parcel")

    assert [hit.text for hit in found_page.hits] == ["second parcel"]
    assert found_page.more == {"a": 1}
    assert found_page.is_last


def test_pages_go_on_where_the_one_before_ended_until_everything_was_shown(store, put, say, monkeypatch):
    monkeypatch.setattr(search, "HITS_A_PAGE", 3)
    for number in range(7):
        put(f"p{number}")
        say(f"p{number}", f"parcel {number}")
    bring_in(store)

    shown, below = [], Below()
    for _ in range(20):
        one = page(store, "parcel", below=below, limit=2)
        shown += [hit.thread for hit in one.hits]
        below = one.below
        if one.is_last:
            break

    assert shown == ["p6", "p5", "p4", "p3", "p2", "p1", "p0"]


def test_filters_count_for_the_conversations_of_what_is_found(store, put, say):
    put("hers", assignee="sara", channel="socketio")
    put("nobodys", person_at=5)
    for thread in ("hers", "nobodys"):
        say(thread, "parcel")
    bring_in(store)

    assert found(store, "parcel", agent="sara") == ["hers"]
    assert found(store, "parcel", channel="facebook") == ["nobodys"]
    assert found(store, "parcel", unread="1") == ["nobodys"]
    assert found(store, "parcel", agent="omar") == []


def test_people_are_found_by_their_names_and_not_by_what_others_said(store, put, say):
    put("1", active_at=1.0)
    put("2", active_at=2.0)
    put("3")
    for thread, name in (("1", "Nadia Farouk"), ("2", "نادية فاروق"), ("3", "Zoë")):
        with store.writing() as connection:
            profiles.put(connection, Profile(thread, name, "", 0.0))
    say("3", "is Nadia there?")
    bring_in(store)

    assert named(store, "nadia") == ["1"]
    assert named(store, "far nad") == ["1"]
    assert named(store, "ناديه") == ["2"]
    assert named(store, "zoe") == ["3"]
    assert found(store, "nadia") == ["3"]


def test_a_new_name_takes_the_place_of_the_old_one(store, put):
    put("1")
    for name in ("Nadia", "Leila"):
        with store.writing() as connection:
            profiles.put(connection, Profile("1", name, "", 0.0))

    assert named(store, "nadia") == []
    assert named(store, "leila") == ["1"]
    with store.writing() as connection:
        profiles.put(connection, Profile("1", "", "", 0.0))
    assert named(store, "leila") == []


def test_names_from_before_the_search_are_brought_in(store, put, monkeypatch):
    monkeypatch.setattr(search_sources, "ROWS_A_STEP", 2)
    put(*(f"p{number}" for number in range(5)))
    with store.writing() as connection:
        connection.execute(
            sa.text("INSERT INTO people (thread, name, picture, fetched_at) VALUES (:t, :n, '', 0)"),
            [{"t": f"p{number}", "n": f"Nadia {number}"} for number in range(5)],
        )
    bring_in(store)

    assert sorted(named(store, "nadia")) == [f"p{number}" for number in range(5)]


def test_what_was_said_to_the_bot_is_found_between_all_else(store, put, say):
    put("a", "b")
    say("a", "the parcel is wet")  # at 1 s
    bring_in(store)
    heard = [
        Heard(4, "person", 500, "where is my parcel"),
        Heard(7, "bot", 2000, "Your parcel is on its way"),
    ]
    _heard(store, "b", heard)
    _heard(store, "b", heard)  # again, as another process does

    hits = page(store, "parcel").hits

    assert [(hit.thread, hit.key, hit.author) for hit in hits] == [
        ("b", "bot-7", "bot"),
        ("a", "line-1", "person"),
    ]
    assert page(store, "parcel").more == {"b": 1}


def test_of_what_was_said_to_the_bot_the_newest_is_kept_and_no_text_whole_that_is_long(store, put):
    put("a")
    many = [Heard(number, "person", number, f"word{number}") for number in range(300)]
    _heard(store, "a", [*many, Heard(300, "person", 300, "x " * 4000 + "end")])

    assert found(store, "word299") == ["a"]
    assert found(store, "word50") == []
    assert found(store, "end") == []


def lose(store, thread, at=1.0):
    """Write down that the bot has lost the thread."""
    values = {"control_before": "bot", "control": "inbox", "owner": "", "target": "", "reason": "", "who": ""}
    with store.writing() as connection:
        search_sources.begin(connection)
        connection.execute(sa.insert(changes).values(thread=thread, at=at, **values))


def _heard(store, thread, heard):
    lose(store, thread)
    with store.reading() as connection:
        handovers = search_sources.handed_over(connection, before=2.0)
    assert handovers.threads == [thread]
    search_sources.bring_in_heard(store, handovers, {thread: heard})


def test_a_handover_is_looked_at_once_and_not_before_rasa_has_saved_it(store, put):
    put("a")
    lose(store, "a", at=10.0)
    with store.reading() as connection:
        assert search_sources.handed_over(connection, before=5.0).threads == []
        handovers = search_sources.handed_over(connection, before=15.0)
    assert handovers.threads == ["a"]
    search_sources.bring_in_heard(store, handovers, {})

    with store.reading() as connection:
        assert search_sources.handed_over(connection, before=15.0).threads == []


# --- steps ----------------------------------------------------------------------------------------


def test_what_was_there_before_is_brought_in_by_steps_the_newest_first(store, put, say, monkeypatch):
    monkeypatch.setattr(search_sources, "ROWS_A_STEP", 2)
    monkeypatch.setattr(search_sources, "ROWS_LOOKED_AT_AGAIN", 0)
    put("a")
    say("a", "parcel one", "parcel two", "parcel three", "parcel four", "parcel five")
    with store.writing() as connection:
        search_sources.begin(connection)

    search_sources.bring_in_lines(store)
    with store.reading() as connection:
        assert search_sources.missing_since(connection) is not None
    assert found(store, "five") == ["a"]
    assert found(store, "one") == []
    while search_sources.bring_in_lines(store):
        pass

    assert found(store, "one") == ["a"]
    with store.reading() as connection:
        assert search_sources.missing_since(connection) is None


def test_a_line_that_commits_late_is_found_all_the_same(store, put, say):
    put("a")
    say("a", "first")
    bring_in(store)
    with store.writing() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO transcript (id, thread, timestamp, author, app_id, text, attachments) "
                "VALUES (50, 'a', 1, 'person', '', 'numbered later', '[]')"
            )
        )
    bring_in(store)
    with store.writing() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO transcript (id, thread, timestamp, author, app_id, text, attachments) "
                "VALUES (40, 'a', 1, 'person', '', 'committed later', '[]')"
            )
        )
    bring_in(store)

    assert found(store, "committed") == ["a"]


def test_a_step_that_another_process_has_done_changes_nothing(store, put, say, open_store, monkeypatch):
    put("a")
    say("a", "parcel")
    with store.writing() as connection:
        search_sources.begin(connection)
    put_words = search_index.terms_of

    def meanwhile(rows, kind=search_index.OF_WORDS):
        monkeypatch.setattr(search_index, "terms_of", put_words)
        search_sources.bring_in_lines(open_store())
        return put_words(rows, kind)

    monkeypatch.setattr(search_index, "terms_of", meanwhile)
    search_sources.bring_in_lines(store)

    assert found(store, "parcel") == ["a"]
    assert kept_words(store, LINES) == 1


def test_when_nothing_is_new_nothing_is_written(store, put, say):
    put("a")
    say("a", "parcel", "!!!", "")
    bring_in(store)

    assert search_sources.bring_in_lines(store) is False


# --- bounds ---------------------------------------------------------------------------------------


def test_a_search_that_takes_too_long_says_how_far_it_got_and_goes_on_there(store, put, say, monkeypatch):
    monkeypatch.setattr(search_index, "BLOCK", 1)  # two rows each
    monkeypatch.setattr(search_index, "BLOCKS_AT_ONCE", 1)
    put("a")
    say("a", "zebra", *["nothing"] * 20)
    bring_in(store)
    times = iter([0.0, 0.0, 0.05, 9.0])
    late = page(store, "zebra", clock=lambda: next(times, 99.0))

    assert late.hits == []
    assert not late.is_last
    assert found(store, "zebra", below=late.below, clock=lambda: 0.0) == ["a"]


@pytest.mark.parametrize(
    "text", ['"', "* OR a", "NEAR(", "a & !b", "'; DROP TABLE threads; --", "100%", "a_b", "\\"]
)
def test_no_search_is_a_mistake_to_the_database(store, put, say, text):
    put("a")
    say("a", text)
    bring_in(store)

    wanted = wanted_of(text)
    assert found(store, text) == ["a"] if wanted else wanted == []


def test_whatever_people_write_is_found_by_it(store, put, say):
    put("a")
    texts = []

    @given(
        st.text(alphabet=st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=80)
    )
    def collect(text):
        texts.append(text)

    collect()
    say("a", *texts)
    bring_in(store)

    for text in texts:
        if wanted_of(text):
            assert found(store, text) == ["a"], text


# --- what goes ------------------------------------------------------------------------------------


def test_an_edit_is_found_by_its_new_words_alone(store, put, say):
    put("a")
    say("a", "the parcel is wet")
    bring_in(store)
    with store.writing() as connection:
        edits.add(connection, "a", Edit("m1", "the parcel is dry", 1, 2000))

    assert found(store, "wet") == []
    assert found(store, "dry") == ["a"]


def test_with_old_lines_and_names_their_words_go(store, put, say):
    put("a")
    say("a", "old parcel", at=1000)
    say("a", "new parcel", at=100_000)
    with store.writing() as connection:
        profiles.put(connection, Profile("a", "Nadia", "", 1.0))
    bring_in(store)
    _heard(store, "a", [Heard(1, "person", 1000, "an old word"), Heard(2, "person", 100_000, "a new word")])

    retention.delete_transcript(store, before=50.0, sleep=lambda seconds: None)

    assert (found(store, "old"), found(store, "new")) == ([], ["a"])
    assert named(store, "nadia") == []
    assert (kept_words(store, LINES), kept_words(store, SEARCHED)) == (1, 1)


def test_with_a_person_all_words_of_theirs_go_and_are_handed_out_before(store, put, say):
    put("a", "b")
    say("a", "my parcel")
    say("b", "another parcel")
    say("a", "the newest parcel")
    with store.writing() as connection:
        profiles.put(connection, Profile("a", "Nadia", "", 1.0))
    bring_in(store)
    _heard(store, "a", [Heard(1, "person", 1000, "parcel for the bot")])

    with store.writing() as connection:
        handed_out = personal_data.export(connection, "a")
        personal_data.forget(connection, "a", now=1.0)

    assert {row["text"] for row in handed_out["searched"]} == {"Nadia", "parcel for the bot"}
    assert found(store, "parcel") == ["b"]
    assert named(store, "nadia") == []
    assert (kept_words(store, LINES), kept_words(store, SEARCHED)) == (1, 0)


# --- without FTS5 ---------------------------------------------------------------------------------


@on_sqlite
def test_without_fts5_everything_is_found_too(store, put, say):
    with store.writing() as connection:
        for index in (LINES, SEARCHED):
            connection.execute(sa.text(f"DROP TABLE {index}"))
            connection.execute(sa.text(f"CREATE TABLE {index} (id INTEGER PRIMARY KEY, words TEXT NOT NULL)"))
    put("a", "b")
    say("a", "the parcel is wet")
    say("b", "a wet shoe", "المنتج مكسورًا")
    with store.writing() as connection:
        profiles.put(connection, Profile("a", "Nadia", "", 1.0))
    bring_in(store)

    assert found(store, "wet par") == ["a"]
    assert found(store, "wet") == ["b", "a"]
    assert found(store, "مكسورا") == ["b"]
    assert named(store, "nad") == ["a"]
    assert found(store, "et") == []
