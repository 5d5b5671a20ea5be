"""Builds the store, the Graph API client and thread control from the settings, once a process.

Rasa's channels and policies and the action server run in one process and ask for them one after the other:
those with the same settings share one set. So there is one pool of connections to Meta and one to the
database, and one lock between SQLite's writers. Sets that differ in other settings share the database, too.

A process that was forked (Sanic's workers) goes on with the sets of the one that it was forked from, over
connections of its own.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Optional, Tuple

from handover_channel import log
from handover_channel.control.thread_control import ThreadControl
from handover_channel.control.turn_gate import OpenGate, SettingsGate, TurnGate
from handover_channel.errors import SettingsError
from handover_channel.graph_api.client import GraphApi
from handover_channel.graph_api.simulated_clock import clock_of
from handover_channel.graph_api.transport import Pools
from handover_channel.settings import loader as settings_file
from handover_channel.settings.environment import settings_path
from handover_channel.settings.loader import Settings
from handover_channel.store import Store

logger = log.logger(__name__)


@dataclass(frozen=True)
class Services:
    """What the channels, the policies, the action server and the command work with."""

    settings: Settings
    store: Store
    graph: GraphApi
    thread_control: ThreadControl


class ServicesOfProcess:
    """The sets of services that this process has open, one for each configuration."""

    def __init__(self) -> None:
        self._open: List[Services] = []
        #: Given to whoever asks for the configured ones, if there is one: a test's (testing/in_process.py).
        self.stands_in: Optional[Services] = None
        self._lock = threading.Lock()

    def get(self, settings: Settings) -> Services:
        """Return the set for *settings*, the same one each time until it is closed."""
        with self._lock:
            for each in self._open:
                if each.settings == settings:
                    return each
            database = (each.store for each in self._open if each.settings.database == settings.database)
            made = build(settings, store=next(database, None))
            self._open.append(made)
            return made

    def close(self, given: Services) -> None:
        """Forget *given*, and close its database unless another set uses it. Once more does nothing."""
        with self._lock:
            if not any(each is given for each in self._open):
                return
            self._open = [each for each in self._open if each is not given]
            in_use = any(each.store is given.store for each in self._open)
        if not in_use:
            given.store.close()

    def close_all(self) -> None:
        """Close every set."""
        for each in list(self._open):
            self.close(each)

    def after_fork(self) -> None:
        """In a child that was forked from this process: leave the parent its locks and connections."""
        self._lock = threading.Lock()
        for each in self._open:
            each.store.after_fork()
            each.graph.transport.after_fork()


#: Those of this process.
process = ServicesOfProcess()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=lambda: process.after_fork())


def build(
    settings: Settings,
    clock: Optional[Callable[[], float]] = None,
    store: Optional[Store] = None,
    pools: Optional[Pools] = None,
) -> Services:
    """Return a new set, with a *store* that is open already and the connections *pools* if they are given.

    *clock*: the one that deadlines go by; by default real time, but in tests (`simulated_clock`).

    The database is opened, and migrated, when it is first needed.
    """
    clock = clock or clock_of(settings)
    store = store or Store(settings.database)
    meta = settings.graph_api
    graph = GraphApi(meta.url, meta.version, app_secret=settings.secret, pools=pools, clock=clock)
    return Services(settings, store, graph, ThreadControl(settings, store, graph, clock))


def from_config(path: Optional[str] = None) -> Services:
    """Return this process's services for `handover.yml` (see `loader.load`).

    Raises SettingsError with everything that is wrong.
    """
    return process.stands_in or process.get(settings_file.load(path))


def turn_gate() -> TurnGate:
    """Return what the policies ask: `OpenGate` where the settings cannot be used, which is logged."""
    try:
        return SettingsGate(from_config().thread_control)
    except SettingsError as error:
        logger.warning("no keywords and no hours, the settings cannot be used: %s", error)
        return OpenGate()


class _SharedGate:
    """The gate that all agents of this process ask at the door and at the way out, made when first asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made_for: Tuple[Path, Optional[Services]] = (Path(), None)
        self._gate: Optional[TurnGate] = None

    def get(self) -> TurnGate:
        """Return it; another one where the process has been given other settings, as by a test."""
        wanted = (settings_path(), process.stands_in)
        with self._lock:
            if self._gate is None or self._made_for != wanted:
                self._gate, self._made_for = turn_gate(), wanted
            return self._gate


_shared_gate = _SharedGate()


def shared_turn_gate() -> TurnGate:
    """Return the one `turn_gate` of this process, for whoever asks for every message."""
    return _shared_gate.get()
