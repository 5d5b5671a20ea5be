from __future__ import annotations

import json
from contextlib import closing

import pytest
from play import PSID, START

from handover_channel.errors import StoreUnavailable
from handover_channel.messenger.events import Attachment
from handover_channel.messenger.webhook import parse, unmarshal
from handover_channel.queue.claims import AT_A_TIME, CLAIM_SECONDS, CLOCK_AHEAD_MS, Claims
from handover_channel.queue.delivery_life import Stage, Step
from handover_channel.queue.handler_result import HandlerResult
from handover_channel.rules.control import State
from handover_channel.rules.turn_outcome import ANSWERED, SAID_NOTHING, UNDELIVERABLE
from handover_channel.store import Store, deliveries, threads, transcript
from handover_channel.store.transcript import Line


@pytest.fixture
def claims(store, clock):
    return Claims(store, clock)


def receive(store, *messages, at=START):
    """(text, timestamp in ms) each."""
    items = [
        {"sender": {"id": PSID}, "timestamp": stamp, "message": {"mid": text, "text": text}}
        for text, stamp in messages
    ]
    body = json.dumps({"entry": [{"id": "1717", "messaging": items}]}).encode()
    with store.writing() as connection:
        deliveries.add(connection, deliveries.rows(parse(body), at))


def row(store):
    with store.reading() as connection:
        return threads.get(connection, PSID)


def test_a_job_is_the_delivery_its_event_and_the_thread_as_it_was_before(claims, store):
    receive(store, ("hello", 5_000_000_000_000))

    job = claims.begin(PSID)

    assert job.event.text == "hello"
    assert (job.row.id, job.row.page, job.row.seen, job.row.state) == (PSID, "1717", 0, State())
    assert row(store).seen > 0


def test_finishing_a_job_begins_the_next_one_and_at_the_end_gives_the_thread_back(claims, store, clock):
    receive(store, ("one", 1_000_000_000_001), ("two", 1_000_000_000_002))
    other = Claims(store, clock)

    second = claims.finish(claims.begin(PSID), "kept", Line("person", "one", 1))
    assert second.event.text == "two"
    assert other.begin(PSID) is None
    assert claims.finish(second, "kept", None) is None

    receive(store, ("three", 1_000_000_000_003))
    assert other.begin(PSID).event.text == "three"
    with store.reading() as connection:
        assert [line.text for line in transcript.of(connection, PSID)] == ["one"]


def keep_all_but(*texts):
    """A rule by which every message is kept, but that those with these texts are answered."""

    def rule(event, row, delivery):
        if event.text in texts:
            return HandlerResult(ANSWERED, turn=True)
        return HandlerResult("kept", line=Line("person", event.text, event.timestamp))

    return rule


def test_what_needs_only_the_store_is_processed_on_the_way_to_what_the_bot_answers(store, clock):
    claims = Claims(store, clock, keep_all_but("three"))
    receive(store, ("one", 1_000_000_000_001), ("two", 1_000_000_000_002), ("three", 1_000_000_000_003))

    job = claims.begin(PSID)

    assert (job.event.text, job.result.turn, job.stage) == ("three", True, Stage.IN_TURN)
    assert job.delivery.attempts == 0
    with store.reading() as connection:
        assert [line.text for line in transcript.of(connection, PSID)] == ["one", "two"]
        assert deliveries.next_of(connection, PSID).attempts == 1


def test_a_thread_with_nothing_for_the_bot_is_given_back_at_once(store, clock):
    claims = Claims(store, clock, keep_all_but())
    receive(store, ("one", 1_000_000_000_001), ("two", 1_000_000_000_002))

    assert claims.begin(PSID) is None

    with store.reading() as connection:
        assert deliveries.next_of(connection, PSID) is None
        assert deliveries.claiming_workers(connection) == []


def test_a_claim_that_has_run_out_is_gone_once_the_thread_is_worked_off(store, clock):
    with store.writing() as connection:
        deliveries.claim(connection, PSID, worker="dead", now=START, until=START + CLAIM_SECONDS)
    receive(store, ("one", 1_000_000_000_001))
    claims = Claims(store, clock, keep_all_but())

    assert claims.begin(PSID) is None
    with store.reading() as connection:
        assert deliveries.next_of(connection, PSID).attempts == 0

    clock.now += CLAIM_SECONDS + 1
    assert claims.begin(PSID) is None
    with store.reading() as connection:
        assert deliveries.next_of(connection, PSID) is None


def test_an_event_that_was_just_read_is_not_read_again(claims, store):
    receive(store, ("one", 1_000_000_000_001))
    with store.writing() as connection:
        body = deliveries.next_of(connection, PSID).body
        event = unmarshal(body)

        begun = claims.begin_in(connection, [PSID], {body: event})

    assert begun[PSID].job.event is event


def test_a_transaction_works_off_only_so_many(store, clock):
    claims = Claims(store, clock, keep_all_but())
    receive(store, *((f"m{number:03}", 1_000_000_000_000 + number) for number in range(AT_A_TIME + 5)))

    assert claims.begin(PSID).event.text == f"m{AT_A_TIME:03}"


def test_what_was_interrupted_or_failed_before_is_looked_at_more_closely(claims, store, clock):
    receive(store, ("one", 1_000_000_000_001))
    job = claims.begin(PSID)
    claims.start(job)
    claims.give_back(job, Step.INTERRUPT)

    job = Claims(store, clock, keep_all_but("one")).begin(PSID)

    assert (job.result, job.stage, job.delivery.attempts) == (None, Stage.CLAIMED, 1)


def test_there_is_no_job_in_a_thread_without_work(claims):
    assert claims.begin("nobody") is None
    assert claims.waiting(10) == []


@pytest.mark.parametrize("outcome", [ANSWERED, SAID_NOTHING, UNDELIVERABLE])
def test_what_goes_out_with_a_message_is_kept_until_its_turn_is_over(claims, store, outcome):
    receive(store, ("hello", 1), ("again", 2))
    with store.writing() as connection:
        threads.get_or_add(connection, PSID, channel="facebook", page="", now=START)
        threads.set_context(connection, PSID, {"referral": {"ref": "r"}})

    job = claims.begin(PSID)
    assert claims.begin(PSID).row.context == {"referral": {"ref": "r"}}

    assert claims.finish(job, outcome, None).row.context == {}


def test_what_is_only_kept_leaves_the_context_for_the_answer(claims, store):
    receive(store, ("hello", 1), ("again", 2))
    with store.writing() as connection:
        threads.get_or_add(connection, PSID, channel="facebook", page="", now=START)
        threads.set_context(connection, PSID, {"referral": {"ref": "r"}})

    assert claims.finish(claims.begin(PSID), "kept", None).row.context == {"referral": {"ref": "r"}}


def test_an_event_from_the_far_future_does_not_make_all_others_old(claims, store):
    receive(store, ("from 2060", 2_840_000_000_000))

    job = claims.begin(PSID)

    assert job.event.timestamp == START * 1000 + CLOCK_AHEAD_MS
    assert row(store).seen == START * 1000 + CLOCK_AHEAD_MS


def test_activity_is_when_the_event_was_received_not_when_it_is_processed(claims, store, clock):
    receive(store, ("hello", 1))
    clock.passes(3600)

    claims.begin(PSID)

    assert row(store).active_at == START


def test_attempts_are_counted_when_the_bot_is_set_to_work(claims, store):
    receive(store, ("hello", 1))
    job = claims.begin(PSID)
    assert job.delivery.attempts == 0

    claims.start(job)
    assert claims.begin(PSID).delivery.attempts == 1

    claims.failed(job)
    again = claims.begin(PSID).delivery
    assert (again.attempts, again.failures) == (0, 1)


def test_a_claim_that_is_renewed_stays(claims, store, clock):
    receive(store, ("hello", 1))
    other = Claims(store, clock)
    claims.begin(PSID)
    clock.passes(CLAIM_SECONDS - 1)

    claims.renew([PSID])

    clock.passes(CLAIM_SECONDS - 1)
    assert (other.begin(PSID), other.waiting(10)) == (None, [])
    clock.passes(1)
    assert other.waiting(10) == [PSID]
    assert (claims.begin(PSID), claims.waiting(10)) == (None, [])
    assert other.begin(PSID)


def test_a_claim_without_a_delivery_under_way_runs_out_though_its_worker_lives(claims, store, clock):
    receive(store, ("hello", 1))
    claims.begin(PSID)
    clock.passes(CLAIM_SECONDS)

    claims.renew([])

    assert Claims(store, clock).waiting(10) == [PSID]


def test_threads_are_claimed_by_whoever_finds_them_waiting(claims, store, clock):
    receive(store, ("hello", 1))

    assert claims.waiting(0) == []
    assert claims.waiting(10) == [PSID]
    assert Claims(store, clock).waiting(10) == []
    assert claims.begin(PSID).event.text == "hello"


def test_what_is_given_back_is_free(claims, store, clock):
    receive(store, ("hello", 1))
    other = Claims(store, clock)

    claims.give_back(claims.begin(PSID), Step.GIVE_BACK)
    assert other.begin(PSID)
    other.give_all_back()

    assert claims.waiting(10) == [PSID]


def test_the_claims_of_processes_that_live_are_not_freed(claims, store, clock):
    receive(store, ("hello", 1))
    claims.begin(PSID)

    Claims(store, clock).free_the_dead()

    assert claims.waiting(10) == []


def test_two_workers_of_one_process_have_names_of_their_own(store, clock):
    assert Claims(store, clock).worker != Claims(store, clock).worker


@pytest.mark.postgres
def test_what_is_begun_as_it_comes_in_does_not_wait_for_a_process_that_hangs(emptied, clock):
    # SQLite has one writer at a time: who is in a transaction has waited for all others already.
    with closing(Store(emptied("a"))) as store, closing(Store(emptied("a"))) as other:
        receive(store, ("hello", 1_000_000_000_001))
        claims = Claims(store, clock)

        with other.writing() as held:
            Claims(other, clock).begin_in(held, [PSID])
            with pytest.raises(StoreUnavailable), store.writing() as connection:
                claims.begin_in(connection, [PSID])

        assert claims.begin(PSID) is None  # it is the other one's


def test_an_attachment_as_deep_as_can_be_received_is_written_down(store):
    deep = {}
    for _ in range(700):
        deep = {"of": deep}
    line = Line("person", "", 1, attachments=(Attachment("fallback", payload=deep),))

    with store.writing() as connection:
        transcript.add(connection, PSID, line)

    with store.reading() as connection:
        assert transcript.of(connection, PSID)[0].attachments == line.attachments


def test_who_has_nothing_to_do_asks_for_work_only_where_more_waits_than_is_begun(store, clock, monkeypatch):
    asked = []
    monkeypatch.setattr("handover_channel.queue.claims.ask", asked.append)
    busy, idle = Claims(store, clock), Claims(store, clock)
    receive(store, ("one", 1_000_000_000_001))
    busy.begin(PSID)
    idle.ask_for_work()
    assert not asked

    receive(store, ("two", 1_000_000_000_002))
    busy.ask_for_work()
    assert not asked
    idle.ask_for_work()

    assert len(asked) == (store.dialect == "postgresql")
