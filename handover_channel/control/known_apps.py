"""Lists the Meta apps of the bot's pages, as far as anybody tells: Meta, our own database, the settings.

1. Meta lists other apps in two calls, and may refuse either: what it refuses is said, and is no failure.
2. Which app is the default app, no call tells. Meta tells that there is one; and it names the owner of a
   thread to nobody but the owner and the default app: to whom it is named, without being the owner, is that.
   https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversation-routing
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Callable, Dict, List, Mapping, Optional, Tuple

from handover_channel.errors import GraphError, GraphUnavailable
from handover_channel.graph_api.client import GraphApi
from handover_channel.messenger.events import META_INBOXES
from handover_channel.sentences import Sentence
from handover_channel.settings.credentials import Page
from handover_channel.settings.loader import Settings
from handover_channel.store import Store, seen_apps

#: What Meta, or our database, knows an app by.
CONNECTED, SUBSCRIBED, WROTE, HAD_CONTROL = "connected", "subscribed", "wrote", "had control"


class DefaultApp(str, Enum):
    """What is known of a page's default app."""

    NONE = "none"  #: the page has none
    OURS = "this bot"
    ANOTHER = "another app"
    SOME = "there is one"  #: not known which
    UNKNOWN = "not known"


@dataclass(frozen=True)
class KnownApp:
    """One app, and by what it is known."""

    id: str
    name: str = ""  #: as Meta calls it, "" where it does not
    target: str = ""  #: of handover.yml, "" for none
    is_ours: bool = False
    is_inbox: bool = False  #: the Page inbox, or Instagram's
    seen: Tuple[str, ...] = ()
    last_at: Optional[float] = None  #: when it last did something in a thread, in seconds since the epoch


@dataclass(frozen=True)
class KnownPage:
    """One page, and what is known of its default app."""

    id: str  #: "" for the only page
    default_app: DefaultApp = DefaultApp.UNKNOWN


@dataclass(frozen=True)
class KnownApps:
    """All that is known. *problems*: what Meta did not tell, and why."""

    apps: Tuple[KnownApp, ...]
    pages: Tuple[KnownPage, ...]
    problems: Tuple[Sentence, ...] = ()


@dataclass
class Found:
    """What Meta has told so far: filled while it is asked."""

    names: Dict[str, str] = field(default_factory=dict)
    seen: Dict[str, List[str]] = field(default_factory=dict)
    pages: List[KnownPage] = field(default_factory=list)
    problems: List[Sentence] = field(default_factory=list)

    def add(self, names: Dict[str, str], by: str) -> None:
        """Note the apps of one answer."""
        for app_id, name in names.items():
            self.names[app_id] = name or self.names.get(app_id, "")
            self.seen.setdefault(app_id, []).append(by)

    def refused(self, error: GraphError) -> None:
        """Note what Meta did not tell; the same once. Nobody tries it again: no remedy speaks of that."""
        said = error.said if isinstance(error, GraphUnavailable) else error.text
        if said not in self.problems:
            self.problems.append(said)


def threads_of_apps(settings: Settings, store: Store) -> Dict[str, str]:
    """Return for each page, by its id, a thread that another app has: rule 2. Raises StoreUnavailable."""
    with store.reading() as connection:
        found = {page.id: seen_apps.thread_of_an_app(connection, page.id) for page in settings.pages}
    return {page: thread for page, thread in found.items() if thread}


def ask_meta(settings: Settings, graph: GraphApi, threads: Mapping[str, str], found: Found) -> Found:
    """Ask Meta for each page, note in *found* what it tells, and return that. *threads*: see above."""
    for page in settings.pages:
        found.add(_told(found, graph.secondary_receivers, page), CONNECTED)
        found.add(_told(found, graph.subscribed_apps, page), SUBSCRIBED)
        default_app = _default_app(settings, graph, page, threads.get(page.id, ""), found)
        found.pages.append(KnownPage(page.id, default_app))
    return found


def known_apps(settings: Settings, store: Store, found: Found) -> KnownApps:
    """Return what is known of the apps: *found* is what Meta told. Raises StoreUnavailable."""
    with store.reading() as connection:
        acted = seen_apps.every(connection)
    of_targets = {target.app_id: target.name for target in settings.targets.values() if target.app_id}
    ids = {settings.app_id: None, **dict.fromkeys((*of_targets, *found.names, *acted))}
    apps = [
        KnownApp(
            id=app_id,
            name=found.names.get(app_id, ""),
            target=of_targets.get(app_id, ""),
            is_ours=app_id == settings.app_id,
            is_inbox=app_id in META_INBOXES,
            seen=tuple(dict.fromkeys(found.seen.get(app_id, ()))),
        )
        for app_id in ids
        if app_id
    ]
    return KnownApps(
        tuple(_with_acts(each, acted.get(each.id, seen_apps.SeenApp())) for each in apps),
        tuple(found.pages) or tuple(KnownPage(page.id) for page in settings.pages),
        tuple(found.problems),
    )


def _with_acts(app: KnownApp, acted: seen_apps.SeenApp) -> KnownApp:
    times = {WROTE: acted.wrote_at, HAD_CONTROL: acted.had_control_at}
    done = {act: at for act, at in times.items() if at is not None}
    return replace(app, seen=(*app.seen, *done), last_at=max(done.values(), default=None))


def _told(found: Found, ask: Callable[[str], Dict[str, str]], page: Page) -> Dict[str, str]:
    try:
        return ask(page.token)
    except GraphError as error:
        found.refused(error)
        return {}


def _default_app(settings: Settings, graph: GraphApi, page: Page, thread: str, found: Found) -> DefaultApp:
    try:
        is_set = graph.has_default_app(page.token)
        if is_set is not True:
            return DefaultApp.UNKNOWN if is_set is None else DefaultApp.NONE
        owner = graph.thread_owner(page.token, thread) if thread else None
    except GraphError as error:
        found.refused(error)
        return DefaultApp.UNKNOWN
    shown = owner.shows_default_app(settings.app_id) if owner else None
    return {True: DefaultApp.OURS, False: DefaultApp.ANOTHER, None: DefaultApp.SOME}[shown]
