from __future__ import annotations

from dataclasses import replace

import pytest

from handover_channel.rules.control import Control, State
from handover_channel.store import changes, presence, thread_activity, threads

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
    (line,) = changes.of(connection, "7001")
    assert (line.at, line.control_before, line.control, line.owner, line.target, line.reason, line.who) == (
        200.0,
        "bot",
        "app",
        "2222",
        "sales_bot",
        "handed_over",
        "bot",
    )


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"after": State(Control.INBOX, target="inbox"), "note": "call back", "answers_from": 7},
        {"after": State(stamp=5), "until": None, "released_from": threads.Released("2222", "sales_bot", 9.0)},
        {"release_refused": True, "channel": "rest"},
    ],
)
def test_what_was_written_is_returned_as_whoever_reads_the_row_finds_it(connection, row, more):
    threads.refuse(connection, "7001", wanted="keyword", refusal="no")
    threads.set_context(connection, "7001", {"referral": {"ref": "spring"}})
    before = threads.get(connection, "7001")

    written = change(connection, before, **more)
    assert written == threads.get(connection, "7001") != before

    later = threads.extend(connection, written, until=999.0, reason="extended", who="amal", now=250.0)
    assert later == threads.get(connection, "7001") != written

    stamped = threads.confirm(connection, later, replace(later.state, stamp=77))
    assert stamped == threads.get(connection, "7001") != later


def test_who_decides_from_an_older_row_is_told_so_and_changes_nothing(connection, row):
    assert change(connection, row)

    assert not change(connection, row, State(Control.INBOX, target="inbox"))
    assert not threads.confirm(connection, row, State(stamp=99))

    assert threads.get(connection, "7001").state == APP
    assert len(changes.of(connection, "7001")) == 1


def test_of_two_processes_that_decide_at_once_one_wins(store, open_store):
    with store.writing() as connection:
        row = threads.get_or_add(connection, "7001", channel="facebook", page="", now=1.0)
    with open_store().reading() as connection:
        same = threads.get(connection, "7001")
    won = []
    for each, before in ((store, row), (open_store(), same)):
        with each.writing() as connection:
            won.append(change(connection, before) is not None)

    assert won == [True, False]


def test_a_confirmed_state_moves_the_stamp_and_nothing_else(connection, row):
    change(connection, row)
    threads.refuse(connection, "7001", wanted="keyword", refusal="no")
    before = threads.get(connection, "7001")

    assert threads.confirm(connection, before, State(Control.APP, "2222", "sales_bot", 9, 3))

    after = threads.get(connection, "7001")
    assert (after.state.stamp, after.state.precedence, after.version) == (9, 3, before.version + 1)
    assert (after.until, after.wanted, after.refusal) == (300.0, "keyword", "no")
    assert len(changes.of(connection, "7001")) == 1


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
    thread_activity.touch(connection, "7001", **{"page": "", "seen": 0, "now": 100.0, **more})
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

    assert [line.reason for line in changes.of(connection, "7001", limit=2)] == ["reason 4", "reason 3"]


# --- in the inbox ---------------------------------------------------------------------------------

INBOX = State(Control.INBOX, target="inbox")


@pytest.fixture
def held(connection, row):
    change(connection, row, INBOX, now=200.0)
    return threads.get(connection, "7001")


def test_who_comes_into_the_inbox_waits_from_then_on_and_is_nobodys(held):
    assert (held.waiting_since, held.assignee) == (200.0, "")


def test_of_two_agents_who_claim_a_thread_at_once_one_gets_it(store, open_store):
    with store.writing() as connection:
        row = threads.get_or_add(connection, "7001", channel="facebook", page="", now=1.0)
        change(connection, row, INBOX)
    won = []
    for each, agent in ((store, "amal"), (open_store(), "bashir")):
        with each.writing() as connection:
            won.append(threads.assign(connection, "7001", agent=agent, seen="", now=50.0))

    assert won == [True, False]
    with store.reading() as connection:
        assert threads.get(connection, "7001").assignee == "amal"


def test_a_thread_is_passed_on_by_who_knows_whose_it_is(connection, held):
    assert threads.assign(connection, "7001", agent="amal", seen="", now=50.0)
    assert not threads.assign(connection, "7001", agent="carla", seen="bashir", now=50.0)
    assert threads.assign(connection, "7001", agent="carla", seen="amal", now=50.0)
    assert threads.assign(connection, "7001", agent="", seen="carla", now=50.0)
    assert threads.get(connection, "7001").assignee == ""


@pytest.mark.parametrize("state", [State(), APP])
def test_outside_the_inbox_a_thread_is_nobodys_and_nobody_waits(connection, held, state):
    threads.assign(connection, "7001", agent="amal", seen="", now=50.0)

    change(connection, threads.get(connection, "7001"), state)

    after = threads.get(connection, "7001")
    assert (after.assignee, after.waiting_since) == ("", None)
    assert not threads.assign(connection, "7001", agent="amal", seen="", now=50.0)


def test_an_answer_ends_the_wait_and_the_persons_next_words_begin_another(connection, held):
    threads.answered(connection, "7001")
    assert threads.get(connection, "7001").waiting_since is None
    assert touch(connection, now=300.0, seen=1).waiting_since is None  # an event, and no words

    assert touch(connection, now=310.0, person_at=310_000).waiting_since == 310.0
    assert touch(connection, now=320.0, person_at=320_000).waiting_since == 310.0


@pytest.mark.parametrize("state", [State(), APP])
def test_who_writes_elsewhere_waits_for_no_agent(connection, row, state):
    if state != row.state:
        change(connection, row, state)

    assert touch(connection, now=310.0, person_at=310_000).waiting_since is None


def test_a_thread_of_an_agent_without_an_open_page_is_nobodys_again(connection, held):
    other = threads.get_or_add(connection, "7002", channel="facebook", page="", now=1.0)
    change(connection, other, INBOX)
    presence.seen(connection, "p1", agent="amal", thread="", now=100.0)
    presence.seen(connection, "p2", agent="bashir", thread="", now=100.0)
    presence.seen(connection, "p3", agent="bashir", thread="", now=400.0)
    threads.assign(connection, "7001", agent="amal", seen="", now=50.0)
    threads.assign(connection, "7002", agent="bashir", seen="", now=50.0)

    assert threads.unassign_offline(connection, before=100.0, now=400.0) == []
    assert threads.unassign_offline(connection, before=300.0, now=600.0) == ["7001"]

    assert threads.get(connection, "7001").assignee == ""
    assert threads.get(connection, "7002").assignee == "bashir"


def test_a_thread_given_to_somebody_who_is_yet_to_come_waits_for_them_as_long_as_for_one_who_has_gone(
    connection, held
):
    threads.assign(connection, "7001", agent="amal", seen="", now=100.0)

    assert threads.unassign_offline(connection, before=99.0, now=400.0) == []
    assert threads.unassign_offline(connection, before=101.0, now=402.0) == ["7001"]


def test_those_who_have_waited_longer_for_the_same_target_are_before_one(connection, held):
    for name, at, target in [("a", 50.0, "inbox"), ("b", 60.0, "other"), ("c", 250.0, "inbox")]:
        row = threads.get_or_add(connection, name, channel="facebook", page="", now=1.0)
        change(connection, row, State(Control.INBOX, target=target), now=at)

    assert threads.waiting_before(connection, held) == 1
    threads.answered(connection, "7001")
    assert threads.waiting_before(connection, threads.get(connection, "7001")) == 0


def test_how_far_the_person_has_got_never_goes_back(connection, row):
    def marks():
        found = threads.get(connection, "7001")
        return found.delivered_to, found.read_to

    thread_activity.reached(connection, "7001", delivered_to=500)
    assert marks() == (500, 0)
    thread_activity.reached(connection, "7001", delivered_to=400)
    thread_activity.reached(connection, "7001", read_to=450)
    assert marks() == (500, 450)
    thread_activity.reached(connection, "7001", read_to=600)  # what was read was delivered
    thread_activity.reached(connection, "7001", read_to=550)
    assert marks() == (600, 600)


def test_a_later_time_limit_is_in_the_row_and_in_the_log(connection, held):
    assert threads.extend(connection, held, until=999.0, reason="extended", who="amal", now=250.0)
    assert not threads.extend(connection, held, until=1.0, reason="extended", who="amal", now=250.0)

    after = threads.get(connection, "7001")
    assert (after.until, after.version, after.changed_at) == (999.0, held.version + 1, 200.0)
    newest = changes.of(connection, "7001")[0]
    assert (newest.control_before, newest.control, newest.reason, newest.who) == (
        "inbox",
        "inbox",
        "extended",
        "amal",
    )


def test_the_log_keeps_what_an_agent_wrote_about_a_change(connection, held):
    change(connection, held, State(), note="wants the red ones")

    assert [line.note for line in changes.of(connection, "7001")] == ["wants the red ones", ""]
