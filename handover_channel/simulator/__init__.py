"""Plays Meta on a developer's machine: the Graph API, signed webhooks, and a web page with a person's chat.

It enforces which app may answer in a thread as Meta does, with a default app (Conversation Routing) and
without one. Three ways to use it::

    handover simulate                            # serves it; open the page and talk to the bot

    with simulator.running(Simulator(callback="http://127.0.0.1:5005/webhooks/facebook/webhook")) as url:
        ...                                      # the same inside a test; `serve` is its async twin

    messenger = Simulator(default_app=None)      # no server: the rules alone
    messenger.person("42").says("hello")
    messenger.app("bot").passes("42", to="Page inbox")
    assert messenger.events_of("Page inbox")

    garden = messenger.add_page(PageFacts(name="Garden Shop"))  # several pages: people are those of one each
    garden.person("43").says("hello")

`Simulator` needs the standard library alone; serving it needs aiohttp (extra ``simulator``).

Read its files from below: `thread_control`, `routing` and `message_checks` are Meta's rules, `meta` is what
all pages share, `page` carries the rules out, `graph` answers the Graph API with `thread_calls` and
`page_calls`, `apps` and `person` act, `simulator` is all of it without a server; `deliveries` and
`call_faults` let things go wrong (`faults`), `clock` is Meta's time; `bot_at_hand` is a bot that can be
asked; `api_acts` is the control API (openapi.json); `server`, `http_routes` and `webhook_sender` are HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handover_channel.simulator.connected_app import PAGE_INBOX
from handover_channel.simulator.simulator import PageFacts, Simulator
from handover_channel.simulator.switches import Switches

if TYPE_CHECKING:
    from handover_channel.simulator.server import run, running, serve

__all__ = ["PAGE_INBOX", "PageFacts", "Simulator", "Switches", "run", "running", "serve"]


def __getattr__(name: str) -> Any:
    if name not in ("run", "running", "serve"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from handover_channel.simulator import server  # only serving needs aiohttp

    return getattr(server, name)
