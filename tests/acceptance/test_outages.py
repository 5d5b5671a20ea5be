"""A store that is gone, locked or full: Meta hears 503 in time, the bot is silent, it goes on by itself."""

from __future__ import annotations

import resource
import sqlite3
import time
from contextlib import closing, contextmanager

import pytest
import requests
from cluster import Forked, OnPostgreSQL
from stack import eventually

pytestmark = pytest.mark.rasa

QUESTION = "when are you open"

#: Meta hangs up after so many seconds.
METAS_PATIENCE = 5.0


def timed_delivery(stack, item):
    """Deliver; returns the status and how long it took."""
    begun = time.monotonic()
    status = stack.deliver(item)
    return status, time.monotonic() - begun


def health(stack):
    answer = requests.get(stack.rasa.health, timeout=10)
    return answer.status_code, answer.json().get("reason", "")


@contextmanager
def locked(stack):
    """Another program has the file."""
    with closing(sqlite3.connect(stack.folder / "handover.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def full(stack):
    """No file of the server's may grow: as on a full disk."""
    pids = stack.rasa.pids()
    assert len(pids) > 1, "the queue has a process of its own"
    unlimited = resource.prlimit(pids[0], resource.RLIMIT_FSIZE)
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, unlimited[1]))
    try:
        yield
    finally:
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)


@pytest.mark.parametrize("goes_wrong", [locked, full])
def test_what_cannot_be_stored_is_refused_in_time_and_taken_later(own_stack, goes_wrong):
    person, other = own_stack.person(), own_stack.person()
    item, tried_once = own_stack.text_item(person, QUESTION), own_stack.text_item(other, QUESTION)

    with goes_wrong(own_stack):
        tried = [timed_delivery(own_stack, each) for each in (item, tried_once)]
        assert [status for status, _ in tried] == [503, 503]
        # The best of them: a machine that does other things delays the others.
        assert min(seconds for _, seconds in tried) < METAS_PATIENCE
        status, reason = health(own_stack)
        assert status == 503
        assert "store" in reason
        assert own_stack.wire(person.psid) == own_stack.wire(other.psid) == []

    # Who waited for the lock may be through now; what Meta sends again counts once.
    eventually(lambda: own_stack.deliver(item) == 200, "it is stored")
    person.settled()
    assert [text[:11] for text in person.heard()] == ["We are open"]
    assert health(own_stack)[0] == 200
    assert own_stack.deliver(tried_once) == 200
    other.settled()
    assert [text[:11] for text in other.heard()] == ["We are open"]


@pytest.mark.postgres
def test_a_server_that_starts_without_its_database_waits_for_it(tmp_path, model, postgresql):
    stack = OnPostgreSQL(tmp_path, model, postgresql)
    with stack.serving_messenger():
        postgresql.stop()
        try:
            for server in stack.servers:
                server.start()
            person = stack.person()
            item = stack.text_item(person, QUESTION)
            eventually(lambda: answered(stack) == 503, "it answers", within=180)
            assert timed_delivery(stack, item)[0] == 503
            eventually(lambda: "store" in health(stack)[1], "it says why")

            postgresql.start()
            assert stack.insist(item)[-1] == 200
            person.settled()
            assert [text[:11] for text in person.heard()] == ["We are open"]
            eventually(lambda: health(stack)[0] == 200)
        finally:
            for server in stack.servers:
                server.stop()
            postgresql.stop()
            postgresql.start()


def answered(stack):
    try:
        return requests.get(stack.rasa.health, timeout=10).status_code
    except requests.ConnectionError:
        return 0


@pytest.mark.postgres
@pytest.mark.redis
def test_a_server_that_forks_answers_everything_once(tmp_path, model, postgresql, redis):
    with Forked(tmp_path, model, postgresql, redis).running() as stack:
        people = [stack.person() for _ in range(6)]
        for number in range(1, 4):
            for person in people:
                # A connection each: the kernel gives it to one of the two.
                assert stack.deliver(stack.text_item(person, QUESTION + "?" * number)) == 200
        for person in people:
            person.settled()
            assert person.said_to_rasa() == [QUESTION + "?" * number for number in range(1, 4)]
            assert [text[:11] for text in person.heard()] == ["We are open"] * 3
        people[0].goes_to("short_inbox")
        eventually(lambda: people[0].control == "bot", "the limit fires", within=30)
        assert [change["reason"] for change in people[0].changes()].count("time_limit") == 1
