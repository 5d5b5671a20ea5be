"""Says what a bot should have done, and where it did not, shows the conversation.

1. A reply is expected in order: the next message of the bot's since the last act that was not looked at yet.
2. Control is expected by the bot's own word *and* by Meta's: a bot that believes to be silent while Meta
   still sends it everything is as wrong as one that speaks where it may not.
"""

from __future__ import annotations

from typing import Optional, Sequence

from handover_channel.rules.control import ANOTHER_APP, Control
from handover_channel.simulator.connected_app import PAGE_INBOX
from handover_channel.simulator.thread import ChatEntry
from handover_channel.testing import chat
from handover_channel.testing.bot_under_test import BOT, ControlSeen
from handover_channel.testing.conversation import Conversation
from handover_channel.testing.wording import did_you_mean, matches


class ExpectationFailed(AssertionError):
    """Something else happened. `said`: what, in a sentence or two; `str()` adds the conversation."""

    def __init__(self, said: str, conversation: Conversation) -> None:
        drawing = "\n".join(f"    {line}" for line in str(conversation).splitlines())
        super().__init__(f"{said}\n\n{drawing}\n")
        self.said = said


class Expect:
    """What is expected in one conversation."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def reply(self, text: str, buttons: Optional[Sequence[str]] = None) -> None:
        """Expect the bot's next message: this text ("..." stands for anything), with these titles to tap."""
        __tracebackhide__ = True
        if isinstance(buttons, str):
            raise TypeError(f"buttons is a text -> write a list: buttons=[{buttons!r}]")
        entry = self._next()
        if entry is None:
            raise self._failed(f"expected a reply: {text}\nthe bot is silent")
        self._conversation.has_read(entry)
        said = chat.text_of(entry["message"])
        if not matches(text, said):
            raise self._failed(f"expected a reply: {text}\nthe bot replies:  {said}")
        taps = chat.taps_of(entry["message"])
        if buttons is not None and list(buttons) != taps:
            raise self._failed(f"expected to tap: {_listed(buttons)}\nthere is:        {_listed(taps)}")

    def silence(self) -> None:
        """Expect no message of the bot's that was not looked at."""
        __tracebackhide__ = True
        entry = self._next()
        if entry is not None:
            raise self._failed(f"expected silence\nthe bot replies: {chat.text_of(entry['message'])}")

    def control(self, name: str) -> None:
        """Expect who has control: "bot", a target of handover.yml, an app of the page, "page_inbox"."""
        __tracebackhide__ = True
        seen = self._conversation.control()
        while _wrong(name, seen, self._conversation) and self._waits():
            seen = self._conversation.control()
        problem = _wrong(name, seen, self._conversation)
        if problem:
            raise self._failed(f"expected control: {name}\n{problem}")

    def _next(self) -> Optional[ChatEntry]:
        unread = self._conversation.unread()
        while not unread and self._waits():
            unread = self._conversation.unread()
        return unread[0] if unread else None

    def _waits(self) -> bool:
        return self._conversation.bot.wait_for_more(self._conversation.psid)

    def _failed(self, said: str) -> ExpectationFailed:
        return ExpectationFailed(said, self._conversation)


def _wrong(name: str, seen: ControlSeen, conversation: Conversation) -> str:
    """Return what is wrong where *name* should have control, "" for nothing."""
    page, places = conversation.page, conversation.bot.places
    if seen.name != name:
        known = {BOT, ANOTHER_APP, *places, *(app.name for app in page.apps.values())}
        hint = "" if name in known else did_you_mean(name, known)
        return f"it is with:       {seen.name}{hint}"
    if not seen.by_bot or name == Control.BESIDE.value:
        return ""
    if name == ANOTHER_APP:  # Meta has not told the bot which
        return (
            "" if seen.owner not in ("", page.bot.id) else "the bot says so, but by Meta's word no app has it"
        )
    app_id = places.get(name, name)
    wanted = ("", page.bot.id) if name == BOT or not app_id else (app_id,)
    if seen.owner in wanted:
        return ""
    owner = "page_inbox" if seen.owner == PAGE_INBOX else conversation.names.get(seen.owner, "nobody")
    return f"the bot says so, but by Meta's word it is with: {owner}"


def _listed(titles: Sequence[str]) -> str:
    return " ".join(f"[{title}]" for title in titles) or "nothing"
