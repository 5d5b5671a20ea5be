"""Counts each time the bot is set to work on a delivery, before it is: see delivery_life.py."""

from __future__ import annotations

from typing import Awaitable, Callable, TypeVar

from handover_channel.errors import NotReady, StoreUnavailable
from handover_channel.metrics import counters
from handover_channel.queue.bot_port import BotPort
from handover_channel.queue.claims import Claims, Job
from handover_channel.queue.delivery_life import Stage
from handover_channel.queue.executors import Executors
from handover_channel.queue.suspects import Suspects

_T = TypeVar("_T")


class Attempts:
    """Surrounds a turn of the bot."""

    def __init__(self, claims: Claims, bot: BotPort, executors: Executors) -> None:
        self._claims = claims
        self._bot = bot
        self._executors = executors
        self._suspects = Suspects()

    async def of(self, job: Job, turn: Callable[[], Awaitable[_T]]) -> _T:
        """Return what *turn* returns. Raises what it raises, NotReady and StoreUnavailable."""
        async with self._suspects.alone(job.delivery):
            if job.delivery.attempts:
                # Not counted: who is interrupted while it waits has done nothing that kills a process.
                await self._bot.let_echoes_come()
            if job.stage is not Stage.IN_TURN:
                await self._executors.store(self._claims.start, job)
            with counters.turn(job.delivery.kind, waits=(StoreUnavailable, NotReady)):
                return await turn()
