"""Keeps one person's conversation with a bot under test: does the acts in it, remembers what came of them.

1. After each act everything is waited for: what the bot says to it, and who has control then.
2. What the bot said before an act is no answer to it: `unread` begins anew with each.
3. What happened beside the messages (control, time, refusals) is noted between them, for the chat that a test
   which fails shows.
"""

from __future__ import annotations

import itertools
import secrets
from typing import Any, Callable, Dict, List, Optional, Set, TypeVar

from handover_channel.simulator.person import NothingToTap
from handover_channel.simulator.thread import PERSON, ChatEntry, Thread
from handover_channel.testing import chat
from handover_channel.testing.bot_under_test import BOT, ActFailed, BotUnderTest, ControlSeen
from handover_channel.testing.chat import Note

_T = TypeVar("_T")

#: Ids that no earlier run has used: a bot that goes on running remembers people.
_people = itertools.count(secrets.randbelow(10**13))

#: What an act may raise where it cannot be done.
_CANNOT = (NothingToTap, LookupError, ValueError)


class Conversation:
    """The thread of one person who has not written yet. *name*: as Messenger knows them, "" for some name.

    *page*: id or name, "" for the first one. *same_as*: the person's conversation on another page. Raises
    ActFailed for a page that is not there.
    """

    def __init__(
        self, bot: BotUnderTest, name: str = "", *, page: str = "", same_as: Optional[Conversation] = None
    ) -> None:
        self.bot = bot
        self.psid = f"88{next(_people):014d}"
        try:
            self.page = bot.page.page_for(self.psid, page)
        except KeyError as error:
            raise ActFailed(_said(error)) from None
        self._thread = self._begun(same_as)
        #: By the ids of the pages: of the same person, all that there are.
        self.everywhere: Dict[str, Conversation] = same_as.everywhere if same_as else {}
        self.everywhere[self.page.page_id] = self
        if name:
            self._thread.name = name
        self._notes: List[Note] = []
        self._read = 0  # entries of the chat
        self._of_agents: Set[str] = set()  # mids of what agents of the built-in inbox wrote
        self._journal = 0  # entries that were looked at
        self._control = BOT

    def _begun(self, same_as: Optional[Conversation]) -> Thread:
        if same_as is None:
            return self.page.thread(self.psid)
        thread = self.page.thread_of_same(same_as._thread, self.psid)
        self.psid = thread.psid
        return thread

    def on(self, page: str) -> Conversation:
        """Return the same person's conversation with that page. Raises ActFailed if there is no such page."""
        for each in self.everywhere.values():
            if page in (each.page.page_id, each.page.page_name):
                return each
        return Conversation(self.bot, page=page, same_as=self)

    @property
    def entries(self) -> List[ChatEntry]:
        """The chat so far: see simulator/thread.py."""
        with self.page.lock:
            return list(self._thread.chat)

    # --- acts -------------------------------------------------------------------------------------

    def act(self, do: Callable[[], _T], note: str = "") -> _T:
        """Do something, and wait for what comes of it. Raises ActFailed where it cannot be done."""
        self._read = len(self.entries)
        if note:
            self.note(note)
        try:
            done = do()
        except _CANNOT as error:
            raise ActFailed(_said(error)) from None
        self.bot.settle(self.psid)
        self._look()
        return done

    def act_as_agent(self, do: Callable[[], None]) -> None:
        """Do something in the built-in inbox: what is written meanwhile as the bot's app is the agent's."""
        before = len(self.entries)

        def act() -> None:
            do()
            self._of_agents |= {str(each.get("mid")) for each in self.entries[before:]}

        self.act(act)

    def note(self, text: str) -> None:
        """Remember something that is no message, at this place of the chat."""
        self._notes.append((len(self.entries), text))

    def _look(self) -> None:
        for entry in self.page.journal.after(self._journal):
            self._journal = entry["n"]
            if entry.get("psid") == self.psid:
                self._note_refusal(entry)
        self.control()

    def _note_refusal(self, entry: Dict[str, Any]) -> None:
        if entry["kind"] == "graph" and (entry["status"] or 0) >= 400:
            who = self.names.get(entry["app"], entry["app"])
            said = (entry.get("answer") or {}).get("error", {}).get("message", "")
            self.note(f"Meta refuses {who} {entry['path'].rsplit('/', 1)[-1]}: {said}")
        if entry["kind"] == "webhook" and entry["error"]:
            self.note(f"the bot did not take a webhook ({entry['event']}): {entry['error']}")

    # --- what is seen -----------------------------------------------------------------------------

    def control(self) -> ControlSeen:
        """Return who has control, and note it where that is new."""
        seen = self.bot.control(self.psid)
        if seen.name != self._control:
            said = self.unread() if seen.name == BOT else []  # first it has control, then it speaks
            place = self.entries.index(said[0]) if said else len(self.entries)
            self._notes.append((place, f"control: {self._control} -> {seen.name}"))
            self._control = seen.name
        return seen

    def unread(self) -> List[ChatEntry]:
        """Return the bot's messages since the last act that nobody has looked at yet."""
        return [entry for entry in self.entries[self._read :] if self.is_of_bot(entry)]

    def has_read(self, entry: ChatEntry) -> None:
        """Take note that a test has looked at *entry*, and all before it."""
        self._read = self.entries.index(entry) + 1

    def is_of_bot(self, entry: ChatEntry) -> bool:
        """Tell whether it is a message of the bot's own, not of an agent who writes by its app."""
        ours = entry["kind"] == "message" and entry["author"] == self.page.bot.id
        return ours and str(entry["mid"]) not in self._of_agents

    def offering(self, title: str) -> Optional[ChatEntry]:
        """Return the latest message of the page that has something of this title to tap."""
        messages = [each for each in self.entries if each["kind"] == "message" and each["author"] != PERSON]
        return next((each for each in reversed(messages) if title in chat.taps_of(each["message"])), None)

    @property
    def names(self) -> Dict[str, str]:
        """Author, or mid, to the name that is shown."""
        apps = {app.id: app.name or app.id for app in self.page.apps.values()}
        apps.update({app_id: name for name, app_id in self.bot.places.items() if app_id})
        return {PERSON: PERSON, **apps, **dict.fromkeys(self._of_agents, "agent")}

    def drawn(self) -> str:
        """Return it as a chat."""
        return chat.drawn(self.entries, self._notes, self.names)

    def __str__(self) -> str:
        """Draw it as a chat, with those of the same person on other pages."""
        if len(self.everywhere) == 1:
            return self.drawn()
        parts = (f"on {each.page.page_name}:\n{each.drawn()}" for each in self.everywhere.values())
        return "\n".join(parts)


def _said(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
