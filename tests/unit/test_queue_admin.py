from __future__ import annotations

import pytest
from play import DAY, HOUR, PSID

from handover_channel.store import queue_admin


@pytest.fixture
def look(play, store):
    """Look at the queue, or do something about it: `look(queue.failed, limit=1)`."""

    def call(function, *given, **named):
        with store.writing() as connection:
            return function(connection, *given, **named)

    def read(function, *given, **named):
        return call(function, *given, now=play.clock(), **named)

    read.retry = lambda found: call(queue_admin.retry, found)
    read.drop = lambda found: call(queue_admin.drop, found, who="kim", now=play.clock())
    return read


def receive(play, *texts):
    for text in texts:
        play.clock.passes(1)
        play.person.says(text)
        play.receive()


def give_up(play):
    """Receive a message, and give it up."""
    receive(play, "poison")
    play.claims.finish(play.claims.begin(PSID), "failed", None)


def test_what_waits_is_shown_the_longest_waiting_first(play, look):
    receive(play, "one", "two", "three")

    page = look(queue_admin.waiting, limit=2)

    assert page.total == 3
    assert [item.id for item in page.items] == [1, 2]
    assert page.items[0].received_at == play.clock() - 2
    assert {item.kind for item in page.items} == {"event"}


def test_what_is_done_is_not_shown(play, look):
    play.says("hello")

    assert look(queue_admin.waiting, limit=9) == look(queue_admin.failed, limit=9) == (0, [])


def test_who_is_at_it_is_shown(play, look):
    receive(play, "one")
    play.claims.begin(PSID)

    assert look(queue_admin.waiting, limit=9).items[0].worker == play.claims.worker
    play.clock.passes(HOUR)
    assert look(queue_admin.waiting, limit=9).items[0].worker == ""


def test_what_was_given_up_is_shown_apart(play, look):
    give_up(play)
    receive(play, "next")

    assert [item.id for item in look(queue_admin.failed, limit=9).items] == [1]
    assert [item.id for item in look(queue_admin.waiting, limit=9).items] == [2]


def test_one_is_found_by_its_id(play, look):
    give_up(play)

    assert look(queue_admin.get, 1).outcome == "failed"
    assert look(queue_admin.get, 2) is None


# --- retrying -------------------------------------------------------------------------------------


def test_a_retried_message_is_answered(play, look):
    give_up(play)

    assert look.retry(look(queue_admin.get, 1))
    assert (look(queue_admin.failed, limit=9).total, look(queue_admin.waiting, limit=9).total) == (0, 1)
    play.work()

    assert play.turns == ["poison"]
    assert look(queue_admin.get, 1).outcome == "answered"


def test_a_retried_message_is_answered_however_old_it_is(play, look):
    give_up(play)
    play.clock.passes(3 * DAY)
    look.retry(look(queue_admin.get, 1))
    play.work()

    assert play.turns == ["poison"]


def test_a_retried_message_is_answered_though_the_thread_has_been_away_since(play, look):
    give_up(play)
    play.hands_over("inbox")
    play.says("back to bot")
    play.turns.clear()

    look.retry(look(queue_admin.get, 1))
    play.work()

    assert play.turns == ["poison"]


def test_a_retried_message_is_not_answered_while_the_bot_has_no_control(play, look):
    give_up(play)
    play.hands_over("inbox")
    play.turns.clear()

    look.retry(look(queue_admin.get, 1))
    play.work()

    assert play.turns == []
    assert ("person", "poison") in play.lines


def test_retrying_begins_to_count_anew_but_remembers_that_something_may_have_gone_out(play, store, look):
    give_up(play)
    with store.writing() as connection:
        connection.execute(queue_admin.deliveries.update().values(attempts=10, failures=3))

    look.retry(look(queue_admin.get, 1))

    assert (look(queue_admin.get, 1).attempts, look(queue_admin.get, 1).failures) == (1, 0)


# --- dropping -------------------------------------------------------------------------------------


def test_what_is_dropped_is_kept_with_when_and_by_whom(play, look):
    receive(play, "one", "two")
    assert look.drop(look(queue_admin.get, 1))
    play.work()

    assert play.turns == ["two"]
    found = look(queue_admin.get, 1)
    assert (found.outcome, found.done_at) == ("dropped by kim", play.clock())


def test_what_was_given_up_can_be_dropped_and_taken_up_again(play, look):
    give_up(play)
    look.drop(look(queue_admin.get, 1))
    assert look(queue_admin.failed, limit=9).total == 0

    look.retry(look(queue_admin.get, 1))
    play.work()

    assert play.turns == ["poison"]


def test_who_is_late_changes_nothing(play, look):
    give_up(play)
    seen = look(queue_admin.get, 1)
    look.retry(seen)

    assert not look.drop(seen)
    assert not look.retry(seen)
    assert look(queue_admin.waiting, limit=9).total == 1


def test_a_message_that_was_processed_in_between_is_not_dropped(play, look):
    receive(play, "one")
    seen = look(queue_admin.get, 1)
    play.work()

    assert not look.drop(seen)
    assert look(queue_admin.get, 1).outcome == "answered"


@pytest.mark.parametrize(
    ("outcome", "waits", "retried", "dropped"),
    [
        ("", True, False, True),
        ("retried", True, False, True),
        ("failed", False, True, True),
        ("dropped by kim", False, True, False),
        ("answered", False, False, False),
        ("kept", False, False, False),
    ],
)
def test_nothing_is_answered_twice_by_retrying_it(outcome, waits, retried, dropped):
    found = queue_admin.Queued(1, PSID, "event", 0.0, None if waits else 1.0, outcome, 0, 0, "")

    assert (found.may_be_retried, found.may_be_dropped) == (retried, dropped)
