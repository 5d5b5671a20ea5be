"""Draws the entries of a thread by the page's own templates, and reads them from its HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from handover_channel.inbox import timeline
from handover_channel.inbox.auth import Visitor
from handover_channel.inbox.rendering import Pages
from handover_channel.inbox.view_models import ThreadView
from handover_channel.messenger.bubble import is_visible
from handover_channel.store import threads

BASE = "/webhooks/inbox"
NOW = 1_800_000_000.0
PAGES = Pages(BASE)
_YOU = Visitor("mona", "Mona", True, "token", "en", False, False)
#: Class -> what stands in it; of a divider (`came`) the time is `dim`.
_PLACES = {
    "said": "said",
    "bubble": "bubble",
    "came": "bubble",
    "foot": "foot",
    "speaker": "speaker",
    "picture": "picture",  # of whoever speaks
}
_VOID = {"img", "input", "br", "meta", "link", "hr"}


@dataclass
class Bubble:
    """One message as it is drawn."""

    speaker: str
    words: str = ""  #: all that stands in it, but for name and time
    foot: str = ""
    outside: str = ""  #: what stands below the bubble
    links: list = field(default_factory=list)  #: attributes of every <a>
    media: list = field(default_factory=list)  #: addresses of pictures, sounds and films

    @property
    def is_empty(self):
        return not (is_visible(self.words) or self.media)

    def shows(self, wanted):
        """Tell whether *wanted* stands in it, below it, or is an address of what it shows."""
        return any(wanted in each for each in (self.words, self.outside, *self.media))


class _Reading(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.bubbles, self._open = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag in ("p", "li", "ul"):
            self.handle_data(" ")
        attrs = dict(attrs)
        classes = (attrs.get("class") or "").split()
        if "said" in classes or "came" in classes:
            self.bubbles.append(Bubble(classes[1]))
        here = self.bubbles[-1] if self.bubbles and self._place() not in ("", "picture") else None
        if here and tag in ("img", "audio", "video"):
            here.media.append(attrs["src"])
        if here and tag == "a":
            here.links.append(attrs)
        if tag not in _VOID:
            is_time = "dim" in classes and self.bubbles and self.bubbles[-1].speaker == "came"
            found = next((place for name, place in _PLACES.items() if name in classes), "")
            self._open.append("foot" if is_time else found)

    def handle_endtag(self, tag):
        if tag not in _VOID and self._open:
            self._open.pop()

    def handle_data(self, data):
        place = self._place()
        if self.bubbles and place in ("bubble", "foot", "said"):
            name = {"bubble": "words", "foot": "foot", "said": "outside"}[place]
            setattr(self.bubbles[-1], name, f"{getattr(self.bubbles[-1], name)}{data}")

    def _place(self):
        return next((name for name in reversed(self._open) if name), "")


def html_of(entries, language="en"):
    """Return a thread with these entries as the page has it."""
    thread = ThreadView(
        thread="7001",
        name="Sara",
        has_picture=False,
        channel="facebook",
        page="1",
        control="inbox",
        target="inbox",
        since=NOW,
        reason="handed_over",
        until=None,
        refusal="",
        waiting_since=None,
        assignee="",
        assignee_shown="",
        is_mine=False,
        can_reply=True,
        entries=entries,
    )
    return PAGES.render("_thread.html", language, you=_YOU, now=NOW, thread=thread)


def drawn(entries, language="en"):
    """Return the bubbles of these entries, as they are drawn."""
    bubbles = _Reading(html_of(entries, language)).bubbles
    for each in bubbles:
        each.words = " ".join(each.words.split())
        each.outside = " ".join(each.outside.split())
    return bubbles


def entries_of(store, thread, bot_part=(), **options):
    """Return what the page has of a thread: entries, and the cursor of earlier ones."""
    given = {"before": None, "person": "Sara", "shown_names": {}, "link": lambda url: f"{BASE}/file?of={url}"}
    with store.reading() as connection:
        row = threads.get(connection, thread)
        return timeline.stretch(connection, row, bot_part, **{**given, **options})


def bubbles_of(store, thread, bot_part=(), language="en", **options):
    """Return the bubbles of a thread, as they are drawn."""
    return drawn(entries_of(store, thread, bot_part, **options)[0], language)
