"""Gathers what the checks look at: files, settings, stores, Meta's answers. Each is read once, when asked.

1. A source that cannot be read raises `CouldNotLook` for each check that asks for it, after one attempt.
2. All of it has one deadline: `left` tells the seconds that a look may still take.
3. Nothing is changed by reading: no file is made, no database migrated.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Hashable, Iterator, List, Mapping, Optional, Tuple, TypeVar
from urllib.parse import urlsplit

from handover_channel.doctor.check import CouldNotLook
from handover_channel.doctor.graph_calls import TIMEOUTS, GraphCalls
from handover_channel.doctor.report import Where
from handover_channel.errors import SettingsError
from handover_channel.graph_api.transport import Pools, Transport, pools_for
from handover_channel.sentences import Sentence
from handover_channel.settings import loader, yaml_file
from handover_channel.settings.credentials import is_without_messenger
from handover_channel.settings.environment import ENVIRON, settings_path
from handover_channel.settings.loader import Settings
from handover_channel.settings.locations import DEFAULT_URL
from handover_channel.settings.yaml_file import Unset

#: Seconds that the whole examination takes at most.
SECONDS = 25.0

CREDENTIALS = "credentials.yml"

MOUNTS = Path("/proc/self/mounts")

_SEE_SETTINGS = Sentence("see the check `settings.valid`")

_Found = TypeVar("_Found")


class Facts:
    """What is known of the bot whose settings are at *config* ("": as everywhere, see `settings_path`)."""

    def __init__(
        self,
        config: str = "",
        *,
        folder: Optional[Path] = None,
        environ: Mapping[str, str] = ENVIRON,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        seconds: float = SECONDS,
        pools: Optional[Pools] = None,
        mounts: Path = MOUNTS,
    ) -> None:
        self.config = settings_path(config, environ)
        #: The bot's: where Rasa is run, which is that of the settings unless HANDOVER_CONFIG says otherwise.
        self.folder = folder or _folder_of_bot(self.config.parent)
        self.environ = environ
        self.clock = clock
        self.seconds = seconds
        self.mounts = mounts  #: where Linux lists its file systems
        self._monotonic = monotonic
        self._until = monotonic() + seconds
        self._pools = pools
        self._lock = threading.Lock()
        self._locks: Dict[Hashable, threading.Lock] = {}
        self._known: Dict[Hashable, Tuple[Any, Optional[Exception]]] = {}

    @property
    def left(self) -> float:
        """Seconds until the deadline, 0.0 for none."""
        return max(self._until - self._monotonic(), 0.0)

    def once(self, key: Hashable, make: Callable[[], _Found]) -> _Found:
        """Return what *make* returns, or raise what it raises: called once for each *key*."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        if not lock.acquire(timeout=self.left):
            raise CouldNotLook(self.late)
        try:
            if key not in self._known:
                self._known[key] = _outcome(make)
            found, refusal = self._known[key]
        finally:
            lock.release()
        if refusal is not None:
            raise refusal
        kept: _Found = found
        return kept

    @property
    def late(self) -> Sentence:
        """What is said of whatever has not answered by the deadline."""
        return Sentence("there was no answer in time (%(seconds)s s)", seconds=round(self.seconds, 1))

    def forget(self) -> None:
        """Forget what was read: it has been changed."""
        with self._lock:
            self._known = {}

    @property
    def settings(self) -> Settings:
        """The settings. Raises CouldNotLook where they cannot be used: `settings.valid` says why."""
        try:
            return self.once("settings", lambda: loader.load(str(self.config), environ=self.environ))
        except SettingsError:
            raise CouldNotLook(Sentence("the settings cannot be used"), _SEE_SETTINGS) from None

    @property
    def settings_problems(self) -> Tuple[str, ...]:
        """All that is wrong with the settings, a line each."""
        try:
            self.once("settings", lambda: loader.load(str(self.config), environ=self.environ))
        except SettingsError as error:
            return error.problems
        return ()

    def document(self, name: str) -> Mapping[Any, Any]:
        """Return what the bot's file *name* (endpoints.yml) holds; without the file, nothing.

        Raises CouldNotLook for a file that cannot be read.
        """
        return self.once(("document", name), lambda: self._read(name))

    def section(self, name: str, key: str) -> Mapping[Any, Any]:
        """Return what stands under *key* of the file *name*; without it, nothing.

        Raises CouldNotLook for a file that cannot be read, and where variables are not set that it needs.
        """
        found = self.document(name).get(key)
        unset = sorted(set(_unset(found)))
        if unset:
            raise CouldNotLook(
                Sentence(
                    "variables that %(file)s needs are not set: %(names)s", file=name, names=", ".join(unset)
                ),
                Sentence("set them as for Rasa, and look again"),
                Where(f"{name}: {key}"),
            )
        return found if isinstance(found, Mapping) else {}

    def _read(self, name: str) -> Mapping[Any, Any]:
        value, _ = self.once(("parsed", name), lambda: self._parsed(name))
        if value is None:
            see = _SEE_SETTINGS if name == CREDENTIALS else Sentence("see the check `files.readable`")
            raise CouldNotLook(Sentence("the file %(file)s cannot be read", file=name), see)
        return value

    def file_problems(self, name: str) -> Tuple[str, ...]:
        """Return all that is wrong with the YAML of the bot's file *name*, a line each."""
        return self.once(("parsed", name), lambda: self._parsed(name))[1]

    def _parsed(self, name: str) -> Tuple[Optional[Mapping[Any, Any]], Tuple[str, ...]]:
        # credentials.yml is read where the settings are (settings/loader.py, rule 3).
        place = self.config.parent if name == CREDENTIALS else self.folder
        problems: List[str] = []
        value = yaml_file.read(place / name, self.environ, problems, needed=False)
        return value, tuple(problems)

    @property
    def on_messenger(self) -> bool:
        """Whether the bot is on Messenger: without it there is nothing to ask Meta."""
        if is_without_messenger(self.document(CREDENTIALS)):
            return bool(self.settings.pages)
        return True

    @property
    def graph(self) -> GraphCalls:
        """Meta. Raises CouldNotLook where the settings cannot be used."""
        settings = self.settings
        return self.once("graph", lambda: self._graph(settings))

    def pools_to(self, url: str) -> Pools:
        """Return what makes calls to *url*, which is not Meta's."""
        return self._pools or pools_for(url)

    def _graph(self, settings: Settings) -> GraphCalls:
        api = settings.graph_api
        transport = Transport(api.url, api.version, timeouts=TIMEOUTS, pools=self._pools)
        # Not `verify`: Meta is told it alone, and it may be any word.
        hide = tuple(page.token for page in settings.pages)
        return GraphCalls(
            transport,
            settings.secret,
            hide=hide,
            once=self.once,
            left=lambda: self.left,
            clock=self.clock,
            in_place_of_meta=_unless_metas(api.url),
        )


def _unless_metas(url: str) -> str:
    """Return the address *url* without a name and password in it, "" for Meta's."""
    if url == DEFAULT_URL:
        return ""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _folder_of_bot(folder_of_settings: Path) -> Path:
    here = Path.cwd()
    return here if (here / "config.yml").is_file() else folder_of_settings


def _unset(value: Any) -> Iterator[str]:
    """Return the variables that are not set, of all that is in *value*."""
    if isinstance(value, Unset):
        yield from value.names
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _unset(each)
    elif isinstance(value, list):
        for each in value:
            yield from _unset(each)


def _outcome(make: Callable[[], Any]) -> Tuple[Any, Optional[Exception]]:
    try:
        return make(), None
    except Exception as error:  # for each check that asks, not for the first alone
        return None, error
