"""Gathers what explains why the bot is silent in a thread: row, settings, Meta's answer. Changes nothing.

The sentences are made of it in rules/why_silent.py.
"""

from __future__ import annotations

from handover_channel.control.ownership import is_other
from handover_channel.errors import GraphError, GraphUnavailable
from handover_channel.graph_api.client import GraphApi, ThreadOwner
from handover_channel.messenger.events import MESSENGER
from handover_channel.rules.why_silent import Facts, MetaSays, Whose
from handover_channel.sentences import of_others
from handover_channel.settings.loader import Settings
from handover_channel.store import deadlines
from handover_channel.store.thread_status import Status
from handover_channel.store.threads import Thread


def facts_of(found: Status, settings: Settings, meta: MetaSays, *, now: float) -> Facts:
    """Return what is known of a thread. *meta*: what Meta said at *now*, in seconds since the epoch."""
    row = found.thread
    target, at_meta = settings.targets.get(row.state.target), settings.target_of_app(meta.app_id)
    return Facts(
        thread=row.id,
        state=row.state,
        now=now,
        reason=row.reason,
        who=next((each.who for each in found.log if each.reason == row.reason), ""),
        changed_at=row.changed_at,
        on_messenger=row.channel == MESSENGER,
        until=row.until,
        button=settings.returning.button or "",
        keywords=tuple(each.text for each in settings.returning.keywords),
        stay_muted=bool(target and target.stay_muted),
        active_at=row.active_at,
        assignee=row.assignee,
        waiting_since=row.waiting_since,
        no_answer_at=found.deadlines.get(deadlines.NO_ANSWER),
        settle_at=found.deadlines.get(deadlines.SETTLE),
        again_at=found.deadlines.get(deadlines.TAKE_AGAIN),
        refusal=row.refusal,
        attempts=row.attempts,
        meta=meta,
        owner_name=at_meta.name if at_meta else "",
        findings=tuple(of_others(each.text) for each in found.findings),
        given_up=found.queue.given_up,
        waiting=found.queue.waiting,
        oldest_at=found.queue.oldest_at,
    )


def ask_meta(row: Thread, settings: Settings, graph: GraphApi, *, now: float) -> MetaSays:
    """Return what Meta says now of *row*: one call, on Messenger alone. What it refuses is part of it."""
    if row.channel != MESSENGER:
        return MetaSays()
    try:
        owner = graph.thread_owner(settings.token_for(row.page), row.id)
    except GraphUnavailable as error:  # without the remedy of a call that is tried again by itself
        return MetaSays(Whose.NO_ANSWER, problem=error.said)
    except GraphError as error:
        return MetaSays(Whose.NO_ANSWER, problem=error.text)
    return MetaSays(_whose(owner, settings.app_id, now), owner.app_id, owner.expiration)


def _whose(owner: ThreadOwner, own: str, now: float) -> Whose:
    if is_other(owner, own, now):
        return Whose.HIDDEN if owner.hidden else Whose.OTHER
    return Whose.OURS if owner.app_id else Whose.NOBODY
