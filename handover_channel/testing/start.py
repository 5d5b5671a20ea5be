"""Starts the bot that is to be tested: in this process, or over HTTP."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ContextManager, Iterator, Mapping, Optional, Sequence

from handover_channel.errors import HandoverError
from handover_channel.simulator.connected_app import App
from handover_channel.testing.wording import did_you_mean

if TYPE_CHECKING:
    from handover_channel.testing.bot_under_test import BotUnderTest

IN_PROCESS, OVER_HTTP = "in_process", "over_http"


@dataclass(frozen=True)
class Wanted:
    """Which bot, and how."""

    folder: Path
    kind: str = IN_PROCESS
    model: Optional[Path] = None
    actions: str = "actions"
    url: str = ""  #: over HTTP: the webhook of one that runs already
    port: int = 8090  #: with *url*: of its Graph API
    #: With *url*: the Meta app of a bot without this package; without one it is the bot in *folder*.
    app: Optional[App] = None
    apps: Mapping[str, str] = field(default_factory=dict)  #: with *app*: other apps of the page, id -> name


def app_of(app_id: str, secret: str, token: str, verify: str) -> Optional[App]:
    """Return the Meta app of a bot without this package; None where there is no id. Raises HandoverError."""
    if not app_id:
        return None
    lacking = [name for name, value in {"secret": secret, "token": token}.items() if not value]
    if lacking:
        raise HandoverError(
            f"app {app_id} has no {' and no '.join(lacking)} -> give what the bot has: it checks webhooks "
            "with the one, and calls the Graph API with the other"
        )
    return App(app_id, "bot", token, secret, verify)


def apps_of(lines: Sequence[str]) -> Mapping[str, str]:
    """Return id -> name of further apps, from lines such as "2222 sales_bot". Raises HandoverError."""
    found = {}
    for line in lines:
        app_id, _, name = line.replace("=", " ").strip().partition(" ")
        if not app_id.isdecimal():
            raise HandoverError(f"{line!r} names no app -> write its id and a name for it: 2222 sales_bot")
        found[app_id] = name.strip() or f"app {app_id}"
    return found


def port_of(text: str) -> int:
    """Return the port. Raises HandoverError for what is none."""
    if not text.isdecimal() or int(text) > 65535:
        raise HandoverError(f"{text!r} is no port -> write a number, such as 8090")
    return int(text)


@contextlib.contextmanager
def bot(wanted: Wanted) -> Iterator[BotUnderTest]:
    """Give a bot that works, and end it. Raises HandoverError with what keeps it from working."""
    if wanted.kind not in (IN_PROCESS, OVER_HTTP):
        raise HandoverError(
            f"a bot is tested in_process or over_http, not {wanted.kind!r}"
            f"{did_you_mean(wanted.kind, (IN_PROCESS, OVER_HTTP))}"
        )
    with _over_http(wanted) if wanted.kind == OVER_HTTP else _in_process(wanted) as given:
        yield given


def _over_http(wanted: Wanted) -> ContextManager[BotUnderTest]:
    if wanted.app is not None:
        from handover_channel.testing import other_bot

        return other_bot.running(wanted.app, wanted.url, wanted.apps, wanted.port)
    from handover_channel.testing import over_http

    if wanted.url:
        return over_http.running(wanted.folder, wanted.url, wanted.port)
    return over_http.started(wanted.folder, wanted.model, wanted.actions)


def _in_process(wanted: Wanted) -> ContextManager[BotUnderTest]:
    from handover_channel.testing.in_process import InProcess

    return contextlib.closing(InProcess(wanted.folder, wanted.model, wanted.actions))
