"""Checks the webhook: subscribed for the app and for each page, with every field, and answering as it should.

1. What is subscribed is told by Meta; the fields are those of messenger/webhook_fields.py, for --fix too. A
   fix adds fields, and takes none away.
2. The test of the webhook delivers a body without any event, signed, to the address that Meta calls: 200
   means that the bot is there and has our app secret. The same with a wrong signature has to be refused.
   https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Tuple
from urllib.parse import urlsplit, urlunsplit

from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from handover_channel.doctor import meta_answers, meta_pages
from handover_channel.doctor.check import Check, CouldNotLook, Found, fail, ok, warn
from handover_channel.doctor.facts import Facts
from handover_channel.doctor.report import Where
from handover_channel.graph_api.bounded_http import ends_within
from handover_channel.messenger.webhook_fields import NEEDED_FIELDS, SUBSCRIBED_FIELDS
from handover_channel.sentences import Sentence, of_others
from handover_channel.settings.credentials import Page

#: No event is in it: whoever gets it has nothing to do.
EMPTY_DELIVERY = b'{"object":"page","entry":[]}'

#: Seconds in which a webhook has to answer (rule of Meta's).
ANSWER_WITHIN = 5.0

_DEAF = Sentence("the bot does not hear what people write")
_HANDOVERS = Sentence("without them people cannot be handed over, or do not come back")
_LESS = Sentence("without them agents see less, or you learn of trouble late")
_FIX = Sentence("run `handover doctor --fix`, or choose the fields there")


def _fields(
    given: FrozenSet[str], whole: Sentence, needed: Sentence, useful: Sentence, where: Where
) -> Iterator[Found]:
    """Yield what comes of the subscribed fields; *needed* and *useful* name those that lack (`fields`)."""
    lacking = [name for name in SUBSCRIBED_FIELDS if name not in given]
    grave = [name for name in lacking if name in NEEDED_FIELDS]
    others = [name for name in lacking if name not in NEEDED_FIELDS]
    if grave:
        yield fail(
            needed.with_values(fields=meta_answers.in_words(grave)),
            _DEAF if "messages" in grave else _HANDOVERS,
            _FIX,
            where,
        )
    if others:
        yield warn(useful.with_values(fields=meta_answers.in_words(others)), _LESS, _FIX, where)
    if not lacking:
        yield ok(whole)


_ENTER_IT = Sentence(
    "enter the address of the bot, which ends in `/webhooks/facebook/webhook`, and the word that "
    "`verify` has in credentials.yml, and click *Verify and save*"
)

# --- of the app -----------------------------------------------------------------------------------


def _app(facts: Facts) -> Iterator[Found]:
    found = meta_answers.app_subscription(facts)
    if found is None:
        yield fail(
            Sentence("the app has no webhook for pages"),
            _DEAF,
            _ENTER_IT,
            meta_pages.WEBHOOKS,
        )
        return
    if meta_answers.flag(found.get("active")) is False:
        yield fail(
            Sentence("Meta has switched the webhook off"),
            _DEAF,
            Sentence("see that the bot answers (`webhook.self_test`), and click *Verify and save* again"),
            meta_pages.WEBHOOKS,
        )
    yield from _fields(
        meta_answers.names(found.get("fields")),
        Sentence("the app is subscribed to every field"),
        Sentence("the app is not subscribed to %(fields)s", fields=""),
        Sentence("the app could be subscribed to %(fields)s, too", fields=""),
        meta_pages.WEBHOOKS,
    )


def _subscribe_app(facts: Facts) -> None:
    """Add what lacks.

    https://developers.facebook.com/docs/graph-api/reference/app/subscriptions
    """
    found = meta_answers.app_subscription(facts)
    url = meta_answers.text(found.get("callback_url")) if found else ""
    if not found or not url:
        raise CouldNotLook(Sentence("only a person can enter the address of a webhook"), _ENTER_IT)
    body: Dict[str, Any] = {
        "object": "page",
        "callback_url": url,
        "verify_token": facts.settings.verify,
        "include_values": True,
        "fields": ",".join(_all_and(meta_answers.names(found.get("fields")))),
    }
    facts.graph.post(meta_answers.app_token(facts), f"/{facts.settings.app_id}/subscriptions", body)


def _all_and(given: FrozenSet[str]) -> List[str]:
    return [*SUBSCRIBED_FIELDS, *sorted(given - set(SUBSCRIBED_FIELDS))]


# --- of the pages ---------------------------------------------------------------------------------


def _page(facts: Facts) -> Iterator[Found]:
    return meta_answers.each_page(facts, lambda page: _page_of(facts, page))


def _page_of(facts: Facts, page: Page) -> Iterator[Found]:
    named = meta_answers.named(facts, page)
    ours = meta_answers.page_subscriptions(facts, page).get(facts.settings.app_id)
    if ours is None:
        yield fail(
            Sentence("page %(page)s is not subscribed to the webhook of this app", page=named),
            _DEAF,
            Sentence("run `handover doctor --fix`, or click *Add Subscriptions* there"),
            meta_pages.WEBHOOKS,
        )
        return
    yield from _fields(
        meta_answers.names(ours.get("subscribed_fields")),
        Sentence("page %(page)s is subscribed to every field", page=named),
        Sentence("page %(page)s is not subscribed to %(fields)s", page=named, fields=""),
        Sentence("page %(page)s could be subscribed to %(fields)s, too", page=named, fields=""),
        meta_pages.WEBHOOKS,
    )


def _subscribe_pages(facts: Facts) -> None:
    """Add what lacks.

    https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps
    """
    for page in meta_answers.pages(facts):
        ours = meta_answers.page_subscriptions(facts, page).get(facts.settings.app_id, {})
        given = meta_answers.names(ours.get("subscribed_fields", []))
        body = {"subscribed_fields": ",".join(_all_and(given))}
        facts.graph.post(page.token, "/me/subscribed_apps", body)


# --- the test of the webhook ----------------------------------------------------------------------


def _self_test(facts: Facts) -> Iterator[Found]:
    address = _address(meta_answers.app_subscription(facts))
    url = _shown(address)
    where = Where(url)
    status = _delivered(facts, address, facts.settings.secret)
    if status == 200:
        yield _refuses_others(facts, address, where)
    elif status == 403:
        yield fail(
            Sentence("%(url)s refuses what is signed with our app secret", url=url),
            _DEAF,
            Sentence(
                "start Rasa again: it runs with another `secret` than credentials.yml has; or correct the "
                "address"
            ),
            where,
        )
    else:
        yield fail(
            Sentence("%(url)s answers %(status)s where 200 is right", url=url, status=status),
            _DEAF,
            Sentence("see that Rasa runs and that the proxy before it passes this address on"),
            where,
        )


def _shown(address: str) -> str:
    """Return an address without what may be secret in it: a password, a query."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _refuses_others(facts: Facts, address: str, where: Where) -> Found:
    url = _shown(address)
    if _delivered(facts, address, facts.settings.secret + "?") == 403:
        return ok(Sentence("%(url)s answers, and refuses what Meta did not sign", url=url))
    return fail(
        Sentence("%(url)s accepts what Meta did not sign", url=url),
        Sentence("it is not this channel that answers there, or anybody may speak as Meta"),
        Sentence("see that the address leads to this bot, and credentials.yml to its channel"),
        where,
    )


def _address(found: Any) -> str:
    url = meta_answers.text(found.get("callback_url")) if isinstance(found, Mapping) else ""
    if not url:
        raise CouldNotLook(
            Sentence("the address that Meta calls is not known"), Sentence("see the check `webhook.app`")
        )
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise CouldNotLook(Sentence("Meta names an address that is none: %(url)s", url=of_others(url)))
    return url


def _delivered(facts: Facts, url: str, secret: str) -> int:
    """Deliver nothing, signed with *secret*, as Meta would; return the status. Raises CouldNotLook."""
    signature = hmac.new(secret.encode(), EMPTY_DELIVERY, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-Hub-Signature-256": f"sha256={signature}",
        "User-Agent": "rasa-handover",
    }
    seconds = min(ANSWER_WITHIN, facts.left)
    if not seconds:
        raise CouldNotLook(
            Sentence("there was no time left to try the webhook"), Sentence("look again later")
        )
    with ends_within(seconds) as deadline:
        try:
            answer = facts.pools_to(url).urlopen(
                "POST",
                url,
                body=EMPTY_DELIVERY,
                headers=headers,
                timeout=Timeout(connect=seconds, read=seconds),
                redirect=False,
                retries=False,
                preload_content=False,
            )
            answer.close()
        except (HTTPError, OSError, ValueError) as error:
            kind = "TimeoutError" if deadline.is_over else type(error).__name__
            raise CouldNotLook(
                Sentence("%(url)s cannot be reached from here (%(kind)s)", url=_shown(url), kind=kind),
                _if_out_of_reach(url),
                Where(_shown(url)),
            ) from None
    return int(answer.status)


def _if_out_of_reach(url: str) -> Sentence:
    host = urlsplit(url).hostname or ""
    if host in ("localhost", "::1") or host.startswith("127."):
        return Sentence("see that Rasa runs and the address is right: it is one of this machine alone")
    return Sentence("Meta may reach it all the same; if not, see that Rasa runs and the address is right")


CHECKS: Tuple[Check, ...] = (
    Check("webhook.app", Sentence("The app has a webhook"), _app, _subscribe_app, meta_answers.on_messenger),
    Check(
        "webhook.page", Sentence("The page is subscribed"), _page, _subscribe_pages, meta_answers.on_messenger
    ),
    Check(
        "webhook.self_test",
        Sentence("The webhook answers"),
        _self_test,
        applies=meta_answers.on_messenger,
        at_start=False,  # nothing listens yet
    ),
)
