"""A bot's own deadlines move with Meta's clock: a time limit of two days is up at once."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from typing import Iterator

import pytest
import requests

pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from inline import SilentBot  # noqa: E402
from play import settings_with  # noqa: E402
from stack import eventually  # noqa: E402

from handover_channel import services  # noqa: E402
from handover_channel.graph_api import simulated_clock  # noqa: E402
from handover_channel.queue.event_handlers import EventHandlers  # noqa: E402
from handover_channel.queue.worker import Worker  # noqa: E402
from handover_channel.settings.loader import GraphApiSettings, Target, TargetKind  # noqa: E402
from handover_channel.simulator import Simulator, running  # noqa: E402

PSID = "42"
DAY = 86400
LOOKED_EVERY = 0.5  # the worker looks for what is due


@pytest.fixture
def url() -> Iterator[str]:
    simulated_clock._following.cache_clear()
    with running(Simulator(apps={"2222": "sales_bot", "3333": "hootsuite"})) as url:
        yield url
        # A process that has just begun to follow is connected before the server ends.
        if simulated_clock._following.cache_info().currsize:
            simulated_clock.clock_of(
                settings_with(graph_api=GraphApiSettings(url, "v27.0"), test_clock=url)
            )()
            eventually(lambda: advance(url, 1)["followers"], "it follows", 20)


def advance(url: str, by: object, how: str = "jump"):
    return requests.post(f"{url}/simulator/v1/advance", json={"by": by, "how": how}, timeout=20).json()


def settings_for(url, tmp_path):
    graph = GraphApiSettings(url, "v27.0")
    database = f"sqlite:///{tmp_path / 'handover.db'}"
    target = Target("two_days", TargetKind.INBOX, time_limit=timedelta(days=2))
    targets = {**settings_with().targets, target.name: target}
    return settings_with(graph_api=graph, test_clock=url, database=database, targets=targets)


def test_a_process_moves_along_before_the_simulator_answers(url, tmp_path):
    clock = services.build(settings_for(url, tmp_path)).thread_control.clock
    before = clock()
    moved = eventually(lambda: (m := advance(url, "1 day"))["followers"] and m, "it follows", 20)

    assert clock() - before >= DAY
    assert clock() == pytest.approx(time.time() + moved["ahead"], abs=1)


def test_a_process_that_starts_later_begins_where_the_clock_is(url, tmp_path):
    advance(url, "3 days")

    clock = services.build(settings_for(url, tmp_path)).thread_control.clock

    assert clock() - time.time() == pytest.approx(3 * DAY, abs=2)


def test_a_clock_that_is_gone_leaves_the_time_where_it_is_and_never_goes_back(tmp_path):
    simulated_clock._following.cache_clear()
    with running(Simulator()) as url:
        advance(url, "1 day")
        clock = services.build(settings_for(url, tmp_path)).thread_control.clock
        first = clock()
        eventually(lambda: advance(url, 1)["followers"], "it follows", 20)

    assert clock() >= first
    assert clock() - time.time() == pytest.approx(DAY, abs=2)


@pytest.mark.parametrize("how", ["jump", "run"])
def test_a_time_limit_of_two_days_is_up_in_a_moment(url, tmp_path, how):
    built = services.build(settings_for(url, tmp_path))
    handlers = EventHandlers(built.settings, built.store, built.thread_control)
    worker = Worker(
        built.store, built.thread_control, handlers, SilentBot(), clock=built.thread_control.clock
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(worker.run(),))
    thread.start()
    try:

        def control() -> str:
            return str(built.thread_control.status(PSID).thread.state.control.value)

        built.thread_control.hand_over(PSID, "two_days")
        eventually(lambda: advance(url, 1)["followers"], "it follows", 20)
        advance(url, "47 hours", how)
        time.sleep(2 * LOOKED_EVERY)
        assert control() == "inbox"
        advance(url, "2 hours", how)

        eventually(lambda: control() == "bot", "control is back", 20)
    finally:
        asyncio.run_coroutine_threadsafe(worker.stop(1), loop).result(20)
        thread.join(20)
        loop.close()
        built.store.close()
