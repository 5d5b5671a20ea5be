from __future__ import annotations

import pytest

from handover_channel.control import Control, State
from handover_channel.store import threads

APP = State(Control.APP, "2222", "sales_bot", stamp=7, precedence=2)


@pytest.fixture
def connection(store):
    with store.writing() as connection:
        yield connection


@pytest.fixture
def row(connection):
    return threads.get_or_add(connection, "7001", channel="facebook", page="1717", now=100.0)


def change(connection, before, after=APP, **more):
    options = {"reason": "handed_over", "who": "bot", "now": 200.0, "until": 300.0, **more}
    return threads.change(connection, before, after, **options)


def test_a_thread_that_was_never_seen_has_no_row(connection):
    assert threads.get(connection, "7001") is None
    assert threads.control_of(connection, "7001") is None
    with pytest.raises(LookupError, match="7001"):
        threads.existing(connection, "7001")


def test_a_new_thread_is_the_bots(connection, row):
    assert (row.state, row.version, row.until, row.active_at) == (State(), 1, None, 100.0)
    assert threads.control_of(connection, "7001") is Control.BOT


def test_adding_a_thread_again_keeps_it_as_it_is(connection, row):
    change(connection, row)

    again = threads.get_or_add(connection, "7001", channel="rest", page="", now=999.0)

    assert (again.state, again.channel, again.page, again.active_at) == (APP, "facebook", "1717", 100.0)


def test_a_change_is_in_the_row_and_in_the_log(connection, row):
    assert change(connection, row)

    after = threads.get(connection, "7001")
    assert (after.state, after.reason, after.until, after.version) == (APP, "handed_over", 300.0, 2)
    (line,) = threads.log_of(connection, "7001")
    assert (line.at, line.control_before, line.control, line.owner, line.target, line.reason, line.who) == (
        200.0,
        "bot",
        "app",
        "2222",
        "sales_bot",
        "handed_over",
        "bot",
    )


def test_who_decides_from_an_older_row_is_told_so_and_changes_nothing(connection, row):
    assert change(connection, row)

    assert not change(connection, row, State(Control.INBOX, target="inbox"))
    assert not threads.confirm(connection, row, State(stamp=99))

    assert threads.get(connection, "7001").state == APP
    assert len(threads.log_of(connection, "7001")) == 1


def test_of_two_processes_that_decide_at_once_one_wins(store, open_store):
    with store.writing() as connection:
        row = threads.get_or_add(connection, "7001", channel="facebook", page="", now=1.0)
    with open_store().reading() as connection:
        same = threads.get(connection, "7001")
    won = []
    for each, before in ((store, row), (open_store(), same)):
        with each.writing() as connection:
            won.append(change(connection, before))

    assert won == [True, False]


def test_a_confirmed_state_moves_the_stamp_and_nothing_else(connection, row):
    change(connection, row)
    threads.refuse(connection, "7001", wanted="keyword", refusal="no")
    before = threads.get(connection, "7001")

    assert threads.confirm(connection, before, State(Control.APP, "2222", "sales_bot", 9, 3))

    after = threads.get(connection, "7001")
    assert (after.state.stamp, after.state.precedence, after.version) == (9, 3, before.version + 1)
    assert (after.until, after.wanted, after.refusal) == (300.0, "keyword", "no")
    assert len(threads.log_of(connection, "7001")) == 1


def test_a_change_forgets_what_was_refused_before(connection, row):
    threads.refuse(connection, "7001", wanted="keyword", refusal="no")
    threads.refuse(connection, "7001", wanted="button", refusal="no again")
    refused = threads.get(connection, "7001")
    assert (refused.wanted, refused.refusal, refused.attempts) == ("button", "no again", 2)

    change(connection, refused)

    after = threads.get(connection, "7001")
    assert (after.wanted, after.refusal, after.attempts) == ("", "", 0)


def test_only_a_return_moves_the_border_of_the_backlog(connection, row):
    change(connection, row, answers_from=5)
    change(connection, threads.get(connection, "7001"), State())

    assert threads.get(connection, "7001").answers_from == 5


def touch(connection, **more):
    threads.touch(connection, "7001", **{"page": "", "seen": 0, "now": 100.0, **more})
    return threads.get(connection, "7001")


def test_the_newest_event_by_metas_clock_counts_whatever_the_order(connection, row):
    assert touch(connection, seen=500, person_at=500).seen == 500

    after = touch(connection, seen=400, person_at=400)

    assert (after.seen, after.person_at) == (500, 500)


def test_an_event_of_others_does_not_open_the_messaging_window(connection, row):
    touch(connection, seen=400, person_at=400)

    assert touch(connection, seen=900).person_at == 400


def test_the_page_is_learned_and_never_forgotten(connection, row):
    assert touch(connection, page="1818").page == "1818"
    assert touch(connection, page="").page == "1818"


def test_the_context_survives_as_it_was(connection, row):
    threads.set_context(connection, "7001", {"referral": {"ref": "Sommer – ☀"}})

    assert threads.get(connection, "7001").context == {"referral": {"ref": "Sommer – ☀"}}


def test_the_log_shows_the_newest_changes_of_one_thread(connection, row):
    threads.get_or_add(connection, "7002", channel="facebook", page="", now=1.0)
    change(connection, threads.get(connection, "7002"))
    for number in range(5):
        change(connection, threads.get(connection, "7001"), reason=f"reason {number}")

    assert [line.reason for line in threads.log_of(connection, "7001", limit=2)] == ["reason 4", "reason 3"]
