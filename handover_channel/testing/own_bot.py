"""Reads of a bot with this package what a test needs, and acts as an agent in its built-in inbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Mapping, Optional, TypeVar

from handover_channel.errors import HandoverError, SettingsError
from handover_channel.replies.service import AgentReplies
from handover_channel.rules.control import Control
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.services import Services
from handover_channel.settings import loader
from handover_channel.settings.loader import Settings, TargetKind
from handover_channel.simulator.simulator import Simulator
from handover_channel.store.threads import Thread
from handover_channel.testing.bot_under_test import BOT, PAGE_INBOX_NAME, ActFailed, places_of_page

_T = TypeVar("_T")

#: The agent who answers in the built-in inbox.
ANSWERING_AS = "test"

#: Of a bot whose credentials.yml does not name its page.
_PAGE_ID = "1000000000000001"


def settings_of(folder: Path) -> Settings:
    """Return the settings of the bot in *folder*.

    Raises HandoverError with all that is wrong with them, and for a bot that is not on Messenger.
    """
    try:
        settings = loader.load(str(folder / "handover.yml"))
    except SettingsError as error:
        raise HandoverError(f"the bot in {folder} cannot be tested:\n{error}") from None
    if not settings.pages:
        raise HandoverError(
            f"the bot in {folder} is not on Messenger: its credentials.yml has no "
            "handover_channel.MessengerInput -> add it (other channels are for Rasa's own test stories)"
        )
    return settings


def places_of(settings: Settings) -> Mapping[str, str]:
    """Return the targets of *settings*, with their app ids ("": the built-in inbox), and the Page inbox."""
    targets = {each.name: each.app_id for each in settings.targets.values()}
    return {**places_of_page({}), **targets}


def page_of(settings: Settings, callback: str, **more: Any) -> Simulator:
    """Return the page that the bot with *settings* answers for; *callback*: where its webhooks go."""
    page = settings.pages[0]
    apps = {each.app_id: each.name for each in settings.targets.values() if each.kind is TargetKind.APP}
    return Simulator(
        app_id=settings.app_id,
        token=page.token,
        secret=settings.secret,
        verify_token=settings.verify,
        page_id=page.id or _PAGE_ID,
        apps=apps,
        callback=callback,
        **more,
    )


def name_of(row: Optional[Thread]) -> str:
    """Return who has control by a row of ours: "bot", the target's name, "beside"."""
    if row is None or row.state.control is Control.BOT:
        return BOT
    if row.state.control is Control.BESIDE:
        return Control.BESIDE.value
    return row.state.target or PAGE_INBOX_NAME


def reply(given: Services, psid: str, text: str) -> None:
    """Answer in the built-in inbox. Raises ActFailed where it cannot be."""
    parts = (given.settings, given.store, given.graph, given.thread_control, given.thread_control.clock)
    kept = _acted(lambda: AgentReplies(*parts, sleep=_at_once).reply(psid, text, agent=ANSWERING_AS))
    if kept.error:
        raise ActFailed(kept.error)


def take_over(given: Services, psid: str) -> None:
    """Take a thread over into the built-in inbox. Raises ActFailed where it cannot be."""
    _acted(lambda: given.thread_control.take_over(psid, ANSWERING_AS))


def give_back(given: Services, psid: str) -> None:
    """Give a thread back to the bot. Raises ActFailed where it cannot be."""
    if not _acted(lambda: given.thread_control.return_to_bot(psid, ReturnReason.AGENT, who=ANSWERING_AS)):
        raise ActFailed("the thread was not given back to the bot: Meta refuses, or it has it already")


def _at_once(seconds: float) -> None:
    """Wait for nothing."""


def _acted(act: Callable[[], _T]) -> _T:
    try:
        return act()
    except HandoverError as error:
        raise ActFailed(str(error)) from None
