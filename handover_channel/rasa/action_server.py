"""Asks the action server, a while after Rasa has started, whether it runs our actions, and says so where not.

Rasa itself finds out when somebody is to be handed over: the notice has gone out by then. Both servers
usually start at the same time, so it is asked late, and a few times. Only the log says it: the action server
may come at any time, and nothing would take a finding back.
"""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Collection
from urllib.parse import urlsplit

import requests

from handover_channel import log
from handover_channel.rules.bot_contract import HANDOVER_ACTION, RETURN_ACTION

logger = log.logger(__name__)

#: Seconds between the start and the first question, and between questions; how many there are.
ASK_ACTION_SERVER_EVERY, ASK_ACTION_SERVER_TIMES = 30.0, 3

#: Seconds that an answer may take.
ACTION_SERVER_ANSWERS_WITHIN = 5.0


def ask_later(url: str, loop: asyncio.AbstractEventLoop, times: int = ASK_ACTION_SERVER_TIMES) -> None:
    """Ask the action server at *url* (that of its webhook), and warn if it still lacks something at last."""

    def ask() -> None:
        asked = loop.run_in_executor(None, problem_of, url)
        asked.add_done_callback(heard)

    def heard(asked: asyncio.Future[str]) -> None:
        problem = "" if asked.cancelled() else asked.result()
        if problem and times > 1:
            ask_later(url, loop, times - 1)
        elif problem:
            logger.warning("half installed: %s", problem)

    loop.call_later(ASK_ACTION_SERVER_EVERY, ask)


def registered_at(url: str) -> Collection[str]:
    """Return the names of the actions that the action server runs. Raises requests.RequestException."""
    with requests.Session() as http:
        http.trust_env = False  # a proxy of the environment knows no server beside ours
        answer = http.get(f"{url.rsplit('/', 1)[0]}/actions", timeout=ACTION_SERVER_ANSWERS_WITHIN)
        answer.raise_for_status()
        found: Any = answer.json()
    return [str(each["name"]) for each in found]


def problem_of(url: str, registered: Callable[[str], Collection[str]] = registered_at) -> str:
    """Return what is wrong with the action server, "" where it runs our actions or cannot be asked so."""
    parts = urlsplit(url)
    where = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)  # no password of a URL
    try:
        names = registered(url)
    except requests.ConnectionError:
        return (
            f"no action server answers at {where}: {HANDOVER_ACTION} cannot run -> start `rasa run actions`"
        )
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return ""  # something else in its place, which need not list its actions
    lacking = " and ".join(each for each in (HANDOVER_ACTION, RETURN_ACTION) if each not in names)
    if not lacking:
        return ""
    return (
        f"the action server at {where} does not have {lacking} -> import handover_channel.actions in a "
        "module of the bot's actions, and start it again"
    )
