"""Changes what Meta keeps of a page and its apps, as their owners do in Meta's pages, and shows it as JSON.

Of the page: the default app, whether it is published, what answers in it by itself. Of each app: whether it
is connected and may take control, its webhook fields at both levels, its token, the feature Human Agent. As
it begins, all of it is right; a test changes one thing, and the settings page is for people.

Tokens and secrets are shown to nobody but whoever makes a new one.
"""

from __future__ import annotations

import secrets
from typing import Any, Collection, Dict, Mapping, Set

from handover_channel.simulator.access_token import SCOPES, AccessToken
from handover_channel.simulator.connected_app import ALL_FIELDS, PAGE_INBOX, App
from handover_channel.simulator.page import SimulatedPage

_Json = Dict[str, Any]


def described(page: SimulatedPage) -> _Json:
    """Return the settings of the page and of its apps."""
    with page.lock:
        return {
            "page": {"id": page.page_id, "name": page.page_name},
            "pages": [{"id": e.page_id, "name": e.page_name} for e in page.meta.pages.values()],
            "default_app": page.default_app or None,
            "published": page.published,
            "restricted": page.restricted,
            "automatic_reply": page.automatic_reply,
            "get_started": page.profile.get("get_started"),
            "fields": sorted(ALL_FIELDS),
            "scopes": list(SCOPES),
            "apps": [_app(page, app) for app in page.apps.values()],
        }


def _app(page: SimulatedPage, app: App) -> _Json:
    plain = ("id", "name", "connected", "may_take", "human_agent", "callback")
    return {
        **{key: getattr(app, key) for key in plain},
        "bot": app is page.bot,
        "inbox": app.id == PAGE_INBOX,
        "fields": sorted(app.fields),
        "page_fields": sorted(app.page_fields),
        "token": app.about_token.for_state(),
    }


def change_page(page: SimulatedPage, given: Mapping[str, Any]) -> None:
    """Change settings of the page, as openapi.json has them; raises KeyError for an unknown app."""
    with page.lock:
        for key, value in given.items():
            if key == "default_app":
                page.set_default_app(value)
            elif key == "get_started":
                _set_get_started(page, value)
            else:
                setattr(page, key, value)
        page.journal.changed()


def change_app(page: SimulatedPage, name: str, given: Mapping[str, Any]) -> None:
    """Change settings of an app, as openapi.json has them.

    Raises KeyError for an unknown app, ValueError for an unknown field, and for what no token has.
    """
    with page.lock:
        app = page.app_called(name)
        for key, value in given.items():
            if key == "token":
                app.about_token = app.about_token.with_changes(value)
            else:
                setattr(app, key, _fields(key, value) if key in ("fields", "page_fields") else value)
        if not app.connected and page.default_app == app.id:
            page.default_app = ""
        page.journal.changed()


def new_token(page: SimulatedPage, name: str, scopes: Collection[str]) -> str:
    """Make a new page access token for an app with these permissions, in place of the one before.

    Raises KeyError for an unknown app.
    """
    with page.lock:
        app = page.app_called(name)
        app.about_token = AccessToken(scopes=frozenset(scopes))
        app.token = f"page-token-{secrets.token_hex(12)}"
        page.journal.changed()
        return app.token


def start_from_nothing(page: SimulatedPage) -> None:
    """Have the bot's app be as on the day it was made: no token, webhook, field or role on any page."""
    with page.lock:
        for each in page.meta.pages.values():
            bot = each.bot
            bot.token, bot.callback = "", ""
            bot.fields, bot.page_fields = set(), set()
            bot.may_take = bot.human_agent = False
            bot.about_token = AccessToken(valid=False, scopes=frozenset())
            each.profile.pop("get_started", None)
            each.set_default_app(None)


def _set_get_started(page: SimulatedPage, value: Any) -> None:
    if value is None:
        page.profile.pop("get_started", None)
    else:
        page.profile["get_started"] = value


def _fields(key: str, names: Collection[str]) -> Set[str]:
    unknown = set(names) - ALL_FIELDS
    if unknown:
        raise ValueError(f"{key!r}: {', '.join(sorted(unknown))} is no field")
    return set(names)
