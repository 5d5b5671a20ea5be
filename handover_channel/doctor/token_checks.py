"""Checks the page access token: whether Meta accepts it, whose it is, until when, and what it may do.

What `debug_token` tells decides: https://developers.facebook.com/docs/graph-api/reference/debug_token
A token that Meta does not accept says so itself, whoever may or may not ask about it.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Optional, Tuple

from handover_channel.doctor import meta_answers, meta_pages
from handover_channel.doctor.check import Check, CouldNotLook, Found, fail, ok, warn
from handover_channel.doctor.facts import Facts
from handover_channel.doctor.report import Where
from handover_channel.errors import GraphError, TokenRefused
from handover_channel.sentences import Sentence, of_others
from handover_channel.settings.credentials import Page
from handover_channel.store.findings import TOKEN_REFUSED

#: Seconds before the end of a token from which on it is worth a word.
ENDS_SOON = 14 * 24 * 3600


class Scope(NamedTuple):
    """A permission that the token needs. *source*: Meta's page that says so."""

    name: str
    without: Sentence
    source: str


NEEDED_SCOPES: Tuple[Scope, ...] = (
    Scope(
        "pages_messaging",
        Sentence("without it nothing can be sent, and nobody can be handed over"),
        "https://developers.facebook.com/documentation/business-messaging/messenger-platform/get-started",
    ),
    Scope(
        "pages_manage_metadata",
        Sentence("without it the page cannot be subscribed to the webhook"),
        "https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks",
    ),
)

_NOTHING_GOES_OUT = Sentence("the bot hears people and cannot answer")
_THEN_NOTHING_GOES_OUT = Sentence("from then on the bot hears people and cannot answer")
_NO_NAMES = Sentence("from then on Meta may show no names and pictures of people")
_MAKE_A_TOKEN = Sentence(
    "click *Generate token* beside the page, and copy the token into `page-access-token` in credentials.yml"
)
_OF_THIS_APP = Sentence("Meta takes no control, and tells nothing, by the token of another app")
_COPY_THE_SECRET = Sentence(
    "copy the app secret into `secret` in credentials.yml, and the app's id into `app_id` in handover.yml: "
    "both of the app that made the token"
)


# --- is it accepted -------------------------------------------------------------------------------


def _valid(facts: Facts) -> Iterator[Found]:
    yield from meta_answers.each_page(facts, lambda page: [_accepted(facts, page)])
    for each in meta_answers.seen(facts).findings:
        if each.kind == TOKEN_REFUSED:
            yield warn(
                Sentence("within the last week Meta refused a message: %(said)s", said=of_others(each.text)),
                _NOTHING_GOES_OUT,
                Sentence("do what it says; the first message that gets through takes this away"),
                meta_pages.TOKENS,
            )


def _accepted(facts: Facts, page: Page) -> Found:
    try:
        who = meta_answers.me(facts, page)
    except TokenRefused as error:
        if not meta_answers.is_about_proof(error):
            return fail(
                Sentence("Meta does not accept the page access token: %(said)s", said=of_others(error.said)),
                _NOTHING_GOES_OUT,
                _MAKE_A_TOKEN,
                meta_pages.TOKENS,
            )
        raise CouldNotLook(
            Sentence("Meta looks at no token with a wrong proof"), Sentence("see the check `token.proof`")
        ) from None
    except GraphError as error:
        raise meta_answers.refused(error) from None
    if not meta_answers.text(who.get("id")):
        raise meta_answers.unknown_shape()
    return _not_declared_dead(facts, page)


def _not_declared_dead(facts: Facts, page: Page) -> Found:
    try:
        dead = meta_answers.flag(meta_answers.about_token(facts, page).get("is_valid")) is False
    except (CouldNotLook, GraphError):
        dead = False  # it was accepted a moment ago
    if dead:
        said = Sentence("Meta calls the page access token invalid")
        return fail(said, _NOTHING_GOES_OUT, _MAKE_A_TOKEN, meta_pages.TOKENS)
    return ok(Sentence("Meta accepts the token of page %(page)s", page=meta_answers.named(facts, page)))


# --- the proof ------------------------------------------------------------------------------------


def _proof(facts: Facts) -> Iterator[Found]:
    for page in meta_answers.pages(facts):
        try:
            meta_answers.me(facts, page)
        except TokenRefused as error:
            if meta_answers.is_about_proof(error):
                yield fail(
                    Sentence("the app secret is not that of the app that made the token"),
                    Sentence("Meta refuses every call, and the bot every delivery of Meta's"),
                    _COPY_THE_SECRET,
                    meta_pages.BASIC,
                )
                return
        except GraphError as error:
            raise meta_answers.refused(error) from None
        yield _app_itself(facts, page)


def _app_itself(facts: Facts, page: Page) -> Found:
    """Return whether Meta knows app id and secret as a pair: `debug_token` is asked with both."""
    try:
        if meta_answers.is_unknown(meta_answers.about_token(facts, page)):
            return ok(Sentence("app id and app secret belong together"))
    except TokenRefused as error:
        return fail(
            Sentence(
                "Meta does not know this app id with this app secret: %(said)s", said=of_others(error.said)
            ),
            Sentence("the bot refuses what Meta delivers, as signed with another secret"),
            _COPY_THE_SECRET,
            meta_pages.BASIC,
        )
    except GraphError:
        pass  # about the token, not the pair
    return ok(Sentence("app id, app secret and token belong together"))


# --- what it is -----------------------------------------------------------------------------------

_Look = Callable[[Facts], Iterator[Found]]


def _each_page(look: Callable[[Facts, Page, Mapping[str, Any]], Iterator[Found]]) -> _Look:
    def looks(facts: Facts) -> Iterator[Found]:
        return meta_answers.each_page(
            facts, lambda page: look(facts, page, meta_answers.token_facts(facts, page))
        )

    return looks


def _kind(facts: Facts, page: Page, told: Mapping[str, Any]) -> Iterator[Found]:
    kind = meta_answers.text(told.get("type")).upper()
    if not kind:
        raise meta_answers.unknown_shape()
    if kind == "PAGE":
        yield ok(Sentence("page %(page)s: a page access token", page=meta_answers.named(facts, page)))
    else:
        named = meta_answers.named(facts, page)
        yield fail(
            Sentence("page %(page)s: no page access token, but one of kind %(kind)s", page=named, kind=kind),
            _NOTHING_GOES_OUT,
            _MAKE_A_TOKEN,
            meta_pages.TOKENS,
        )


def _page(facts: Facts, page: Page, told: Mapping[str, Any]) -> Iterator[Found]:
    theirs = meta_answers.text(told.get("profile_id")) or meta_answers.text(
        _me_or_nothing(facts, page).get("id")
    )
    if not theirs:
        raise meta_answers.unknown_shape()
    wrong = Sentence("what people write to the page is answered from another, or not at all")
    if page.id and theirs != page.id:
        yield fail(
            Sentence("the token is for page %(theirs)s, not for %(page)s", theirs=theirs, page=page.id),
            wrong,
            _MAKE_A_TOKEN,
            meta_pages.TOKENS,
        )
        return
    granted = _granted_for(told, NEEDED_SCOPES[0].name)
    if granted is not None and theirs not in granted:
        yield fail(
            Sentence("`pages_messaging` was not granted for page %(page)s", page=theirs),
            wrong,
            Sentence("make the token again, and choose this page when Meta asks for which ones"),
            meta_pages.TOKENS,
        )
        return
    yield ok(Sentence("the token is for page %(page)s", page=theirs))


def _me_or_nothing(facts: Facts, page: Page) -> Mapping[str, Any]:
    try:
        return meta_answers.me(facts, page)
    except GraphError:
        return {}


def _granted_for(told: Mapping[str, Any], scope: str) -> Optional[frozenset[str]]:
    """Return the pages for which *scope* was granted, None for all, or where Meta does not say."""
    given = told.get("granular_scopes")
    for each in given if isinstance(given, list) else ():
        if isinstance(each, Mapping) and meta_answers.text(each.get("scope")) == scope:
            targets = each.get("target_ids")
            return meta_answers.names(targets) if isinstance(targets, list) and targets else None
    return None


def _app(facts: Facts) -> Iterator[Found]:
    return meta_answers.each_page(facts, lambda page: [_of_app(facts.settings.app_id, _maker(facts, page))])


def _maker(facts: Facts, page: Page) -> str:
    """Return the id of the app that made the page's token, "?" for another one than ours."""
    try:
        meta_answers.about_token(facts, page)
    except GraphError as error:
        if "did not match" not in error.said:
            raise meta_answers.refused(error) from None
        return "?"
    return meta_answers.text(meta_answers.token_facts(facts, page).get("app_id"))


def _of_app(ours: str, theirs: str) -> Found:
    if not theirs:
        raise meta_answers.unknown_shape()
    if theirs == ours:
        return ok(Sentence("this app made the token"))
    other = Sentence("another app made the token than %(app)s, which `app_id` names", app=ours)
    named = Sentence("app %(theirs)s made the token, and `app_id` names %(app)s", theirs=theirs, app=ours)
    return fail(
        other if theirs == "?" else named,
        _OF_THIS_APP,
        Sentence("make the token in the app of this bot, or correct `app_id` in handover.yml"),
        meta_pages.TOKENS,
    )


def _expiry(facts: Facts, page: Page, told: Mapping[str, Any]) -> Iterator[Found]:
    ends, named = meta_answers.seconds(told.get("expires_at")), meta_answers.named(facts, page)
    if ends is None:
        raise meta_answers.unknown_shape()
    data = meta_answers.seconds(told.get("data_access_expires_at")) or 0
    if ends and ends <= facts.clock():
        said = Sentence("page %(page)s: the token ended on %(day)s", page=named, day=_day(ends))
        yield fail(said, _NOTHING_GOES_OUT, _MAKE_A_TOKEN, meta_pages.TOKENS)
    elif ends and ends - facts.clock() < ENDS_SOON:
        said = Sentence("page %(page)s: the token ends on %(day)s", page=named, day=_day(ends))
        yield warn(said, _THEN_NOTHING_GOES_OUT, _MAKE_A_TOKEN, meta_pages.TOKENS)
    elif data and data - facts.clock() < ENDS_SOON:
        # Whoever made the token has to renew it every 90 days, or Meta shows their app no data of people.
        # https://developers.facebook.com/docs/facebook-login/guides/access-tokens/data-access-expiration
        said = Sentence("page %(page)s: access to data ends on %(day)s", page=named, day=_day(data))
        yield warn(said, _NO_NAMES, _MAKE_A_TOKEN, meta_pages.TOKENS)
    elif ends:
        yield ok(Sentence("page %(page)s: the token ends on %(day)s", page=named, day=_day(ends)))
    else:
        yield ok(Sentence("page %(page)s: the token has no end", page=named))


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, timezone.utc).date().isoformat()


def _scopes(facts: Facts, page: Page, told: Mapping[str, Any]) -> Iterator[Found]:
    granted, named = meta_answers.names(told.get("scopes")), meta_answers.named(facts, page)
    lacking = [scope for scope in NEEDED_SCOPES if scope.name not in granted]
    for scope in lacking:
        yield fail(
            Sentence("page %(page)s: the token lacks the permission `%(name)s`", page=named, name=scope.name),
            scope.without,
            Sentence("make the token again as somebody with full control of the page, and grant everything"),
            Where(meta_pages.TOKENS.name, scope.source),
        )
    if not lacking:
        yield ok(Sentence("page %(page)s: the token has the permissions that it needs", page=named))


CHECKS: Tuple[Check, ...] = (
    Check(
        "token.valid",
        Sentence("Meta accepts the page access token"),
        _valid,
        applies=meta_answers.on_messenger,
    ),
    Check(
        "token.kind",
        Sentence("The token is that of a page"),
        _each_page(_kind),
        applies=meta_answers.on_messenger,
    ),
    Check(
        "token.page",
        Sentence("The token is for this page"),
        _each_page(_page),
        applies=meta_answers.on_messenger,
    ),
    Check("token.app", Sentence("The token was made by this app"), _app, applies=meta_answers.on_messenger),
    Check(
        "token.expiry",
        Sentence("The token does not end soon"),
        _each_page(_expiry),
        applies=meta_answers.on_messenger,
    ),
    Check(
        "token.scopes",
        Sentence("The token may do what it must"),
        _each_page(_scopes),
        applies=meta_answers.on_messenger,
    ),
    Check(
        "token.proof", Sentence("The app secret is the right one"), _proof, applies=meta_answers.on_messenger
    ),
)
