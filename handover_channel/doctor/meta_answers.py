"""Asks Meta what the checks of a page need, and reads its answers, whatever shape they have.

1. Meta's pages are not always of one mind about a shape: numbers may come as text, a list as an object. What
   cannot be understood is no answer, and said so; it is never taken for something wrong.
2. What Meta refuses to tell is `CouldNotLook`; what its refusal shows is for the check that is about it.
3. The app itself asks with ``<app id>|<app secret>``, a page with its token.

https://developers.facebook.com/docs/facebook-login/guides/access-tokens
"""

from __future__ import annotations

from typing import Any, Callable, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Tuple

from handover_channel.doctor.check import CouldNotLook, Found, not_seen
from handover_channel.doctor.facts import Facts
from handover_channel.errors import GraphError, StoreUnavailable, TokenRefused
from handover_channel.sentences import Sentence, of_others
from handover_channel.settings.automatic_replies import AUTOMATIC_REPLY, META_AI
from handover_channel.settings.credentials import Page
from handover_channel.store import evidence
from handover_channel.store.evidence import Evidence

#: Seconds for which what was seen in threads counts: a week.
SEEN_WITHIN = 7 * 24 * 3600.0

#: Meta's code for a token that it does not accept.
_TOKEN_REFUSED = 190

#: Its codes for what there is not, or is not shown.
_NO_SUCH_OBJECT = (100, 803)

_UNKNOWN_SHAPE = Sentence("Meta's answer is of a shape that is not known")
_UPDATE = Sentence("look again later; if it stays so, a newer version of this package may know it")
_LATER = Sentence("look again later")
_SEE_TOKEN = Sentence("see the check `token.valid`")
_SEE_SCOPES = Sentence("see the check `token.scopes`")
_SEE_PROOF = Sentence("see the check `token.proof`")


def on_messenger(facts: Facts) -> bool:
    """Tell whether there is anything to ask Meta."""
    return facts.on_messenger


def app_token(facts: Facts) -> str:
    """Return the token of the app itself."""
    return f"{facts.settings.app_id}|{facts.settings.secret}"


def pages(facts: Facts) -> Tuple[Page, ...]:
    """Return the pages of the bot."""
    return facts.settings.pages


def each_page(facts: Facts, look: Callable[[Page], Iterable[Found]]) -> Iterator[Found]:
    """Yield what *look* finds of each page: one of which Meta tells nothing hides no other."""
    for page in pages(facts):
        try:
            yield from look(page)
        except CouldNotLook as error:
            yield not_seen(error)


def named(facts: Facts, page: Page) -> str:
    """Return what to call a page: its id, "-" where it is not known."""
    if page.id:
        return page.id
    try:
        return text(me(facts, page).get("id")) or "-"
    except (CouldNotLook, GraphError):
        return "-"


def refused(error: GraphError) -> CouldNotLook:
    """Return that Meta refuses to tell."""
    remedy = _LATER
    if is_about_proof(error):
        remedy = _SEE_PROOF
    elif error.code == _TOKEN_REFUSED:
        remedy = _SEE_TOKEN
    elif isinstance(error, TokenRefused):
        remedy = _SEE_SCOPES
    return CouldNotLook(Sentence("Meta refuses to tell: %(said)s", said=of_others(error.said)), remedy)


def is_about_proof(error: GraphError) -> bool:
    """Tell whether Meta refuses the proof that goes with a token: it is made with the app secret."""
    return "appsecret_proof" in error.said.lower()


def unknown_shape() -> CouldNotLook:
    """Return that an answer cannot be understood."""
    return CouldNotLook(_UNKNOWN_SHAPE, _UPDATE)


# --- questions ------------------------------------------------------------------------------------


def me(facts: Facts, page: Page) -> Mapping[str, Any]:
    """Return {"id", "name"} of what the page's token is for. Raises GraphError."""
    return facts.graph.get(page.token, "/me", fields="id,name")


def about_token(facts: Facts, page: Page) -> Mapping[str, Any]:
    """Return what `debug_token` tells of the page's token. Raises GraphError.

    https://developers.facebook.com/docs/graph-api/reference/debug_token
    """
    return mapping(facts.graph.get(app_token(facts), "/debug_token", input_token=page.token).get("data"))


def token_facts(facts: Facts, page: Page) -> Mapping[str, Any]:
    """Return the same. Raises CouldNotLook where Meta refuses, or does not know the token."""
    try:
        told = about_token(facts, page)
    except GraphError as error:
        raise refused(error) from None
    if is_unknown(told):
        raise CouldNotLook(Sentence("Meta does not know the token"), _SEE_TOKEN)
    return told


def is_unknown(told: Mapping[str, Any]) -> bool:
    """Tell whether Meta tells of a token only that it is none: of one that has ended it tells whose it was.

    {"error": {"code": 190 ...}, "is_valid": false, "scopes": []}, without "app_id".
    """
    return flag(told.get("is_valid")) is False and not text(told.get("app_id"))


def page_subscriptions(facts: Facts, page: Page) -> Dict[str, Mapping[str, Any]]:
    """Return the apps that the page is subscribed to, by their ids. Raises CouldNotLook."""
    answer = _told(facts, page, "/me/subscribed_apps")
    return {text(app.get("id")): app for app in items(answer) if text(app.get("id"))}


def app_subscription(facts: Facts) -> Optional[Mapping[str, Any]]:
    """Return the app's webhook for pages: {"callback_url", "active", "fields"}; None where it has none.

    Raises CouldNotLook. https://developers.facebook.com/docs/graph-api/reference/app/subscriptions
    """
    path = f"/{facts.settings.app_id}/subscriptions"
    try:
        answer = facts.graph.get(app_token(facts), path)
    except GraphError as error:
        raise refused(error) from None
    return next((each for each in items(answer) if text(each.get("object")) == "page"), None)


def feature_status(facts: Facts, page: Page) -> Mapping[str, Any]:
    """Return {"hop_v2", "msgr_multi_app" ...}, {} where Meta tells none. Raises CouldNotLook.

    https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversation-routing
    """
    found = _told(facts, page, "/me", fields="messaging_feature_status").get("messaging_feature_status")
    return found if isinstance(found, Mapping) else {}


def routing_is_on(facts: Facts, page: Page) -> Optional[bool]:
    """Tell whether the page has a default app; None where Meta does not say."""
    found = feature_status(facts, page).get("msgr_multi_app")
    return flag(found)


def feature_reviews(facts: Facts, page: Page) -> Dict[str, str]:
    """Return the features that were asked for -> status, both in lower case. Raises CouldNotLook."""
    answer = _told(facts, page, "/me/messaging_feature_review")
    return {text(each.get("feature")).lower(): text(each.get("status")).lower() for each in items(answer)}


def is_published(facts: Facts, page: Page) -> Optional[bool]:
    """Tell whether the page is published; None where Meta does not say."""
    try:
        return flag(facts.graph.get(page.token, "/me", fields="is_published").get("is_published"))
    except GraphError:
        return None


def get_started(facts: Facts, page: Page) -> bool:
    """Tell whether the page has a Get Started button. Raises CouldNotLook.

    https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/messenger-profile-api
    """
    answer = _told(facts, page, "/me/messenger_profile", fields="get_started")
    return any(isinstance(each.get("get_started"), Mapping) for each in items(answer))


def secondary_receivers(facts: Facts, page: Page) -> Dict[str, str]:
    """Return the names of the other apps, by their ids, where Meta still lists them."""
    try:
        answer = facts.graph.get(page.token, "/me/secondary_receivers", fields="id,name")
    except (GraphError, CouldNotLook):
        return {}
    return {text(each.get("id")): text(each.get("name")) for each in items(answer)}


def app_name(facts: Facts, app_id: str) -> Optional[str]:
    """Return the name of an app; None where Meta does not show it. Raises CouldNotLook."""
    try:
        return text(facts.graph.get(app_token(facts), f"/{app_id}", fields="id,name").get("name"))
    except GraphError as error:
        if error.code in _NO_SUCH_OBJECT:
            return None
        raise refused(error) from None


def _told(facts: Facts, page: Page, path: str, fields: str = "") -> Mapping[str, Any]:
    query = {"fields": fields} if fields else {}
    try:
        return facts.graph.get(page.token, path, proof=True, **query)
    except GraphError as error:
        raise refused(error) from None


def seen(facts: Facts) -> Evidence:
    """Return what the bot's own database has seen. Raises CouldNotLook where it is out of reach."""
    now, url = facts.clock(), facts.settings.database
    authors = (AUTOMATIC_REPLY, META_AI)
    try:
        return facts.once(
            "evidence", lambda: evidence.read(url, now=now, authors=authors, since=now - SEEN_WITHIN)
        )
    except StoreUnavailable:
        raise CouldNotLook(
            Sentence("the database is out of reach"), Sentence("see the check `database.reachable`")
        ) from None


# --- shapes ---------------------------------------------------------------------------------------


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object. Raises CouldNotLook for anything else."""
    if not isinstance(value, Mapping):
        raise unknown_shape()
    return value


def items(answer: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    """Return the objects of an answer's `data`. Raises CouldNotLook where that is no list of objects."""
    data = answer.get("data")
    if isinstance(data, Mapping):
        data = [data]
    if not isinstance(data, list) or not all(isinstance(each, Mapping) for each in data):
        raise unknown_shape()
    return data


def text(value: Any) -> str:
    """Return a text or a number as text; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return str(value).strip()


def seconds(value: Any) -> Optional[int]:
    """Return seconds since the epoch, 0 for never; None for what is no such time."""
    found = text(value)
    return int(found) if found.isascii() and found.isdigit() and len(found) < 12 else None


def flag(value: Any) -> Optional[bool]:
    """Return true or false, also as text; None for anything else."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False, "1": True, "0": False}.get(text(value).lower())


def names(value: Any) -> FrozenSet[str]:
    """Return names of a list of texts, or of objects with a name. Raises CouldNotLook for anything else."""
    if isinstance(value, str):
        value = [each.strip() for each in value.split(",")]
    if not isinstance(value, list):
        raise unknown_shape()
    return frozenset(filter(None, _names(value)))


def _names(value: Iterable[Any]) -> Iterator[str]:
    for each in value:
        yield text(each.get("name")) if isinstance(each, Mapping) else text(each)


def in_words(given: Iterable[str]) -> str:
    """Return names as a list for people: as they are typed."""
    return ", ".join(f"`{name}`" for name in given)
