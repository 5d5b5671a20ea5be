"""Reads what a test needs of a bot with this package: its settings, its page, who has control by its row."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Optional

from handover_channel.errors import HandoverError, SettingsError
from handover_channel.rules import business_hours
from handover_channel.rules.control import Control
from handover_channel.settings import loader
from handover_channel.settings.loader import Settings, TargetKind
from handover_channel.simulator.simulator import FIRST_PAGE, PageFacts, Simulator
from handover_channel.store.threads import Thread
from handover_channel.testing.bot_under_test import BOT, PAGE_INBOX_NAME, places_of_page


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
    """Return the pages that the bot with *settings* answers for; *callback*: where its webhooks go."""
    page, *others = settings.pages
    apps = {each.app_id: each.name for each in settings.targets.values() if each.kind is TargetKind.APP}
    return Simulator(
        app_id=settings.app_id,
        token=page.token,
        secret=settings.secret,
        verify_token=settings.verify,
        page_id=page.id or FIRST_PAGE,
        more_pages=[PageFacts(each.id, token=each.token) for each in others],
        apps=apps,
        callback=callback,
        **more,
    )


def until_all_are_there(settings: Settings, now: float, *, since: Optional[float] = None) -> float:
    """Return in how many seconds somebody is there at every target that has business hours; 0: at once.

    0, too, where that never is, or no target has any. *since*: not before then.
    """
    hours = [each.hours for each in settings.targets.values() if each.hours]
    at = business_hours.all_open_at(hours, now if since is None else since) if hours else None
    return 0.0 if at is None else at - now


def name_of(row: Optional[Thread]) -> str:
    """Return who has control by a row of ours: "bot", the target's name, "beside"."""
    if row is None or row.state.control is Control.BOT:
        return BOT
    if row.state.control is Control.BESIDE:
        return Control.BESIDE.value
    return row.state.target or PAGE_INBOX_NAME
