"""Records that an agent's message was sent, whether we learn it from Meta's response or from the echo.

1. A message is named by its tag, `reply.<id>.<number>.<of how many>`, which goes out in the `metadata`.
2. The tag, its line of the transcript and the end of the wait for an answer are written in one transaction,
   so that the line is there once, whoever comes first.
3. A reply is sent when all of its messages are.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import List, NamedTuple, Optional

from handover_channel.messenger.events import Attachment
from handover_channel.metrics import first_response
from handover_channel.settings.loader import Settings
from handover_channel.store import Store, deadlines, page_updates, replies, sent_messages, threads, transcript
from handover_channel.store.replies import Reply
from handover_channel.store.threads import Thread
from handover_channel.store.transcript import Line

_REPLY_TAG = re.compile(r"reply\.([0-9]{1,18})\.([0-9]{1,6})\.([0-9]{1,6})\Z")


class SentPart(NamedTuple):
    """A part is one message of a reply: Meta takes text up to a length, and files apart from it."""

    reply: int
    number: int  #: from 1
    total: int

    @property
    def tag(self) -> str:
        """What names it in the `metadata`, behind OUR_METADATA."""
        return f"reply.{self.reply}.{self.number}.{self.total}"


def part_of(tag: str) -> Optional[SentPart]:
    """Return the message with that tag, None where it is not an agent's."""
    found = _REPLY_TAG.match(tag)
    return SentPart(*map(int, found.groups())) if found else None


def note_sent(
    settings: Settings,
    store: Store,
    row: Thread,
    part: SentPart,
    line: Line,
    *,
    now: float,
    worker: str = "",
) -> Optional[Reply]:
    """Note that *part* has gone out, as *line* says, and return its reply as it is then.

    *row*: the thread. *now*: our clock. *worker*: gives up its claim on the thread's replies with that; "" if
    nobody does. None, and nothing noted, where the thread has no such reply.
    """
    with store.writing() as connection:
        seconds = first_response.waited(connection, row, now=now)
        reply = replies.get(connection, part.reply, now=now)
        if reply is None or reply.thread != row.id:
            return None
        if worker:
            # Before the reply is written, as `replies.begin` does: in one order nobody waits in a circle.
            replies.release(connection, reply, worker=worker)
        line = replace(line, agent=reply.agent, attachments=_named(line, reply))
        if sent_messages.add(connection, part.tag, now=now):
            # The row of the thread before that of its handover, as everywhere: nobody waits in a circle.
            threads.answered(connection, row.id)
            transcript.add(connection, row.id, line)
            deadlines.clear(connection, row.id, deadlines.NO_ANSWER)
            if all(sent_messages.find(connection, tag) for tag in _tags(part)):
                replies.sent(connection, reply.id)
        elif line.mid and any(each.url for each in line.attachments):  # only Meta knows the address
            transcript.complete(connection, row.id, line)
        page_updates.add(connection, row.id, now=now)
        noted = replies.get(connection, reply.id, now=now)
    first_response.count(settings, row, seconds)
    return noted


def _named(line: Line, reply: Reply) -> List[Attachment]:
    return [replace(each, title=each.title or reply.file_name) for each in line.attachments]


def _tags(part: SentPart) -> List[str]:
    return [part._replace(number=number).tag for number in range(1, part.total + 1)]
