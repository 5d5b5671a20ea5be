"""Looks at the bot that Rasa runs once it has started, and says what is wrong: in the log and in the health.

Our channels ask for it when they start, and the policy when it is loaded: whichever of them a bot has, the
others may be missing. Beside turns.py and event_loops.py this reads what Rasa keeps private (3.6.21): a part
that cannot be read is taken to be right.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, FrozenSet, Iterable, List, Optional, Sequence, Tuple

from rasa.core.channels.socketio import AsyncServer
from rasa.core.policies.policy import Policy
from rasa.core.policies.rule_policy import RULES, RulePolicy
from sanic import Sanic

from handover_channel import log
from handover_channel.doctor.at_start import look_beside
from handover_channel.doctor.installed_bot import InstalledBot, problems
from handover_channel.doctor.settings_checks import wrong
from handover_channel.errors import SettingsError
from handover_channel.rasa.action_server import ask_later
from handover_channel.rasa.flows import flows_of
from handover_channel.rasa.known_intents import known_intents
from handover_channel.rasa.rasa_versions import rasas_facebook
from handover_channel.rules.bot_contract import HANDOVER_ACTION, HANDOVER_INTENT
from handover_channel.settings import loader as settings_file
from handover_channel.settings.credentials import CHANNEL, INBOX_CHANNEL

logger = log.logger(__name__)

#: Seconds between two looks whether a model is loaded, and how long it is looked for.
LOOK_EVERY, LOOK_FOR = 1.0, 600.0

#: `rasa shell` and `rasa interactive`: the developer alone.
_SHELL = "cmdline"

_ASKED = "handover_asked_action_server"
_FOUND_AT_START = "handover_found_at_start"
_EXAMINED = "handover_examined"
_OUR_MODULES = "handover_channel."


def look_once_started(app: Sanic) -> None:
    """Say what is wrong once the model is loaded. To be called on the server's loop. Harmless to repeat."""
    if not hasattr(app.ctx, _FOUND_AT_START):
        setattr(app.ctx, _FOUND_AT_START, ())
    loop = asyncio.get_running_loop()
    loop.call_soon(_look, app, loop, loop.time() + LOOK_FOR)


def look_where_served() -> None:
    """Do the same for the server that loads a model now, where one does: not in training, nor in tests."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    for app in list(Sanic._app_registry.values()):
        if getattr(app.ctx, "input_channels", None):
            look_once_started(app)


def found_at_start(app: Sanic) -> Tuple[str, ...]:
    """Return what is wrong, a sentence each."""
    found: Tuple[str, ...] = getattr(app.ctx, _FOUND_AT_START, ())
    return found


def _look(app: Sanic, loop: asyncio.AbstractEventLoop, until: float) -> None:
    agent: Any = getattr(app.ctx, "agent", None)
    if getattr(agent, "processor", None) is None:
        if loop.time() < until:  # a timer, not a task: nothing to end with the server
            loop.call_later(LOOK_EVERY, _look, app, loop, until)
        return
    # Kept until it has ended: asyncio holds tasks by weak references alone.
    setattr(app.ctx, _EXAMINED, asyncio.ensure_future(_examine(app, agent, loop)))


async def _examine(app: Sanic, agent: Any, loop: asyncio.AbstractEventLoop) -> None:
    try:
        flows = await flows_of(agent.processor)
        bot = running_bot(agent, getattr(app.ctx, "input_channels", None) or (), frozenset(flows))
        found = [*problems(bot), *(each.line for each in wrong(_requests()[1]))]
    except Exception as error:  # whatever a bot has that we do not know: it starts all the same
        logger.debug("the bot was not looked at: %s", log.trace(error))
        return
    endpoint: Any = getattr(agent, "action_endpoint", None)
    if HANDOVER_ACTION in agent.processor.domain.action_names_or_texts and getattr(endpoint, "url", None):
        _ask_once(app, str(endpoint.url), loop)
    for each in found:
        if each not in found_at_start(app):
            logger.warning("half installed: %s", each)
    setattr(app.ctx, _FOUND_AT_START, tuple(found))
    if bot.is_served:
        look_beside()


def _ask_once(app: Sanic, url: str, loop: asyncio.AbstractEventLoop) -> None:
    if getattr(app.ctx, _ASKED, None) != url:
        setattr(app.ctx, _ASKED, url)
        ask_later(url, loop)


def running_bot(agent: Any, channels: Iterable[Any], flows: FrozenSet[str] = frozenset()) -> InstalledBot:
    """Return what is known of the bot that *agent* runs on these channels. *flows*: those of a CALM bot."""
    there, policies, domain = list(channels), _policies(agent), agent.processor.domain
    requests, _ = _requests()
    ours = {f"{_OUR_MODULES}{type(each).__name__}" for each in there if _is_ours(type(each))}
    return InstalledBot(
        is_served=any(each.name() != _SHELL for each in there),
        has_messenger=CHANNEL in ours,
        has_inbox=INBOX_CHANNEL in ours,
        has_rasas_facebook=any(isinstance(each, rasas_facebook() or ()) for each in there),
        loses_socketio_rooms=any(_loses_rooms(each) for each in there),
        has_policy=any(_is_ours(type(each)) and "Handover" in type(each).__name__ for each in policies),
        intents=frozenset(domain.intents),
        slots=frozenset(each.name for each in domain.slots),
        actions=frozenset(domain.action_names_or_texts),
        has_action_endpoint=getattr(agent, "action_endpoint", None) is not None,
        actions_of_rules=_actions_of_rules(policies),
        requests=requests,
        known_intents=known_intents(agent),
        flows=flows if getattr(agent.processor, "is_calm_assistant", False) else None,
    )


def _is_ours(kind: type) -> bool:
    return any(each.__module__.startswith(_OUR_MODULES) for each in kind.__mro__)


def _loses_rooms(channel: Any) -> bool:
    wanted = getattr(channel, "session_persistence", False) and channel.name() == "socketio"
    # From 5.10 on: https://github.com/miguelgrinberg/python-socketio/issues/1256
    return bool(wanted) and inspect.iscoroutinefunction(AsyncServer.enter_room)


def _policies(agent: Any) -> List[Policy]:
    nodes = getattr(agent.processor.graph_runner, "_instantiated_nodes", {}).values()
    return [each._component for each in nodes if isinstance(each._component, Policy)]


def _actions_of_rules(policies: Iterable[Policy]) -> Optional[FrozenSet[str]]:
    """Return the actions that rules lead to, None where policies that learn may lead to others."""
    rules = [each for each in policies if isinstance(each, RulePolicy)]
    if not rules or any(not _is_ours(type(each)) for each in policies if each not in rules):
        return None
    found = (value for each in rules for value in each.lookup.get(RULES, {}).values())
    return frozenset(found)


def _requests() -> Tuple[FrozenSet[str], Sequence[str]]:
    """Return the intents by which people ask for people, and what is wrong with the settings that say so."""
    try:
        return frozenset(settings_file.load().handover_intents), ()
    except SettingsError as error:
        return frozenset({HANDOVER_INTENT}), error.problems
