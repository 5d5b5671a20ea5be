"""Reads what the inbox needs of Rasa (the bot's messages and intents), and sends on Rasa's other channels.

Synchronous, for the inbox's threads; the event loop of the server is only asked to send.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any, Collection, Dict, List, Optional, Sequence

from rasa.core.channels.channel import InputChannel
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.core.constants import DEFAULT_INTENTS, DEFAULT_SLOT_NAMES
from sanic import Sanic

from handover_channel.errors import Refused
from handover_channel.inbox.bot_facts import EVENTS_LOOKED_AT, BotFacts, facts_of
from handover_channel.inbox.bot_history import said_in
from handover_channel.inbox.view_models import Said
from handover_channel.messenger.events import MESSENGER
from handover_channel.rasa import trackers
from handover_channel.rasa.event_loops import can_be_pushed, output_of
from handover_channel.rasa.flows import flows_of, to_go_on_with
from handover_channel.replies.sending_rules import NOT_REACHABLE, Port
from handover_channel.rules.bot_contract import HANDOVER_INTENT, RETURNED_INTENT
from handover_channel.sentences import Sentence, counted

#: Intents of the machinery: nothing to go on with.
_MACHINERY = {*DEFAULT_INTENTS, DEFAULT_NLU_FALLBACK_INTENT_NAME, HANDOVER_INTENT, RETURNED_INTENT}

#: Seconds that Rasa may take to read the flows of its model. It keeps them.
FLOWS_WITHIN = 10.0

#: Seconds that a channel may take to send a text.
CHANNEL_SENDS_WITHIN = 30


class RasaGateway:
    """Rasa, as this server runs it.

    *loop*: the server's; *requests*: intents by which people ask for people.
    """

    def __init__(
        self, app: Sanic, loop: asyncio.AbstractEventLoop, requests: Collection[str] = (HANDOVER_INTENT,)
    ) -> None:
        self._app = app
        self._loop = loop
        self._no_subjects = _MACHINERY.union(requests)

    def said(self, thread: str) -> Sequence[Said]:
        """Return what was said while the bot had control, oldest first."""
        agent = self._agent()
        if agent is None:
            return ()
        tracker = asyncio.run(agent.tracker_store.retrieve_full_tracker(thread))
        return () if tracker is None else said_in(event.as_dict() for event in tracker.events)

    def events(self, thread: str) -> List[Dict[str, Any]]:
        """Return the events of a conversation, of all its sessions. Raises TrackerOutOfReach."""
        return trackers.events_in(self._tracker_store(thread), thread)

    def delete(self, thread: str) -> int:
        """Delete a conversation; return how many events or records. Raises TrackerOutOfReach."""
        return trackers.delete_from(self._tracker_store(thread), thread)

    def facts(self, thread: str) -> BotFacts:
        """Return what the bot knows in its present session: read as Rasa does before each turn."""
        agent = self._agent()
        tracker = agent and asyncio.run(agent.tracker_store.retrieve(thread))
        if tracker is None:
            return BotFacts()
        first, *rest = list(tracker.events) or [None]
        # The first for its time; of the rest as many as are looked at, however long it has become.
        events = [each.as_dict() for each in (first, *rest[-EVENTS_LOOKED_AT:]) if each is not None]
        slots = tracker.current_slot_values()
        return facts_of(events, slots, nothing=self._no_subjects, without=DEFAULT_SLOT_NAMES)

    def intents(self) -> List[str]:
        """Return what the bot can go on with when it gets a conversation back."""
        agent = self._agent()
        return (
            []
            if agent is None
            else sorted(set(agent.domain.intents) - _MACHINERY - set(agent.domain.retrieval_intents))
        )

    def flows(self) -> Dict[str, str]:
        """Return the flows that a CALM bot can go on with: id -> description. Of another bot nothing."""
        agent = self._agent()
        if agent is None:
            return {}
        reading = asyncio.run_coroutine_threadsafe(flows_of(agent.processor), self._loop)
        try:
            return to_go_on_with(reading.result(FLOWS_WITHIN))
        except concurrent.futures.TimeoutError:
            return {}  # the page is more than this list

    def port_of(self, channel: str) -> Optional[Port]:
        """Return what sends a text on another channel than Messenger, None where nothing can unasked.

        That raises Refused where the channel does not take it (`sending_rules.Port`).
        """
        found = self._input(channel)
        if found is None or not can_be_pushed(found):
            return None

        def send(thread: str, text: str) -> None:
            output = output_of(found)
            if output is None:
                raise Refused(NOT_REACHABLE)
            sending = asyncio.run_coroutine_threadsafe(output.send_text_message(thread, text), self._loop)
            try:
                sending.result(CHANNEL_SENDS_WITHIN)
            except concurrent.futures.TimeoutError:
                sending.cancel()
                raise Refused(_not_taken_in_time(channel)) from None

        return send

    def _input(self, name: str) -> Optional[InputChannel]:
        if name == MESSENGER:
            return None
        channels = getattr(self._app.ctx, "input_channels", None) or ()
        return next((channel for channel in channels if channel.name() == name), None)

    def _tracker_store(self, thread: str) -> Any:
        agent = self._agent()
        if agent is None:
            raise trackers.TrackerOutOfReach(
                f"no model is loaded -> try again when Rasa is ready, or: handover forget {thread}"
            )
        return agent.tracker_store

    def _agent(self) -> Any:
        agent = getattr(self._app.ctx, "agent", None)
        return agent if agent is not None and agent.is_ready() else None


def _not_taken_in_time(channel: str) -> Sentence:
    return counted(
        "channel %(channel)r did not take it within %(number)s second -> look whether the customer has it "
        "before you send it again",
        "channel %(channel)r did not take it within %(number)s seconds -> look whether the customer has it "
        "before you send it again",
        CHANNEL_SENDS_WITHIN,
        channel=channel,
    )
