"""Makes and keeps a persona for each agent and page: the name and picture under which Meta shows answers.

1. It is made when the agent first answers on a page, and kept with the agent; it is made anew after a change
   of name or picture.
2. A reply waits for one call at most, the first time, and never fails because of it: without a persona it
   goes out as the page.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/personas
"""

from __future__ import annotations

import json
import time
from typing import Any, Callable, Dict, Mapping, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel import log
from handover_channel.errors import GraphError, StoreUnavailable
from handover_channel.graph_api.client import GraphApi
from handover_channel.store import Store
from handover_channel.store.schema import agents

logger = log.logger(__name__)

#: Characters (the page above).
LONGEST_PERSONA_NAME = 50
#: Seconds until Meta is asked again for what it refused.
ASK_AGAIN_AFTER_REFUSAL = 3600.0


class Personas:
    """A persona is the name and picture of one agent on one page, by an id that Meta gives it."""

    def __init__(self, store: Store, graph: GraphApi, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._graph = graph
        self._clock = clock
        self._not_before: Dict[Tuple[str, str], float] = {}

    def of(self, agent: str, page: str, token: str) -> str:
        """Return the id of the agent's persona on *page*, "" where there is none."""
        try:
            with self._store.reading() as connection:
                row = _row(connection, agent)
            if not row:
                return ""  # the command line, or a machine without agents
            found = _kept(row).get(page, {})
            if (found.get("name"), found.get("picture")) == (row["shown_name"], row["picture"]):
                return str(found.get("id") or "")
            return self._made(agent, page, token, row)
        except StoreUnavailable as error:
            logger.info("no persona, the database is away: %s", error)
            return ""

    def forget(self, agent: str, page: str) -> None:
        """Make another one the next time: Meta refuses this one."""
        self._keep(agent, page, {})

    def _made(self, agent: str, page: str, token: str, row: Mapping[str, Any]) -> str:
        if self._not_before.get((agent, page), 0.0) > self._clock():
            return ""
        name, picture = row["shown_name"], row["picture"]
        try:
            made = self._graph.create_persona(token, name[:LONGEST_PERSONA_NAME], picture)
        except GraphError as error:
            logger.warning("no persona for an agent on page %s: %s", page, error)
            self._not_before[agent, page] = self._clock() + ASK_AGAIN_AFTER_REFUSAL
            return ""
        self._keep(agent, page, {"id": made, "name": name, "picture": picture})
        return made

    def _keep(self, agent: str, page: str, persona: Mapping[str, str]) -> None:
        with self._store.writing() as connection:
            row = _row(connection, agent)
            if row:
                kept = json.dumps({**_kept(row), page: dict(persona)})
                it = agents.c.name == agent
                connection.execute(sa.update(agents).where(it).values(persona=kept))


def _row(connection: Connection, agent: str) -> Mapping[str, Any]:
    query = sa.select(agents.c.shown_name, agents.c.picture, agents.c.persona).where(agents.c.name == agent)
    return dict(connection.execute(query).mappings().first() or {})


def _kept(row: Mapping[str, Any]) -> Dict[str, Dict[str, str]]:
    """Return page -> {"id", "name", "picture"}: a persona, and from what it was made."""
    found = json.loads(row["persona"] or "{}")
    return dict(found) if isinstance(found, dict) else {}
