"""Runs the custom actions on the action server: hand over, come back.

Needs rasa_sdk, not Rasa. Thread control is synchronous and calls Meta: it runs in a pool of threads, so that
other conversations go on meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Any, Dict, List, Optional

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActionExecuted, EventType, SlotSet, UserUttered
from rasa_sdk.executor import CollectingDispatcher

from handover_channel import log, services
from handover_channel.control.reachable_targets import meant
from handover_channel.control.summaries import Summaries
from handover_channel.control.thread_control import ThreadControl
from handover_channel.errors import (
    GraphError,
    HandoverRefused,
    OutsideHours,
    SettingsError,
    StoreUnavailable,
)
from handover_channel.messenger.events import MESSENGER
from handover_channel.rules.bot_contract import (
    CLOSED_RESPONSE,
    FAILED_RESPONSE,
    HANDOVER_ACTION,
    LISTEN_ACTION,
    REASON_ENTITY,
    RETURN_ACTION,
    RETURNED_INTENT,
    SUMMARY_SLOT,
    TARGET_ENTITY,
    TARGET_SLOT,
    UNTIL_SLOT,
    returned_parse_data,
)
from handover_channel.rules.last_words import words_said
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings.environment import ENVIRON
from handover_channel.store import thread_activity
from handover_channel.store.threads import Thread

__all__ = ["ActionHandover", "ActionHandoverReturn", "ActionSessionStart"]  # noqa: F822  (offered by __getattr__)

logger = log.logger(__name__)

_Domain = Dict[str, Any]

#: Seconds for which the action server keeps a connection on which nothing has come: as newer Sanics do.
#: Rasa opens one for each action. If it stands still before it writes, in the NLU of another conversation or
#: loading a model, Sanic 21.12 closes it after 5: "Cannot write to closing transport", and no action runs.
KEEP_ALIVE, _SANICS_OLD = 120, 5
_ACTION_SERVER, _ITS_SETTING = "rasa_sdk", "SANIC_KEEP_ALIVE_TIMEOUT"


class ActionHandover(Action):
    """Hand the conversation over to the target that the person named, or to the default one.

    The target's name is the value of entity `handover_target` in the latest message, else of the slot. A name
    that no target has, or one that gets no threads of the channel, stands for the default one: by now the
    person was told that they are handed over.
    Where it cannot be, the bot keeps control and says `utter_handover_failed`; outside the target's business
    hours `utter_handover_closed`, with `{opens}`: when somebody is there.
    """

    def __init__(self, thread_control: Optional[ThreadControl] = None) -> None:
        # rasa_sdk builds actions without arguments; tests pass a thread control of their own.
        self._thread_control = thread_control or _configured()

    def name(self) -> str:
        """Name the action as domain.yml does."""
        return HANDOVER_ACTION

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: _Domain
    ) -> List[EventType]:
        """Pass control, and mirror it in the slots."""
        channel = _channel_of(tracker)
        target = self._target(tracker, channel)
        try:
            row = await asyncio.get_running_loop().run_in_executor(
                None, lambda: self._thread_control.hand_over(tracker.sender_id, target, channel=channel)
            )
        except OutsideHours as error:
            logger.info("thread %s: not handed over: %s", tracker.sender_id, error)
            known = CLOSED_RESPONSE in domain.get("responses", {})
            dispatcher.utter_message(
                response=CLOSED_RESPONSE if known else FAILED_RESPONSE, opens=error.opens
            )
            return _slots(await self._row(tracker.sender_id))
        except (HandoverRefused, GraphError, StoreUnavailable, SettingsError) as error:
            logger.error("thread %s: not handed over: %s", tracker.sender_id, error)
            dispatcher.utter_message(response=FAILED_RESPONSE)
            return _slots(await self._row(tracker.sender_id))
        if row.channel != MESSENGER:  # there both were done before control went
            await asyncio.get_running_loop().run_in_executor(None, self._note_words, tracker)
            await self._tell_ahead(dispatcher, row)
        return _slots(row)

    def _target(self, tracker: Tracker, channel: str) -> str:
        said = next(tracker.get_latest_entity_values(TARGET_ENTITY), None) or tracker.get_slot(TARGET_SLOT)
        to, why = meant(self._thread_control.settings, said, channel)
        if why:
            logger.warning(
                "thread %s: handed over to the default target %r, as %s", tracker.sender_id, to.name, why
            )
        return to.name

    async def _tell_ahead(self, dispatcher: CollectingDispatcher, row: Thread) -> None:
        text = await asyncio.get_running_loop().run_in_executor(None, self._thread_control.ahead, row)
        if text:
            dispatcher.utter_message(text=text)

    def _note_words(self, tracker: Tracker) -> None:
        """Keep what the person said last for the list of the inbox."""
        said = [each for each in tracker.events if each.get("event") == "user" and each.get("text")]
        texts = [each for each in said if not str(each["text"]).startswith("/")]  # a payload is no text
        if not texts:
            return
        text, at = str(texts[-1]["text"]), int(float(texts[-1].get("timestamp") or 0) * 1000)
        with contextlib.suppress(StoreUnavailable), self._thread_control.store.writing() as connection:
            words = words_said("person", text, "", at)
            now = self._thread_control.clock()
            thread_activity.touch(connection, tracker.sender_id, page="", seen=0, now=now, words=words)

    async def _row(self, thread: str) -> Optional[Thread]:
        """Return the row as it stands: where somebody else has control already, the slots go on saying so."""
        with contextlib.suppress(StoreUnavailable):
            return await asyncio.get_running_loop().run_in_executor(None, self._thread_control.find, thread)
        return None


class ActionHandoverReturn(Action):
    """Take the conversation back where it is not back yet, and clear the slots.

    Where `summary` is on in handover.yml, slot `handover_summary` gets the note of the human part: by then
    the thread is the bot's.
    On Messenger the channel has taken it back before this runs. On other channels the policy runs it for a
    keyword or for the button; a keyword is then followed by the turn of intent `handover_returned`.
    """

    def __init__(self, thread_control: Optional[ThreadControl] = None) -> None:
        self._thread_control = thread_control or _configured()
        self._summaries = Summaries(self._thread_control.settings, self._thread_control.store)
        self._has_warned = False

    def name(self) -> str:
        """Name the action as domain.yml does."""
        return RETURN_ACTION

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: _Domain
    ) -> List[EventType]:
        """Return the thread, and tell Rasa why."""
        reason, channel = self._reason(tracker), _channel_of(tracker)
        try:
            returned = await asyncio.get_running_loop().run_in_executor(
                None,
                lambda: self._thread_control.return_to_bot(
                    tracker.sender_id, reason, who="bot", tell=False, channel=channel
                ),
            )
        except (StoreUnavailable, SettingsError) as error:
            logger.error("thread %s: not returned: %s", tracker.sender_id, error)
            return []
        if not returned:
            return []
        slots = [*_slots(None), *await self._summary(tracker)]
        if tracker.latest_message.get("intent", {}).get("name") == RETURNED_INTENT:
            return slots
        return [*slots, *_returned_turn(reason)]

    async def _summary(self, tracker: Tracker) -> List[EventType]:
        if not self._summaries.are_wanted:
            return []
        if SUMMARY_SLOT not in tracker.slots:
            if not self._has_warned:
                logger.warning(
                    "handover.yml: summary is on, and the domain has no slot %s -> add it, and train "
                    "(`handover init` does both)",
                    SUMMARY_SLOT,
                )
            self._has_warned = True
            return []
        try:
            note = await self._summaries.of(tracker.sender_id)
        except StoreUnavailable as error:
            logger.warning("thread %s: the bot is not told of the human part: %s", tracker.sender_id, error)
            return []
        return [] if note is None else [SlotSet(SUMMARY_SLOT, note)]

    def _reason(self, tracker: Tracker) -> ReturnReason:
        given = next(tracker.get_latest_entity_values(REASON_ENTITY), None)
        known = {reason.value: reason for reason in ReturnReason}
        return known.get(given or "", ReturnReason.KEYWORD)


def __getattr__(name: str) -> Any:
    """Load `ActionSessionStart` on first use (PEP 562).

    rasa_sdk runs every action that is defined in a module it has loaded. So a bot with a session start of its
    own would have two, and the last one loaded would win.
    """
    if name != "ActionSessionStart":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from handover_channel.conversation_start import ActionSessionStart

    return ActionSessionStart


def _configured() -> ThreadControl:
    _wait_for_rasa()
    try:
        return services.from_config().thread_control
    except SettingsError as error:
        # rasa_sdk has no error of its own for this, and would bury the sentences under a traceback.
        raise SystemExit(f"The action server cannot start:\n{error}") from error


def _channel_of(tracker: Tracker) -> str:
    """Return the channel of the latest message: a thread belongs to the one it came from."""
    return tracker.get_latest_input_channel() or "rest"


def _slots(row: Optional[Thread]) -> List[EventType]:
    target = row.state.target if row and row.state.target else None
    return [SlotSet(TARGET_SLOT, target), SlotSet(UNTIL_SLOT, row.until if row else None)]


def _returned_turn(reason: ReturnReason) -> List[EventType]:
    parse_data = returned_parse_data(reason)
    return [ActionExecuted(LISTEN_ACTION), UserUttered(text=parse_data["text"], parse_data=parse_data)]


def _wait_for_rasa() -> None:
    """Have this action server wait longer for what Rasa writes, unless its environment says how long."""
    server = sys.modules.get("rasa_sdk.endpoint")  # it makes the app; not loaded: this is no action server
    if server is None or _ITS_SETTING in ENVIRON:
        return
    with contextlib.suppress(
        Exception
    ):  # Sanic's own kinds: there is no app, as in a test of somebody's actions
        config = server.Sanic.get_app(_ACTION_SERVER).config
        if config.KEEP_ALIVE_TIMEOUT == _SANICS_OLD:
            config.KEEP_ALIVE_TIMEOUT = KEEP_ALIVE
