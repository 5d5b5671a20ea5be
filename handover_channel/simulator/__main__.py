"""Serves the simulator for a bot of any framework: `python -m handover_channel.simulator`.

It needs Python and aiohttp, no settings file, and nothing else of what a bot with this package has installed.
`handover simulate` is the same for such a bot: with the ids and secrets of its settings.
"""

from __future__ import annotations

import argparse
import sys
from typing import Dict, List, Optional, Tuple
from urllib.parse import urlsplit

from handover_channel.simulator.simulator import FIRST_PAGE, PageFacts

_ALL_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound


def _app(given: str) -> Tuple[str, str]:
    number, _, name = given.partition("=")
    if not number.isdecimal():
        raise argparse.ArgumentTypeError(f"{given!r} is no app: write its id, or ID=NAME")
    return number, name or f"app {number}"


def _page(given: str) -> PageFacts:
    number, *more = given.split("=", 2)
    if not number.isdecimal():
        raise argparse.ArgumentTypeError(f"{given!r} is no page: write its id, or ID=TOKEN, or ID=TOKEN=NAME")
    token, name = (*more, "", "")[:2]
    return PageFacts(number, name, token)


def _port(given: str) -> int:
    if not given.isdecimal() or not 0 < int(given[:9]) < 65536:
        raise argparse.ArgumentTypeError(f"{given!r} is no port: write a number from 1 to 65535")
    return int(given)


def _callback(given: str) -> str:
    parts = urlsplit(given)
    if given and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise argparse.ArgumentTypeError(f"{given!r} is no URL: write it as http://127.0.0.1:3000/webhook")
    return given


def _id(given: str) -> str:
    if not given.isdecimal():
        raise argparse.ArgumentTypeError(f"{given!r} is no id: Meta's are of digits alone")
    return given


def parser() -> argparse.ArgumentParser:
    """Return what the command line accepts."""
    found = argparse.ArgumentParser(
        prog="python -m handover_channel.simulator",
        description="Serve a Messenger on this machine: the Graph API, signed webhooks, and a page.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = found.add_argument
    add("--host", default="127.0.0.1", help="where to listen")
    add("--port", type=_port, default=8090, help="port of the page and of the Graph API")
    add("--callback", type=_callback, default="", help="the bot's webhook, which gets the events")
    add("--app-id", type=_id, default="1234567890", help="id of the bot's app")
    add("--token", default="demo-page-token", help="page access token of the bot's app, on the first page")
    add("--secret", default="demo-app-secret", help="app secret, which the webhooks are signed with")
    add("--verify-token", default="handover-demo", help="word of the webhook's handshake")
    add("--page-id", type=_id, default=FIRST_PAGE, help="id of the page, or of the first")
    add(
        "--more-page",
        type=_page,
        action="append",
        default=[],
        metavar="ID=TOKEN=NAME",
        help="a further page, with the bot's token there; its id alone: the token is TOKEN-ID",
    )
    add("--app", type=_app, action="append", default=[], metavar="ID=NAME", help="a further app of the page")
    add("--no-default-app", action="store_true", help="a page without Conversation Routing")
    add("--allow-host", action="append", default=[], help="a name by which it may be called")
    return found


def main(arguments: Optional[List[str]] = None) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit status."""
    given = parser().parse_args(arguments)
    try:
        from handover_channel.simulator import server
    except ImportError as error:
        sys.stderr.write(f"{error.name} is not installed -> pip install aiohttp\n")
        return 2
    shown = "127.0.0.1" if given.host in _ALL_ADDRESSES else given.host

    def ready() -> None:
        base = f"http://{shown}:{given.port}"
        whom = given.callback or "nobody: --callback URL, or set it at /settings"
        sys.stdout.write(
            f"Messenger    {base}/\nGraph API    {base}\nControl API  {base}/simulator/v1/openapi.json\n"
        )
        sys.stdout.write(f"Calls        {whom}\n")
        sys.stdout.flush()

    apps: Dict[str, str] = dict(given.app)
    if given.app_id in apps or len(apps) < len(given.app):
        sys.stderr.write("two apps have the same id: --app is for those beside the bot's, each once\n")
        return 2
    try:
        server.run(
            host=given.host,
            port=given.port,
            callback=given.callback,
            secret=given.secret,
            app_id=given.app_id,
            token=given.token,
            verify_token=given.verify_token,
            page_id=given.page_id,
            more_pages=given.more_page,
            apps=apps,
            default_app=None if given.no_default_app else given.app_id,
            names={name.lower() for name in given.allow_host},
            ready=ready,
        )
    except OSError as error:
        sys.stderr.write(f"cannot listen on {given.host}, port {given.port}: {error.strerror or error}\n")
        return 1
    except ValueError as error:  # a page that is there already
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
