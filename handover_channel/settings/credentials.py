"""The channel's block of credentials.yml.

Rule 1: its keys are those of Rasa's own Facebook channel, so that an existing bot changes one line
        (https://rasa.com/docs/rasa/connectors/facebook-messenger), and `pages` for several pages.
Rule 2: each call to Meta uses the token of the thread's page.
Rule 3: no token and no secret is ever in a repr or in a problem.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Tuple

from handover_channel.settings.section import Section, quoted

#: The name of the block: what Rasa imports.
CHANNEL = "handover_channel.MessengerInput"
#: The one of the built-in inbox, which works without that of Messenger, and has no keys.
INBOX_CHANNEL = "handover_channel.InboxInput"

KEYS = ("verify", "secret", "page-access-token", "pages")
PAGE_KEYS = ("id", "page-access-token")


@dataclass(frozen=True)
class Page:
    """A Facebook page that we answer for."""

    id: str  #: "" for the only page, whatever its id
    token: str = field(repr=False)  #: page access token


@dataclass(frozen=True)
class Credentials:
    """What the channel needs to prove who it is, and to know who calls."""

    verify: str = field(repr=False)  #: the word Meta repeats when the webhook is set up
    secret: str = field(repr=False)  #: app secret: signs the webhooks
    pages: Tuple[Page, ...] = ()  #: empty where page_access_token of handover.yml has to serve


def is_without_messenger(channels: Mapping[Any, Any]) -> bool:
    """Tell whether credentials.yml, which holds *channels*, is that of a bot which is not on Messenger."""
    return INBOX_CHANNEL in channels and CHANNEL not in channels


def read(block: Section) -> Credentials:
    """Return the credentials of *block*, whose list of problems grows by what is wrong with it."""
    block.expect_only(KEYS)
    return Credentials(
        verify=block.required(
            "verify", "write the word that you enter as the webhook's verify token at Meta", secret=True
        ),
        secret=block.required(
            "secret", "write the app secret (Meta for Developers > App settings > Basic)", secret=True
        ),
        pages=_pages(block),
    )


def _pages(block: Section) -> Tuple[Page, ...]:
    token = block.text("page-access-token", secret=True)
    if not block.has("pages"):
        return (Page("", token),) if token else ()
    if block.has("page-access-token"):
        block.refuse(
            "page-access-token", "and pages are both there: keep pages, and move the token to its page"
        )
    pages: Dict[str, Page] = {}
    for key, value in block.items("pages"):
        page = _page(block, key, value)
        if page.id and page.id in pages:
            block.refuse(f"{key}.id", f"is {quoted(page.id)}, as on an earlier page: keep one of them")
        pages.setdefault(page.id, page)
    if block.values["pages"] == []:
        block.refuse(
            "pages", "is empty: write an id and a page-access-token for each page, or leave pages out"
        )
    return tuple(pages.values())


def _page(block: Section, key: str, value: Any) -> Page:
    item = block.within(key, value)
    item.expect_only(PAGE_KEYS)
    page = item.required("id", "write the id of the page (digits, under About > Page transparency)")
    if page and not page.isdigit():
        item.refuse("id", f"is {quoted(page)}: the id of a page is digits only")
    token = item.required("page-access-token", "write the page access token of this page", secret=True)
    return Page(page, token)
