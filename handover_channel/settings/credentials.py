"""Reads the channel's section of credentials.yml.

Rule 1: its keys are those of Rasa's own Facebook channel, so that an existing bot changes one line
        (https://rasa.com/docs/rasa/connectors/facebook-messenger), and `pages` for several pages.
Rule 2: each call to Meta uses the token of the thread's page.
Rule 3: no token and no secret is ever in a repr or in a problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

from handover_channel.settings import keys
from handover_channel.settings.keys import Key, keys_of, required, setting
from handover_channel.settings.section import Section, quoted

#: The name of the section: what Rasa imports.
CHANNEL = "handover_channel.MessengerInput"
#: The one of the built-in inbox, which works without that of Messenger, and has no keys.
INBOX_CHANNEL = "handover_channel.InboxInput"


def is_without_messenger(channels: Mapping[Any, Any]) -> bool:
    """Tell whether credentials.yml, which holds *channels*, is that of a bot which is not on Messenger."""
    return INBOX_CHANNEL in channels and CHANNEL not in channels


def _page_id(section: Section, key: str, default: str) -> str:
    page = section.required(key, "write the id of the page (digits, under About > Page transparency)")
    if page and not page.isdigit():
        section.refuse(key, f"is {quoted(page)}: the id of a page is digits only")
    return page


@dataclass(frozen=True)
class Page:
    """A Facebook page that we answer for."""

    #: "" for the only page, whatever its id.
    id: str = setting(read=_page_id, meaning="The id of the page, digits only.")
    token: str = setting(
        name="page-access-token",
        read=required("write the page access token of this page", secret=True),
        meaning="The access token of this page.",
        repr=False,
    )


def _pages(section: Section, key: str, default: Tuple[Page, ...]) -> Tuple[Page, ...]:
    token = section.text("page-access-token", secret=True)
    if not section.has(key):
        return (Page("", token),) if token else ()
    if section.has("page-access-token"):
        section.refuse(
            "page-access-token", "and pages are both there: keep pages, and move the token to its page"
        )
    pages: Dict[str, Page] = {}
    for name, value in section.items(key):
        page = keys.read(Page, section.within(name, value))
        if page.id and page.id in pages:
            section.refuse(f"{name}.id", f"is {quoted(page.id)}, as on an earlier page: keep one of them")
        pages.setdefault(page.id, page)
    if section.values[key] == []:
        section.refuse(key, "is empty: write an id and a page-access-token for each page, or leave pages out")
    return tuple(pages.values())


@dataclass(frozen=True)
class Credentials:
    """What the channel needs to prove who it is, and to know who calls."""

    #: The word Meta repeats when the webhook is set up.
    verify: str = setting(
        read=required("write the word that you enter as the webhook's verify token at Meta", secret=True),
        meaning="A word of your choice, the same as the webhook's verify token at Meta.",
        repr=False,
    )
    secret: str = setting(
        read=required("write the app secret (Meta for Developers > App settings > Basic)", secret=True),
        meaning="The app secret (Meta for Developers > App settings > Basic). It signs the webhooks.",
        repr=False,
    )
    #: Empty where page_access_token of handover.yml has to serve.
    pages: Tuple[Page, ...] = setting(
        read=_pages,
        absent=(),
        meaning="Instead of `page-access-token`, for several pages: a list of `{id, page-access-token}`.",
        below=keys_of(Page),
        beside=(
            Key(
                "page-access-token",
                "The page access token (Meta for Developers > Messenger > Access tokens). It serves every "
                "page.",
                default_in_words="`page_access_token` of `handover.yml`",
            ),
        ),
    )


def read(section: Section) -> Credentials:
    """Return the credentials of *section*, whose list of problems grows by what is wrong with it."""
    return keys.read(Credentials, section)
