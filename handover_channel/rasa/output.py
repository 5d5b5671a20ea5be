"""Sends the bot's responses to Messenger.

1. Every call goes through the gate (queue/outbound_gate.py): the bot does not speak in a thread it does not
   control. If that cannot be found out, the turn ends there, and is run again later.
2. A refusal by Meta does not end the turn. `spoken` counts what was sent, held back and refused.
3. The next message is sent when Meta has answered the one before.
"""

from __future__ import annotations

import asyncio
import itertools
import uuid
from concurrent.futures import Executor
from typing import Any, Callable, Dict, Iterable, List, Optional

from rasa.core.channels.channel import OutputChannel

from handover_channel import log
from handover_channel.control.thread_control import ThreadControl
from handover_channel.graph_api.client import GraphApi
from handover_channel.messenger import messages
from handover_channel.messenger.events import MESSENGER, OUR_METADATA
from handover_channel.queue.outbound_gate import Gate
from handover_channel.queue.resend_guard import ResendGuard
from handover_channel.rules.bot_contract import HANDOVER_RESPONSE
from handover_channel.rules.turn_outcome import Spoken

logger = log.logger(__name__)

_Message = Dict[str, Any]


class MessengerOutput(OutputChannel):
    """Send Rasa's messages to one thread after the other, as the page.

    *tag* names what is answered; it goes out as `metadata`, so that the echoes tell what was sent. *repeats*
    knows what went out before the turn was interrupted. *note* is given the tag and Meta's id of each message
    that it accepted.
    """

    @classmethod
    def name(cls) -> str:
        """Name the channel as Rasa's own does: channel-specific responses stay."""
        return MESSENGER

    def __init__(
        self,
        thread_control: ThreadControl,
        graph: GraphApi,
        pool: Executor,
        tag: Optional[str] = None,
        resend_guard: Optional[ResendGuard] = None,
        note: Callable[[str, str], None] = lambda tag, mid: None,
    ) -> None:
        super().__init__()  # in Rasa Pro it makes queues
        self._thread_control = thread_control
        self._gate = Gate(thread_control, graph, resend_guard, note)
        self._pool = pool
        self._tag = tag or uuid.uuid4().hex
        self._count = itertools.count(1)
        self.spoken = Spoken()  #: what became of the messages so far

    @property
    def wants_tracker_state(self) -> bool:
        """Spare Rasa Pro writing out the whole tracker for each action: nothing here reads it."""
        return False

    async def send_response(self, recipient_id: str, message: Dict[str, Any]) -> Any:
        """Send one of Rasa's responses, all of its parts; return what Rasa does (Pro: what became of it)."""
        if message.get("utter_action") == HANDOVER_RESPONSE:
            ways = self._thread_control.settings.returning
            message = messages.with_return_button(message, ways.button, ways.more_buttons)
        # Rasa takes it for granted that buttons come with a text.
        return await super().send_response(recipient_id, {**message, "text": message.get("text") or ""})

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:
        """Send text, in as many messages as it takes."""
        await self._send(recipient_id, messages.text_messages(text))

    async def send_text_with_buttons(
        self, recipient_id: str, text: str, buttons: List[Dict[str, Any]], **kwargs: Any
    ) -> None:
        """Send text with any number of buttons."""
        await self._send(recipient_id, messages.button_messages(text, buttons))

    async def send_quick_replies(
        self, recipient_id: str, text: str, quick_replies: List[Dict[str, Any]], **kwargs: Any
    ) -> None:
        """Send text with quick replies."""
        await self._send(recipient_id, messages.quick_reply_messages(text, quick_replies))

    async def send_image_url(self, recipient_id: str, image: str, **kwargs: Any) -> None:
        """Send an image by its address."""
        await self._send(recipient_id, messages.image_messages(image))

    async def send_attachment(self, recipient_id: str, attachment: Any, **kwargs: Any) -> None:
        """Send an attachment: an address, or what the Send API takes."""
        await self._send(recipient_id, messages.attachment_messages(attachment))

    async def send_elements(self, recipient_id: str, elements: Iterable[Any], **kwargs: Any) -> None:
        """Send elements as generic templates."""
        await self._send(recipient_id, messages.element_messages(list(elements)))

    async def send_custom_json(self, recipient_id: str, json_message: Any, **kwargs: Any) -> None:
        """Send what the bot's developer wrote for the Send API."""
        await self._send(recipient_id, messages.custom_messages(json_message))

    async def show_activity(self, recipient_id: str, *actions: str) -> None:
        """Send sender actions (mark_seen, typing_on ...), side by side. They may fail."""
        bodies = [{"recipient": {"id": recipient_id}, "sender_action": action} for action in actions]
        await asyncio.gather(*(self._call(recipient_id, body) for body in bodies))

    async def _send(self, recipient_id: str, payloads: Iterable[_Message]) -> None:
        for payload in payloads:
            body = self._tagged(messages.send_body(recipient_id, payload))
            # Custom JSON may name another recipient: then control of that thread is what counts.
            said = await self._call(str(body["recipient"].get("id") or recipient_id), body)
            self.spoken += said

    def _tagged(self, body: Dict[str, Any]) -> Dict[str, Any]:
        if "message" not in body:
            return body
        metadata = f"{OUR_METADATA}{self._tag}.{next(self._count)}"
        # The bot's own metadata stands: then no echo tells that the message went out.
        return {**body, "message": {"metadata": metadata, **body["message"]}}

    async def _call(self, thread: str, body: Dict[str, Any]) -> Spoken:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, log.carried(self._gate.send), thread, body)
