"""Chooses the ports of the demo: its own ones, those one asks for, or the next ones where some are in use.

1. All ports move together, by the same step: the parts of another demo may listen only after a training, and
   a port that is free until then is not free. Who begins in the very same moment is kept off by `_claim`.
2. The same ports mean the same folder: a demo that is started again beside another finds its own data.
3. Settings and endpoints name ports, so a demo that moves gets copies of them in a folder of its own; the
   bot's files stay as they are. Databases are in that folder, too: two demos share none.
"""

from __future__ import annotations

import shutil
import socket
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import yaml

from handover_channel.cli.supervisor import Part, listening
from handover_channel.cli.test import SCENARIOS
from handover_channel.errors import HandoverError

MODEL = Path("models/handover.tar.gz")

STEP, MOST_DEMOS = 10, 50  #: by how much a demo moves on, and how often


@dataclass(frozen=True)
class Ports:
    """Where the parts of the demo listen, on this machine alone."""

    simulator: int = 8090
    actions: int = 5055
    rasa: int = 5005

    @property
    def messenger_url(self) -> str:
        """Where to talk to the bot."""
        return f"http://127.0.0.1:{self.simulator}/"

    @property
    def inbox_url(self) -> str:
        """Where to answer: the simulator leads on to Rasa's inbox, and lets a browser of this machine in."""
        return f"{self.messenger_url}inbox"

    @property
    def is_moved(self) -> bool:
        """Whether they are others than the files of the bot name."""
        return self != Ports()

    @classmethod
    def above(cls, base: int) -> Ports:
        """Return three in a row, from *base* on."""
        return cls(base, base + 1, base + 2)

    def moved(self, by: int) -> Ports:
        """Return as many higher ones."""
        return Ports(*(port + by for port in astuple(self)))

    def used(self, is_taken: Callable[[int], bool]) -> List[int]:
        """Return those on which somebody listens."""
        return [port for port in astuple(self) if is_taken(port)]


@dataclass(frozen=True)
class Chosen:
    """The ports of a demo that begins."""

    ports: Ports
    in_use: Tuple[int, ...]  #: those for which it did not get others
    claim: socket.socket  #: open for as long as the demo lives


def choose(base: Optional[int] = None, is_taken: Callable[[int], bool] = listening) -> Chosen:
    """Return the demo's own ports, or the next ones of which none is in use; with *base* three from there.

    Raises HandoverError where there are none, and for a *base* of which one is in use.
    """
    wanted = [Ports.above(base)] if base else [Ports().moved(by) for by in range(0, STEP * MOST_DEMOS, STEP)]
    in_use: List[int] = []
    for ports in wanted:
        used = ports.used(is_taken)
        claim = None if used else _claim(ports)
        if claim is not None:
            return Chosen(ports, tuple(in_use), claim)
        in_use += used or astuple(ports)
    raise _nowhere(in_use[0])


def _nowhere(port: int) -> HandoverError:
    return HandoverError(
        f"port {port} is in use -> end what listens there (lsof -i :{port}), or choose others: "
        "handover demo --port-base 18090"
    )


def _claim(ports: Ports) -> Optional[socket.socket]:
    """Hold *ports* against other demos; None where one holds them.

    On UDP, where no part listens: a claim takes nothing from the parts, and ends with this process.
    """
    claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        claim.bind(("127.0.0.1", ports.simulator))
    except OSError:
        claim.close()
        return None
    return claim


def folder_of(ports: Ports) -> Path:
    """Return where the demo's logs and copies are: in Rasa's own folder for what can be thrown away."""
    return Path(f".rasa/demo-{ports.rasa}" if ports.is_moved else ".rasa/demo")


def settings_of(ports: Ports) -> Path:
    """Return the settings that the demo runs with."""
    return folder_of(ports) / "handover.yml" if ports.is_moved else Path("handover.yml")


def write_copies(ports: Ports) -> None:
    """Copy the bot's settings for a demo that has moved, with its ports in them; for others do nothing."""
    if not ports.is_moved:
        return
    folder = folder_of(ports)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile("credentials.yml", folder / "credentials.yml")
    _copy("handover.yml", folder, {"graph_api": {"url": f"http://127.0.0.1:{ports.simulator}"}})
    endpoints = _read("endpoints.yml")
    changes: Dict[str, Dict[str, Any]] = {
        "action_endpoint": {"url": f"http://127.0.0.1:{ports.actions}/webhook"}
    }
    tracker_store = endpoints.get("tracker_store") or {}
    if tracker_store.get("dialect") == "sqlite":  # Rasa counts a relative path from where it is started
        name = Path(tracker_store.get("db") or "rasa.db").name
        changes["tracker_store"] = {"db": str(folder.absolute() / name)}
    _copy("endpoints.yml", folder, changes)


def _read(name: str) -> Dict[str, Any]:
    return yaml.safe_load(Path(name).read_text(encoding="utf-8")) or {}


def _copy(name: str, folder: Path, changes: Mapping[str, Dict[str, Any]]) -> None:
    given = _read(name)
    merged = {key: {**(given.get(key) or {}), **values} for key, values in changes.items()}
    text = yaml.safe_dump({**given, **merged}, allow_unicode=True, sort_keys=False)
    (folder / name).write_text(text, encoding="utf-8")


def parts_of(ports: Ports) -> Tuple[Part, ...]:
    """Return the demo's processes."""
    folder = folder_of(ports)
    endpoints = folder / "endpoints.yml" if ports.is_moved else Path("endpoints.yml")
    settings = {"HANDOVER_CONFIG": str(settings_of(ports))} if ports.is_moved else {}
    # Whoever moves the time on the page sees the bot's time limits pass.
    of_bot = {"HANDOVER_TEST_CLOCK": ports.messenger_url.rstrip("/"), **settings}
    rasa = f"http://127.0.0.1:{ports.rasa}"
    return (
        Part(
            "Simulator",
            ("-m", "handover_channel", "simulate", "--port", str(ports.simulator))
            + ("--callback", f"{rasa}/webhooks/facebook/webhook")
            + (("--scenarios", str(SCENARIOS)) if SCENARIOS.is_dir() else ()),
            f"{ports.messenger_url}health",
            settings,
        ),
        # The address by Sanic's own variable: Rasa has no option for it, and would listen on all of them.
        Part(
            "Action server",
            ("-m", "rasa", "run", "actions", "--port", str(ports.actions)),
            f"http://127.0.0.1:{ports.actions}/health",
            {"SANIC_HOST": "127.0.0.1", **of_bot},
        ),
        Part(
            "Rasa",
            # Loopback only: the demo's secrets are in the repository.
            ("-m", "rasa", "run", "--enable-api", "--interface", "127.0.0.1", "--model", str(MODEL))
            + ("--port", str(ports.rasa), "--credentials", "credentials.yml", "--endpoints", str(endpoints)),
            # Rasa's own path for a channel's health: 200 means that the model is loaded, too.
            f"{rasa}/webhooks/facebook/",
            of_bot,
        ),
    )
