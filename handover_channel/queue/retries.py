"""Tries again what failed, later and not for ever, and gives up what fails or is interrupted too often."""

from __future__ import annotations

import asyncio
from typing import Awaitable, Callable, Optional

from handover_channel import log
from handover_channel.errors import NotReady, StoreUnavailable
from handover_channel.messenger.events import MessageReceived, PostbackReceived
from handover_channel.metrics import counters
from handover_channel.queue.claims import Claims, Job
from handover_channel.queue.delivery_life import Step
from handover_channel.queue.executors import Executors
from handover_channel.queue.handler_result import HandlerResult
from handover_channel.queue.transcript_lines import line_of
from handover_channel.store.deliveries import Delivery
from handover_channel.store.queue_admin import FAILED

logger = log.logger(__name__)

#: How often a delivery may fail before it is given up. With 1 it would never be tried again.
FAILURES = 3
#: How often it may be interrupted: it may be what kills the process, or only be hit by a few restarts.
INTERRUPTIONS = 10
#: Seconds until a delivery that failed is tried again; twice as many after each further failure.
PAUSE = 1.0


class Retries:
    """Surrounds *process*, which gives a delivery its effect and says what is left to do about it."""

    def __init__(
        self,
        claims: Claims,
        executors: Executors,
        process: Callable[[Job], Awaitable[HandlerResult]],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sleep = sleep
        self._claims = claims
        self._executors = executors
        self._process = process

    async def process(self, job: Job) -> Optional[Job]:
        """Process *job*; return what is next in its thread: it may be the same delivery again.

        Raises StoreUnavailable and NotReady: then its thread was given back, and is taken up later.
        """
        try:
            result = _given_up(job) if _is_given_up(job.delivery) else await self._process(job)
        except (StoreUnavailable, NotReady) as error:
            step = Step.GIVE_BACK if isinstance(error, NotReady) else Step.INTERRUPT
            await self._executors.store(self._claims.give_back, job, step)
            raise
        except Exception as error:
            return await self._failed(job, error)
        if not result.outcome:  # it is still to be processed, after what comes before it now
            return await self._executors.store(self._claims.again, job)
        return await self._executors.store(self._claims.finish, job, result.outcome, result.line)

    async def _failed(self, job: Job, error: Exception) -> Optional[Job]:
        thread, delivery = job.row.id, job.delivery
        logger.error("thread %s: delivery %s failed, tried again: %s", thread, delivery.id, log.trace(error))
        counters.failed()
        await self._executors.store(self._claims.failed, job)
        await self._sleep(PAUSE * 2**delivery.failures)
        return await self._executors.store(self._claims.begin, thread)


def _is_given_up(delivery: Delivery) -> bool:
    return delivery.failures >= FAILURES or delivery.attempts >= INTERRUPTIONS


def _given_up(job: Job) -> HandlerResult:
    """Return that it failed, with the words that agents are to see."""
    logger.error(
        "thread %s: delivery %s given up: it failed %s times and was interrupted %s times -> "
        "see `handover queue`, which can have it tried again",
        job.row.id,
        job.delivery.id,
        job.delivery.failures,
        job.delivery.attempts,
    )
    said = job.event if isinstance(job.event, (MessageReceived, PostbackReceived)) else None
    return HandlerResult(FAILED, line=line_of(said) if said else None)
