from __future__ import annotations

import pytest
from play import HOOTSUITE, HOUR, NO_TAKING, OUTAGE, PSID, SALES_BOT, STRANGER
from prometheus_client.parser import text_string_to_metric_families

from handover_channel.control.thread_control import ThreadControl
from handover_channel.metrics.exporter import Exporter
from handover_channel.store import Store, deadlines, statistics
from handover_channel.store.statistics import SETTLED, History


class Prometheus:
    """Scrapes, and remembers the last answer."""

    def __init__(self, play, store):
        self._exporter = Exporter(play.settings, store, play.clock)

    def text(self):
        return self._exporter.text().decode()

    def __call__(self, name, **labels):
        """The value of a sample, None where there is none."""
        for family in text_string_to_metric_families(self.text()):
            for sample in family.samples:
                if sample.name == name and labels == sample.labels:
                    return sample.value
        return None

    def every(self, name, *keys):
        """Labels -> value of all samples that are not 0."""
        keys = keys or ("target", "reason")
        samples = [s for family in text_string_to_metric_families(self.text()) for s in family.samples]
        return {tuple(s.labels[key] for key in keys): s.value for s in samples if s.name == name and s.value}


@pytest.fixture
def prometheus(play, store):
    return Prometheus(play, store)


# --- the queue ------------------------------------------------------------------------------------


def test_an_empty_queue_is_0_and_not_missing(prometheus):
    assert prometheus("handover_store_up") == 1
    assert prometheus("handover_queue_length", kind="event") == 0
    assert prometheus("handover_queue_oldest_seconds") == 0
    assert prometheus("handover_queue_failed") == 0
    assert prometheus("handover_deadlines_overdue", kind="time_limit") == 0
    assert prometheus("handover_returns_refused", target="sales_bot") == 0


def test_what_waits_is_counted_and_the_oldest_of_it_is_timed(play, prometheus):
    play.person.says("one")
    play.receive()
    play.clock.passes(30)
    play.person.says("two")
    play.receive()
    play.clock.passes(10)

    assert prometheus("handover_queue_length", kind="event") == 2
    assert prometheus("handover_queue_oldest_seconds") == 40

    play.work()
    assert prometheus("handover_queue_length", kind="event") == 0
    assert prometheus("handover_queue_oldest_seconds") == 0


def test_what_was_given_up_is_shown(play, prometheus):
    play.person.says("one")
    play.receive()
    play.claims.finish(play.claims.begin(PSID), "failed", None)

    assert prometheus("handover_queue_failed") == 1
    assert prometheus("handover_queue_length", kind="event") == 0


def test_a_claim_counts_until_it_runs_out(play, prometheus):
    play.person.says("one")
    play.receive()
    play.claims.begin(PSID)
    assert prometheus("handover_claims") == 1

    play.clock.passes(60)

    assert prometheus("handover_claims") == 0


def test_a_deadline_is_overdue_when_nobody_has_come_for_it(play, prometheus):
    play.hands_over("inbox")
    play.clock.passes(12 * HOUR)
    assert prometheus("handover_deadlines_overdue", kind="time_limit") == 0

    play.clock.passes(statistics.OVERDUE + 1)
    assert prometheus("handover_deadlines_overdue", kind="time_limit") == 1

    play.due()
    assert prometheus("handover_deadlines_overdue", kind="time_limit") == 0


# --- handovers ------------------------------------------------------------------------------------


def test_handovers_and_returns_are_counted_by_target_and_reason(play, prometheus):
    for name in ("inbox", "sales_bot", "inbox"):
        play.hands_over(name)
        play.says("back to bot")
    play.hands_over("sales_bot")

    assert prometheus.every("handover_handovers_total") == {
        ("inbox", "handed_over"): 2,
        ("sales_bot", "handed_over"): 2,
    }
    assert prometheus.every("handover_returns_total") == {
        ("inbox", "keyword"): 2,
        ("sales_bot", "keyword"): 1,
    }
    assert prometheus.every("handover_open", "control", "target") == {("app", "sales_bot"): 1}


def test_a_handover_made_by_another_process_counts_as_well(play, store, open_store, prometheus):
    play.says("hello")
    assert prometheus.every("handover_handovers_total") == {}

    elsewhere = ThreadControl(play.settings, open_store(), play.graph, play.clock)
    elsewhere.hand_over(PSID, "inbox")

    assert prometheus.every("handover_handovers_total") == {("inbox", "handed_over"): 1}


def test_a_handover_that_meta_refused_is_none(play, prometheus):
    play.says("hello")
    play.meta.fails("pass_thread_control", NO_TAKING)
    with pytest.raises(Exception, match="27"):
        play.thread_control.hand_over(PSID, "sales_bot")

    assert prometheus.every("handover_handovers_total") == {}
    assert prometheus.every("handover_returns_total") == {}
    assert prometheus.every("handover_refused_handovers_total") == {("sales_bot", "pass_refused"): 1}


def test_staff_that_takes_over_counts_once_by_whom(play, prometheus):
    play.says("hello")
    play.deliver(echo(play, HOOTSUITE))
    play.work()

    assert prometheus.every("handover_handovers_total") == {("hootsuite", "staff_took_over"): 1}


def test_an_app_that_is_no_target_is_called_other(play, prometheus):
    play.says("hello")
    play.deliver(echo(play, STRANGER))
    play.work()

    assert prometheus.every("handover_open", "control", "target") == {("beside", "other"): 1}
    assert STRANGER not in words_of(prometheus.text())


def test_a_return_that_meta_refused_is_shown_until_it_is_granted(play, prometheus):
    play.hands_over("sales_bot")
    play.meta.fails("take_thread_control", NO_TAKING)
    play.says("back to bot")
    assert prometheus("handover_returns_refused", target="sales_bot") == 1
    assert prometheus.every("handover_returns_total") == {}

    play.clock.passes(61)
    play.due()

    assert prometheus("handover_returns_refused", target="sales_bot") == 0
    assert prometheus.every("handover_returns_total") == {("sales_bot", "keyword"): 1}


def test_nobody_and_nothing_said_can_be_found_in_the_metrics(play, prometheus):
    play.hands_over("sales_bot")
    play.says("my secret is 4711")
    play.meta.fails("take_thread_control", OUTAGE)
    play.says("back to bot")

    words = words_of(prometheus.text())

    assert "sales_bot" in words
    assert not [word for word in (PSID, "4711", "back to", "demo-", SALES_BOT) if word in words]


def test_without_the_database_the_rest_is_served(play, tmp_path):
    away = Prometheus(play, Store(f"sqlite:///{tmp_path / 'nowhere' / 'a.db'}"))

    assert away("handover_store_up") == 0
    assert away("handover_queue_oldest_seconds") is None
    assert away("handover_events_stored_total") is not None


# --- the log of changes is counted once -------------------------------------------------------------


def totals(play, history):
    with play.store.reading() as connection:
        return sum(history.read(connection, now=play.clock()).values())


def test_each_look_counts_what_is_new_and_keeps_what_was(play):
    history = History()
    assert totals(play, history) == 0
    for expected in (2, 4, 6):
        play.hands_over("inbox")
        play.says("back to bot")
        assert totals(play, history) == totals(play, history) == expected
        play.clock.passes(2 * SETTLED)
        assert totals(play, history) == expected


def test_what_a_slow_transaction_brings_late_is_counted(play, store):
    """As on PostgreSQL, where a row with a smaller id may be seen after one with a greater."""
    history = History()
    play.hands_over("inbox")
    play.says("back to bot")
    with store.writing() as connection:
        hidden = connection.execute(statistics.changes.select()).mappings().first()
        connection.execute(statistics.changes.delete().where(statistics.changes.c.id == hidden["id"]))
    before = totals(play, history)

    with store.writing() as connection:
        connection.execute(statistics.changes.insert().values(**hidden))

    assert totals(play, history) == before + 1


def test_a_fresh_process_counts_as_much_as_one_that_has_looked_all_the_time(play):
    old = History()
    for _ in range(3):
        play.hands_over("sales_bot")
        play.says("back to bot")
        totals(play, old)
        play.clock.passes(2 * SETTLED)

    assert totals(play, History()) == totals(play, old) == 6


def test_the_oldest_is_known_without_the_rest(play, store):
    with store.reading() as connection:
        assert statistics.oldest_at(connection) is None
    play.person.says("one")
    play.receive()
    received_at = play.clock()
    play.clock.passes(5)

    with store.reading() as connection:
        assert statistics.oldest_at(connection) == received_at


def test_every_kind_of_deadline_is_told_of(prometheus):
    told = {kind for (kind,) in _labels(prometheus, "handover_deadlines_overdue")}
    known = {value for name, value in vars(deadlines).items() if name.isupper() and isinstance(value, str)}

    assert told == known


def _labels(prometheus, name):
    families = text_string_to_metric_families(prometheus.text())
    return {tuple(s.labels.values()) for family in families for s in family.samples if s.name == name}


def words_of(text):
    """Everything but the numbers: names and labels."""
    return "\n".join(line.rpartition(" ")[0] for line in text.splitlines())


def echo(play, app_id):
    message = {"mid": f"m_{app_id}", "is_echo": True, "app_id": int(app_id), "text": "I am here"}
    at = int(play.clock() * 1000)
    return {
        "sender": {"id": play.page.page_id},
        "recipient": {"id": PSID},
        "timestamp": at,
        "message": message,
    }
