"""Asks rules/rights.py with what the database knows: who is an admin, whose reply it is, who was asked.

The one place where an act on a colleague's conversation is let through, or not.
"""

from __future__ import annotations

from typing import Any, Dict, Optional

from sqlalchemy.engine import Connection

from handover_channel.errors import AskFirst, NotAllowed
from handover_channel.rules.rights import Act, Verdict, verdict
from handover_channel.sentences import Sentence
from handover_channel.store import agents, answers, replies
from handover_channel.store.agents import YOU
from handover_channel.store.replies import Reply
from handover_channel.store.threads import Thread

_HAS_IT = Sentence(
    "%(who)s has this conversation -> look at what was said, and send it again if you still want to"
)
_HAS_ANSWERED = Sentence(
    "%(who)s has answered since you wrote this -> look at what was said, and send it again if you still want "
    "to"
)
_ANSWERED_ELSEWHERE = Sentence(
    "somebody outside this inbox has answered since you wrote this -> look at what was said, and send it "
    "again if you still want to"
)


def expect(
    connection: Connection,
    act: Act,
    row: Thread,
    by: str,
    *,
    assignee: Optional[str] = None,
    despite: str = "",
    reply: Optional[Reply] = None,
) -> None:
    """Raise NotAllowed unless *by* may do *act* in the thread of *row*.

    *assignee*: who had it when they decided so, where the page says that; *despite*: whose it is, as they
    were told before they went on all the same; *reply*: what it is about. Raises AskFirst where they have to
    be asked first.
    """
    of = row.assignee if assignee is None else assignee
    found = _verdict(connection, act, of, by, is_theirs=reply is not None and reply.agent == by)
    if found is Verdict.NO:
        who = shown(connection, of)
        if act is Act.ASSIGN:
            raise NotAllowed(
                "%(who)s answers this conversation -> only they, or an admin, can give it to somebody else",
                who=who,
            )
        raise NotAllowed("%(who)s answers this conversation -> only they, or an admin, can do that", who=who)
    if found is Verdict.ASK and despite != of and not _was_asked(connection, row, by):
        raise AskFirst(_HAS_IT.with_values(who=shown(connection, of)), consent={"despite": of})


def expect_reply(
    connection: Connection, row: Thread, by: str, *, despite: str = "", seen: str = "", key: str = ""
) -> None:
    """Raise AskFirst unless *by* may answer in the thread of *row* without being asked.

    They are asked once in a colleague's conversation (*despite*: whose it is, as they were told), and where
    somebody else has answered since: *seen* is the mark (answers.py) of what their page had shown when they
    wrote. A page that says nothing has shown nothing. *key*: of the reply; one that is kept already is not
    asked about again.
    """
    if key and replies.is_kept(connection, key):
        return
    is_theirs = row.assignee not in ("", by, despite) and asks(connection, row, by)
    newer = answers.newer(connection, row.id, but_of=by, than=answers.mark_of(seen))
    if not is_theirs and newer is None:
        return
    consent = {"seen": str(answers.newest(connection, row.id, but_of=by))}
    if row.assignee not in ("", by):
        consent["despite"] = row.assignee
    given: Dict[str, Any] = {
        "consent": consent,
        "words": newer.text if newer else "",
        "may_take": row.assignee not in ("", by) and decides(connection, row, by),
    }
    if is_theirs:
        raise AskFirst(_HAS_IT.with_values(who=shown(connection, row.assignee)), **given)
    if newer is not None and newer.agent:
        raise AskFirst(_HAS_ANSWERED.with_values(who=shown(connection, newer.agent)), **given)
    raise AskFirst(_ANSWERED_ELSEWHERE, **given)


def asks(connection: Connection, row: Thread, agent: str) -> bool:
    """Tell whether *agent* is to be asked before they answer in the thread of *row*."""
    found = verdict(Act.REPLY, assignee=row.assignee, agent=agent)
    return found is Verdict.ASK and not _was_asked(connection, row, agent)


def decides(connection: Connection, row: Thread, agent: str) -> bool:
    """Tell whether *agent* may return the thread of *row*, give it away, and the like."""
    return _verdict(connection, Act.RETURN, row.assignee, agent) is Verdict.YES


def shown(connection: Connection, agent: str) -> str:
    """Return what colleagues and people see of the agent with that name."""
    found = agents.get(connection, agent)
    return found.shown_name if found else agent


def _verdict(connection: Connection, act: Act, of: str, by: str, *, is_theirs: bool = False) -> Verdict:
    found = verdict(act, assignee=of, agent=by, is_theirs=is_theirs)
    if found is Verdict.NO and _is_admin(connection, by):
        return verdict(act, assignee=of, agent=by, is_admin=True)
    return found


def _is_admin(connection: Connection, agent: str) -> bool:
    found = agents.get(connection, agent)
    return agent == YOU or (found is not None and found.role == agents.ADMIN)


def _was_asked(connection: Connection, row: Thread, agent: str) -> bool:
    """Tell whether they have written there since it is the assignee's: once is enough."""
    return replies.has_written(connection, row.id, agent, since=row.assigned_at or 0.0)
