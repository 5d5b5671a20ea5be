from __future__ import annotations

import pytest
import sqlalchemy as sa

from handover_channel.store import conversation_lists
from handover_channel.store.schema import people, read_marks, threads, transcript

ROW = {
    "channel": "facebook",
    "page": "1",
    "owner": "",
    "target": "",
    "stamp": 0,
    "precedence": 0,
    "reason": "",
    "changed_at": 0.0,
    "until": None,
    "version": 1,
    "wanted": "",
    "refusal": "",
    "attempts": 0,
    "seen": 0,
    "active_at": 0.0,
    "person_at": 0,
    "context": "{}",
    "answers_from": 0,
}


@pytest.fixture
def put(store):
    def put(thread, control="inbox", **given):
        with store.writing() as connection:
            connection.execute(
                sa.insert(threads).values(**{**ROW, "id": thread, "control": control, **given})
            )

    return put


def shown(store, name, **given):
    with store.reading() as connection:
        return [row["id"] for row in conversation_lists.page_of(connection, name, agent="sara", **given)]


def said(store, thread, text, number=1):
    with store.writing() as connection:
        values = {"mid": f"{thread}.{number}", "timestamp": number, "author": "person", "app_id": ""}
        connection.execute(sa.insert(transcript).values(thread=thread, text=text, attachments="[]", **values))


def test_waiting_are_those_that_nobody_has_and_the_newest_comes_first(store, put):
    put("early", waiting_since=1.0)
    put("late", waiting_since=2.0)
    put("hers", waiting_since=3.0, assignee="sara")
    put("answered", waiting_since=None)
    put("bots", control="bot")

    assert shown(store, "waiting") == ["late", "early"]


def test_mine_are_those_that_i_have(store, put):
    put("mine", assignee="sara")
    put("his", assignee="omar")
    put("nobodys")

    assert shown(store, "mine") == ["mine"]


def test_open_are_all_that_the_bot_does_not_have_wherever_they_are(store, put):
    put("inbox", active_at=1.0)
    put("page", control="app", target="page_inbox", active_at=2.0)
    put("bots", control="bot", active_at=3.0)

    assert shown(store, "open") == ["page", "inbox"]


def test_returned_are_those_that_came_back_and_bot_are_all_that_it_has(store, put):
    put("back", control="bot", reason="keyword", active_at=1.0)
    put("never_away", control="bot", active_at=2.0)

    assert shown(store, "returned") == ["back"]
    assert shown(store, "bot") == ["never_away", "back"]


@pytest.mark.parametrize("name", ["waiting", "open"])
def test_pages_of_a_list_show_each_thread_once_also_where_times_are_equal(store, put, name):
    for number in range(7):
        put(f"p{number}", waiting_since=float(number // 3), active_at=float(number // 3))

    pages, after = [], None
    while True:
        with store.reading() as connection:
            rows = conversation_lists.page_of(connection, name, agent="sara", after=after, limit=2)
        if not rows:
            break
        pages.append([row["id"] for row in rows])
        after = (rows[-1]["sorted_by"], rows[-1]["id"])

    assert sum(pages, []) == ["p6", "p5", "p4", "p3", "p2", "p1", "p0"]


def test_a_search_finds_names_words_and_ids(store, put):
    for thread in ("1", "2", "3"):
        put(thread)
    with store.writing() as connection:
        connection.execute(
            sa.insert(people).values(thread="1", name="Layla Haddad", picture="", fetched_at=0.0)
        )
    said(store, "2", "my shoes are red")
    said(store, "3", "حذائي أحمر")

    assert shown(store, "open", search="layla") == ["1"]
    assert shown(store, "open", search="SHOES") == ["2"]
    assert shown(store, "open", search="أحمر") == ["3"]
    assert shown(store, "open", search="2") == ["2"]


@pytest.mark.parametrize("text", ["%", "_", "\\", "100%", "'; DROP TABLE threads; --"])
def test_what_is_special_to_the_database_is_looked_for_as_it_is(store, put, text):
    put("with")
    put("without")
    said(store, "with", f"it says {text} here")
    said(store, "without", "nothing of the kind")

    assert shown(store, "open", search=text) == ["with"]


def test_filters_narrow_a_list(store, put):
    put("a", page="1", target="inbox")
    put("b", page="2", target="vip")
    with store.writing() as connection:
        conversation_lists.add_tag(connection, "b", "refund")
        conversation_lists.add_tag(connection, "b", "refund")

    assert shown(store, "open", page="2") == ["b"]
    assert shown(store, "open", target="inbox") == ["a"]
    assert shown(store, "open", tag="refund") == ["b"]
    with store.reading() as connection:
        assert conversation_lists.tags_of(connection, ["a", "b"]) == {"b": ("refund",)}
        assert conversation_lists.all_tags(connection) == ["refund"]


def test_a_tag_that_was_taken_away_is_gone(store, put):
    put("a")
    with store.writing() as connection:
        conversation_lists.add_tag(connection, "a", "refund")
        conversation_lists.remove_tag(connection, "a", "refund")
        assert conversation_lists.all_tags(connection) == []


def test_the_preview_is_the_newest_thing_that_was_said(store, put):
    put("a")
    said(store, "a", "first", 1)
    said(store, "a", "second", 2)

    with store.reading() as connection:
        row = conversation_lists.page_of(connection, "open", agent="sara")[0]

    assert (row["preview"], row["preview_author"]) == ("second", "person")


def test_what_an_agent_has_read_is_known_for_each_of_them_and_never_goes_back(store, put):
    put("a")
    with store.writing() as connection:
        conversation_lists.mark_read(connection, "a", "sara", 2000)
        conversation_lists.mark_read(connection, "a", "sara", 1000)

        assert conversation_lists.read_up_to(connection, "a", "sara") == 2000
        assert conversation_lists.read_up_to(connection, "a", "omar") == 0
        assert connection.execute(sa.select(sa.func.count()).select_from(read_marks)).scalar() == 1


def test_counting_stops_where_nobody_reads_the_number_any_more(store, put, monkeypatch):
    monkeypatch.setattr(conversation_lists, "MOST", 2)
    for number in range(4):
        put(f"p{number}", waiting_since=1.0)

    with store.reading() as connection:
        assert conversation_lists.count(connection, "waiting", agent="sara") == 2
        assert conversation_lists.count(connection, "mine", agent="sara") == 0
