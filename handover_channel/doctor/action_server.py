"""Asks the action server whether it is there and runs our actions, and tells what follows.

Rasa itself finds out when somebody is to be handed over: the notice has gone out by then.
"""

from __future__ import annotations

from typing import Any, Callable, Collection, Iterator
from urllib.parse import urlsplit

import requests

from handover_channel.doctor.check import CouldNotLook, Found, fail, ok
from handover_channel.rules.bot_contract import HANDOVER_ACTION, RETURN_ACTION
from handover_channel.sentences import Sentence

#: Seconds that an answer may take.
ACTION_SERVER_ANSWERS_WITHIN = 5.0

Ask = Callable[[str], Collection[str]]


def registered_at(url: str) -> Collection[str]:
    """Return the names of the actions that the action server runs. Raises requests.RequestException.

    *url* is that of its webhook. An answer that is no list of actions raises ValueError, KeyError, TypeError.
    """
    with requests.Session() as http:
        http.trust_env = False  # a proxy of the environment knows no server beside ours
        answer = http.get(f"{url.rsplit('/', 1)[0]}/actions", timeout=ACTION_SERVER_ANSWERS_WITHIN)
        answer.raise_for_status()
        found: Any = answer.json()
    return [str(each["name"]) for each in found]


def host_of(url: str) -> str:
    """Return host and port of *url*, without a password that it may hold."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    except ValueError:
        return "endpoints.yml: action_endpoint"


def reachable(url: str, ask: Ask = registered_at) -> Iterator[Found]:
    """Return whether something answers at *url*."""
    start = Sentence("start `rasa run actions`")
    why = Sentence("the action %(action)s cannot run", action=HANDOVER_ACTION)
    where = host_of(url)
    try:
        ask(url)
    except requests.ConnectionError:
        yield fail(Sentence("no action server answers at %(where)s", where=where), why, start)
    except requests.Timeout:
        said = Sentence("the action server at %(where)s takes connections, and does not answer", where=where)
        yield fail(said, why, Sentence("start it again; its log tells what holds it up"))
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidSchema,
        requests.exceptions.MissingSchema,
    ):
        said = Sentence("the url of action_endpoint in endpoints.yml is no address")
        yield fail(said, why, Sentence("write one such as `http://localhost:5055/webhook`"))
    except (requests.RequestException, ValueError, KeyError, TypeError):
        yield ok(Sentence("something answers at %(where)s", where=where))
    else:
        yield ok(Sentence("the action server at %(where)s answers", where=where))


def offered(url: str, ask: Ask = registered_at) -> Iterator[Found]:
    """Return whether it runs our actions. Raises CouldNotLook where it cannot be asked that."""
    where = host_of(url)
    try:
        names = ask(url)
    except (requests.ConnectionError, requests.Timeout):
        raise CouldNotLook(
            Sentence("the action server at %(where)s is out of reach", where=where),
            Sentence("see the check `action_server.reachable`"),
        ) from None
    except (requests.RequestException, ValueError, KeyError, TypeError):
        # Something else in its place, which need not list its actions.
        raise CouldNotLook(
            Sentence("what answers at %(where)s does not list its actions", where=where),
            Sentence("write one such as `http://localhost:5055/webhook`"),
        ) from None
    lacking = [each for each in (HANDOVER_ACTION, RETURN_ACTION) if each not in names]
    if lacking:
        yield fail(
            Sentence(
                "the action server at %(where)s does not have %(actions)s",
                where=where,
                actions=", ".join(lacking),
            ),
            Sentence("nobody is handed over, and nobody comes back"),
            Sentence(
                "import `handover_channel.actions` in a module of the bot's actions, and start it again"
            ),
        )
    else:
        yield ok(Sentence("it offers %(count)s actions, ours among them", count=len(names)))


def problems_of(url: str, ask: Ask = registered_at) -> Iterator[str]:
    """Return what is wrong with the action server, a line each; nothing where it cannot be asked."""
    for look in (reachable, offered):
        try:
            for found in look(url, ask):
                if found.status.value == "fail":
                    yield found.line
        except CouldNotLook:
            return
