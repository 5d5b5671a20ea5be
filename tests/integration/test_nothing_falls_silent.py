"""Whatever ends or hangs, a thread, a loop or a process: the others are answered, and health does not lie."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest
import requests
import sanic_servers
import yaml
from served_bot import APPS, SECRET, Bot, Rasa, body, eventually, item, processed, rows

from handover_channel import simulator
from handover_channel.simulator import Simulator

pytestmark = pytest.mark.rasa

SOON = 20.0  #: seconds


@pytest.fixture(autouse=True, scope="module")
def _several_servers_in_one_process():
    with sanic_servers.several():
        yield


@pytest.fixture
def folder(tmp_path):
    with simulator.running(Simulator(apps=APPS, secret=SECRET)) as url:
        settings = {
            "app_id": "1234567890",
            "graph_api": {"url": url},
            "targets": {"inbox": {"kind": "inbox"}},
        }
        (tmp_path / "handover.yml").write_text(yaml.safe_dump(settings))
        yield tmp_path


@pytest.fixture
def quick(monkeypatch):
    """A queue process that is silent is found out within a second."""
    from handover_channel.rasa import queue_client

    quicker = {
        "PING_EVERY": 0.1,
        "QUEUE_ANSWERS_WITHIN": 0.3,
        "KILLED_AFTER_SILENCE": 0.9,
        "RESTART_AFTER": 0.1,
        "GRACE": 3.0,
    }
    for name, seconds in quicker.items():
        monkeypatch.setattr(queue_client, name, seconds)


@pytest.fixture
def impatient(monkeypatch):
    """Health has its answer within a second."""
    from handover_channel.rasa import runtime

    monkeypatch.setattr(runtime, "ANSWERED_WITHIN", 1.0)


@pytest.fixture
def bot(folder):
    with Bot(folder, Rasa()).running() as running:
        eventually(lambda: health(running)[0] == 200, "it has begun")
        yield running


def health(bot):
    answer = requests.get(f"{bot.url}/", timeout=SOON)
    return answer.status_code, answer.json().get("reason", "")


def queue_processes():
    """The process ids of our queue processes."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if b"handover_channel.queue.process" in command and parent == os.getpid():
            found.append(int(entry.name))
    return found


def is_answered(bot, psid, text="hello"):
    assert eventually(lambda: bot.post(body(item(psid, text))) == 200, "it is stored")
    eventually(lambda: text in bot.rasa.texts(psid), "it is answered", within=SOON)
    return True


async def _exits():
    sys.exit(1)


async def _exits_in_a_task():
    await asyncio.ensure_future(_exits())


async def _leaves_a_task_that_exits():
    asyncio.ensure_future(_exits())
    await asyncio.sleep(0.1)
    raise RuntimeError("and fails")


async def _stops_the_loop():
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.1)
    raise RuntimeError("and fails")


async def _raises(error):
    raise error


POISON = {
    "it exits": _exits,
    "it is interrupted": lambda: _raises(KeyboardInterrupt()),
    "a task of its exits": _exits_in_a_task,
    "a task that it leaves behind exits": _leaves_a_task_that_exits,
    "it is cancelled": lambda: _raises(asyncio.CancelledError()),
    "something of its own": lambda: _raises(BaseException("a stranger")),
    "it stops the loop": _stops_the_loop,
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_turn_that_ends_the_loop_is_given_up_like_any_other_and_the_rest_goes_on(bot, caplog, poison):
    tried = []

    def before(message):
        if message.text == "poison":
            tried.append(message)
            return poison()
        return None

    bot.rasa.before = before
    assert bot.post(body(item("6666", "poison"), item("6666", "after it"))) == 200

    assert is_answered(bot, "6667")
    eventually(lambda: bot.rasa.texts("6666") == ["after it"], "what follows is answered", within=SOON)
    eventually(processed(bot.folder))
    assert len(tried) == 3
    outcomes = rows(bot.folder, "SELECT outcome FROM deliveries WHERE thread = '6666' ORDER BY id")
    assert outcomes[0] == ("failed",)
    assert outcomes[1] != ("failed",)
    assert health(bot) == (200, "")
    assert "given up" in caplog.text


def test_a_loop_of_turns_that_stands_still_is_told_by_health_and_stops_nothing_else(bot, impatient):
    def before(message):
        if message.text == "busy":
            time.sleep(3)

    bot.rasa.before = before
    assert bot.post(body(item("1", "busy"))) == 200

    status, reason = eventually(lambda: (found := health(bot))[0] == 503 and found, "health says so")
    assert "no turn can run" in reason
    assert bot.post(body(item("2", "hello"))) == 200
    eventually(lambda: health(bot)[0] == 200, "it goes on")
    eventually(lambda: bot.rasa.texts("2") == ["hello"])


def test_a_queue_process_that_hangs_is_told_by_health_replaced_and_costs_no_delivery(
    folder, quick, impatient, caplog
):
    with Bot(folder, Rasa()).running() as bot:
        eventually(lambda: health(bot)[0] == 200, "it has begun")
        assert is_answered(bot, "1")
        eventually(processed(folder))  # a turn that is interrupted at its end is run again
        (old,) = queue_processes()
        os.kill(old, signal.SIGSTOP)

        assert "queue's process" in eventually(
            lambda: health(bot)[0] == 503 and health(bot)[1], "health says so"
        )
        assert is_answered(bot, "1", "are you there?")
        assert old not in queue_processes()
        assert bot.rasa.texts("1") == ["hello", "are you there?"]
        assert health(bot) == (200, "")
    assert "has not answered" in caplog.text
    assert queue_processes() == []


def test_a_queue_process_that_hangs_while_the_server_stops_does_not_keep_it(folder, quick, monkeypatch):
    from handover_channel.rasa import runtime

    monkeypatch.setattr(runtime, "GRACE", 0.5)
    with Bot(folder, Rasa()).running() as bot:
        eventually(lambda: health(bot)[0] == 200, "it has begun")
        os.kill(*queue_processes(), signal.SIGSTOP)
        began = time.monotonic()

    assert time.monotonic() - began < SOON
    assert queue_processes() == []


def test_a_turn_that_never_ends_keeps_neither_a_new_queue_process_nor_a_stop_waiting(folder, quick):
    async def never_ends():
        await asyncio.get_running_loop().create_future()

    rasa = Rasa()
    rasa.before = lambda message: never_ends() if message.text == "hang" else None
    with Bot(folder, rasa).running() as bot:
        eventually(lambda: health(bot)[0] == 200, "it has begun")
        assert bot.post(body(item("1", "hang"))) == 200
        time.sleep(0.5)
        os.kill(*queue_processes(), signal.SIGKILL)

        assert is_answered(bot, "2")
    assert queue_processes() == []


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("breaks", [lambda end: end.shutdown(2), lambda end: end.sendall(b"\0\0\0\4junk")])
def test_a_connection_that_breaks_brings_a_new_queue_process(folder, quick, monkeypatch, number, breaks):
    """Deliveries, control, turns: whichever it is, half of the process is of no use."""
    from handover_channel.rasa import queue_client

    pairs, make = [], queue_client.socket.socketpair
    monkeypatch.setattr(queue_client.socket, "socketpair", lambda: pairs.append(make()) or pairs[-1])
    with Bot(folder, Rasa()).running() as bot:
        eventually(lambda: health(bot)[0] == 200, "it has begun")
        (old,) = queue_processes()
        breaks(pairs[-3:][number][0])  # event loops have such pairs, too

        eventually(lambda: queue_processes() and old not in queue_processes(), "there is another one")
        assert is_answered(bot, "1")
