"""How much of the database one reply, and one turn, take: bounds that a relapse would exceed."""

from __future__ import annotations

import asyncio
import json

import pytest
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
from handover_channel.rules.turn_outcome import Spoken
from handover_channel.simulator import Simulator
from handover_channel.store import deliveries, replies, sent_messages, threads

pytestmark = on_sqlite


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
    return AgentReplies(settings_with(), store, graph, clock, thread_control=thread_control)


def test_the_counter_hears_transactions_glances_and_other_threads(store, thread_control):
    thread_control.hand_over(PSID)
    with statements_of(store) as found:
        thread_control.find(PSID)
        with store.writing() as connection:
            threads.get(connection, PSID)
    thread_control.find(PSID)

    assert (found.transactions, found.writing, found.reads_of_threads) == (1, 1, 2)


def test_a_reply_of_an_agent_takes_no_more_transactions_than_it_needs(agent, store, thread_control):
    thread_control.hand_over(PSID)
    agent.reply(PSID, "Hello.")  # the first one of a process notes that the token works, too
    with statements_of(store) as found:
        assert agent.reply(PSID, "Anything else?").state == replies.SENT

    figures = (found.transactions, found.writing, found.reads_of_threads)
    assert figures == (12, 5, 2), str(found)


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
        begun = process.worker.begin(connection, begun)
    process.worker.go_on(begun)


@pytest.fixture
async def quiet(place, graph, monkeypatch):
    """A process whose worker has had its first look, and looks no more; its bot speaks."""
    monkeypatch.setattr(worker_module, "LOOK", 1000)
    monkeypatch.setattr(worker_module, "TIDY", 1000)
    process = place()
    process.bot.during = speaking(process, graph)
    receive(process.store, "first", thread="first")
    process.start()
    await eventually(is_done(process.store))
    await eventually(lambda: process.worker._running == {})
    return process


async def test_a_turn_of_the_bot_reads_control_before_each_call_and_the_row_no_more_than_that(quiet, store):
    with statements_of(quiet.store) as found:
        store_and_begin(quiet, "hello")
        await eventually(lambda: quiet.bot.said[PSID])
        await eventually(lambda: quiet.worker._running == {})

    figures = (found.transactions, found.writing, found.reads_of_threads)
    assert figures == (3, 3, 5), str(found)
