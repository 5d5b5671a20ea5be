"""Acts in a conversation: as the person, as staff, as another app of the page, and lets time pass.

Each of these verbs returns once everything that comes of it has happened, and raises ActFailed where it
cannot be done: there is no such button, or Meta refuses it.
"""

from __future__ import annotations

from typing import Any, Callable

from handover_channel.simulator.apps import AppClient
from handover_channel.simulator.connected_app import PAGE_INBOX
from handover_channel.simulator.message_checks import buttons_of
from handover_channel.simulator.request import Response
from handover_channel.testing import chat
from handover_channel.testing.bot_under_test import ActFailed
from handover_channel.testing.conversation import Conversation
from handover_channel.testing.wording import did_you_mean


class Person:
    """Somebody with Messenger on their phone."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self._plays = conversation.page.person(conversation.psid)

    def on(self, page: str) -> Person:
        """Return the same person on another page (id or name) of the bot; they have another id there.

        Raises ActFailed for a page that is not there.
        """
        return Person(self.conversation.on(page))

    def says(self, text: str) -> None:
        """Write a text."""
        self.conversation.act(lambda: self._plays.says(text))

    def taps(self, title: str) -> None:
        """Tap the button or quick reply with this title, in the latest message that has one."""
        self.conversation.act(self._tap(title))

    def chooses(self, payload: str, title: str = "") -> None:
        """Choose in the bot's menu, or Get Started: a postback with this payload."""
        self.conversation.act(lambda: self._plays.taps_menu(payload, title))

    def sends(self, kind: str, url: str = "https://example.com/file") -> None:
        """Send an attachment: *kind* as Meta names it (image, audio, video, file, location ...)."""
        self.conversation.act(lambda: self._plays.sends(kind, url))

    def comes_by(self, ref: str) -> None:
        """Come back by an m.me link or an ad."""
        self.conversation.act(lambda: self._plays.comes_by(ref))

    def _tap(self, title: str) -> Callable[[], object]:
        found = self.conversation.offering(title)
        if found is None:
            there = [
                tap for each in self.conversation.entries for tap in chat.taps_of(each.get("message", {}))
            ]
            seen = did_you_mean(title, there) if there else ": no message has any"
            raise ActFailed(f"there is nothing to tap that is called {title!r}{seen}")
        for button in buttons_of(found["message"]):
            if button.get("title") == title:
                if button.get("type") != "postback":
                    raise ActFailed(f"{title!r} opens {button.get('url', 'something')}: nobody is told of it")
                return lambda: self._plays.taps(found["mid"], payload=button["payload"])
        reply = next(each for each in found["message"]["quick_replies"] if each.get("title") == title)
        return lambda: self._plays.chooses(mid=found["mid"], payload=reply["payload"])


class Staff:
    """Those who answer at *place*: a target of handover.yml by its name, or "page_inbox"."""

    def __init__(self, conversation: Conversation, place: str) -> None:
        self._conversation = conversation
        places = conversation.bot.places
        if place not in places:
            raise ActFailed(f"there is no staff at {place!r}{did_you_mean(place, places)}")
        self._app_id = places[place]

    def replies(self, text: str) -> None:
        """Answer the person."""
        psid, page, bot = self._conversation.psid, self._conversation.page, self._conversation.bot
        if not self._app_id:
            self._conversation.act_as_agent(lambda: bot.agent_replies(psid, text))
        elif self._app_id == PAGE_INBOX:
            self._conversation.act(lambda: page.inbox.replies(psid, text))
        else:
            OtherApp(self._conversation, self._app_id).says(text)

    def done(self) -> None:
        """Click Done, or whatever gives a conversation back to the bot there."""
        psid, page, bot = self._conversation.psid, self._conversation.page, self._conversation.bot
        if not self._app_id:
            self._conversation.act(lambda: bot.agent_returns(psid), "the agent gives the conversation back")
        elif self._app_id == PAGE_INBOX:
            self._conversation.act(lambda: page.inbox.done(psid), "Done in the Page inbox")
        else:
            OtherApp(self._conversation, self._app_id).passes_back()

    def takes_over(self) -> None:
        """Step in unasked: take the conversation over, or move it to Main in the Page inbox."""
        psid, page, bot = self._conversation.psid, self._conversation.page, self._conversation.bot
        if not self._app_id:
            self._conversation.act(lambda: bot.agent_takes_over(psid), "an agent takes the conversation over")
        elif self._app_id == PAGE_INBOX:
            self._conversation.act(lambda: page.inbox.moves_to_main(psid), "moved to Main in the Page inbox")
        else:
            OtherApp(self._conversation, self._app_id).takes()


class OtherApp:
    """Another app of the page: by its name or id, "" for the one that has control."""

    def __init__(self, conversation: Conversation, name: str = "") -> None:
        self._conversation = conversation
        self._name = name

    def says(self, text: str) -> None:
        """Write to the person."""
        self._acts(lambda app, psid: app.says(psid, text))

    def passes_back(self, metadata: str = "") -> None:
        """Pass control to the bot."""
        bot = self._conversation.page.bot.id
        self._acts(lambda app, psid: app.passes(psid, bot, metadata), "passes control back")

    def passes_to(self, place: str, metadata: str = "") -> None:
        """Pass control to somebody else: a target, an app, or "page_inbox"."""
        to = self._conversation.bot.places.get(place) or place
        self._acts(lambda app, psid: app.passes(psid, to, metadata), f"passes control to {place}")

    def takes(self) -> None:
        """Take control."""
        self._acts(lambda app, psid: app.takes(psid), "takes control")

    def requests(self, metadata: str = "") -> None:
        """Ask the bot for control."""
        self._acts(lambda app, psid: app.requests(psid, metadata), "asks for control")

    def releases(self) -> None:
        """Let control go."""
        self._acts(lambda app, psid: app.releases(psid), "lets control go")

    def _acts(self, call: Callable[[AppClient, str], Response], note: str = "") -> None:
        conversation = self._conversation
        app_id = self._app_id()
        app = conversation.page.app(app_id)

        def act() -> None:
            response = call(app, conversation.psid)
            if response.status != 200:
                raise ActFailed(f"Meta refuses {conversation.names[app_id]}: {_message(response.body)}")

        conversation.act(act, f"{conversation.names[app_id]} {note}" if note else "")

    def _app_id(self) -> str:
        page, places = self._conversation.page, self._conversation.bot.places
        if not self._name:
            owner = page.owner(self._conversation.psid)
            if owner in ("", page.bot.id):
                raise ActFailed("no other app has control -> name the one that is to act")
            return owner
        given = places.get(self._name) or self._name
        known = {name for app in page.apps.values() for name in (app.id, app.name)}
        if given not in known:
            raise ActFailed(f"the page has no app {self._name!r}{did_you_mean(self._name, known)}")
        return page.app_called(given).id


class Time:
    """The time of Messenger, and of a bot with this package."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def jump(self, by: str) -> None:
        """Let a time pass at once ("25 hours"): what is due happens once."""
        conversation = self._conversation
        conversation.act(lambda: conversation.bot.move_clock(by, stopping=False), f"{by} later")

    def run(self, by: str) -> None:
        """Let a time pass in which everything happens when it is due."""
        conversation = self._conversation
        conversation.act(lambda: conversation.bot.move_clock(by, stopping=True), f"{by} pass")


def _message(body: Any) -> str:
    return str(((body or {}).get("error") or {}).get("message", body))
