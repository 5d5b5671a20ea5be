"""Gives a delivery its effect: an event by its handler and a turn of the bot, a note by telling the bot.

What surrounds this has modules of its own: retries.py, attempts.py and suspects.py, backpressure.py.
"""

from __future__ import annotations

import functools
import json

from handover_channel.messenger.events import Event, MessageReceived, PostbackReceived
from handover_channel.queue.attempts import Attempts
from handover_channel.queue.bot_port import BotPort
from handover_channel.queue.claims import Claims, Job
from handover_channel.queue.event_handlers import EventHandlers
from handover_channel.queue.executors import Executors
from handover_channel.queue.handler_result import HandlerResult
from handover_channel.queue.transcript_lines import line_of
from handover_channel.rules import budget
from handover_channel.rules.control import bot_may_speak
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.rules.turn_outcome import Outcome, Spoken, outcome_of
from handover_channel.store import deliveries
from handover_channel.store.queue_admin import GIVEN_UP

#: Outcomes of notes: the bot was told, or control had changed again before it was.
TOLD, OVERTAKEN = "told", "overtaken"


class Processing:
    """Knows the event handlers and the bot."""

    def __init__(
        self, claims: Claims, event_handlers: EventHandlers, bot: BotPort, executors: Executors
    ) -> None:
        self._claims = claims
        self._event_handlers = event_handlers
        self._bot = bot
        self._executors = executors
        self._attempts = Attempts(claims, bot, executors)

    async def process(self, job: Job) -> HandlerResult:
        """Give the delivery its effect, within its budget; return what is left to do about it.

        Raises whatever handler and bot raise; StoreUnavailable and NotReady mean "not now".
        """
        with budget.of_a_delivery():
            if job.event is not None:
                return await self._event(job, job.event)
            if job.delivery.kind == deliveries.MUTED:
                return await self._muted(job)
            return await self._returned(job)

    async def _event(self, job: Job, event: Event) -> HandlerResult:
        result = job.result
        if result is None:
            handle = functools.partial(self._event_handlers.handle, event, job.row, job.delivery)
            result = await self._executors.graph(handle)
        if not (result.turn and isinstance(event, (MessageReceived, PostbackReceived))):
            return result
        turn = functools.partial(self._bot.answer, event, result.context, job.delivery)
        outcome = await self._outcome_of(job, await self._attempts.of(job, turn))
        return HandlerResult(outcome.name, line=line_of(event) if outcome.keep else None)

    async def _muted(self, job: Job) -> HandlerResult:
        """Mirror the row in the bot's slots, as it stands, whatever has happened since the note."""
        row = job.row
        await self._attempts.of(job, functools.partial(self._bot.muted, row, row.state.target, row.until))
        return HandlerResult(TOLD)

    async def _returned(self, job: Job) -> HandlerResult:
        if not bot_may_speak(job.row.state.control):
            return HandlerResult(OVERTAKEN)  # control has changed again since; a later note tells of that
        note = json.loads(job.delivery.body)
        reason = ReturnReason(note["reason"])
        turn = functools.partial(self._bot.returned, job.row, reason, note, job.delivery)
        outcome = await self._outcome_of(job, await self._attempts.of(job, turn))
        return HandlerResult(outcome.name if outcome.name in GIVEN_UP else TOLD)

    async def _outcome_of(self, job: Job, spoken: Spoken) -> Outcome:
        """Return what came of a turn."""
        muted = not spoken.sent and await self._executors.store(self._claims.is_muted, job.row.id)
        return outcome_of(spoken, muted=muted)
