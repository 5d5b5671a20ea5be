from __future__ import annotations

import pytest
import sqlalchemy as sa

from handover_channel.store import conversation_lists
from handover_channel.store.conversation_lists import Narrowed
from handover_channel.store.list_orders import ORDERS
from handover_channel.store.schema import read_marks, threads, transcript

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


#: By our clock, in seconds; and by Meta's, in ms.
NOW = 1_800_000_000.0
NOW_MS = int(NOW * 1000)
HOUR_MS = 3600 * 1000


def page(store, name, **given):
    with store.reading() as connection:
        return conversation_lists.page_of(connection, name, **{"agent": "sara", "now": NOW, **given})


def shown(store, name, *, order="", limit=50, **narrowed):
    rows = page(store, name, order=order, limit=limit, narrowed=Narrowed(**narrowed))
    return [row["id"] for row in rows]


def said(store, thread, text, number=1):
    with store.writing() as connection:
        values = {"mid": f"{thread}.{number}", "timestamp": number, "author": "person", "app_id": ""}
        connection.execute(sa.insert(transcript).values(thread=thread, text=text, attachments="[]", **values))


def test_waiting_are_those_that_nobody_has_and_who_has_waited_longest_comes_first(store, put):
    put("early", waiting_since=1.0)
    put("late", waiting_since=2.0)
    put("hers", waiting_since=3.0, assignee="sara")
    put("answered", waiting_since=None)
    put("bots", control="bot")

    assert shown(store, "waiting") == ["early", "late"]
    assert shown(store, "waiting", order="newest") == ["late", "early"]


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


def test_of_mine_those_that_nobody_has_answered_come_first(store, put):
    put("answered", assignee="sara", active_at=9.0)
    put("answered_before", assignee="sara", active_at=8.0)
    put("waits", assignee="sara", active_at=7.0, waiting_since=7.0)
    put("waits_longer", assignee="sara", active_at=10.0, waiting_since=6.0)

    assert shown(store, "mine") == ["waits_longer", "waits", "answered", "answered_before"]
    assert shown(store, "mine", order="newest") == ["waits_longer", "answered", "answered_before", "waits"]


@pytest.mark.parametrize("name", ["waiting", "mine", "open"])
def test_whose_window_ends_first_comes_first_whichever_window_it_is(store, put, name):
    given = {"waiting_since": 1.0} if name == "waiting" else {}
    if name == "mine":
        given["assignee"] = "sara"
    put("day_left", person_at=NOW_MS - 1 * HOUR_MS, **given)
    put("hour_left", person_at=NOW_MS - 23 * HOUR_MS, **given)
    put("week_is_over_in_two_hours", person_at=NOW_MS - 166 * HOUR_MS, **given)
    put("reacted", person_at=NOW_MS - 300 * HOUR_MS, window_at=NOW_MS - 20 * HOUR_MS, **given)
    put("over", person_at=NOW_MS - 169 * HOUR_MS, **given)
    put("has_none", channel="socketio", person_at=NOW_MS - 23 * HOUR_MS, **given)

    found = shown(store, name, order="window")

    assert found[:4] == ["hour_left", "week_is_over_in_two_hours", "reacted", "day_left"]
    assert sorted(found[4:]) == ["has_none", "over"]


ORDERED = [(name, order) for name, orders in ORDERS.items() for order in orders]


@pytest.mark.parametrize(("name", "order"), ORDERED)
def test_pages_of_a_list_show_each_thread_once_also_where_times_are_equal(store, put, name, order):
    for number in range(9):
        moment = float(number // 3)
        waits = {"waiting_since": moment} if name == "waiting" or number % 2 else {}
        has = {"assignee": "sara"} if name == "mine" else {}
        control = {"control": "bot", "reason": "keyword"} if name in ("returned", "bot") else {}
        person_at = NOW_MS - int(moment) * 100 * HOUR_MS
        put(f"p{number}", active_at=moment, person_at=person_at, **waits, **has, **control)
    whole = shown(store, name, order=order)

    pages, after = [], None
    while True:
        rows = page(store, name, order=order, after=after, limit=2)
        if not rows:
            break
        pages.append([row["id"] for row in rows])
        after = rows[-1]["place"]

    assert sum(pages, []) == whole
    assert sorted(whole) == [f"p{number}" for number in range(9)]


def test_a_page_goes_on_in_the_order_in_which_it_began(store, put):
    for number in range(4):
        put(f"p{number}", waiting_since=float(number))
    first = page(store, "waiting", order="newest", limit=2)

    rest = page(store, "waiting", order="longest", after=first[-1]["place"])

    assert [row["id"] for row in rest] == ["p1", "p0"]


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


def test_a_list_is_narrowed_to_an_agent_a_channel_and_what_is_unread(store, put):
    put("hers", assignee="sara", person_at=5)
    put("his", assignee="omar", channel="socketio", person_at=5)
    put("nobodys", person_at=5)
    put("bots", control="bot", person_at=5)
    with store.writing() as connection:
        conversation_lists.mark_read(connection, "hers", "sara", 5)
        conversation_lists.mark_read(connection, "his", "omar", 5)

    assert shown(store, "open", agent="omar") == ["his"]
    assert shown(store, "open", agent=conversation_lists.FREE) == ["nobodys"]
    assert shown(store, "open", channel="socketio") == ["his"]
    assert sorted(shown(store, "open", unread="1")) == ["his", "nobodys"]
    assert shown(store, "bot", unread="1") == []
    assert shown(store, "open", unread="1", channel="facebook", agent="omar") == []
    with store.reading() as connection:
        assert conversation_lists.open_channels(connection) == ["facebook", "socketio"]


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

    row = page(store, "open")[0]

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
