from __future__ import annotations

import json
import threading
import time

import pytest
import sqlalchemy as sa
from databases import on_postgresql
from play import START

from handover_channel.errors import StoreUnavailable
from handover_channel.messenger.webhook import parse, unmarshal
from handover_channel.store import deliveries, schema, transcript
from handover_channel.store.transcript import Line


def items(*wanted):
    """(mid, timestamp) or (mid, timestamp, thread) each."""
    messages = [
        {
            "sender": {"id": (*each, "7001")[2]},
            "recipient": {"id": "1717"},
            "timestamp": each[1],
            "message": {"mid": each[0], "text": f"text of {each[0]}"},
        }
        for each in wanted
    ]
    return parse(json.dumps({"entry": [{"id": "1717", "messaging": messages}]}).encode())


@pytest.fixture
def connection(store):
    with store.writing() as connection:
        yield connection


def add(connection, *wanted, now=START):
    deliveries.add(connection, deliveries.rows(items(*wanted), now))


def waiting(connection, now=START):
    """Threads that wait, the longest waiting first. Nobody has them afterwards."""
    found = deliveries.claim_waiting(connection, worker="look", now=now, until=now, limit=100)
    assert deliveries.is_anything_waiting(connection, now=now) == bool(found)
    deliveries.release(connection, worker="look")
    return found


def note(connection, key, kind=deliveries.RETURNED, thread="7001", **body):
    deliveries.add_note(connection, thread, kind, key=key, body=body, now=START)


def process_all(connection, thread="7001"):
    """Mids and notes in the order in which they would be processed."""
    order = []
    while True:
        found = deliveries.next_of(connection, thread)
        if found is None:
            return order
        order.append(unmarshal(found.body).mid if found.kind == deliveries.EVENT else found.kind)
        deliveries.done(connection, found.id, outcome="x", now=START)


def test_a_delivery_is_read_as_it_was_stored(connection):
    add(connection, ("m", 1_700_000_000_000))

    found = deliveries.next_of(connection, "7001")

    assert unmarshal(found.body) == items(("m", 1_700_000_000_000))[0].event
    assert (found.kind, found.received_at, found.attempts, found.failures) == (deliveries.EVENT, START, 0, 0)


def test_repeats_are_stored_once_also_after_the_first_was_processed(connection):
    add(connection, ("a", 1), ("a", 1))
    assert process_all(connection) == ["a"]

    add(connection, ("a", 1))

    assert process_all(connection) == []


def test_a_repeat_does_not_keep_its_neighbours_out(connection):
    add(connection, ("a", 1))

    add(connection, ("a", 1), ("b", 2))

    assert process_all(connection) == ["a", "b"]


def test_order_is_by_metas_time_then_by_arrival(connection):
    add(connection, ("late", 10_000_000_000_003), ("same 1", 10_000_000_000_002))
    add(connection, ("early", 10_000_000_000_001), ("same 2", 10_000_000_000_002))

    assert process_all(connection) == ["early", "same 1", "same 2", "late"]


def test_an_event_without_a_time_comes_when_it_was_received(connection):
    now = START * 1000
    add(connection, ("after", int(now) + 1), ("without", None), ("before", int(now) - 1))

    assert process_all(connection) == ["before", "without", "after"]


def test_notes_come_before_events_and_in_their_own_order(connection):
    add(connection, ("a", 1))
    note(connection, "1", deliveries.MUTED)
    note(connection, "2", deliveries.RETURNED)

    assert process_all(connection) == ["muted", "returned", "a"]


def test_a_note_is_queued_once(connection):
    note(connection, "returned:7001:3", reason="keyword")
    note(connection, "returned:7001:3", reason="keyword")

    assert process_all(connection) == ["returned"]


def test_threads_have_queues_of_their_own(connection):
    add(connection, ("a", 1), ("b", 1, "7002"))

    assert (process_all(connection), process_all(connection, "7002")) == (["a"], ["b"])


def test_events_that_concern_no_thread_are_not_stored():
    body = {"entry": [{"messaging": [{"recipient": {"id": "1"}, "app_roles": {}}, 7, {"x": 1}]}]}

    assert deliveries.rows(parse(json.dumps(body).encode()), START) == []


def test_storing_nothing_is_no_error(connection):
    deliveries.add(connection, [])

    assert connection.execute(sa.text("SELECT count(*) FROM deliveries")).scalar() == 0


def test_ids_of_any_length_can_be_stored_and_are_told_apart(connection):
    ids = ["".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(5_000)) + end for end in "ab"]
    messages = [{"sender": {"id": name}, "timestamp": 1, "message": {"mid": name}} for name in ids]
    body = json.dumps({"entry": [{"id": ids[0] + "page", "messaging": messages}]}).encode()

    for _ in range(2):
        deliveries.add(connection, deliveries.rows(parse(body), START))

    threads = waiting(connection)
    assert len(threads) == 2
    for thread in threads:
        mid = unmarshal(deliveries.next_of(connection, thread).body).mid
        transcript.add(connection, thread, Line("person", "hello", 1, mid=mid))
        assert len(process_all(connection, thread)) == 1


def test_attempts_and_failures_are_counted_apart(connection):
    add(connection, ("a", 1))

    def counts():
        found = deliveries.next_of(connection, "7001")
        return found.attempts, found.failures

    for _ in range(2):
        deliveries.started(connection, 1)
    assert counts() == (2, 0)
    deliveries.count(connection, 1, attempts=-1)
    assert counts() == (1, 0)
    deliveries.count(connection, 1, attempts=0, failures=+1)
    assert counts() == (1, 1)


def test_the_newest_id_counts_what_is_done_too(connection):
    assert deliveries.newest_id(connection) == 0
    add(connection, ("a", 1), ("b", 2))
    newest = deliveries.newest_id(connection)
    process_all(connection)

    assert deliveries.newest_id(connection) == newest > 0


# --- claims ---------------------------------------------------------------------------------------


def claim(connection, worker, *, now=START, until=START + 15, thread="7001"):
    return deliveries.claim(connection, thread, worker=worker, now=now, until=until)


def test_a_claim_is_one_workers(connection):
    assert claim(connection, "one")
    assert not claim(connection, "two")
    assert claim(connection, "two", thread="7002")
    assert sorted(deliveries.claiming_workers(connection)) == ["one", "two"]


def test_a_worker_may_claim_again_what_it_has(connection):
    assert claim(connection, "one")
    assert claim(connection, "one", until=START + 30)
    assert not claim(connection, "two", now=START + 20, until=START + 40)


def test_a_claim_that_was_not_renewed_runs_out(connection):
    claim(connection, "one")

    assert not claim(connection, "two", now=START + 14.9, until=START + 30)
    assert claim(connection, "two", now=START + 15, until=START + 30)
    assert not claim(connection, "one", now=START + 16, until=START + 30)


def test_renewing_keeps_the_claims_of_a_worker_that_it_names_and_nobody_elses(connection):
    for thread in ("7001", "7002"):
        claim(connection, "one", thread=thread)
    claim(connection, "two", thread="7003")

    deliveries.renew(connection, ["7001", "7003"], worker="one", until=START + 100)

    later = {"now": START + 50, "until": START + 60}
    assert [claim(connection, "new", thread=thread, **later) for thread in ("7001", "7002", "7003")] == [
        False,
        True,
        True,
    ]


def test_renewing_claims_nothing_that_was_given_back(connection):
    claim(connection, "one")
    deliveries.release(connection, worker="one", thread="7001")

    deliveries.renew(connection, ["7001"], worker="one", until=START + 100)

    assert claim(connection, "two")


def test_a_worker_gives_back_only_what_is_its_own(connection):
    claim(connection, "one")

    deliveries.release(connection, worker="two", thread="7001")
    deliveries.release(connection, worker="two")

    assert not claim(connection, "two")
    deliveries.release(connection, worker="one")
    assert claim(connection, "two")


def test_threads_wait_that_have_work_and_no_claim(connection):
    add(connection, ("a", 1), ("b", 2), ("c", 1, "7002"), ("d", 1, "7003"))
    claim(connection, "one", thread="7002")
    process_all(connection, "7003")
    note(connection, "n", thread="7004")

    assert waiting(connection) == ["7001", "7004"]
    assert waiting(connection, START + 15) == ["7001", "7002", "7004"]


def claim_waiting(connection, worker, limit=10):
    return deliveries.claim_waiting(connection, worker=worker, now=START, until=START + 15, limit=limit)


def test_who_finds_waiting_threads_claims_the_longest_waiting_ones(connection):
    add(connection, ("a", 1, "7009"))
    add(connection, ("b", 1, "7001"))
    add(connection, ("c", 1, "7005"))

    assert claim_waiting(connection, "one", limit=2) == ["7009", "7001"]
    assert claim_waiting(connection, "two") == ["7005"]
    assert claim_waiting(connection, "three") == []


def test_what_was_interrupted_least_comes_first(connection):
    add(connection, ("a", 1, "7009"))
    add(connection, ("b", 1, "7001"))
    add(connection, ("c", 1, "7005"))
    deliveries.started(connection, deliveries.next_of(connection, "7009").id)

    assert claim_waiting(connection, "one", limit=2) == ["7001", "7009"]


def test_a_thread_with_very_much_to_do_does_not_hide_the_others_for_long(connection, monkeypatch):
    monkeypatch.setattr(deliveries, "OLDEST_LOOKED_AT", 3)
    add(connection, *((f"a{number}", number, "7001") for number in range(5)))
    add(connection, ("b", 1, "7002"), now=START + 1)

    assert claim_waiting(connection, "one") == ["7001"]
    assert claim_waiting(connection, "two") == ["7002"]


@on_postgresql
def test_workers_that_look_at_the_same_moment_share_what_waits(store, open_store):
    other = open_store()
    with store.writing() as connection:
        add(connection, *((f"m{number}", 1, f"70{number:02}") for number in range(20)))
        add(connection, ("m", 2, "7000"))

    with store.writing() as one, other.writing() as two:
        first, second = claim_waiting(one, "one", limit=8), claim_waiting(two, "two")

    assert (len(first), len(second)) == (8, 10)
    assert not set(first) & set(second)


def test_what_was_interrupted_often_comes_after_all_others_however_few_are_taken(connection):
    for number, attempts in enumerate((4, 3, 0, 2)):
        thread = f"700{number}"
        add(connection, ("abcd"[number], 1, thread), now=START + number)
        deliveries.count(connection, deliveries.next_of(connection, thread).id, attempts=attempts)

    taken = [claim_waiting(connection, "one", limit=1) for _ in range(4)]

    assert taken == [["7002"], ["7003"], ["7001"], ["7000"]]


def test_a_look_passes_over_what_was_claimed_since_it_began(connection, monkeypatch):
    add(connection, ("a", 1, "7001"), ("b", 2, "7002"))
    heads = [deliveries.next_of(connection, thread).id for thread in ("7001", "7002")]
    assert claim(connection, "two", thread="7001")

    monkeypatch.setattr(deliveries, "_heads", lambda connection, now, window: heads)

    assert claim_waiting(connection, "one", limit=1) == ["7002"]


@on_postgresql
def test_who_begins_with_a_thread_does_not_wait_for_who_looks_at_it(store, open_store):
    other, found = open_store(), []
    with store.writing() as connection:
        add(connection, ("a", 1, "7001"), ("b", 1, "7002"))
        head = deliveries.next_of(connection, "7001").id

    def look():
        with other.writing() as looking:
            found.append(claim_waiting(looking, "two"))

    looker = threading.Thread(target=look)
    with store.writing() as connection:
        assert claim(connection, "one", thread="7001")
        looker.start()
        until = time.monotonic() + 30
        while not is_a_lock_waited_for(store) and time.monotonic() < until:
            time.sleep(0.01)
        deliveries.hurry(connection)
        deliveries.started(connection, head)
    looker.join(30)

    assert found == [["7002"]]


def is_a_lock_waited_for(store):
    with store.reading() as connection:
        return connection.exec_driver_sql("SELECT 1 FROM pg_locks WHERE NOT granted").first() is not None


@on_postgresql
def test_processes_that_store_the_same_deliveries_at_once_do_not_lock_each_other_out(store, open_store):
    wanted = [(f"m{number}", number, f"70{number % 50:02}") for number in range(500)]
    problems = []

    def store_all(where, given):
        try:
            with where.writing() as connection:
                add(connection, *given)
        except StoreUnavailable as error:
            problems.append(str(error))

    for _ in range(5):
        both = [(store, wanted), (open_store(), wanted[::-1])]
        threads = [threading.Thread(target=store_all, args=each) for each in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        with store.writing() as connection:
            assert len(waiting(connection)) == 50
            connection.execute(sa.delete(schema.deliveries))

    assert problems == []
