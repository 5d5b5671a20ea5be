"""Tests how much of the database one reply, and one turn, take: bounds that a relapse would exceed."""

from __future__ import annotations

import asyncio
import json

import pytest
import sqlalchemy as sa
from databases import on_sqlite
from play import OURS, SALES_BOT, START, Meta, settings_with
from statements import statements_of
from workplace import PSID, eventually, is_done, receive

from handover_channel.control.thread_control import ThreadControl
from handover_channel.graph_api.client import GraphApi
from handover_channel.messenger.events import OUR_METADATA
from handover_channel.messenger.messages import send_body
from handover_channel.messenger.webhook import parse
from handover_channel.queue import worker as worker_module
from handover_channel.queue.claims import Begun
from handover_channel.queue.outbound_gate import Gate
from handover_channel.queue.resend_guard import ResendGuard
from handover_channel.replies.service import AgentReplies
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.rules.turn_outcome import Spoken
from handover_channel.simulator import Simulator
from handover_channel.simulator.refusals import Refusal
from handover_channel.store import deliveries, replies, sent_messages, threads, transcript

pytestmark = on_sqlite

BLOCKED = Refusal(551, "(#551) This person isn't available right now.", 1545041)


@pytest.fixture
def meta(clock):
    return Meta(Simulator(app_id=OURS, apps={SALES_BOT: "sales_bot"}, now=clock))


@pytest.fixture
def graph(meta):
    return GraphApi("http://127.0.0.1", "v27.0", pools=meta)


@pytest.fixture
def thread_control(store, graph, clock):
    return ThreadControl(settings_with(), store, graph, clock)


@pytest.fixture
def agent(store, graph, clock, thread_control):
    return AgentReplies(settings_with(), store, graph, thread_control, clock)


def test_the_counter_hears_transactions_glances_and_other_threads(store, thread_control):
    thread_control.hand_over(PSID)
    with statements_of(store) as found:
        thread_control.find(PSID)
        with store.writing() as connection:
            threads.get(connection, PSID)
    thread_control.find(PSID)

    assert (found.transactions, found.writing, found.reads_of_threads) == (1, 1, 2)


def takes(found, transactions, *, writing, reads):
    """Tell whether it took no more than that."""
    figures = (found.transactions, found.writing, found.reads_of_threads)
    return all(figure <= most for figure, most in zip(figures, (transactions, writing, reads)))


def test_a_reply_is_kept_and_begun_in_one_transaction_and_noted_in_another(agent, store, thread_control):
    thread_control.hand_over(PSID)
    agent.reply(PSID, "Hello.")  # the first one of a process notes that the token works, too
    with statements_of(store) as found:
        assert agent.reply(PSID, "Anything else?").state == replies.SENT

    assert takes(found, 2, writing=2, reads=1), str(found)


def test_each_further_message_of_a_reply_takes_two_more(agent, store, thread_control):
    thread_control.hand_over(PSID)
    agent.reply(PSID, "Hello.")
    with statements_of(store) as found:
        assert agent.reply(PSID, "word " * 900).state == replies.SENT

    assert takes(found, 6, writing=6, reads=1), str(found)


def test_a_reply_that_has_failed_is_retried_in_four(agent, store, thread_control, meta):
    thread_control.hand_over(PSID)
    agent.reply(PSID, "Hello.")
    meta.fails("messages", BLOCKED)
    failed = agent.reply(PSID, "Anything else?")
    with statements_of(store) as found:
        assert agent.retry(failed.id).state == replies.SENT

    assert takes(found, 5, writing=4, reads=1), str(
        found
    )  # one of them notes that the person is reached again


def test_a_reply_is_kept_before_it_is_sent_and_no_transaction_is_open_meanwhile(
    agent, store, thread_control, meta
):
    thread_control.hand_over(PSID)
    seen = []

    def look(name):
        last = found.every[-1]
        with store.reading() as connection:
            (reply,) = replies.unsent(connection, PSID, now=agent._clock())
        seen.append((last, reply.state, reply.text))

    meta.during = look
    with statements_of(store) as found:
        agent.reply(PSID, "Hello.")

    assert seen == [("COMMIT", replies.SENDING, "Hello.")]


def test_a_change_of_control_reads_the_row_to_decide_and_not_again_once_it_is_written(store, thread_control):
    thread_control.hand_over(PSID)
    with statements_of(store) as found:
        assert thread_control.return_to_bot(PSID, ReturnReason.AGENT, who="kim")

    assert takes(found, 1, writing=1, reads=2), str(found)


def speaking(process, graph):
    """Return what happens during a turn: the bot shows that it types, and answers by the real gate."""

    def note(tag, mid):
        with process.store.writing(durable=False) as connection:
            sent_messages.add(connection, tag, now=process.clock(), mid=mid)

    def speak(thread, text):
        gate = Gate(process.thread_control, graph, ResendGuard(process.store, "1", again=False), note)
        for action in ("mark_seen", "typing_on"):
            gate.send(thread, {"recipient": {"id": thread}, "sender_action": action})
        answer = {"text": f"About {text}.", "metadata": f"{OUR_METADATA}1.1"}
        assert gate.send(thread, send_body(thread, answer)) == Spoken(sent=1)

    async def during(thread, text):
        await asyncio.get_running_loop().run_in_executor(None, speak, thread, text)

    return during


def store_and_begin(process, *texts):
    """Do as queue/intake.py does: begin in the transaction that stores."""
    begun = dict.fromkeys(process.worker.reserve([PSID]), Begun())
    items = [
        {
            "sender": {"id": PSID},
            "recipient": {"id": "1717"},
            "timestamp": int(START * 1000) + number,
            "message": {"mid": f"m_{number}", "text": text},
        }
        for number, text in enumerate(texts)
    ]
    body = json.dumps({"entry": [{"id": "1717", "messaging": items}]}).encode()
    with process.store.writing() as connection:
        deliveries.add(connection, deliveries.rows(parse(body), START))
        begun = process.worker.begin(connection, begun, {})
    process.worker.go_on(begun)


@pytest.fixture
async def quiet(place, graph, monkeypatch):
    """A process whose worker has had its first look, and looks no more; its bot speaks."""
    monkeypatch.setattr(worker_module, "LOOK_FOR_WORK_EVERY", 1000)
    monkeypatch.setattr(worker_module, "TIDY_STORE_EVERY", 1000)
    process = place()
    process.bot.during = speaking(process, graph)
    receive(process.store, "first", thread="first")
    process.start()
    await eventually(is_done(process.store))
    await eventually(lambda: process.worker.is_idle)
    return process


async def test_a_turn_of_the_bot_reads_control_before_each_call_and_the_row_no_more_than_that(quiet, store):
    with statements_of(quiet.store) as found:
        store_and_begin(quiet, "hello")
        await eventually(lambda: quiet.bot.said[PSID])
        await eventually(lambda: quiet.worker.is_idle)

    assert takes(found, 3, writing=3, reads=5), str(found)


async def test_a_message_to_a_muted_thread_takes_one_transaction_and_no_claim_that_would_end_with_it(
    quiet, store, thread_control
):
    thread_control.hand_over(PSID)
    with store.writing() as connection:  # Rasa has its slots already
        connection.execute(sa.text("DELETE FROM deliveries WHERE kind = 'muted'"))
    with statements_of(quiet.store) as found:
        store_and_begin(quiet, "hello")

    with store.reading() as connection:
        assert [line.text for line in transcript.of(connection, PSID)] == ["hello"]
    assert takes(found, 1, writing=1, reads=1), str(found)
    assert not any(each.startswith(("INSERT INTO claims", "DELETE")) for each in found.every), str(found)
    assert len([each for each in found.every if "deliveries" in each]) == 3, str(found)
