"""An agent answers in a thread that was handed over to the built-in inbox.

1. Only there: where the bot or another app has control, an answer would be a second voice.
2. Up to 24 hours after the person's last message an answer is an ordinary one. Up to 7 days it carries the
   tag HUMAN_AGENT, which is for people only: nothing automatic may call this module. Then Meta takes none.
3. The first answer ends the wait for one (`answer_within`).

https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict

from handover_channel import first_answer, messages
from handover_channel.control import Control
from handover_channel.errors import HandoverRefused, OutsideWindow
from handover_channel.graph_api import GraphApi
from handover_channel.settings import Settings
from handover_channel.store import Store, deadlines, threads, transcript
from handover_channel.store.threads import Thread
from handover_channel.store.transcript import AGENT, Line
from handover_channel.switchboard import MESSENGER

#: Seconds after the person's last message. Source: the page above, "standard messaging" and "human agent".
STANDARD_WINDOW = 24 * 60 * 60
HUMAN_AGENT_WINDOW = 7 * 24 * 60 * 60


class Agent:
    """A person who answers for the page."""

    def __init__(
        self, settings: Settings, store: Store, graph: GraphApi, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._store = store
        self._graph = graph
        self._clock = clock

    def reply(self, thread: str, text: str) -> None:
        """Send *text* to the person of *thread* as the page, and keep it in the transcript.

        Raises HandoverRefused where the thread is not in the built-in inbox or the text is empty,
        OutsideWindow 7 days after the person's last message, and what Meta refuses (GraphError).
        """
        saying = messages.text_messages(text)
        if not saying:
            raise HandoverRefused("there is nothing to send: the text is empty")
        row = self._row_in_inbox(thread)
        kind = messaging_type(self._clock() - row.person_at / 1000 if row.person_at else 0.0)
        token = self._settings.token_for(row.page)
        for message in saying:
            sent = self._graph.send(token, {"recipient": {"id": thread}, **kind, "message": message})
            self._keep(row, message["text"], str(sent.get("message_id", "")))

    def _row_in_inbox(self, thread: str) -> Thread:
        with self._store.reading() as connection:
            row = threads.get(connection, thread)
        if row is None:
            raise HandoverRefused(f"thread {thread} was never seen -> is it the person's PSID on this page?")
        if row.channel != MESSENGER:
            raise HandoverRefused(
                f"thread {thread} is on channel {row.channel!r} -> answer there: only Messenger is answered"
            )
        if row.state.control is not Control.INBOX:
            who = row.state.target or row.state.control.value
            raise HandoverRefused(
                f"thread {thread} is with {who!r}, not in the built-in inbox -> "
                "hand it over to a target of kind inbox first"
            )
        return row

    def _keep(self, row: Thread, text: str, mid: str) -> None:
        thread = row.id
        first_answer.note(self._settings, self._store, row, now=self._clock())
        now = int(self._clock() * 1000)
        line = Line(author=AGENT, text=text, timestamp=now, mid=mid, app_id=self._settings.app_id)
        with self._store.writing() as connection:
            transcript.add(connection, thread, line)
            deadlines.clear(connection, thread, deadlines.NO_ANSWER)


def messaging_type(silence: float) -> Dict[str, Any]:
    """Return what the Send API wants to know, *silence* seconds after the person's last message."""
    if silence < STANDARD_WINDOW:
        return {"messaging_type": "RESPONSE"}
    if silence < HUMAN_AGENT_WINDOW:
        return {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    raise OutsideWindow(
        "the person last wrote more than 7 days ago, and Meta delivers nothing after that",
        remedy="wait until the person writes again, or use another way to reach them",
    )
