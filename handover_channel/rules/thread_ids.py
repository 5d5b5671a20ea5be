"""Decides whether a conversation id can be stored: on channels other than Messenger anybody may write it.

PostgreSQL stores no NUL, UTF-8 has no surrogates, and no address of a page leads to either; nor does one to
"." and "..", which browsers take for folders, or to what is longer than any id that is looked up.
https://www.postgresql.org/docs/current/datatype-character.html
"""

from __future__ import annotations

from handover_channel.errors import HandoverRefused
from handover_channel.messenger.bubble import storable
from handover_channel.rules.limits import FIELDS

LONGEST_THREAD_ID = FIELDS["thread"].value

#: https://url.spec.whatwg.org/#double-dot-path-segment
_FOLDERS = (".", "..")


def can_be_stored(thread: str) -> bool:
    """Tell whether every database can look *thread* up."""
    return storable(thread) == thread


def expect_storable(thread: str) -> None:
    """Raise HandoverRefused unless every database stores *thread* as it is, and a page can show it."""
    if len(thread) > LONGEST_THREAD_ID:
        raise HandoverRefused(
            "the conversation's id has more than %(most)s characters -> let the channel give a shorter one",
            most=LONGEST_THREAD_ID,
        )
    if thread in _FOLDERS:
        raise HandoverRefused(
            "no page can show a conversation %(thread)r -> let the channel give another id", thread=thread
        )
    if not can_be_stored(thread):
        raise HandoverRefused(
            "the conversation's id has a character that cannot be stored -> let the channel give another one"
        )
