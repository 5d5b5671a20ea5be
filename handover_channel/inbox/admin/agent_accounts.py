"""Keeps who answers in the inbox, for admins, and the links by which agents set a password of their own.

1. A link is good for PASSWORD_LINK_FOR and for one use; a newer one makes the older one worthless. Until it
   is used, the password of before stays good.
2. These pages leave an admin who can sign in: the last one is neither removed nor made an agent, and the
   first agent is an admin. The command line may do otherwise.
3. Who is removed, or signed out, is out at once; nothing that they wrote goes with them.
4. Every act is in the log of acts: `handover audit`.

Takes the database, and passwords take their time: call it in a thread.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Callable, List, Optional

from sqlalchemy.engine import Connection

from handover_channel.errors import AgentRefused, NotKnown, NotUsable, Refused
from handover_channel.inbox import passwords
from handover_channel.inbox.passwords import Passwords
from handover_channel.inbox.tokens import hash_of, new_token
from handover_channel.store import Store, acts, agent_links, agents, presence, sign_ins
from handover_channel.store.agents import ADMIN, AGENT, NO_PASSWORD, Agent

#: Seconds that a link is good for.
PASSWORD_LINK_FOR = 3 * 86400.0


@dataclass(frozen=True)
class AccountView:
    """An agent, as admins see them. Times in seconds since the epoch."""

    name: str  #: what they sign in with
    shown_name: str
    role: str
    created_at: float
    language: str = ""  #: of their page, "" where they have chosen none
    is_here: bool = False
    last_seen: Optional[float] = None  #: None: not lately
    has_password: bool = True
    link_until: Optional[float] = None  #: None: no link of theirs is good


@dataclass(frozen=True)
class NewLink:
    """A link that was just made: nobody sees its token again."""

    agent: str
    shown_name: str
    token: str = field(repr=False)
    expires_at: float


class AgentAccounts:
    """Reads and changes the agents of the inbox. *by*: the admin who does it."""

    def __init__(
        self, store: Store, clock: Callable[[], float] = time.time, made: Optional[Passwords] = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._passwords = made or Passwords()

    def every(self) -> List[AccountView]:
        """Return all agents, by name."""
        now = self._clock()
        with self._store.reading() as connection:
            here = {each.agent for each in presence.present(connection, now=now)}
            signed_in, seen = sign_ins.newest(connection), presence.last_seen(connection)
            links = agent_links.good_until(connection, now=now)
            return [
                AccountView(
                    name=each.name,
                    shown_name=each.shown_name,
                    role=each.role,
                    created_at=each.created_at,
                    language=str(each.preferences.get("language") or ""),
                    is_here=each.name in here,
                    last_seen=max(
                        filter(None, (signed_in.get(each.name), seen.get(each.name))), default=None
                    ),
                    has_password=each.password != NO_PASSWORD,
                    link_until=links.get(each.name),
                )
                for each in agents.every(connection)
            ]

    def add(self, name: str, shown_name: str, role: str, *, by: str) -> NewLink:
        """Add an agent, who sets a password by the link.

        Raises AgentRefused for a name or role that cannot be, Refused where there is one of that name.
        """
        kept, now = agents.new_name(name), self._clock()
        shown, role = agents.new_shown_name(shown_name or name), _role(role)
        agent = Agent(kept, shown, NO_PASSWORD, role, created_at=now)
        with self._store.writing() as connection:
            if role != ADMIN and not agents.exist(connection):
                raise AgentRefused(
                    "the first one has to be an admin, who adds the others -> choose the role admin"
                )
            if not agents.add(connection, agent, by=by):
                raise Refused(
                    "there is an agent with the name %(name)r already -> take another name", name=kept
                )
            return self._link(connection, agent, by)

    def new_link(self, name: str, *, by: str) -> NewLink:
        """Make a link by which an agent sets another password. Raises NotKnown."""
        with self._store.writing() as connection:
            return self._link(connection, _known(connection, name), by)

    def set_role(self, name: str, role: str, *, by: str) -> None:
        """Change a role. Raises NotKnown, Refused for the last admin, AgentRefused for what is no role."""
        wanted = _role(role)
        with self._store.writing() as connection:
            if wanted != ADMIN:
                _expect_another_admin(connection, name)
            if _known(connection, name).role != wanted:
                agents.set_role(connection, name, wanted, now=self._clock(), by=by)

    def remove(self, name: str, *, by: str) -> None:
        """Remove an agent. Raises NotKnown, and Refused for the last admin."""
        with self._store.writing() as connection:
            _expect_another_admin(connection, name)
            if not agents.remove(connection, name, now=self._clock(), by=by):
                raise _unknown(name)

    def sign_out(self, name: str, *, by: str) -> None:
        """End all sign-ins of an agent. Raises NotKnown."""
        with self._store.writing() as connection:
            _known(connection, name)
            agents.sign_out_everywhere(connection, name, now=self._clock(), by=by)

    # --- whoever has the link ---

    def holder(self, token: str) -> Agent:
        """Return whose link it is. Raises NotKnown where it was used, or is too old."""
        with self._store.reading() as connection:
            name = agent_links.agent_of(connection, hash_of(token), now=self._clock())
            found = agents.get(connection, name) if name is not None else None
        if found is None:
            raise _worthless()
        return found

    def set_password(self, token: str, password: str, again: str) -> str:
        """Set the password of whose link it is, by which the link is used up; return their name.

        Raises NotKnown as `holder`; AgentRefused for a password that cannot be, and NotUsable where the two
        differ: the link stays good then.
        """
        name = self.holder(token).name
        passwords.check_new(password, name=name)
        if password != again:
            raise NotUsable("the two passwords are not the same -> type both again")
        hashed, now = self._passwords.hash(password), self._clock()
        with self._store.writing() as connection:
            if not agent_links.claim(connection, hash_of(token), now=now):
                raise _worthless()
            if not agents.set_password(connection, name, hashed, now=now, by=name):
                raise _worthless()
        return name

    def _link(self, connection: Connection, agent: Agent, by: str) -> NewLink:
        token, now = new_token(), self._clock()
        until = now + PASSWORD_LINK_FOR
        agent_links.put(connection, agent.name, hash_of(token), expires_at=until)
        acts.add(connection, acts.Done.LINK_MADE, agent=by, whom=agent.name, now=now)
        return NewLink(agent.name, agent.shown_name, token, until)


def _role(role: str) -> str:
    if role not in (AGENT, ADMIN):
        raise AgentRefused("there is no such role -> choose one of the list")
    return role


def _known(connection: Connection, name: str) -> Agent:
    found = agents.get(connection, name)
    if found is None:
        raise _unknown(name)
    return found


def _unknown(name: str) -> NotKnown:
    return NotKnown("no agent is called %(name)r -> perhaps the name has changed: reload the page", name=name)


def _worthless() -> NotKnown:
    return NotKnown("this link was used already, or is too old -> ask an admin for a new one")


def _expect_another_admin(connection: Connection, name: str) -> None:
    if agents.admins(connection) == {name}:
        raise Refused(
            "%(name)r is the only admin who can sign in -> make somebody else an admin first", name=name
        )
