"""Declares what the queue needs of the bot: the port that rasa/turns.py implements, and fakes in tests."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Protocol, Union

from handover_channel.messenger.events import MessageReceived, PostbackReceived
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.rules.turn_outcome import Spoken
from handover_channel.store.deliveries import Delivery
from handover_channel.store.threads import Thread


class BotPort(Protocol):
    """The bot's side of a thread.

    Every method may raise NotReady (nothing has happened) and StoreUnavailable (the turn was interrupted).
    """

    async def let_echoes_come(self) -> None:
        """Wait long enough for Meta to redeliver what it could not deliver while we were down.

        That includes the echoes that show what had gone out of an interrupted turn.
        """

    async def answer(
        self,
        event: Union[MessageReceived, PostbackReceived],
        context: Mapping[str, Any],
        delivery: Delivery,
    ) -> Spoken:
        """Have the bot answer what the person said; return what became of its messages.

        *context*: referral and opt-in that came before.

        If *delivery* was begun before (`attempts`), what had gone out must not go out again.
        """

    async def returned(
        self, row: Thread, reason: ReturnReason, note: Mapping[str, Any], delivery: Delivery
    ) -> Spoken:
        """Tell the bot that the thread is its own again: one clean turn, intent `handover_returned`.

        *note*: `reason`; and what the bot goes on with in a turn after it, if with anything: `intent`, chosen
        by an agent, or `rest`, the rest of the person's message (`text`, `mid`, `timestamp` in ms, `page`;
        `always`: also if the bot does not understand it).
        """

    async def muted(self, row: Thread, target: str, until: Optional[float]) -> None:
        """Mirror the row in the bot's slots. *target*: "" while the bot has control."""
