"""Tests a bot of Rasa's with this package over HTTP, as Meta reaches it.

Rasa and its action server are started beside the test, on ports and a database of their own (`started`), or
the bot runs already (`running`). Whether all has had its effect is read in the bot's database.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Collection, Dict, Iterator, List, Mapping, Optional, Union

import requests
from ruamel.yaml import YAML

from handover_channel import services, simulator
from handover_channel.errors import HandoverError
from handover_channel.queue.due_deadlines import DEADLINE_CLAIM
from handover_channel.services import Services
from handover_channel.settings import loader
from handover_channel.simulator.simulator import Simulator
from handover_channel.store import deadlines, deliveries
from handover_channel.testing import own_bot
from handover_channel.testing.bot_under_test import CLOCK, ActFailed, BotUnderTest
from handover_channel.testing.own_inbox import OwnInbox
from handover_channel.testing.reached import SETTLES_WITHIN, OverHttp, served
from handover_channel.testing.server_process import ServerProcess, free_port

#: Seconds in which a bot that follows the simulator's clock has begun to.
FOLLOWS_WITHIN = 5.0

#: Seconds that acting on a deadline may take.
ACTED_WITHIN = 5.0

_NO_CLOCK = "the bot does not follow the clock -> start it with HANDOVER_TEST_CLOCK={url}"

_http = requests.Session()
_http.trust_env = False  # a proxy of the environment does not know this machine's loopback

#: `python -m rasa`, after what Rasa reads its classifier with: before TensorFlow's thousands of modules that
#: import takes a sixth of the time.
RASA = [
    sys.executable,
    "-c",
    "import contextlib, runpy\nwith contextlib.suppress(ImportError):\n    import skops.io\n"
    "runpy.run_module('rasa', run_name='__main__', alter_sys=True)",
]


class OwnBot(OwnInbox, OverHttp):
    """A bot with this package, whose database is at hand."""

    def __init__(self, page: Simulator, given: Services) -> None:
        super().__init__(page, own_bot.places_of(given.settings))
        self._services = given
        self._no_clock = ""
        self._moved_at = 0.0

    def begin(self) -> None:
        """See `BotUnderTest`; outside the business hours time goes on to the next ones, where it can."""
        super().begin()
        ahead = own_bot.until_all_are_there(self._services.settings, self.page.now())
        if ahead and not self._no_clock and self.follows():
            self._advance(ahead, "jump")

    def settle(self, psid: str) -> None:
        """See `BotUnderTest`."""
        self.until(lambda: self._is_settled(psid), psid)

    def cannot(self, needs: Collection[str]) -> str:
        """See `BotUnderTest`: time is moved where the bot's processes follow the simulator's."""
        return self._no_clock if CLOCK in needs else ""

    def follows(self) -> bool:
        """Tell whether the bot's processes follow the simulator's clock; they have a moment to begin."""
        until = time.monotonic() + FOLLOWS_WITHIN
        while not self._advance("0 seconds", "jump"):
            if time.monotonic() > until:
                self._no_clock = _NO_CLOCK.format(url=self.page.base_url)
                return False
            time.sleep(0.2)
        return True

    def move_clock(self, by: str, *, stopping: bool) -> None:
        """See `BotUnderTest`."""
        if not self._advance(by, "run" if stopping else "jump"):
            raise ActFailed("the bot's processes do not follow the clock any more")

    def _all_due_by(self) -> float:
        """Return the time up to which nothing may be due.

        Whoever acts on a deadline moves it a little into the future first. So after time was moved nothing
        may be due there either, for as long as acting on it takes.
        """
        acting = time.monotonic() - self._moved_at < ACTED_WITHIN
        return self.page.now() + (DEADLINE_CLAIM if acting else 0.0)

    def _advance(self, by: Union[str, float], how: str) -> int:
        """Move the clock; return how many processes have moved along."""
        given = {"by": by, "how": how}
        answer = _http.post(f"{self.page.base_url}/simulator/v1/advance", json=given, timeout=SETTLES_WITHIN)
        if answer.status_code != 200:
            raise ActFailed(str(answer.json()))
        self._moved_at = time.monotonic()
        return int(answer.json()["followers"])

    def _is_settled(self, psid: str) -> bool:
        before = len(self.journal(psid))
        if self.is_under_way(psid):
            return False
        with self._services.store.reading() as connection:
            if deliveries.next_of(connection, psid) is not None:
                return False
            if deadlines.is_due_in(connection, psid, now=self._all_due_by()):
                return False
        return len(self.journal(psid)) == before


@contextlib.contextmanager
def started(folder: Path, model: Optional[Path], actions: str) -> Iterator[BotUnderTest]:
    """Start the bot in *folder*, Rasa and action server, and give it. Raises HandoverError.

    Nothing in the folder changes: settings with other ports and a new database go into one of their own.
    """
    settings = own_bot.settings_of(folder)
    rasa, actions_port = free_port(), free_port()
    page = own_bot.page_of(settings, callback=f"http://127.0.0.1:{rasa}/webhooks/facebook/webhook")
    with tempfile.TemporaryDirectory(prefix="handover-test-") as own, simulator.running(page) as url:
        files = Path(own)
        _copy(folder / "handover.yml", files, _settings_of(url, files))
        _copy(folder / "credentials.yml", files, {})
        _copy(folder / "endpoints.yml", files, _endpoints_of(actions_port, files))
        model = model or folder / "models"
        servers = _servers(folder, files, model, actions, url=url, rasa=rasa, actions_port=actions_port)
        with _running(servers), _services_of(files / "handover.yml", page) as given:
            yield _following(OwnBot(page, given))


@contextlib.contextmanager
def running(folder: Path, url: str, port: int) -> Iterator[BotUnderTest]:
    """Give the bot of *folder*, which runs already; its webhook is *url*, its Graph API on *port*.

    Raises HandoverError.
    """
    settings = own_bot.settings_of(folder)
    config = folder / "handover.yml"
    with served(own_bot.page_of(settings, callback=url), port) as page, _services_of(config, page) as given:
        yield _following(OwnBot(page, given))


def _following(bot: OwnBot) -> OwnBot:
    bot.follows()
    return bot


@contextlib.contextmanager
def _services_of(config: Path, page: Simulator) -> Iterator[Services]:
    given = services.build(loader.load(str(config)), page.clock)
    try:
        yield given
    finally:
        given.store.close()


@contextlib.contextmanager
def _running(servers: List[ServerProcess]) -> Iterator[None]:
    try:
        for server in servers:
            server.start()
        for server in servers:
            try:
                server.ready()
            except AssertionError as error:
                raise HandoverError(f"the bot does not start: {error}") from None
        yield
    finally:
        for server in reversed(servers):
            server.stop()


def _servers(
    folder: Path, files: Path, model: Path, actions: str, *, url: str, rasa: int, actions_port: int
) -> List[ServerProcess]:
    ours = {"HANDOVER_CONFIG": str(files / "handover.yml"), "SANIC_HOST": "127.0.0.1"}
    ours["HANDOVER_TEST_CLOCK"] = url
    run_actions = [sys.executable, "-m", "rasa", "run", "actions", "--port", str(actions_port)]
    run = [*RASA, "run", "--interface", "127.0.0.1", "--port", str(rasa), "--model", str(model)]
    run += ["--credentials", str(files / "credentials.yml"), "--endpoints", str(files / "endpoints.yml")]
    return [
        ServerProcess(
            "actions",
            [*run_actions, "--actions", actions],
            folder,
            f"http://127.0.0.1:{actions_port}/health",
            logs=files,
            **ours,
        ),
        ServerProcess("rasa", run, folder, f"http://127.0.0.1:{rasa}/webhooks/facebook/", logs=files, **ours),
    ]


def _settings_of(url: str, files: Path) -> Dict[str, Any]:
    return {"graph_api": {"url": url}, "database": f"sqlite:///{files / 'handover.db'}"}


def _endpoints_of(actions_port: int, files: Path) -> Dict[str, Any]:
    tracker_store = {"type": "SQL", "dialect": "sqlite", "db": str(files / "rasa.db")}
    url = f"http://127.0.0.1:{actions_port}/webhook"
    return {"action_endpoint": {"url": url}, "tracker_store": tracker_store}


def _copy(file: Path, folder: Path, changes: Mapping[str, Any]) -> None:
    """Copy a YAML file into *folder*, all as it stands there but for *changes*."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True  # type: ignore[assignment]
    given = yaml.load(file.read_text(encoding="utf-8")) if file.exists() else None
    merged = given if given is not None else {}
    merged.update(changes)
    with (folder / file.name).open("w", encoding="utf-8") as copied:
        yaml.dump(merged, copied)
