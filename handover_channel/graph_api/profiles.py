"""Fetches names and pictures of people, and names of pages and apps, from Meta, while nobody waits for them.

1. A page is drawn with what is known (store/profiles.py, store/page_names.py). What is not known, or too old,
   is fetched by threads of our own; pages are told when it is there.
2. Meta is asked once a day for each person. What it cannot answer now (an outage, its rate limit) is asked
   again after a while; what was known until then stays.
3. Only Messenger has profiles. Pages have names here where there are several: one needs none. So have apps
   that are no target, once one of them has a conversation; a process remembers these.
4. Locale and time zone need permissions of their own (pages_user_locale, pages_user_timezone). Asked for
   without them Meta refuses the whole call, with the code 100/2018247: then the page's people are asked for
   name and picture alone for a day.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/identity/user-profile
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Callable, Dict, Mapping, Optional

from handover_channel import log
from handover_channel.errors import GraphError, GraphUnavailable, HandoverError, StoreUnavailable
from handover_channel.graph_api.client import GraphApi
from handover_channel.messenger.events import MESSENGER, META_INBOXES
from handover_channel.settings.credentials import Page
from handover_channel.settings.loader import Settings
from handover_channel.settings.targets import is_app_id
from handover_channel.store import Store, page_names, page_updates, profiles
from handover_channel.store.page_names import PageName
from handover_channel.store.profiles import Profile

logger = log.logger(__name__)

#: Fetched at a time.
FETCHES_AT_ONCE = 2
#: Seconds for which an answer counts, also one that tells nothing.
FRESH = 24 * 3600.0
#: Seconds until Meta is asked again after an outage.
ASK_AGAIN_AFTER_OUTAGE = 60.0
#: People whose state a process remembers, so that a list does not ask the database for each.
PEOPLE_REMEMBERED = 10_000
#: Characters of a name that are kept.
LONGEST_PERSON_NAME = 200
_LOCALE = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,2}")
#: Fields that an app needs more permissions for, and what Meta answers without them.
_MORE, _NOT_PERMITTED = ("locale", "timezone"), (100, 2018247)


class Profiles:
    """Fetches profiles in the background. *pool*: where; one of our own by default."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        graph: GraphApi,
        clock: Callable[[], float] = time.time,
        *,
        pool: Optional[Executor] = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._graph = graph
        self._clock = clock
        self._pool = pool or ThreadPoolExecutor(FETCHES_AT_ONCE, thread_name_prefix="handover-profiles")
        self._lock = threading.Lock()
        self._not_before: OrderedDict[str, float] = OrderedDict()  #: thread -> when to look again
        self.app_names: Dict[str, str] = {}  #: of other apps by their ids, as far as Meta has told them
        self._few_until: Dict[str, float] = {}  #: page -> until when name and picture alone are asked for

    def want(self, thread: str, *, page: str, channel: str = MESSENGER) -> None:
        """Have the person's profile fetched, where it is not known or too old. Returns at once."""
        if channel == MESSENGER:
            self._want(thread, f"thread {thread}: no profile", partial(self._fetched, thread, page))

    def want_pages(self) -> None:
        """Have the names of the pages fetched, where there are several. Returns at once."""
        several = self._settings.pages
        for page in several if len(several) > 1 else ():
            key = f"page {page.id}"
            self._want(key, f"{key}: no name", partial(self._fetched_page, page))

    def want_app(self, app: str, thread: str, *, page: str) -> None:
        """Have the names of the page's apps fetched where *app*, which has *thread*, is not known."""
        is_known = app in self.app_names or app in META_INBOXES or self._settings.target_of_app(app)
        if is_app_id(app) and not is_known:
            self._want(f"apps {page}", f"page {page}: no apps", partial(self._fetched_apps, thread, page))

    def stop(self) -> None:
        """Begin nothing new."""
        self._pool.shutdown(wait=False)

    def _want(self, key: str, without: str, fetch: Callable[[], float]) -> None:
        """Call *fetch* in the pool, which returns when to look again, unless it is too early for that.

        *without*: what there is not meanwhile, for the log.
        """
        now = self._clock()
        with self._lock:
            if self._not_before.get(key, 0.0) > now:
                return
            self._remember(key, now + ASK_AGAIN_AFTER_OUTAGE)
        with suppress(RuntimeError):  # the server stops
            self._pool.submit(self._look_up, key, without, fetch)

    def _look_up(self, key: str, without: str, fetch: Callable[[], float]) -> None:
        try:
            until = fetch()
        except StoreUnavailable as error:
            logger.debug("%s, the database is away: %s", without, error)
        except Exception as error:  # a thread of the pool: nobody else would say so
            logger.error("%s: %s", without, log.trace(error))
        else:
            with self._lock:
                self._remember(key, until)

    def _fetched_page(self, page: Page) -> float:
        """Fetch and keep a name that is not fresh; return when to look again."""
        with self._store.reading() as connection:
            known = page_names.get(connection, page.id)
        if known and known.fetched_at + FRESH > self._clock():
            return known.fetched_at + FRESH
        try:
            name = self._graph.page_name(page.token, page.id)[:LONGEST_PERSON_NAME]
        except GraphUnavailable as error:
            logger.info("page %s: no name for now: %s", page.id, error)
            return self._clock() + ASK_AGAIN_AFTER_OUTAGE
        except HandoverError as error:
            logger.warning("page %s: no name: %s", page.id, error)
            name = ""
        now = self._clock()
        with self._store.writing(durable=False) as connection:
            page_names.put(connection, PageName(page.id, name or (known.name if known else ""), now))
        return now + FRESH

    def _fetched_apps(self, thread: str, page: str) -> float:
        """Fetch the names of a page's apps; return when to look again. Meta may refuse either call."""
        found: Dict[str, str] = {}
        for ask in (self._graph.secondary_receivers, self._graph.subscribed_apps):
            try:
                found.update(ask(self._settings.token_for(page)))
            except HandoverError as error:  # of Meta's, or there is no token of this page
                logger.info("page %s: Meta does not name its apps: %s", page, error)
        self.app_names.update((app, name[:LONGEST_PERSON_NAME]) for app, name in found.items() if name)
        with self._store.writing(durable=False) as connection:
            page_updates.add(connection, thread, now=self._clock())
        return self._clock() + FRESH

    def _fetched(self, thread: str, page: str) -> float:
        """Fetch and keep what is not fresh; return when to look again."""
        with self._store.reading() as connection:
            known = profiles.get(connection, thread)
        if known and known.fetched_at + FRESH > self._clock():
            return known.fetched_at + FRESH
        try:
            answer = self._asked(page, thread)
        except GraphUnavailable as error:
            logger.info("thread %s: no profile for now: %s", thread, error)
            return self._clock() + ASK_AGAIN_AFTER_OUTAGE
        except HandoverError as error:  # the answer for today: no permission, no such person
            logger.info("thread %s: no profile: %s", thread, error)
            answer = {}
        now = self._clock()
        found = person_of(answer, thread, now=now)
        if not answer and known:
            found = replace(known, fetched_at=now)
        with self._store.writing(durable=False) as connection:
            profiles.put(connection, found)
            if _shown(found) != _shown(known):
                page_updates.add(connection, thread, now=now)
        return now + FRESH

    def _asked(self, page: str, thread: str) -> Mapping[str, Any]:
        token = self._settings.token_for(page)
        if self._few_until.get(page, 0.0) <= self._clock():
            try:
                return self._graph.profile(token, thread, more=_MORE)
            except GraphUnavailable:
                raise
            except GraphError as error:
                if (error.code, error.subcode) != _NOT_PERMITTED:
                    raise
                self._few_until[page] = self._clock() + FRESH
        return self._graph.profile(token, thread)

    def _remember(self, thread: str, until: float) -> None:
        self._not_before[thread] = until
        self._not_before.move_to_end(thread)
        while len(self._not_before) > PEOPLE_REMEMBERED:
            self._not_before.popitem(last=False)


def person_of(answer: Mapping[str, Any], thread: str, *, now: float) -> Profile:
    """Read Meta's answer; it is empty where we may not know."""
    parts = [answer.get(key) for key in ("first_name", "last_name")]
    name = " ".join(" ".join(part for part in parts if isinstance(part, str)).split())
    picture = answer.get("profile_pic")
    is_address = isinstance(picture, str) and picture.startswith(("https://", "http://"))
    locale, timezone = answer.get("locale"), answer.get("timezone")
    is_zone = isinstance(timezone, (int, float)) and not isinstance(timezone, bool) and abs(timezone) <= 26
    return Profile(
        thread,
        name[:LONGEST_PERSON_NAME],
        str(picture) if is_address else "",
        now,
        locale=locale if isinstance(locale, str) and _LOCALE.fullmatch(locale) else "",
        timezone=float(timezone) if is_zone and timezone is not None else None,
    )


def _shown(person: Optional[Profile]) -> tuple[str, bool]:
    # The address changes with each answer, the picture does not.
    return (person.name, bool(person.picture)) if person else ("", False)
