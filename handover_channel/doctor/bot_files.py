"""Reads what is known of a bot from its files: the model, credentials.yml and endpoints.yml."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Mapping, Optional, Tuple

from handover_channel.doctor import model
from handover_channel.doctor.check import CouldNotLook
from handover_channel.doctor.facts import Facts
from handover_channel.doctor.installed_bot import InstalledBot
from handover_channel.doctor.model import Model, UnreadableModel
from handover_channel.rules.bot_contract import HANDOVER_INTENT
from handover_channel.sentences import Sentence
from handover_channel.settings.credentials import CHANNEL, INBOX_CHANNEL

#: Where `rasa train` puts models, and `rasa run` looks for them.
MODELS = "models"

#: The first python-socketio whose `enter_room` has to be awaited:
#: https://github.com/miguelgrinberg/python-socketio/issues/1256
_AWAITED_FROM = (5, 10)


def model_server(facts: Facts) -> str:
    """Return where the models come from, "" for the bot's folder (endpoints.yml: models)."""
    return _url(facts.section("endpoints.yml", "models"))


def newest_model(facts: Facts) -> Optional[Path]:
    """Return the model that Rasa takes, None where there is none."""
    return facts.once("model's path", lambda: model.newest(facts.folder / MODELS))


def model_of(facts: Facts) -> Model:
    """Return what is in the model. Raises CouldNotLook where there is none, UnreadableModel for a bad one."""
    path = newest_model(facts)
    if path is None:
        raise CouldNotLook(Sentence("there is no model"), Sentence("see the check `model.there`"))
    return facts.once("model", lambda: model.read(path))


def bot_of(facts: Facts) -> InstalledBot:
    """Return what the files tell of the bot. Raises CouldNotLook."""
    return facts.once("bot", lambda: _bot(facts))


def without_model(facts: Facts) -> InstalledBot:
    """Return what the bot's credentials.yml and endpoints.yml tell, without its model."""
    channels = facts.document("credentials.yml")
    return InstalledBot(
        has_messenger=CHANNEL in channels,
        has_inbox=INBOX_CHANNEL in channels,
        has_rasas_facebook="facebook" in channels,
        loses_socketio_rooms=_loses_rooms(channels.get("socketio")),
        has_action_endpoint=bool(action_endpoint(facts)),
    )


def _bot(facts: Facts) -> InstalledBot:
    try:
        found, rest = model_of(facts), without_model(facts)
    except UnreadableModel:
        raise CouldNotLook(
            Sentence("the model cannot be read"), Sentence("see the check `model.there`")
        ) from None
    try:
        requests = frozenset(facts.settings.handover_intents)
    except CouldNotLook:
        requests = frozenset({HANDOVER_INTENT})
    return InstalledBot(
        has_messenger=rest.has_messenger,
        has_inbox=rest.has_inbox,
        has_rasas_facebook=rest.has_rasas_facebook,
        has_action_endpoint=rest.has_action_endpoint,
        has_policy=found.has_our_policy,
        intents=found.names("intents"),
        slots=found.names("slots"),
        actions=found.names("actions", "responses", "forms"),
        actions_of_rules=found.actions_of_rules,
        requests=requests,
    )


def action_endpoint(facts: Facts) -> str:
    """Return the address of the action server's webhook, "" where endpoints.yml has none."""
    return _url(facts.section("endpoints.yml", "action_endpoint"))


def _url(endpoint: Mapping[Any, Any]) -> str:
    url = endpoint.get("url")
    return url if isinstance(url, str) else ""


def _loses_rooms(socketio: Any) -> bool:
    keeps = socketio.get("session_persistence") if isinstance(socketio, Mapping) else False
    return keeps is True and _version("python-socketio") >= _AWAITED_FROM


def _version(package: str) -> Tuple[int, ...]:
    try:
        return tuple(map(int, re.findall(r"\d+", version(package))[:2]))
    except PackageNotFoundError:
        return ()
