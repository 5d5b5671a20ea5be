"""Chooses the ports of the demo: its own ones, or free ones where somebody else listens on those.

Settings and endpoints name ports, so a demo that moves gets copies of them in a folder of its own; the bot's
files stay as they are. A relative database counts from the settings' folder: two demos share none.
"""

from __future__ import annotations

import shutil
import socket
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Tuple

import yaml

from handover_channel.cli.supervisor import Part, listening
from handover_channel.cli.test import SCENARIOS

MODEL = Path("models/handover.tar.gz")


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


def choose(is_taken: Callable[[int], bool] = listening) -> Ports:
    """Return the demo's own ports, each replaced by a free one where somebody else listens on it."""
    wanted = {each.name: getattr(Ports(), each.name) for each in fields(Ports)}
    return Ports(**{name: _free_port() if is_taken(port) else port for name, port in wanted.items()})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
    action_endpoint = {"url": f"http://127.0.0.1:{ports.actions}/webhook"}
    _copy("endpoints.yml", folder, {"action_endpoint": action_endpoint})


def _copy(name: str, folder: Path, changes: Mapping[str, Dict[str, Any]]) -> None:
    given = yaml.safe_load(Path(name).read_text(encoding="utf-8")) or {}
    merged = {key: {**(given.get(key) or {}), **values} for key, values in changes.items()}
    text = yaml.safe_dump({**given, **merged}, allow_unicode=True, sort_keys=False)
    (folder / name).write_text(text, encoding="utf-8")


def parts_of(ports: Ports) -> Tuple[Part, ...]:
    """Return the demo's processes."""
    folder = folder_of(ports)
    endpoints = folder / "endpoints.yml" if ports.is_moved else Path("endpoints.yml")
    settings = {"HANDOVER_CONFIG": str(settings_of(ports))} if ports.is_moved else {}
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
            {"SANIC_HOST": "127.0.0.1", **settings},
        ),
        Part(
            "Rasa",
            # Loopback only: the demo's secrets are in the repository.
            ("-m", "rasa", "run", "--enable-api", "--interface", "127.0.0.1", "--model", str(MODEL))
            + ("--port", str(ports.rasa), "--credentials", "credentials.yml", "--endpoints", str(endpoints)),
            # Rasa's own path for a channel's health: 200 means that the model is loaded, too.
            f"{rasa}/webhooks/facebook/",
            settings,
        ),
    )
