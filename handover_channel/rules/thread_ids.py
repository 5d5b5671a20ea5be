"""Tells which conversation ids can be kept: on channels other than Messenger anybody may write the sender.

PostgreSQL stores no NUL, UTF-8 has no surrogates, and no address of a page leads to either.
https://www.postgresql.org/docs/current/datatype-character.html
"""

from __future__ import annotations

from handover_channel.errors import HandoverRefused


def expect_storable(thread: str) -> None:
    """Raise HandoverRefused unless every database stores *thread* as it is, and a page can show it."""
    if any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in thread):
        raise HandoverRefused(
            "the conversation's id has a character that cannot be stored -> let the channel give another one"
        )
