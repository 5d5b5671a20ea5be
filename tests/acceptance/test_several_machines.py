"""Two Rasa servers, one PostgreSQL, one Redis: nothing lost, nothing twice, whatever goes away."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from cluster import Cluster
from stack import BUTTON, eventually

pytestmark = [pytest.mark.rasa, pytest.mark.postgres, pytest.mark.redis]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, model, postgresql, redis):
    folder = tmp_path_factory.mktemp("cluster")
    with Cluster(folder, model, postgresql, redis).running() as running:
        yield running


@pytest.fixture(autouse=True)
def mended(cluster):
    """Whatever a test has ended runs again for the next one."""
    yield
    cluster.start_servers()


QUESTION = "when are you open"


def questions(count):
    """Texts that differ, and that the bot answers with one message each."""
    return [f"{QUESTION}{'?' * number}" for number in range(1, count + 1)]


def converse(cluster, people, count, deliver):
    """Let all these people ask at once, each one thing after the other."""

    def ask(person):
        for text in questions(count):
            deliver(cluster.text_item(person, text))

    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(ask, people))
    for person in people:
        person.settled()


def is_answered(person, count):
    assert person.said_to_rasa() == questions(count)
    assert [text[:11] for text in person.heard()] == ["We are open"] * count


def test_every_message_is_answered_once_and_in_order_though_both_servers_get_it(cluster):
    people = [cluster.person() for _ in range(8)]

    def deliver_twice(item):
        with ThreadPoolExecutor(2) as both:
            assert list(both.map(cluster.deliver, [item, item])) == [200, 200]

    converse(cluster, people, 5, deliver_twice)

    for person in people:
        is_answered(person, 5)


def test_a_tap_that_reaches_both_servers_is_one_return(cluster):
    person = cluster.person()
    person.goes_to("sales_bot")
    tap = cluster.text_item(person, "")
    tap.pop("message")
    payload = '/handover_returned{"reason": "button"}'
    tap["postback"] = {"mid": f"m_tap_{person.psid}", "title": BUTTON, "payload": payload}

    with ThreadPoolExecutor(2) as both:
        assert list(both.map(cluster.deliver, [tap, tap])) == [200, 200]
    person.settled()

    assert [change["reason"] for change in person.changes()[-2:]].count("button") == 1
    assert len(person.calls("take_thread_control")) == 1
    assert sum(text.startswith("/handover_returned") for text in person.said_to_rasa()) == 1


def test_a_time_limit_fires_once_though_two_servers_look_for_it(cluster):
    people = [cluster.person() for _ in range(6)]
    for number, person in enumerate(people):
        person.goes_to("short_inbox" if number % 2 else "short_app")

    eventually(lambda: all(person.control == "bot" for person in people), "the limits fire", within=30)
    for person in people:
        person.settled()

    for person in people:
        assert [change["reason"] for change in person.changes()].count("time_limit") == 1
        assert sum(text.startswith("/handover_returned") for text in person.said_to_rasa()) == 1


def test_what_the_action_server_or_the_command_adds_is_found_at_once(cluster):
    person = cluster.person()
    person.goes_to("inbox")
    heard = len(person.heard())

    done = cluster.command("return", person.psid)
    assert done.returncode == 0, done.stderr
    eventually(lambda: len(person.heard()) == heard + 1, "the bot is back")


def test_when_a_server_is_killed_the_other_one_takes_over(cluster):
    people = [cluster.person() for _ in range(8)]
    asked = threading.Event()

    def kill():
        asked.wait(10)
        time.sleep(1)
        cluster.rasas[1].kill()

    killer = threading.Thread(target=kill)
    killer.start()

    def deliver(item):
        asked.set()
        assert cluster.insist(item)[-1] == 200

    converse(cluster, people, 6, deliver)
    killer.join()

    for person in people:
        assert person.said_to_rasa() == questions(6)
        # What was being sent at that moment may be there twice, and nothing else.
        assert 6 <= len(person.heard()) <= 7
    assert sum(len(person.heard()) - 6 for person in people) <= 1


def test_a_restart_of_postgresql_under_load_loses_nothing(cluster):
    people, statuses = [cluster.person() for _ in range(6)], []

    def deliver(item):
        statuses.extend(cluster.insist(item))

    def restart():
        time.sleep(1.5)
        cluster.postgresql.stop()
        time.sleep(2)
        cluster.postgresql.start()

    restarter = threading.Thread(target=restart)
    restarter.start()
    converse_through_an_outage(cluster, people, 8, deliver)
    restarter.join()

    assert set(statuses) <= {200, 503, 0}
    for person in people:
        is_answered(person, 8)


def test_after_a_restart_of_postgresql_every_reader_gets_conversations_as_they_are(cluster):
    person = cluster.person()
    converse(cluster, [person], 1, cluster.deliver)

    cluster.postgresql.stop()
    cluster.postgresql.start()

    # Nobody has had a turn since, which would have renewed the connections.
    is_answered(person, 1)


def converse_through_an_outage(cluster, people, count, deliver):
    def ask(person):
        for text in questions(count):
            deliver(cluster.text_item(person, text))
            time.sleep(0.3)

    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(ask, people))
    for person in people:
        person.settled()


def test_without_redis_the_bot_waits_and_loses_nothing(cluster):
    person, muted = cluster.person(), cluster.person()
    muted.goes_to("sales_bot")
    cluster.redis.stop()
    try:
        assert cluster.deliver(cluster.text_item(person, QUESTION + "?")) == 200
        # Who is muted needs no turn.
        assert cluster.deliver(cluster.text_item(muted, "for sales")) == 200
        eventually(lambda: muted.transcript() == ["for sales"])
        assert person.heard() == []
    finally:
        cluster.redis.start()
    person.settled()

    is_answered(person, 1)
