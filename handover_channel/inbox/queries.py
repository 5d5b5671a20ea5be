"""Reads what the page shows from the store: the list, and one thread as this agent sees it.

Synchronous; on an event loop, call it in a thread. What only Rasa knows (its part of the conversation, its
intents) comes in from the caller.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Sequence, Set, Tuple

from sqlalchemy.engine import Connection

from handover_channel import log
from handover_channel.control.reachable_targets import gets_threads_of
from handover_channel.inbox import beside, concerns, listing, permissions, places, timeline
from handover_channel.inbox.admin.canned_replies import CannedReplies
from handover_channel.inbox.beside import KnownFacts
from handover_channel.inbox.bot_facts import BotFacts
from handover_channel.inbox.places import NOTHING_ASKED, Asked
from handover_channel.inbox.start import start_view
from handover_channel.inbox.timeline import Link
from handover_channel.inbox.view_models import (
    WAITING,
    CardView,
    Colleague,
    Entry,
    Filters,
    ListView,
    Onward,
    PersonView,
    Said,
    StartView,
    ThreadView,
)
from handover_channel.messenger.bubble import File
from handover_channel.messenger.events import MESSENGER
from handover_channel.replies.sending_rules import SendingRules, bots_silence
from handover_channel.rules import continuing
from handover_channel.rules.continuing import Named
from handover_channel.rules.control import Control, bot_may_speak
from handover_channel.settings.inbox import filled
from handover_channel.settings.loader import Settings
from handover_channel.store import (
    Store,
    agents,
    answers,
    conversation_lists,
    page_names,
    presence,
    profiles,
    replies,
    threads,
)
from handover_channel.store.agents import YOU
from handover_channel.store.list_orders import LONGEST_FIRST, Place
from handover_channel.store.replies import Reply
from handover_channel.store.threads import Thread

logger = log.logger(__name__)

#: Controls from which an agent may take a thread over.
_TO_TAKE_OVER = (Control.BOT, Control.APP, Control.BESIDE)


@dataclass(frozen=True)
class BotHistory:
    """What Rasa knows of a thread."""

    said: Sequence[Said] = ()
    intents: Sequence[str] = ()  #: to go on with
    flows: Mapping[str, str] = field(default_factory=dict)  #: of a CALM bot, to go on with: id -> description


class Bot(Protocol):
    """Where that comes from: rasa_gateway.RasaGateway."""

    def said(self, thread: str) -> Sequence[Said]:
        """Return what was said while the bot had control, oldest first."""

    def intents(self) -> Sequence[str]:
        """Return what the bot can go on with when it gets a conversation back."""

    def facts(self, thread: str) -> BotFacts:
        """Return what the bot knows of the person, and what it failed at."""

    def flows(self) -> Mapping[str, str]:
        """Return the flows that it can go on with, id -> description; of a bot without flows nothing."""


class Queries:
    """Read what an agent sees."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        sending_rules: Callable[[Thread], SendingRules],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._store = store
        self._sending_rules = sending_rules
        self._clock = clock
        self._warned: Set[str] = set()  #: of what has been said once
        self._facts = KnownFacts()

    def list(self, filters: Filters, *, agent: str, order: str = "", after: str = "") -> ListView:
        """Return one page of the list. *order*: what the agent has chosen for it, "" for nothing."""
        with self._store.reading() as connection:
            names = self._shown_names(connection)
            view = listing.list_view(
                connection,
                self._settings,
                filters,
                agent=agent,
                shown_names=names,
                now=self._clock(),
                order=order,
                after=after,
            )
            return replace(view, concerns=concerns.of_agent(connection, agent, names))

    def row(self, thread: str) -> Optional[Thread]:
        """Return the row of *thread*, None for one that was never seen."""
        with self._store.reading() as connection:
            return threads.get(connection, thread)

    def start(self, agent: str) -> StartView:
        """Return what *agent* may do next, while no conversation is open."""
        with self._store.reading() as connection:
            return start_view(
                connection,
                agent=agent,
                shown_names=self._shown_names(connection),
                graph_url=self._settings.graph_api.url,
                now=self._clock(),
            )

    def next_waiting(self, shown: str) -> Optional[str]:
        """Return who waits longest for anybody, behind the thread that is *shown*; None: nobody else."""
        with self._store.reading() as connection:
            row = threads.get(connection, shown) if shown else None
            since = row.waiting_since if row else None
            behind = None if since is None else Place(LONGEST_FIRST, 0, since, shown)
            for after in (behind, None):
                found = conversation_lists.page_of(
                    connection,
                    WAITING,
                    agent="",
                    now=self._clock(),
                    order=LONGEST_FIRST,
                    after=after,
                    limit=2,
                )
                others = [each["id"] for each in found if each["id"] != shown]
                if others:
                    return str(others[0])
        return None

    def thread(
        self,
        row: Thread,
        bot: BotHistory,
        *,
        agent: str,
        link: Link,
        before: Optional[float] = None,
        asked: Asked = NOTHING_ASKED,
        pending: Sequence[str] = (),
    ) -> ThreadView:
        """Return one conversation. *before*: the stretch that came before that time.

        *pending*: keys of replies that the page has sent and heard nothing of yet.
        """
        now = self._clock()
        with self._store.reading() as connection:
            names = self._shown_names(connection)
            person = profiles.get(connection, row.id)
            known = person.name if person else ""
            mark = answers.newest(connection, row.id, but_of=agent)  # first: what is read later shows it
            kept = replies.kept_of(connection, pending)  # first, too
            place = places.find(connection, row.id, bot.said, asked) if before is None else places.NOWHERE
            before = place.before if place.is_aside else before
            offered = self.to_go_on_with(bot.intents, bot.flows)
            entries, earlier = self._stretch(
                connection, row, bot, offered, before, known or row.id, names, link, now, place.back_to
            )
            return ThreadView(
                **_facts(row),
                **_possible(row, self._sending_rules(row), permissions.decides(connection, row, agent)),
                name=known or row.id,
                has_picture=bool(person and person.picture),
                assignee_shown=names.get(row.assignee, row.assignee),
                is_mine=row.assignee == agent,
                answered="" if place.is_aside else str(mark),
                asks=row.assignee if permissions.asks(connection, row, agent) else "",
                return_hint=bots_silence(row, now),
                onward=self._onward(connection, row, agent, now),
                tags=conversation_lists.tags_of(connection, [row.id]).get(row.id, ()),
                entries=entries,
                earlier=earlier,
                kept=kept,
                found=place.entry,
                wanted=place.wanted,
                is_aside=place.is_aside,
                colleagues=self._colleagues(connection, names, row.id, agent, now),
                canned=self._canned(connection, known, names.get(agent, agent)),
                intents=list(offered),
                intent_names=offered,
                page_name=self._page_name(connection, row.page),
            )

    def _stretch(
        self,
        connection: Connection,
        row: Thread,
        bot: BotHistory,
        offered: Named,
        before: Optional[float],
        person: str,
        names: Mapping[str, str],
        link: Link,
        now: float,
        back_to: Optional[float],
    ) -> Tuple[List[Entry], str]:
        named = self._settings.inbox.continue_with
        return timeline.stretch(
            connection,
            row,
            bot.said,
            before=before,
            person=person,
            shown_names=names,
            link=link,
            waiting=[_waiting(each, names) for each in replies.unsent(connection, row.id, now=now)],
            app_name=self._app_name,
            title_of=lambda name: offered.get(name) or beside.title_of(named, name),
            back_to=back_to,
        )

    def _onward(self, connection: Connection, row: Thread, agent: str, now: float) -> List[Onward]:
        """Return to whom *agent* can hand a thread of the inbox on."""
        if row.state.control is not Control.INBOX or not permissions.decides(connection, row, agent):
            return []
        others = [each for each in self._settings.targets.values() if each.name != row.state.target]
        return [
            Onward(each.name, each.hours is None or each.hours.is_open(now))
            for each in others
            if gets_threads_of(row.channel, each)
        ]

    def person(self, row: Thread, bot: Bot) -> PersonView:
        """Return who the person is: what stands beside the conversation."""
        return beside.person_view(self._store, self._settings.inbox, row, self._facts.of(row, bot))

    def card(self, row: Thread, bot: Bot) -> Optional[CardView]:
        """Return what was wanted and what failed before the handover, None where there is nothing to say."""
        return beside.card_view(self._settings.inbox, row, self._facts.of(row, bot))

    def to_go_on_with(self, intents: Sequence[str], flows: Mapping[str, str]) -> Named:
        """Return with which of its *intents* and *flows* the bot may go on after a return, by name."""
        named = self._settings.inbox.continue_with
        known = {*intents, *flows}
        unknown = sorted(set(named or ()) - known - self._warned) if known else []
        if unknown:
            self._warned.update(unknown)
            logger.warning(
                "handover.yml: inbox.continue_with names %s, and the bot has no such intent or flow -> "
                "correct it, or train the bot",
                ", ".join(unknown),
            )
        return continuing.choices(intents, named, flows)

    def _app_name(self, app_id: str) -> str:
        """Return the name of the target with that app, whoever has the thread now; else the id."""
        target = self._settings.target_of_app(app_id) if app_id else None
        return target.name if target else app_id

    def _page_name(self, connection: Connection, page: str) -> str:
        """Return the name of *page*, its id where that is not known, "" where there is no other page."""
        if len(self._settings.pages) < 2 or not page:
            return ""
        found = page_names.get(connection, page)
        return found.name if found and found.name else page

    def picture_of(self, thread: str) -> str:
        """Return where the person's picture lies, "" for none."""
        with self._store.reading() as connection:
            person = profiles.get(connection, thread)
        return person.picture if person else ""

    def looked_at(self, row: Thread, agent: str) -> None:
        """Note that the agent has seen what the person wrote."""
        with self._store.reading() as connection:
            known = conversation_lists.read_up_to(connection, row.id, agent)
        if known < row.person_at:
            with self._store.writing(durable=False) as connection:
                conversation_lists.mark_read(connection, row.id, agent, row.person_at)

    def _shown_names(self, connection: Connection) -> Dict[str, str]:
        return {each.name: each.shown_name for each in agents.every(connection)}

    def _colleagues(
        self, connection: Connection, names: Mapping[str, str], thread: str, agent: str, now: float
    ) -> List[Colleague]:
        open_pages = presence.present(connection, now=now)
        here = {each.agent for each in open_pages}
        looking = {each.agent for each in open_pages if each.thread == thread}
        typing = {
            each.agent
            for each in open_pages
            if each.thread == thread and now - each.typing_at < presence.TYPES_FOR
        }
        return [
            Colleague(
                name=name,
                shown_name=shown,
                here=name in here,
                looking=name in looking,
                typing=name in typing,
                is_you=name == agent,
            )
            for name, shown in (names or {YOU: YOU}).items()
        ]

    def _canned(self, connection: Connection, person: str, agent: str) -> Dict[str, str]:
        found = CannedReplies(self._settings.inbox.canned_replies, self._store).texts(connection)
        return {name: filled(text, name=person, agent=agent) for name, text in found.items()}


def _facts(row: Thread) -> Dict[str, Any]:
    """Return what is shown of a thread as it is kept."""
    return {
        "thread": row.id,
        "channel": row.channel,
        "page": row.page,
        "control": row.state.control.value,
        "target": row.state.target,
        "since": row.changed_at,
        "reason": row.reason,
        "until": row.until,
        "refusal": row.refusal,
        "waiting_since": row.waiting_since,
        "assignee": row.assignee,
        "person_at": row.person_at / 1000,
    }


def _possible(row: Thread, rules: SendingRules, decides: bool) -> Dict[str, Any]:
    """Return what can be done in a thread, by somebody who *decides* about it or does not."""
    control = row.state.control
    return {
        "decides": decides,
        "can_reply": rules.can_reply,
        "why_not": rules.why_not,
        "hint": rules.hint,
        "can_take_over": control in _TO_TAKE_OVER,
        "can_return": decides and not bot_may_speak(control) and control is not Control.PASSING,
        "can_extend": decides and control is Control.INBOX and row.until is not None,
        "can_attach": row.channel == MESSENGER,
        "can_be_unread": bool(row.person_at) and not bot_may_speak(control),
    }


def _waiting(reply: Reply, names: Mapping[str, str]) -> Said:
    files = [File(reply.file_type.split("/")[0], "", reply.file_name)] if reply.file_name else []
    return Said(
        key=f"reply-{reply.id}",
        at=reply.at,
        speaker="agent",
        name=names.get(reply.agent, reply.agent),
        text=reply.text,
        files=files,
        mark="failed" if reply.has_failed else "sending",
        error=reply.error,
        reply=reply.id,
    )
