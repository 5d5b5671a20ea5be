"""Decides who may come into the inbox. Everything here takes the database, so a thread.

1. An agent signs in with name and password, and has a cookie of 256 random bits from then on: a new one at
   each sign-in. The database has its SHA-256 alone.
2. A sign-in slides: it ends when it was not used for `sign_in_for`, and after `AT_MOST` in any case. Removing
   an agent or changing the password ends it at once.
3. Where there are no agents, one may come in by a link that is printed on the machine, is good for 15 minutes
   and works once; and only from that machine (local_access.py). With the first agent this is over.
4. Every change needs the token of the sign-in and the origin of our page.
5. What a visitor is refused for is told to them; of a wrong password never which of name and password it was.

admission.py asks `admit` for every request, `check_origin` and `check_token` for every POST.
"""

from __future__ import annotations

import hmac
import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Tuple

from handover_channel.errors import CsrfRefused, NotLetIn, TooManyAttempts, WrongPassword
from handover_channel.inbox import labels, sign_in_limits
from handover_channel.inbox.local_access import same_site, why_not_this_machine
from handover_channel.inbox.passwords import Passwords
from handover_channel.inbox.tokens import hash_of, new_token
from handover_channel.rules.languages import LANGUAGES
from handover_channel.store import Store, acts, agents, sign_ins
from handover_channel.store.agents import ADMIN, YOU, Agent
from handover_channel.store.list_orders import ORDERS
from handover_channel.store.sign_ins import NOBODY, SignIn

logger = logging.getLogger(__name__)

#: Seconds. A sign-in ends after these, however much it is used.
AT_MOST = 7 * 24 * 60 * 60
#: Seconds that the browser keeps the cookie (Max-Age), also after a sign-out: see sign_in_limits.py.
COOKIE_SECONDS = 30 * 24 * 60 * 60
#: Seconds between two writes of a sign-in that is in use.
RENEWED_EVERY = 60
#: Seconds a printed link is good for.
LINK_FOR = 15 * 60

#: Passwords a process looks at in one moment: each takes 64 MB.
HASHES_AT_ONCE = 2
#: Seconds to wait for a turn.
HASH_WAITS_SECONDS = 5.0

#: How many hours a clock may have; "": as many as the browser's language says.
HOURS = ("", "12", "24")

#: Why a visitor is not let in, beside ELSEWHERE, PROXY and HOST.
LINK, USED, AGENTS = "link", "used", "agents"


@dataclass(frozen=True)
class Visitor:
    """Somebody who may use the page."""

    name: str  #: YOU for the one of a machine without agents
    shown_name: str
    is_admin: bool
    csrf: str = field(repr=False)
    language: str = ""  #: "" until chosen: go by the browser
    sound: bool = True
    notifications: bool = False
    signed_in: bool = True  #: False: came in by a link
    proof_key: str = field(repr=False, default="")  #: never sent: see media_links.py
    orders: Mapping[str, str] = field(default_factory=dict)  #: list -> how it is sorted: list_orders
    hours: str = ""  #: of the clock: of HOURS, "" for as the browser has it
    compact: bool = False  #: rows of the list are low


class Auth:
    """Lets visitors in. Thread-safe; every method but those that `check` asks the database.

    Raises StoreUnavailable where the database does not answer.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float] = time.time,
        *,
        sign_in_for: timedelta = timedelta(hours=12),
        passwords: Optional[Passwords] = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._for = sign_in_for.total_seconds()
        self._at_most = max(self._for, AT_MOST)
        self._passwords = passwords or Passwords()
        self._hashing = threading.BoundedSemaphore(HASHES_AT_ONCE)

    # --- every request ---

    def admit(
        self, cookie: str, *, address: str, host: str, headers: Iterable[str], renew: bool = True
    ) -> Optional[Visitor]:
        """Return who asks, None for somebody who has to sign in first. *headers*: their names.

        Raises NotLetIn where there are no agents to sign in as, and this is not the one it is open to.
        """
        visitor = self.who(cookie, renew=renew)
        if visitor is not None and visitor.signed_in:
            return visitor
        if visitor is None and self.has_agents():
            return None
        self._need_this_machine(address, host, headers)
        if visitor is None:
            raise _not_let_in(LINK)
        return visitor

    def who(self, cookie: str, *, renew: bool = True) -> Optional[Visitor]:
        """Return whose cookie it is, None for nobody's. Not *renew*: what the page does by itself is no use.

        One who came in by a link (`signed_in` is False) may be elsewhere by now: `admit` looks at that, too.
        """
        if not cookie:
            return None
        now = self._clock()
        with self._store.reading() as connection:
            found = sign_ins.live(connection, hash_of(cookie), now=now)
        if found is None:
            return None
        until = self._until(found.started_at, now)
        if renew and until - found.expires_at >= RENEWED_EVERY:
            with self._store.writing(durable=False) as connection:
                sign_ins.renew(connection, found.key, now=now, until=until)
        return _visitor(found)

    @staticmethod
    def check_token(visitor: Visitor, token: str) -> None:
        """Raise CsrfRefused unless *token* is that of the visitor's sign-in."""
        if not visitor.csrf or not hmac.compare_digest(_bytes(token), _bytes(visitor.csrf)):
            raise CsrfRefused("the page is older than your sign-in -> load it again, and do it once more")

    @staticmethod
    def check_origin(origin: str, host: str) -> None:
        """Raise CsrfRefused where another site sent this. *origin*: the header Origin, else Referer."""
        if not same_site(origin, host):
            raise CsrfRefused(
                "this was not sent by a page of this server -> open the inbox itself; "
                "behind a proxy, let it pass the header Host on as it came"
            )

    # --- agents ---

    def has_agents(self) -> bool:
        """Tell whether one signs in here. Else there is the link."""
        with self._store.reading() as connection:
            return agents.exist(connection)

    def lacks_passwords(self) -> bool:
        """Tell whether there are agents, and none has set a password: a lost link locks everybody out."""
        with self._store.reading() as connection:
            return agents.lack_passwords(connection)

    def sign_in(self, name: str, password: str, *, address: str, cookie: str = "") -> Tuple[str, Visitor]:
        """Return the value of a new cookie, and whose it is. *cookie*: the one this browser has kept.

        Raises WrongPassword, and TooManyAttempts where passwords were wrong too often.
        """
        if not self._hashing.acquire(timeout=HASH_WAITS_SECONDS):
            raise TooManyAttempts("many people sign in right now -> try again", wait=HASH_WAITS_SECONDS)
        try:
            return self._sign_in(_storable(agents.folded(name)), password, address, hash_of(cookie))
        finally:
            self._hashing.release()

    def _sign_in(self, name: str, password: str, address: str, browser: str) -> Tuple[str, Visitor]:
        attempt = self._begin(name, address, browser)
        found = self._agent(name)
        hashed = found.password or None if found else None  # who has set none takes as long as a stranger
        if not self._passwords.match(hashed, password) or found is None:
            raise _wrong_password()
        newer = self._passwords.hash(password) if self._passwords.outdated(found.password) else ""
        value, sign_in = self._new(found.name)
        with self._store.writing() as connection:
            if not agents.holds_password(connection, found.name, found.password):
                raise _wrong_password()  # removed or changed in this very moment
            if newer:
                agents.renew_hash(connection, found.name, newer)
            sign_in_limits.forgive(connection, attempt)
            acts.add(connection, acts.Done.SIGNED_IN, agent=found.name, now=sign_in.started_at)
            sign_ins.tidy(
                connection, now=sign_in.started_at, started_before=sign_in.started_at - COOKIE_SECONDS
            )
            sign_ins.forget(connection, browser)
            sign_ins.add(connection, sign_in)
            let_in = sign_ins.live(connection, sign_in.key, now=sign_in.started_at)
        if let_in is None:
            raise _wrong_password()
        return value, _visitor(let_in)

    def _begin(self, name: str, address: str, browser: str) -> sign_in_limits.Attempt:
        try:
            with self._store.writing(durable=False) as connection:
                return sign_in_limits.begin(
                    connection, name=name, address=address, browser=browser, now=self._clock()
                )
        except TooManyAttempts:
            logger.warning(
                "sign-in held back: too many wrong passwords -> if it was one of yours, `handover "
                "agents password`"
            )
            raise

    def sign_out(self, cookie: str) -> None:
        """End a sign-in. The browser may keep the cookie: it opens nothing."""
        with self._store.writing() as connection:
            sign_ins.end(connection, hash_of(cookie), now=self._clock())

    # --- no agents ---

    def one_time_link(self, base_url: str) -> str:
        """Return a link that lets one in, once, within 15 minutes. Raises NotLetIn where there are agents.

        *base_url*: of the inbox, as a browser on this machine has to call it.
        """
        value, now = new_token(), self._clock()
        with self._store.writing() as connection:
            if agents.exist(connection):
                raise NotLetIn(
                    "the inbox has agents, so links let nobody in -> sign in with name and password; "
                    "`handover agents password` sets one",
                    reason=AGENTS,
                )
            sign_ins.tidy(connection, now=now, started_before=now - COOKIE_SECONDS)
            sign_ins.add_entrance_key(connection, hash_of(value), expires_at=now + LINK_FOR)
        return f"{base_url.rstrip('/')}/enter?key={value}"

    def enter(self, key: str, *, address: str, host: str, headers: Iterable[str]) -> Tuple[str, Visitor]:
        """Use up the key of a link: return the value of a cookie, and the visitor. Raises NotLetIn."""
        if self.has_agents():
            raise _not_let_in(AGENTS)
        self._need_this_machine(address, host, headers)
        value, sign_in = self._new(NOBODY)
        with self._store.writing() as connection:
            if not sign_ins.claim_entrance_key(connection, hash_of(key), now=sign_in.started_at):
                raise _not_let_in(USED)
            sign_ins.add(connection, sign_in)
            let_in = sign_ins.live(connection, sign_in.key, now=sign_in.started_at)
        if let_in is None:
            raise _not_let_in(AGENTS)  # the first was added in this very moment
        return value, _visitor(let_in)

    def _need_this_machine(self, address: str, host: str, headers: Iterable[str]) -> None:
        reason = why_not_this_machine(address, host, headers)
        if reason:
            raise _not_let_in(reason)

    # --- preferences ---

    def prefer(
        self,
        cookie: str,
        *,
        language: Optional[str] = None,
        sound: Optional[bool] = None,
        notifications: Optional[bool] = None,
        orders: Optional[Mapping[str, str]] = None,
        hours: Optional[str] = None,
        compact: Optional[bool] = None,
    ) -> Optional[Visitor]:
        """Keep what a visitor prefers, and return them as they are then; what is None stays as it is.

        None for nobody's cookie. A language that there is not stays unchanged, too. *orders*: of these lists;
        those of others stay.
        """
        given = {"language": language, "sound": sound, "notifications": notifications}
        given.update(hours=hours if hours in HOURS else None, compact=compact)
        if language not in LANGUAGES:
            del given["language"]
        wanted = {name: value for name, value in given.items() if value is not None}
        with self._store.writing() as connection:
            found = sign_ins.live(connection, hash_of(cookie), now=self._clock())
            if found is None:
                return None
            before = _preferences(found)
            preferences = {**before, **wanted, "orders": {**before["orders"], **(orders or {})}}
            if found.agent == NOBODY:
                sign_ins.set_preferences(connection, found.key, preferences)
            else:
                agents.set_preferences(connection, found.agent, preferences)
            return _visitor(found, preferences)

    # --- parts ---

    def _agent(self, name: str) -> Optional[Agent]:
        with self._store.reading() as connection:
            return agents.get(connection, name)

    def _new(self, agent: str) -> Tuple[str, SignIn]:
        value, now = new_token(), self._clock()
        until = self._until(now, now)
        sign_in = SignIn(
            key=hash_of(value),
            agent=agent,
            csrf=new_token(),
            started_at=now,
            expires_at=until,
            proof_key=new_token(),
        )
        return value, sign_in

    def _until(self, started_at: float, now: float) -> float:
        return min(now + self._for, started_at + self._at_most)


def _visitor(found: SignIn, preferences: Optional[Mapping[str, Any]] = None) -> Visitor:
    by_link = found.agent == NOBODY
    return Visitor(
        name=YOU if by_link else found.agent,
        shown_name=found.shown_name or YOU,
        is_admin=by_link or found.role == ADMIN,
        csrf=found.csrf,
        proof_key=found.proof_key,
        signed_in=not by_link,
        **(preferences or _preferences(found)),
    )


def _preferences(found: SignIn) -> Dict[str, Any]:
    kept = agents.preferences_from(found.preferences)
    language = kept.get("language")
    return {
        "language": language if language in LANGUAGES else "",
        "sound": kept.get("sound") is not False,
        "notifications": kept.get("notifications") is True,
        "orders": _orders(kept.get("orders")),
        "hours": kept["hours"] if kept.get("hours") in HOURS else "",
        "compact": kept.get("compact") is True,
    }


def _orders(kept: Any) -> Dict[str, str]:
    given = kept if isinstance(kept, dict) else {}
    return {name: order for name in ORDERS for order in ORDERS[name] if given.get(name) == order}


def _storable(name: str) -> str:
    # Nobody's name, where a database could not even look for it.
    return name if name.isprintable() else ""


def _not_let_in(reason: str) -> NotLetIn:
    return NotLetIn(labels.REFUSALS[reason], reason=reason)


def _wrong_password() -> WrongPassword:
    return WrongPassword(
        "username or password is wrong -> try again; an admin of this inbox can set a new password"
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
