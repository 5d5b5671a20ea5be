"""Reads what the right side of the page says while no conversation is open: who waits, and who is here."""

from __future__ import annotations

from typing import Mapping
from urllib.parse import urlsplit

from sqlalchemy.engine import Connection

from handover_channel.inbox.view_models import OPEN, RETURNED, WAITING, StartView
from handover_channel.settings.locations import LOOPBACK
from handover_channel.store import conversation_lists, presence
from handover_channel.store.list_orders import LONGEST_FIRST


def start_view(
    connection: Connection, *, agent: str, shown_names: Mapping[str, str], graph_url: str, now: float
) -> StartView:
    """Return what there is to do for *agent*. *graph_url*: where the Graph API is."""
    here = {each.agent for each in presence.present(connection, now=now)} - {agent}
    longest = conversation_lists.page_of(connection, WAITING, agent="", now=now, order=LONGEST_FIRST, limit=1)
    waiting = conversation_lists.count(connection, WAITING, agent="") if longest else 0
    came = waiting or any(
        conversation_lists.count(connection, name, agent=agent) for name in (OPEN, RETURNED)
    )
    return StartView(
        waiting=waiting,
        longest_since=longest[0]["waiting_since"] if longest else 0.0,
        here=sorted(shown for name, shown in shown_names.items() if name in here),
        is_first=not came,
        simulator=_simulator_of(graph_url),
    )


def _simulator_of(graph_url: str) -> str:
    parts = urlsplit(graph_url)
    # Meta is never on this machine: it is the simulator, whose page has the same address.
    return f"{parts.scheme}://{parts.netloc}/" if parts.hostname in LOOPBACK else ""
