"""Shapes what the fixtures of plugin.py give: each acts for the test's own person, if no other is named."""

from __future__ import annotations

from typing import Optional

from handover_channel.simulator.simulator import Simulator
from handover_channel.testing.bot_under_test import BotUnderTest
from handover_channel.testing.conversation import Conversation
from handover_channel.testing.expectations import Expect
from handover_channel.testing.people import OtherApp, Person, Staff


class Messenger:
    """The pages that people write to."""

    def __init__(self, bot: BotUnderTest) -> None:
        self.bot = bot

    @property
    def page(self) -> Simulator:
        """Messenger, and the first page, with all that it can do (simulator/simulator.py)."""
        return self.bot.page

    def person(self, name: str = "", page: str = "") -> Person:
        """Return somebody who has not written yet. *name*: as Messenger knows them, "" for some name.

        *page*: the one that they write to (id or name), else the first. Raises ActFailed for no such page.
        """
        return Person(Conversation(self.bot, name, page=page))


class AnyStaff:
    """`staff(place)`; *to*: whom they answer, else the test's own person."""

    def __init__(self, person: Person) -> None:
        self._person = person

    def __call__(self, place: str, to: Optional[Person] = None) -> Staff:
        """Return those at a target of handover.yml, or in the "page_inbox". Raises ActFailed for others."""
        return Staff((to or self._person).conversation, place)


class AnyApp(OtherApp):
    """`other_app` has control of the test's own thread; `other_app(name)` is any app of the page."""

    def __init__(self, person: Person) -> None:
        super().__init__(person.conversation)
        self._person = person

    def __call__(self, name: str = "", to: Optional[Person] = None) -> OtherApp:
        """Return the app of that name, target or id, in the thread of *to*."""
        return OtherApp((to or self._person).conversation, name)


class AnyExpect(Expect):
    """`expect` looks at the test's own thread; `expect(person)` at another one's."""

    def __init__(self, person: Person) -> None:
        super().__init__(person.conversation)

    def __call__(self, person: Person) -> Expect:
        """Return what is expected in the thread of *person*."""
        return Expect(person.conversation)
