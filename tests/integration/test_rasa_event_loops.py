"""Tests that what Rasa binds to its server's event loop works for turns on another one."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.rasa


async def test_a_turn_on_another_loop_schedules_a_reminder_that_fires_on_the_servers(other_loop):
    from rasa.core import jobs

    from handover_channel.rasa.event_loops import end_scheduler, share_scheduler

    own = jobs.scheduler
    fired = asyncio.Event()
    await share_scheduler()

    async def in_a_turn():
        scheduler = await jobs.scheduler()
        soon = datetime.now(timezone.utc) + timedelta(milliseconds=50)
        scheduler.add_job(lambda: fired.set(), "date", run_date=soon)

    asyncio.run_coroutine_threadsafe(in_a_turn(), other_loop).result(5)
    try:
        await asyncio.wait_for(fired.wait(), 10)
    finally:
        end_scheduler()
    assert jobs.scheduler is own


async def test_a_broker_with_a_loop_of_its_own_publishes_there(other_loop):
    from handover_channel.rasa.event_loops import share_event_broker

    published = asyncio.Event()
    seen = []

    class Broker:
        _loop = asyncio.get_running_loop()

        def publish(self, event):
            seen.append((event, threading.current_thread()))
            published.set()

    broker = Broker()
    agent = SimpleNamespace(tracker_store=SimpleNamespace(event_broker=broker))
    share_event_broker(agent)
    share_event_broker(agent)  # once is enough

    other_loop.call_soon_threadsafe(broker.publish, {"event": "user"})
    await asyncio.wait_for(published.wait(), 10)

    assert seen == [({"event": "user"}, threading.main_thread())]


@pytest.mark.parametrize("broker", [None, SimpleNamespace(publish=print)])
def test_other_brokers_are_left_alone(broker):
    from handover_channel.rasa.event_loops import share_event_broker

    before = getattr(broker, "publish", None)
    share_event_broker(SimpleNamespace(tracker_store=SimpleNamespace(event_broker=broker)))

    assert getattr(broker, "publish", None) is before
