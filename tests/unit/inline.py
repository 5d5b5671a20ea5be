"""Runs the worker's own parts without threads and without an event loop: nothing in them has to wait here."""

from __future__ import annotations

from handover_channel.queue.processing import Processing
from handover_channel.rules.turn_outcome import Spoken


class InlineExecutors:
    """As queue/executors.py, in the caller's thread."""

    async def store(self, function, *given):
        return function(*given)

    async def graph(self, function, *given):
        return function(*given)


def finished(coroutine):
    """Return what *coroutine* returns, which ends without ever waiting."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise AssertionError("it waits for something")


def process_all(thread, claims, event_handlers, bot, limit=50):
    """Process what waits in *thread* as the worker does, but for its retries: what fails is raised."""
    processing = Processing(claims, event_handlers, bot, InlineExecutors())
    job = claims.begin(thread)
    for _ in range(limit):
        if job is None:
            return
        result = finished(processing.process(job))
        job = claims.finish(job, result.outcome, result.line) if result.outcome else claims.again(job)
    raise AssertionError(f"{limit} deliveries, and still more")


class SilentBot:
    """The bot's side (queue/bot_port.py): whatever it says went out, and nobody sees it."""

    async def let_echoes_come(self):
        pass

    async def answer(self, event, context, delivery):
        return Spoken(sent=1)

    async def returned(self, row, reason, note, delivery):
        return Spoken(sent=1)

    async def muted(self, row, target, until):
        pass
