"""Identifies who makes a Graph API call, and refuses what their token may not do. No I/O.

1. A page access token says which app calls, and for which page. ``<app id>|<app secret>`` is the app itself.
2. A caller with an unknown token is a *guest*: it counts as the bot, and what only Meta could know about it
   is not checked (its other apps, its app secret, its permissions, retired tags). The switch `strict`
   refuses guests (190). A guest's page is the one that the call names, by itself or by a person.
3. A call about a thread always needs a token; the rest only in `strict`.
4. `appsecret_proof` is checked if it is given and the app's secret is known.
5. The webhook of an app is the app's own affair: `subscriptions` needs the app, everything of the page a page
   access token with the permission of the call.

https://developers.facebook.com/docs/graph-api/guides/secure-requests
https://developers.facebook.com/docs/facebook-login/guides/access-tokens
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Optional

from handover_channel.simulator import refusals
from handover_channel.simulator.access_token import SCOPE_OF_EDGE
from handover_channel.simulator.connected_app import App
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.refusals import Refused, unknown_path
from handover_channel.simulator.request import Request

SUBSCRIPTIONS = "subscriptions"


@dataclass(frozen=True)
class Caller:
    """The calling app on its page. *guest*: its token is unknown. *kind*: of it, as by `debug_token`."""

    app: App
    page: SimulatedPage
    guest: bool = False
    kind: str = "PAGE"


def proof(token: str, secret: str) -> str:
    """Return the `appsecret_proof` that belongs to a token."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def identify(page: SimulatedPage, request: Request, *, needs_token: bool) -> Caller:
    """Return who calls; raises `Refused` where nobody may call so. *needs_token*: see rule 3.

    *page*: the one that is meant where neither token nor call says which.
    """
    if not request.steps:
        raise unknown_path(request.path)
    token = request.token
    app_itself = _app_itself(page, token) if "|" in token else None
    if app_itself is not None and app_itself.secret:
        if token != app_itself.access_token:
            raise Refused(refusals.BAD_APP_TOKEN)
        _check_proof(page, request, app_itself, app_itself.secret)
        return Caller(app_itself, _page_meant(page, request), kind="APP")
    app = app_with(page, token)
    if app is not None:
        # A token that another app made is proved with that app's secret, which nobody here knows.
        foreign = app.about_token.app not in ("", app.id)
        _check_proof(page, request, app, "" if foreign else app.secret, foreign=foreign)
        if not app.about_token.works_at(page.now()):
            raise Refused(refusals.EXPIRED_TOKEN)
        return Caller(app, page.meta.pages[app.page_id], kind=app.about_token.kind)
    if not token and (page.switches.strict or needs_token):
        raise Refused(refusals.NO_TOKEN)
    if page.switches.strict:
        raise Refused(refusals.BAD_TOKEN)
    meant = _page_meant(page, request)
    return Caller(meant.bot, meant, guest=True)


def app_with(page: SimulatedPage, token: str) -> Optional[App]:
    """Return the app that has this page access token, as it is connected to the token's page."""
    apps = (app for each in page.meta.pages.values() for app in each.apps.values())
    return next((app for app in apps if app.token and app.token == token), None)


def _app_itself(page: SimulatedPage, token: str) -> Optional[App]:
    app_id = token.partition("|")[0]
    return page.apps.get(app_id) or next(iter(page.meta.apps_called(app_id)), None)


def _page_meant(page: SimulatedPage, request: Request) -> SimulatedPage:
    """Return the page that the call is about, by its own id or by that of a person."""
    if len(page.meta.pages) == 1:
        return page
    named = page.meta.pages.get(request.steps[0])
    return named or page.meta.page_of(request.psid) or page.meta.page_of(request.steps[0]) or page


def _check_proof(
    page: SimulatedPage, request: Request, app: App, secret: str, *, foreign: bool = False
) -> None:
    given = request.parameters.get("appsecret_proof")
    if not given and page.switches.require_proof:
        raise Refused(refusals.PROOF_MISSING)
    if given and (foreign or (secret and str(given) != proof(request.token, secret))):
        raise Refused(refusals.PROOF_WRONG)


def check_rights(caller: Caller, edge: str, *, of_page: bool) -> None:
    """Raise `Refused` where the token may not make this call. *of_page*: the edge is one of the page."""
    if caller.guest:
        return
    if edge == SUBSCRIPTIONS and caller.kind != "APP":
        raise Refused(refusals.APP_TOKEN_REQUIRED)
    if not of_page:
        return
    if caller.kind != "PAGE":
        raise Refused(refusals.PAGE_TOKEN_REQUIRED)
    scope, token = SCOPE_OF_EDGE.get(edge, ""), caller.app.about_token
    if scope and scope not in token.scopes:
        raise Refused(refusals.lacks(scope))
    if token.page not in ("", caller.page.page_id):
        raise Refused(refusals.NO_SUCH_PERSON if edge != "subscribed_apps" else refusals.NO_SUCH_OBJECT)
