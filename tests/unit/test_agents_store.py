from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.errors import AgentRefused
from handover_channel.store import agents, sign_ins
from handover_channel.store.agents import ADMIN, AGENT, YOU, Agent
from handover_channel.store.schema import news, presence, threads
from handover_channel.store.sign_ins import NOBODY, SignIn

NOW = 1_790_000_000.0
KIM = Agent("kim", "Kim", "hash", created_at=NOW)


@pytest.fixture
def connection(store):
    with store.writing() as connection:
        yield connection


def sign_in(connection, agent, key="key", until=NOW + 60):
    sign_ins.add(connection, SignIn(key=key, agent=agent, csrf="csrf", started_at=NOW, expires_at=until))


def assign(connection, thread, agent):
    values = dict.fromkeys(
        ["channel", "page", "control", "owner", "target", "reason", "wanted", "refusal", "context"], ""
    )
    numbers = dict.fromkeys(
        ["stamp", "precedence", "changed_at", "version", "attempts", "seen", "active_at", "person_at"]
        + ["answers_from"],
        0,
    )
    connection.execute(sa.insert(threads).values(id=thread, assignee=agent, **values, **numbers))


def assignees(connection):
    return dict(connection.execute(sa.select(threads.c.id, threads.c.assignee)).fetchall())


def heard_of(connection):
    return sorted(connection.execute(sa.select(news.c.thread)).scalars())


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["kim", "Kim", "KIM", " kim ", "ｋｉｍ"])
def test_a_name_is_one_however_it_is_typed(typed):
    assert agents.folded(typed) == "kim"
    assert agents.new_name(typed) == "kim"


@pytest.mark.parametrize("name", ["kim", "kim@example.org", "kim_2", "o-brien", "سارة", "李雷", "straße"])
def test_a_name_may_be_of_any_language(name):
    assert agents.new_name(name)


@pytest.mark.parametrize("name", ["", " ", "kim lee", "<kim>", "k\x00m", "k\nm", "a/b", "k\u202em", "x" * 65])
def test_a_name_that_cannot_be_is_refused_with_what_is_accepted(name):
    with pytest.raises(AgentRefused, match="letters, digits and . _ - \\+ @, 64 at most"):
        agents.new_name(name)


def test_the_name_of_a_machine_without_agents_is_taken():
    with pytest.raises(AgentRefused, match="take another name"):
        agents.new_name("You")


@given(st.text(max_size=80))
def test_folding_a_name_twice_changes_nothing(name):
    try:
        kept = agents.new_name(name)
    except AgentRefused:
        return
    assert agents.new_name(kept) == kept


# --- agents ---------------------------------------------------------------------------------------


def test_an_agent_is_found_as_added(connection):
    lee = Agent("lee", "Lee", "hash", ADMIN, "https://example.org/lee.png", created_at=NOW)

    assert agents.add(connection, KIM)
    assert agents.add(connection, lee)

    assert agents.get(connection, "kim") == KIM
    assert agents.every(connection) == [KIM, lee]
    assert agents.get(connection, "nobody") is None


def test_nobody_is_added_over_another(connection):
    agents.add(connection, KIM)

    assert not agents.add(connection, Agent("kim", "Another", "another hash", ADMIN))
    assert agents.get(connection, "kim") == KIM


def test_there_are_agents_from_the_first_to_the_last(connection):
    assert not agents.exist(connection)
    agents.add(connection, KIM)
    assert agents.exist(connection)
    agents.remove(connection, "kim", now=NOW)
    assert not agents.exist(connection)


def test_the_hash_of_a_password_is_not_shown():
    assert "hash" not in repr(KIM)


def test_who_is_removed_leaves_their_threads_to_the_others(connection):
    agents.add(connection, KIM)
    assign(connection, "1", "kim")
    assign(connection, "2", "lee")
    connection.execute(
        sa.insert(presence).values(page="p", agent="kim", thread="1", seen_at=NOW, typing_at=0)
    )

    assert agents.remove(connection, "kim", now=NOW)

    assert assignees(connection) == {"1": "", "2": "lee"}
    assert heard_of(connection) == ["1"]
    assert connection.execute(sa.select(presence)).first() is None


def test_who_is_not_there_cannot_be_removed_or_changed(connection):
    assign(connection, "1", "kim")

    assert not agents.remove(connection, "kim", now=NOW)
    assert not agents.set_password(connection, "kim", "hash", now=NOW)
    assert not agents.set_role(connection, "kim", ADMIN, now=1.0)
    assert not agents.set_preferences(connection, "kim", {})
    assert assignees(connection) == {"1": "kim"}


def test_removing_or_a_new_password_ends_all_sign_ins_of_that_agent_alone(connection):
    for name in ("kim", "lee", "max"):
        agents.add(connection, Agent(name, name, "hash"))
        sign_in(connection, name, key=name)

    agents.remove(connection, "kim", now=NOW)
    agents.set_password(connection, "lee", "another hash", now=NOW)

    assert [sign_ins.live(connection, key, now=NOW) is not None for key in ("kim", "lee", "max")] == [
        False,
        False,
        True,
    ]
    assert agents.get(connection, "lee").password == "another hash"


def test_one_who_is_added_again_is_somebody_new(connection):
    agents.add(connection, KIM)
    sign_in(connection, "kim")
    agents.remove(connection, "kim", now=NOW)
    agents.add(connection, KIM)

    assert sign_ins.live(connection, "key", now=NOW) is None
    assert not sign_ins.is_known(connection, "key", "kim")


def test_a_newer_hash_of_the_same_password_ends_nothing(connection):
    agents.add(connection, KIM)
    sign_in(connection, "kim")

    agents.renew_hash(connection, "kim", "newer")

    assert agents.get(connection, "kim").password == "newer"
    assert sign_ins.live(connection, "key", now=NOW)


def test_a_role_counts_at_once(connection):
    agents.add(connection, KIM)
    sign_in(connection, "kim")
    assert sign_ins.live(connection, "key", now=NOW).role == AGENT

    agents.set_role(connection, "kim", ADMIN, now=1.0)

    assert sign_ins.live(connection, "key", now=NOW).role == ADMIN


@pytest.mark.parametrize("text", [None, "", "{", "[]", '"x"', "null"])
def test_preferences_that_cannot_be_read_are_none(text):
    assert agents.preferences_from(text) == {}


def test_a_password_that_is_being_used_is_not_changed_under_it(open_store):
    one, other = open_store(), open_store()
    with one.writing() as connection:
        agents.add(connection, KIM)
    order = []

    def remove():
        with other.writing() as connection:
            agents.remove(connection, "kim", now=NOW)
        order.append("removed")

    removing = threading.Thread(target=remove)
    with one.writing() as connection:
        assert agents.holds_password(connection, "kim", "hash")
        assert not agents.holds_password(connection, "kim", "another hash")
        removing.start()
        removing.join(0.3)  # it waits: the longer, the surer
        sign_in(connection, "kim")
        order.append("signed in")
    removing.join(30)

    assert order == ["signed in", "removed"]
    with one.reading() as connection:
        assert not sign_ins.is_known(connection, "key", "kim")


# --- no agents ------------------------------------------------------------------------------------


def test_who_came_in_by_a_link_is_out_with_the_first_agent_for_good(connection):
    sign_in(connection, NOBODY)
    sign_ins.add_entrance_key(connection, "link", expires_at=NOW + 60)
    assign(connection, "1", YOU)
    assert sign_ins.live(connection, "key", now=NOW)

    agents.add(connection, KIM)
    assert sign_ins.live(connection, "key", now=NOW) is None
    agents.remove(connection, "kim", now=NOW)

    assert sign_ins.live(connection, "key", now=NOW) is None
    assert not sign_ins.claim_entrance_key(connection, "link", now=NOW)
    assert assignees(connection) == {"1": ""}


def test_one_who_came_in_while_the_first_agent_was_added_is_out_with_the_last_too(connection):
    agents.add(connection, KIM)
    sign_in(connection, NOBODY)  # the other transaction had not seen kim

    assert sign_ins.live(connection, "key", now=NOW) is None
    agents.remove(connection, "kim", now=NOW)

    assert sign_ins.live(connection, "key", now=NOW) is None


def test_a_link_is_used_up_once_by_whoever_is_first(open_store):
    with open_store().writing() as connection:
        sign_ins.add_entrance_key(connection, "link", expires_at=NOW + 60)
    at_once, got = threading.Barrier(4), []

    def claim(store):
        at_once.wait(30)
        with store.writing() as connection:
            got.append(sign_ins.claim_entrance_key(connection, "link", now=NOW))

    claiming = [threading.Thread(target=claim, args=[open_store()]) for _ in range(4)]
    for thread in claiming:
        thread.start()
    for thread in claiming:
        thread.join(30)

    assert sorted(got) == [False, False, False, True]


# --- sign-ins -------------------------------------------------------------------------------------


def test_a_sign_in_lasts_until_its_end(connection):
    agents.add(connection, KIM)
    sign_in(connection, "kim", until=NOW + 60)

    assert sign_ins.live(connection, "key", now=NOW + 59)
    assert sign_ins.live(connection, "key", now=NOW + 60) is None
    assert sign_ins.live(connection, "another key", now=NOW) is None


def test_a_sign_in_that_has_ended_is_not_renewed(connection):
    agents.add(connection, KIM)
    sign_in(connection, "kim")
    sign_ins.end(connection, "key", now=NOW)

    sign_ins.renew(connection, "key", now=NOW, until=NOW + 600)

    assert sign_ins.live(connection, "key", now=NOW) is None
    assert sign_ins.is_known(connection, "key", "kim")


def test_only_old_ends_are_tidied(connection):
    agents.add(connection, KIM)
    sign_in(connection, "kim", key="ended", until=NOW)
    sign_in(connection, "kim", key="live", until=NOW + 600)

    sign_ins.tidy(connection, now=NOW + 1, started_before=NOW)
    assert sign_ins.is_known(connection, "ended", "kim")
    sign_ins.tidy(connection, now=NOW + 1, started_before=NOW + 1)

    assert not sign_ins.is_known(connection, "ended", "kim")
    assert sign_ins.live(connection, "live", now=NOW)


def test_a_sign_in_does_not_show_its_secrets():
    shown = repr(SignIn(key="the key", agent="kim", csrf="the token", started_at=0, expires_at=0))

    assert "the key" not in shown
    assert "the token" not in shown
