from __future__ import annotations

import pytest
import sqlalchemy as sa
from play import DAY, PSID, START

from handover_channel.store import (
    deliveries,
    private_notes,
    profiles,
    replies,
    retention,
    sent_messages,
    threads,
)


@pytest.fixture
def small(monkeypatch):
    """Batches of 3, so that there are several."""
    monkeypatch.setattr(retention, "BATCH", 3)


def says(play, count, *, days_ago, start=START + 100 * DAY):
    """Messages of so many days before the 100th day."""
    play.clock.now = start - days_ago * DAY
    for number in range(count):
        play.says(f"{days_ago} {number}")
    play.clock.now = start


def tidy(play, function=retention.delete_deliveries, days=30):
    pauses = []
    count = function(play.store, before=play.clock() - days * DAY, sleep=pauses.append)
    return count, len(pauses)


def ids(store, table="deliveries"):
    with store.reading() as connection:
        return list(connection.execute(sa.text(f"SELECT id FROM {table} ORDER BY id")).scalars())  # noqa: S608


def test_what_is_old_and_done_goes_in_several_transactions(play, store, small):
    says(play, 8, days_ago=40)
    says(play, 2, days_ago=10)

    count, pauses = tidy(play)

    assert count == 8
    assert ids(store) == [9, 10]
    assert pauses >= 3


def test_what_waits_or_was_given_up_stays(play, store, small):
    says(play, 4, days_ago=40)
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE deliveries SET outcome = 'failed' WHERE id = 2"))
        connection.execute(sa.text("UPDATE deliveries SET done_at = NULL, outcome = '' WHERE id = 3"))
    says(play, 1, days_ago=1)

    assert tidy(play)[0] == 2
    assert ids(store) == [2, 3, 5]


def test_the_newest_row_stays_so_that_its_id_is_never_given_again(play, store):
    says(play, 3, days_ago=40)
    with store.writing() as connection:
        next_id = deliveries.newest_id(connection) + 1

    tidy(play)
    says(play, 1, days_ago=0)

    assert ids(store) == [3, next_id]


def test_a_thread_that_came_back_long_ago_is_answered_after_tidying(play):
    play.hands_over("inbox")
    play.says("back to bot")
    play.turns.clear()
    play.clock.passes(100 * DAY)

    tidy(play)
    play.says("hello again")

    assert play.turns == ["hello again"]


def test_a_repeat_of_something_recent_is_still_known(play):
    says(play, 1, days_ago=40)
    says(play, 1, days_ago=1)
    tidy(play)
    turns = list(play.turns)

    item = play.page.events_of("bot", PSID)[-1]["item"]
    play.deliver(item)
    play.work()

    assert play.turns == turns


def test_what_was_sent_long_ago_is_forgotten_with_its_delivery(play, store, small):
    with store.writing() as connection:
        for number in range(7):
            sent_messages.add(connection, f"old.{number}", now=START)
        sent_messages.add(connection, "new.1", now=START + 99 * DAY)
    play.clock.now = START + 100 * DAY

    tidy(play)

    with store.reading() as connection:
        found = [tag for tag in ("old.0", "old.6", "new.1") if sent_messages.find(connection, tag)]
    assert found == ["new.1"]


def test_nothing_to_delete_is_no_error(play):
    assert tidy(play)[0] == 0
    says(play, 2, days_ago=1)
    assert tidy(play)[0] == 0


@pytest.mark.parametrize("function", [retention.delete_transcript, retention.delete_changes])
def test_transcript_and_log_are_deleted_by_age_only(play, small, function):
    start = START + 100 * DAY
    play.clock.now = start - 40 * DAY
    for _ in range(3):
        play.hands_over("inbox")
        play.says("long ago")
        play.says("back to bot")
    play.clock.now = start - DAY
    play.hands_over("inbox")
    play.says("today")
    play.clock.now = start
    row, before = play.row, (play.lines, play.log)

    assert tidy(play, function)[0] == 6

    kept = (play.lines, play.log)
    left = 1 if function is retention.delete_changes else 0
    assert kept[left] == before[left][-1:]
    assert kept[1 - left] == before[1 - left]
    with play.store.reading() as connection:
        assert threads.get(connection, PSID) == row


def test_replies_that_were_sent_or_dropped_go_and_what_failed_stays(play, store):
    with store.writing() as connection:
        sent_one, failed, dropped, waiting = (
            replies.add(connection, PSID, key=f"{number}", agent="nour", text="x", now=START).id
            for number in range(4)
        )
        replies.sent(connection, sent_one)
        replies.failed(connection, failed, "no")
    play.clock.now = START + 100 * DAY
    with store.writing() as connection:
        assert replies.drop(connection, replies.get(connection, dropped, now=play.clock()))

    tidy(play)

    assert ids(store, "replies") == [failed, waiting]


def test_with_what_was_said_go_the_notes_about_it_and_the_names(play, store, small):
    for days_ago in (40, 39, 38, 37, 1):
        at = play.clock() - days_ago * DAY
        with store.writing() as connection:
            private_notes.add(connection, PSID, agent="sara", text=f"{days_ago} days ago", now=at)
            profiles.put(connection, profiles.Profile(f"t{days_ago}", "Layla", "", at))

    tidy(play, retention.delete_transcript)

    with store.reading() as connection:
        assert [each.text for each in private_notes.of(connection, PSID)] == ["1 days ago"]
        assert profiles.get(connection, "t1") is not None
        assert not any(profiles.get(connection, f"t{days}") for days in (40, 39, 38, 37))


def _empties(store):
    """All but deliveries is gone, as after the other ways to tidy."""
    with store.writing() as connection:
        for table in ("deliveries", "transcript", "changes", "acts", "replies", "remarks", "deadlines"):
            connection.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - names of ours


def _threads(store):
    with store.reading() as connection:
        return set(connection.execute(sa.text("SELECT id FROM threads")).scalars())


def _has_threads(play, *names, days_ago):
    at = play.clock() - days_ago * DAY
    with play.store.writing() as connection:
        for name in names:
            threads.get_or_add(connection, name, channel="facebook", page="1", now=at)
            connection.execute(sa.text("INSERT INTO tags VALUES (:name, 'vip')"), {"name": name})
            connection.execute(sa.text("INSERT INTO read_marks VALUES ('sara', :name, 1)"), {"name": name})


def test_old_threads_of_which_nothing_is_left_go_with_tags_and_read_marks(play, store, small):
    _has_threads(play, *"abcdefg", days_ago=40)
    _has_threads(play, "new", days_ago=1)

    assert tidy(play, retention.delete_threads)[0] == 7

    assert _threads(store) == {"new"}
    for table in ("tags", "read_marks"):
        with store.reading() as connection:
            left = connection.execute(sa.text(f"SELECT thread FROM {table}")).scalars()  # noqa: S608
            assert set(left) == {"new"}


@pytest.mark.parametrize(
    "table", ["deliveries", "transcript", "changes", "replies", "remarks", "deadlines", "acts"]
)
def test_a_thread_of_which_something_is_left_stays(play, store, table):
    from test_personal_data import fill

    _has_threads(play, "gone", days_ago=40)
    fill(store, "stays")
    with store.writing() as connection:
        for other in {
            "deliveries",
            "transcript",
            "changes",
            "acts",
            "replies",
            "remarks",
            "deadlines",
            "claims",
        } - {table}:
            connection.execute(sa.text(f"DELETE FROM {other}"))  # noqa: S608 - names of ours
        connection.execute(sa.text("UPDATE threads SET active_at = 1, control = 'bot'"))

    assert tidy(play, retention.delete_threads)[0] == 1
    assert _threads(store) == {"stays"}


def test_a_thread_that_somebody_else_has_stays(play, store):
    play.hands_over("inbox")
    _empties(store)
    play.clock.passes(100 * DAY)

    assert tidy(play, retention.delete_threads)[0] == 0


def test_what_was_given_up_goes_where_one_says_so_with_replies_that_failed(play, store):
    says(play, 3, days_ago=40)
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE deliveries SET outcome = 'failed' WHERE id = 1"))
        failed = replies.add(connection, PSID, key="1", agent="nour", text="x", now=START).id
        replies.failed(connection, failed, "no")
        replies.add(connection, PSID, key="2", agent="nour", text="x", now=START + 99 * DAY)

    assert tidy(play, retention.delete_given_up)[0] == 2

    assert ids(store) == [2, 3]
    assert failed not in ids(store, "replies")
