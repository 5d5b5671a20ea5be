"""Runs turns of Rasa's bot, and mirrors in its slots who has control.

1. Typed text is text, also when it begins with "/": only payloads of buttons and quick replies may name an
   intent. Rasa's `RegexMessageHandler` takes any text with that prefix for a payload, so such text is
   understood without it, and logged as it was typed.
   Of a long text NLU gets the beginning (`nlu_limit`): one regular expression of the bot's that takes the
   square of the time for twice the text would stop the process for everybody. The tracker gets all of it.
2. On return Rasa gets one clean turn: intent `handover_returned`, the reason as entity `reason`. Then, where
   an agent has chosen one, the turn of the intent that the bot is to go on with; or that of the rest of the
   message which brought the thread back, if the bot understands it.
3. The agent is looked up each time: `PUT /model` replaces it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from concurrent.futures import Executor
from dataclasses import asdict
from typing import Any, Awaitable, Callable, Deque, Dict, Iterator, List, Mapping, Optional, Set, Tuple, Union

from rasa.core.channels.channel import CollectingOutputChannel, OutputChannel, UserMessage
from rasa.core.lock_store import LockError
from rasa.shared.core.events import BotUttered, SlotSet, UserUttered
from sanic import Sanic

from handover_channel.control.thread_control import ThreadControl
from handover_channel.errors import NotReady, StoreUnavailable
from handover_channel.graph_api.client import GraphApi
from handover_channel.messenger.events import MESSENGER, MessageReceived, PostbackReceived
from handover_channel.queue.resend_guard import ResendGuard
from handover_channel.rasa.event_loops import OnLoop, output_of, share_event_broker
from handover_channel.rasa.flows import flows_of, starting
from handover_channel.rasa.garbage_collection import set_aside, tidy_up
from handover_channel.rasa.output import MessengerOutput
from handover_channel.rasa.own_turns import OwnTurn, is_understood, understood, words_of
from handover_channel.rasa.store_checks import are_at_hand, expect_reachable, forget_lock
from handover_channel.rules.bot_contract import (
    HANDOVER_METADATA,
    OUR_MESSAGE_ID,
    RETURNED_FLOW,
    TARGET_SLOT,
    UNTIL_SLOT,
    intent_parse_data,
    returned_parse_data,
)
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.rules.turn_outcome import Spoken
from handover_channel.store import Store
from handover_channel.store.deliveries import RETRIED, Delivery
from handover_channel.store.threads import Thread

logger = logging.getLogger(__name__)

#: Seconds that echoes get to come after a restart. Meta repeats at once what it could not deliver.
ECHOES = 3.0

#: Why nothing can be answered yet.
NO_MODEL = "no model is loaded -> run `rasa train`, and start Rasa with it"

#: So many of the messages that this process has sent are known to it without a database.
RECENT = 10_000

OnNewMessage = Callable[[UserMessage], Awaitable[Any]]
_Said = Union[MessageReceived, PostbackReceived]
#: One turn after a return: suffix of its id, what was understood, metadata.
_Part = Tuple[str, Dict[str, Any], Dict[str, Any]]


class RasaBot:
    """Implements the port of the queue (queue/bot_port.py) with Rasa's agent of this server."""

    def __init__(
        self,
        app: Sanic,
        on_new_message: OnNewMessage,
        thread_control: ThreadControl,
        graph: GraphApi,
        pool: Executor,
        store: Store,
        note_sent: Callable[[str, str], None],
        loop: Optional[asyncio.AbstractEventLoop] = None,
        nlu_limit: Optional[int] = None,
    ) -> None:
        self._app = app
        self._nlu_limit = nlu_limit
        self._loop = loop  # the server's, where other channels send; None: turns are on it
        self._on_new_message = on_new_message
        self._thread_control = thread_control
        self._graph = graph
        self._pool = pool
        self._store = store
        self._in_turn: Set[str] = set()
        self._note_sent = note_sent
        self._recent: Deque[str] = deque(maxlen=RECENT)
        self._echoes_until: Optional[float] = None

    async def let_echoes_come(self) -> None:
        """Return `ECHOES` seconds after the first who asked this process once it had a model.

        Before that the server does not listen.
        """
        self._agent()
        now = time.monotonic()
        if self._echoes_until is None:
            self._echoes_until = now + ECHOES
        await asyncio.sleep(self._echoes_until - now)

    async def answer(self, event: _Said, context: Mapping[str, Any], delivery: Delivery) -> Spoken:
        """Run one turn with what the person said; return what became of the bot's messages."""
        await self._expect_stores(event.thread, interrupted=delivery.attempts > 0)
        message_id = event.mid or _id_of(delivery)
        output = self._messenger(delivery, again=_was_begun(delivery))
        if _was_begun(delivery):
            turn = await self._turn_in_tracker(event.thread, message_id)
            if turn is not None:
                return await self._without_a_turn(turn, event.thread, output, delivery)
        text = text_of(event)
        message = OwnTurn(
            text,
            output,
            event.thread,
            input_channel=MESSENGER,
            message_id=message_id,
            metadata={**context, **metadata_of(event)},
            parse_data=await self._understood(event.thread, text, typed=is_typed(event)),
        )
        with self._turn(event.thread, output):
            # Before the turn, and awaited: nothing of it may come after control was passed.
            await output.show_activity(event.thread, "mark_seen", "typing_on")
            await self._on_new_message(message)
        if not output.spoken.sent:
            await output.show_activity(event.thread, "typing_off")
        return output.spoken

    async def returned(
        self, row: Thread, reason: ReturnReason, note: Mapping[str, Any], delivery: Delivery
    ) -> Spoken:
        """Run the turn of a return, and then the one that the bot is to go on with.

        Interrupted between the two, or in the second, the first is not run again.
        """
        await self._expect_stores(row.id, interrupted=delivery.attempts > 0)
        handover = {HANDOVER_METADATA: {key: value for key, value in note.items() if key != "rest"}}
        parse_data = await starting(self._processor(), RETURNED_FLOW, returned_parse_data(reason))
        parts = [("", parse_data, handover), *await self._going_on(row, note)]
        begun, spoken = _was_begun(delivery), Spoken()
        for part, parse_data, metadata in parts:
            message_id = _id_of(delivery) + part
            turn = await self._turn_in_tracker(row.id, message_id) if begun or len(parts) > 1 else None
            output = await self._output_of(row, delivery, part, again=begun)
            if turn is not None:
                spoken += await self._without_a_turn(turn, row.id, output, delivery)
                continue
            message = OwnTurn(
                parse_data["text"],
                output,
                row.id,
                input_channel=row.channel,
                message_id=message_id,
                metadata=metadata,
                parse_data=parse_data,
            )
            with self._turn(row.id, output):
                await self._on_new_message(message)
            begun = False  # what follows was never begun
            spoken += getattr(output, "spoken", Spoken())  # Rasa's own outputs do not tell
        return spoken

    async def _going_on(self, row: Thread, note: Mapping[str, Any]) -> List[_Part]:
        """Return what the bot goes on with after the turn of a return, if with anything."""
        intent, rest = str(note.get("intent") or ""), note.get("rest") or {}
        if intent and await self._knows(intent):
            parse_data = await starting(self._processor(), intent, intent_parse_data(intent))
            return [(".intent", parse_data, {HANDOVER_METADATA: dict(note)})]
        if intent:
            logger.warning(
                "thread %s: the bot has no intent or flow %s any more to go on with -> "
                "leave it out of inbox.continue_with in handover.yml, or train the bot with it",
                row.id,
                intent,
            )
        if not rest:
            return []
        text = str(rest["text"])
        words = words_of(text, typed=True, limit=self._nlu_limit)
        found = await understood(self._processor(), row.id, text, words)
        if not rest["always"] and not is_understood(found):
            return []  # the bot has just asked how it can help
        return [(".rest", found, {key: rest[key] for key in ("mid", "timestamp", "page")})]

    async def muted(self, row: Thread, target: str, until: Optional[float]) -> None:
        """Set the slots of the bot that has them, in a tracker nobody else writes to meanwhile."""
        await self._expect_stores(row.id)
        agent = self._agent()
        if agent is None:
            return
        wanted = {TARGET_SLOT: target or None, UNTIL_SLOT: until}
        async with agent.lock_store.lock(row.id):
            tracker = await agent.processor.get_tracker(row.id)
            new = [SlotSet(slot, value) for slot, value in wanted.items() if _differs(tracker, slot, value)]
            if not new:
                return
            if not tracker.events:
                # Rules begin with a session: without one the turn of the return would match none of them.
                tracker = await agent.processor.fetch_tracker_and_update_session(row.id)
            for event in new:
                tracker.update(event)
            await agent.processor.save_tracker(tracker)

    def has_model(self) -> bool:
        """Tell whether Rasa has loaded a model."""
        agent = self._found_agent()
        return agent is None or agent.is_ready()

    def problem(self) -> str:
        """Return why no turn can be run now, "" where one can. Asks Rasa's stores: not for an event loop."""
        try:
            agent = self._agent()
            if agent is not None:
                expect_reachable(agent, "")
        except NotReady as error:
            return str(error)
        return ""

    def _found_agent(self) -> Any:
        # Without an agent in the server's context somebody else answers `on_new_message`, as in Rasa's tests.
        return getattr(self._app.ctx, "agent", None)

    def _agent(self) -> Any:
        agent = self._found_agent()
        if not self.has_model():
            raise NotReady(NO_MODEL)
        if agent is not None:
            share_event_broker(agent)
            set_aside(agent.processor)
        return agent

    def _processor(self) -> Any:
        agent = self._agent()
        return None if agent is None else agent.processor

    async def _expect_stores(self, thread: str, interrupted: bool = False) -> None:
        agent = self._agent()
        if agent is None:
            return
        loop = asyncio.get_running_loop()
        if not are_at_hand(agent):
            await loop.run_in_executor(self._pool, expect_reachable, agent, thread)
        if interrupted and thread not in self._in_turn:
            await loop.run_in_executor(self._pool, forget_lock, agent, thread)

    @contextlib.contextmanager
    def _turn(self, thread: str, output: OutputChannel) -> Iterator[None]:
        """Raise NotReady for a turn nobody has heard of, StoreUnavailable for one that was interrupted."""
        self._in_turn.add(thread)
        try:
            yield
        except LockError:  # raised before the turn, never in it
            raise NotReady(
                "Rasa's lock store is out of reach -> start it, or correct lock_store in endpoints.yml"
            ) from None
        except StoreUnavailable as error:
            if getattr(output, "spoken", Spoken()).sent:
                raise
            raise NotReady(str(error)) from None
        finally:
            self._in_turn.discard(thread)
            if not self._in_turn:
                tidy_up()

    async def _understood(self, thread: str, text: str, *, typed: bool) -> Optional[Dict[str, Any]]:
        """Return what NLU makes of *text*, None where Rasa may ask it with the text as it is."""
        words = words_of(text, typed=typed, limit=self._nlu_limit)
        if words and (words == text or self._agent() is None):
            return None
        return await understood(self._processor(), thread, text, words)

    async def _knows(self, name: str) -> bool:
        agent = self._agent()
        return agent is None or name in agent.domain.intents or name in await flows_of(agent.processor)

    async def _turn_in_tracker(self, thread: str, message_id: str) -> Optional[List[BotUttered]]:
        """Return what the bot said in a turn that was run to its end and saved, None for any other turn."""
        agent = self._agent()
        if agent is None:
            return None
        said: List[BotUttered] = []
        for event in reversed((await agent.processor.get_tracker(thread)).events):
            if isinstance(event, BotUttered):
                said.insert(0, event)
            elif isinstance(event, UserUttered):
                if event.message_id == message_id:
                    return said
                said = []
        return None

    async def _without_a_turn(
        self, turn: List[BotUttered], thread: str, output: OutputChannel, delivery: Delivery
    ) -> Spoken:
        """Return what became of the messages of a *turn* that is saved: its actions are not run again.

        Interrupted after that, all of it had gone out. Given up and retried, it had not: it is said now.
        """
        if delivery.outcome != RETRIED:
            return Spoken(sent=1)
        with self._turn(thread, output):
            for said in turn:
                await output.send_response(thread, said.message())
        return getattr(output, "spoken", Spoken())  # Rasa's own outputs do not tell

    def _messenger(self, delivery: Delivery, part: str = "", *, again: bool) -> MessengerOutput:
        tag = f"{delivery.id}{part}"
        resend_guard = ResendGuard(self._store, str(delivery.id), again=again, recent=self._recent)
        return MessengerOutput(self._thread_control, self._graph, self._pool, tag, resend_guard, self._note)

    def _note(self, tag: str, mid: str) -> None:
        self._recent.append(tag)
        self._note_sent(tag, mid)

    async def _output_of(self, row: Thread, delivery: Delivery, part: str, *, again: bool) -> OutputChannel:
        if row.channel == MESSENGER:
            return self._messenger(delivery, part, again=again)
        for channel in getattr(self._app.ctx, "input_channels", None) or ():
            if channel.name() == row.channel:
                loop = asyncio.get_running_loop()
                output = await loop.run_in_executor(self._pool, output_of, channel)
                if output is not None:
                    return OnLoop(output, self._loop) if self._loop else output
        # REST and the like cannot be written to unasked: Rasa's dialogue goes on, the person reads it later.
        return CollectingOutputChannel()


def _differs(tracker: Any, slot: str, value: Any) -> bool:
    return slot in tracker.slots and tracker.get_slot(slot) != value


def text_of(event: _Said) -> str:
    """Return what Rasa gets as the text of a message: payload, text, address or kind of the attachment."""
    if event.payload and event.payload.strip():
        return event.payload.strip()
    if isinstance(event, PostbackReceived):
        return event.title.strip()
    urls = [found.url.strip() for found in event.attachments]
    # A place, for one, has no address: "[location]" is something that a bot can be trained to answer.
    kinds = [f"[{found.type}]" for found in event.attachments]
    return next(filter(None, [event.text.strip(), *urls, *kinds]), "")


def is_typed(event: _Said) -> bool:
    """Tell whether the text is the person's own, not a payload of the bot's."""
    return not (event.payload and event.payload.strip())


def metadata_of(event: _Said) -> Dict[str, Any]:
    """Return the metadata of a message: `mid`, `timestamp` (ms) and `page`, and what else Meta sent."""
    metadata: Dict[str, Any] = {"mid": event.mid, "timestamp": event.timestamp, "page": event.page}
    if event.referral:
        metadata["referral"] = dict(event.referral)
    if isinstance(event, PostbackReceived):
        return {**metadata, "postback": {"title": event.title, "payload": event.payload}}
    if event.payload is not None:
        metadata["quick_reply"] = {"title": event.text, "payload": event.payload}
    if event.attachments:
        metadata["attachments"] = [asdict(attachment) for attachment in event.attachments]
    if event.reply_to:
        metadata["reply_to"] = event.reply_to
    extras = [asdict(each) for each in event.extras if each.type not in metadata]
    if extras:  # for the agents' page
        metadata["extras"] = extras
    return metadata


def _was_begun(delivery: Delivery) -> bool:
    return delivery.attempts > 0 or delivery.failures > 0


def _id_of(delivery: Delivery) -> str:
    """Return the message id of what Meta gives none for: the same again after a restart."""
    return f"{OUR_MESSAGE_ID}{delivery.id}"
