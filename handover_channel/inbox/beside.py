"""Reads what stands beside a conversation: the person, what the bot knows of them, their past handovers.

Rasa's tracker is read after the page is there, and not for each look: while people have the conversation the
bot learns nothing, so what was read once counts until control changes; while it has, for some seconds.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Callable, List, Mapping, Optional, Protocol, Sequence, Tuple

from sqlalchemy.engine import Connection

from handover_channel import log
from handover_channel.inbox.bot_facts import BotFacts
from handover_channel.inbox.view_models import CardView, Episode, PersonView, Title, Trouble
from handover_channel.rules.continuing import Named, in_words
from handover_channel.rules.control import Control, bot_may_speak
from handover_channel.settings.inbox import InboxSettings
from handover_channel.store import Store, agents, changes, conversation_lists, first_signs, profiles
from handover_channel.store.changes import LoggedChange
from handover_channel.store.threads import Thread

logger = log.logger(__name__)

#: Conversations of which a process remembers what the bot knew.
FACTS_REMEMBERED = 500
#: Seconds for which it counts while the bot has control, and while people have.
FRESH_WITH_BOT, FRESH_WITH_PEOPLE = 5.0, 600.0
#: Past handovers that are shown, and changes of control that are looked at.
EPISODES_SHOWN, CHANGES_SHOWN = 10, 200


class Bot(Protocol):
    """Where the bot's part comes from: rasa_gateway.RasaGateway."""

    def facts(self, thread: str) -> BotFacts:
        """Return what the bot knows of *thread*."""


class KnownFacts:
    """Remembers what the bot knows of conversations. From any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[Tuple[str, float], Tuple[float, BotFacts]] = OrderedDict()

    def of(self, row: Thread, bot: Bot) -> Optional[BotFacts]:
        """Return what the bot knows of the thread, None where Rasa's tracker cannot be read."""
        key, now = (row.id, row.changed_at), self._clock()
        fresh = FRESH_WITH_BOT if bot_may_speak(row.state.control) else FRESH_WITH_PEOPLE
        with self._lock:
            at, known = self._known.get(key, (now - fresh, BotFacts()))
        if now - at < fresh:
            return known
        try:
            known = bot.facts(row.id)
        except Exception as error:  # each kind of tracker store raises its own
            logger.error("thread %s: Rasa's tracker cannot be read: %s", row.id, log.trace(error))
            return None
        with self._lock:
            self._known[key] = (now, known)
            self._known.move_to_end(key)
            while len(self._known) > FACTS_REMEMBERED:
                self._known.popitem(last=False)
        return known


def person_view(store: Store, settings: InboxSettings, row: Thread, facts: Optional[BotFacts]) -> PersonView:
    """Return what stands beside the conversation."""
    with store.reading() as connection:
        known = profiles.get(connection, row.id)
        names = {each.name: each.shown_name for each in agents.every(connection)}
        log_of = changes.of(connection, row.id, CHANGES_SHOWN)
        return PersonView(
            thread=row.id,
            name=known.name if known and known.name else row.id,
            has_picture=bool(known and known.picture),
            channel=row.channel,
            locale=known.locale if known else "",
            timezone=known.timezone if known else None,
            first_seen=_first_seen(connection, row, facts),
            slots=slots_of(settings, facts) if facts else [],
            is_known=facts is not None,
            tags=conversation_lists.tags_of(connection, [row.id]).get(row.id, ()),
            episodes=episodes(log_of, names, settings.continue_with)[:EPISODES_SHOWN],
        )


def card_view(settings: InboxSettings, row: Thread, facts: Optional[BotFacts]) -> Optional[CardView]:
    """Return what the agent reads above the chat; None for nothing, and while the bot has control."""
    if facts is None or facts.is_empty or bot_may_speak(row.state.control):
        return None
    return CardView(
        wanted=title_of(settings.continue_with, facts.intent) if facts.intent else {},
        words=facts.words,
        form=_form(facts.form),
        asked=title_of(settings.show_slots, facts.asked) if facts.asked else {},
        troubles=[Trouble(each.kind, each.times, _form(each.about)) for each in facts.failures],
        slots=slots_of(settings, facts),
    )


def slots_of(settings: InboxSettings, facts: BotFacts) -> List[Tuple[Title, str]]:
    """Return (title by language, value) of the slots that agents may see and that have a value, in order."""
    named = settings.show_slots
    order = facts.slots if named is None else [name for name in named if name in facts.slots]
    return [(title_of(named, name), facts.slots[name]) for name in order]


def _form(name: str) -> Title:
    return in_words(name) if name else {}


def title_of(named: Optional[Named], name: str) -> Title:
    """Return what agents read of an intent, a flow or a slot: as *named* in the settings, else in words."""
    return (named or {}).get(name) or in_words(name)


def episodes(
    newest_first: Sequence[LoggedChange], names: Mapping[str, str], named: Optional[Named] = None
) -> List[Episode]:
    """Return the handovers in a log of changes, the newest first.

    *names*: shown names of agents; *named*: titles of what the bot may go on with.
    """
    found: List[Episode] = []
    begun: Optional[LoggedChange] = None
    target = ""
    for change in reversed(newest_first):
        was_with_bot = change.control_before == Control.BOT.value
        is_with_bot = change.control == Control.BOT.value
        if was_with_bot and not is_with_bot:
            begun, target = change, change.target
        elif begun is not None and is_with_bot:
            who = names.get(change.who, change.who)
            went_on = title_of(named, change.intent) if change.intent else {}
            ended = (change.at, target, begun.reason, change.reason, who, change.note, went_on)
            found.insert(0, Episode(begun.at, *ended))
            begun = None
        elif not is_with_bot:
            target = change.target or target
    if begun is not None:
        found.insert(0, Episode(begun.at, None, target, begun.reason, "", "", ""))
    return found


def _first_seen(connection: Connection, row: Thread, facts: Optional[BotFacts]) -> float:
    """Return the first sign of the person that is still kept; 0.0 for none."""
    known = [
        facts.since if facts else 0.0,
        first_signs.first_change_at(connection, row.id),
        first_signs.first_line_at(connection, row.id) / 1000,
    ]
    return min((each for each in known if each > 0), default=0.0)
