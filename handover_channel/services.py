"""Builds the real objects from the settings; the only file that knows how they fit together."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import Callable, Optional

from handover_channel.control.thread_control import ThreadControl
from handover_channel.control.transcript_writer import TranscriptWriter
from handover_channel.errors import SettingsError
from handover_channel.graph_api.client import GraphApi
from handover_channel.messenger.events import MESSENGER
from handover_channel.rules.control import bot_may_speak
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings import loader as settings_file
from handover_channel.settings.loader import Settings
from handover_channel.store import Store, threads

#: Seconds after which an overdue time limit is known to have no worker.
WITHOUT_WORKER = 10.0


@dataclass(frozen=True)
class Services:
    """What the channel, the action server and the command work with."""

    settings: Settings
    store: Store
    graph: GraphApi
    thread_control: ThreadControl


def build(settings: Settings, clock: Callable[[], float] = time.time) -> Services:
    """Put the parts together. The database is opened, and migrated, when it is first needed."""
    store = Store(settings.database)
    graph = GraphApi(settings.graph_api.url, settings.graph_api.version, app_secret=settings.secret)
    return Services(settings, store, graph, ThreadControl(settings, store, graph, clock))


@cache
def from_config(path: Optional[str] = None) -> Services:
    """Return the parts for `handover.yml` (see `settings.load`), the same ones each time.

    Raises SettingsError with everything that is wrong.
    """
    return build(settings_file.load(path))


def muted_lookup() -> Optional[Callable[[str], Optional[bool]]]:
    """Return the look-up of the store for the policy, None where the settings cannot be used.

    The look-up tells whether a thread is muted, None where the store has no row of it, and raises
    StoreUnavailable.
    """
    try:
        handover = from_config()
    except SettingsError:
        return None

    def muted(thread: str) -> Optional[bool]:
        with handover.store.glancing() as connection:
            row = threads.get(connection, thread)
        if row is None:
            return None
        if row.channel != MESSENGER and row.until is not None and row.until + WITHOUT_WORKER < time.time():
            # Without the Messenger channel in credentials.yml nobody looks after time limits.
            return not handover.thread_control.return_to_bot(
                thread, ReturnReason.TIME_LIMIT, who="clock", tell=False
            )
        return not bot_may_speak(row.state.control)

    return muted


def closed_lookup() -> Optional[Callable[[Optional[str]], bool]]:
    """Return what tells the policy whether a target is closed now, None where the settings cannot be used."""
    try:
        settings = from_config().settings
    except SettingsError:
        return None
    return lambda target: settings.is_closed(target, time.time())


def notes_for_agents() -> Optional[Callable[[str, str, str, str, int], None]]:
    """Return what writes down what the person says, None where the settings cannot be used."""
    try:
        return TranscriptWriter(from_config().store).write
    except SettingsError:
        return None
