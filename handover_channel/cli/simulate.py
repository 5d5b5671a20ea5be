"""Serves a Messenger on this machine for the bot of this folder: `handover simulate`. Prints its addresses.

A bot whose `graph_api.url` is another address sends its answers there, and none comes here: that is said.
Who has control by the bot's own word is read in the database of handover.yml.
"""

from __future__ import annotations

import contextlib
import errno
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ContextManager, Dict, List, Optional
from urllib.parse import urlsplit

import typer

from handover_channel.cli import recordings
from handover_channel.errors import HandoverError
from handover_channel.log import printable

if TYPE_CHECKING:
    from handover_channel.settings.loader import Settings
    from handover_channel.simulator.bot_at_hand import BotAtHand
    from handover_channel.simulator.simulator import Simulator
    from handover_channel.testing.scenario import Scenario

#: Of the Messenger on one's own machine, as in the example's credentials.yml.
DEMO_SECRET = "demo-app-secret"  # noqa: S105 - opens nothing

#: Hosts to listen on that mean every address of this machine.
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound


def simulate(
    host: str = typer.Option("127.0.0.1", help="Where to listen."),
    port: int = typer.Option(8090, help="Port of the page and of the fake Graph API."),
    callback: str = typer.Option(
        "http://127.0.0.1:5005/webhooks/facebook/webhook", help="The bot's webhook, which gets the events."
    ),
    page_id: str = typer.Option("1000000000000001", help="Id of the page, where credentials.yml names none."),
    default_app: bool = typer.Option(
        True, help="With a default app in Conversation Routing (this bot), as Meta advises; or without any."
    ),
    allow_host: List[str] = typer.Option(
        [], help="A name by which it may be called, beside those of this machine."
    ),
    record: Optional[Path] = typer.Option(
        None, help="Write what happens there as a scenario that `handover test` plays."
    ),
    overwrite: bool = typer.Option(False, "--overwrite", help="With --record: also where the file exists."),
    scenarios: Optional[Path] = typer.Option(
        None, help="A folder of scenarios, or a file, that the page can play step by step."
    ),
    proxy: str = typer.Option(
        "", help="Play nobody: forward between the bot and this Graph API, and record a real page."
    ),
    keep_texts: bool = typer.Option(False, "--keep-texts", help="With --proxy: record texts as they are."),
    compare: Optional[Path] = typer.Option(
        None, help="Play a recording, and say where it would have been otherwise; --record makes a scenario."
    ),
    any_secret: bool = typer.Option(
        False,
        "--any-secret",
        help="Also sign with an app secret that is not the demo's, for whoever reaches it.",
    ),
) -> None:
    """Serve a Messenger on this machine, with the ids and secrets of handover.yml and credentials.yml."""
    from handover_channel.settings import loader

    if compare is not None:
        raise typer.Exit(recordings.compare(compare, record, default_app=default_app, over=overwrite))
    given = loader.load()
    _expect_messenger(given)
    _expect_aiohttp()
    where: Dict[str, Any] = {"host": host, "port": port, "callback": callback, "page_id": page_id}
    try:
        if proxy:
            recordings.proxy(given, proxy, record, keep_texts=keep_texts, over=overwrite, **where)
            return
        _expect_demo_secret(given, any_secret=any_secret)
        _serve(
            given,
            default_app=default_app,
            names={name.lower() for name in allow_host},
            scenarios=scenarios,
            watched=lambda page: _recorded(page, given, record, over=overwrite),
            **where,
        )
    except OSError as error:
        raise HandoverError(_cannot_listen(error, host, port)) from None


def _serve(
    given: Settings,
    *,
    callback: str,
    page_id: str,
    default_app: bool,
    scenarios: Optional[Path],
    **how: Any,
) -> None:
    """Serve the pages that the bot with these settings answers for, until it is stopped."""
    from handover_channel import simulator
    from handover_channel.settings.loader import TargetKind
    from handover_channel.testing import scenario

    played = scenario.read_all([scenarios]) if scenarios else []
    inbox_url = _inbox_of(callback) if _has_inbox(given) else ""
    page, *others = given.pages
    simulator.run(
        callback=callback,
        secret=given.secret,
        verify_token=given.verify,
        app_id=given.app_id,
        token=page.token,
        page_id=page.id or page_id,
        more_pages=[simulator.PageFacts(each.id, token=each.token) for each in others],
        apps={each.app_id: each.name for each in given.targets.values() if each.kind is TargetKind.APP},
        default_app=given.app_id if default_app else None,
        bot=lambda page: _at_hand(page, given, played, inbox_url),
        ready=lambda: _print_addresses(given, host=how["host"], port=how["port"], callback=callback),
        **how,
    )


def addresses(host: str, port: int, callback: str) -> List[str]:
    """Return what is served and who is called, a line each."""
    base = f"http://{_reached_by(host)}:{port}"
    return [
        f"Messenger    {base}/   <- talk to the bot here",
        f"Graph API    {base}   <- graph_api.url in handover.yml",
        f"Control API  {base}/simulator/v1/openapi.json   <- for tests in any language",
        f"Calls        {callback}   <- the bot's webhook (--callback)",
    ]


def not_called(url: str, host: str, port: int) -> str:
    """Return what is wrong where the bot's Graph API at *url* is not this simulator, "" where it is."""
    from handover_channel.settings.locations import LOOPBACK

    parts = urlsplit(url)
    called = parts.hostname or ""
    here = host in _EVERYWHERE or called == host or (called in LOOPBACK and host in LOOPBACK)
    if here and (parts.port or {"http": 80, "https": 443}.get(parts.scheme)) == port:
        return ""
    ours = f"http://{_reached_by(host)}:{port}"
    return (
        f"handover.yml: graph_api.url is {url}, so the bot sends its answers there and none comes here "
        f'-> write graph_api: {{url: "{ours}"}} while you try things, and start Rasa again'
    )


def _expect_aiohttp() -> None:
    if find_spec("aiohttp") is None:
        raise HandoverError("aiohttp is not installed -> pip install 'rasa-handover[simulator]'")


def _expect_demo_secret(given: Settings, *, any_secret: bool) -> None:
    if given.secret not in ("", DEMO_SECRET) and not any_secret:
        raise HandoverError(
            "credentials.yml: the simulator signs whatever it is told to with the app secret, and this one "
            f"is not the demo's -> write secret: {DEMO_SECRET} while you try things, or add --any-secret"
        )


def _expect_messenger(given: Settings) -> None:
    """Raise HandoverError for a bot that is not on Messenger."""
    if not given.pages:
        raise HandoverError(
            "this bot is not on Messenger: credentials.yml has no handover_channel.MessengerInput, so there "
            "is nobody to play -> talk to it on its own channel; the inbox is at /webhooks/inbox/ of Rasa"
        )


def _print_addresses(given: Settings, *, host: str, port: int, callback: str) -> None:
    for line in addresses(host, port, callback):
        typer.echo(printable(line))
    if len(given.pages) > 1:
        typer.echo(printable(f"Pages        {', '.join(page.id for page in given.pages)}"))
    problem = not_called(given.graph_api.url, host, port)
    if problem:
        typer.echo(printable(problem), err=True)
    typer.echo("Ctrl-C stops it.")


def _recorded(
    page: Simulator, given: Settings, file: Optional[Path], *, over: bool
) -> ContextManager[object]:
    if file is None:
        return contextlib.nullcontext()
    from handover_channel.recording.control_log import StoreLog
    from handover_channel.recording.scenario_recorder import ScenarioRecorder
    from handover_channel.store import Store

    log = StoreLog(Store(given.database))
    recorder = ScenarioRecorder(page, file, log, over=over)
    typer.echo(printable(f"Records      {file}"))
    return contextlib.closing(recorder)


def _at_hand(page: Simulator, given: Settings, played: List[Scenario], inbox_url: str) -> BotAtHand:
    from handover_channel import services
    from handover_channel.testing.at_hand import AtHand

    return AtHand(page, services.build(given, page.clock), played, inbox_url)


def _has_inbox(given: Settings) -> bool:
    from handover_channel.settings.loader import TargetKind

    return any(each.kind is TargetKind.INBOX for each in given.targets.values())


def _inbox_of(callback: str) -> str:
    """Return where the built-in inbox is, of the server that has the webhook."""
    parts = urlsplit(callback)
    return f"{parts.scheme}://{parts.netloc}/webhooks/inbox/"


def _reached_by(host: str) -> str:
    """Return the name by which a browser of this machine reaches what listens on *host*."""
    name = "127.0.0.1" if host in _EVERYWHERE else host
    return f"[{name}]" if ":" in name else name


def _cannot_listen(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken -> end what listens there (lsof -i :{port}), or give another: --port"
    return f"cannot listen on {host}, port {port}: {error.strerror or error}"
