"""Reads the rows of a bot with this package, and acts in its built-in inbox, wherever the bot runs."""

from __future__ import annotations

from typing import Callable, TypeVar

from handover_channel.errors import HandoverError
from handover_channel.replies.service import AgentReplies
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.services import Services
from handover_channel.simulator.simulator import Simulator
from handover_channel.store import threads
from handover_channel.testing import own_bot
from handover_channel.testing.bot_under_test import ActFailed, ControlSeen

_T = TypeVar("_T")

#: The agent who answers in the built-in inbox.
ANSWERING_AS = "test"


class OwnInbox:
    """The part of `BotUnderTest` that is the same wherever such a bot runs. Its database is at hand."""

    page: Simulator
    _services: Services

    def wait_for_more(self, psid: str) -> bool:
        """See `BotUnderTest`: once it has settled, all is there."""
        return False

    def control(self, psid: str) -> ControlSeen:
        """See `BotUnderTest`."""
        with self._services.store.reading() as connection:
            row = threads.get(connection, psid)
        return ControlSeen(own_bot.name_of(row), self.page.page_for(psid).owner(psid))

    def agent_replies(self, psid: str, text: str) -> None:
        """See `BotUnderTest`."""
        given, control = self._services, self._services.thread_control
        replies = AgentReplies(
            given.settings, given.store, given.graph, control, control.clock, sleep=lambda seconds: None
        )
        kept = _acted(lambda: replies.reply(psid, text, agent=ANSWERING_AS))
        if kept.error:
            raise ActFailed(kept.error)

    def agent_takes_over(self, psid: str) -> None:
        """See `BotUnderTest`."""
        _acted(lambda: self._services.thread_control.take_over(psid, ANSWERING_AS))

    def agent_returns(self, psid: str) -> None:
        """See `BotUnderTest`."""
        control = self._services.thread_control
        if not _acted(lambda: control.return_to_bot(psid, ReturnReason.AGENT, who=ANSWERING_AS)):
            raise ActFailed("the thread was not given back to the bot: Meta refuses, or it has it already")


def _acted(act: Callable[[], _T]) -> _T:
    try:
        return act()
    except HandoverError as error:
        raise ActFailed(str(error)) from None
