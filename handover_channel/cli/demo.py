"""Runs the bot of this folder and a Messenger to talk to it, on this machine: `handover demo`.

1. Nothing is started while a file or Rasa is missing: the message says what to do. Ports that are taken are
   replaced by free ones (demo_ports.py).
2. The bot is trained where there is no model, or its training data is newer than the model.
3. The addresses are printed once all parts answer. From then on the demo lives until Ctrl-C or SIGTERM,
   or until one part ends by itself: then its last lines are shown, the others stop, and the exit code is 1.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import astuple
from importlib.util import find_spec
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

from rich.console import Console

from handover_channel.cli.demo_ports import (
    MODEL,
    Ports,
    choose,
    folder_of,
    parts_of,
    settings_of,
    write_copies,
)
from handover_channel.cli.supervisor import Child, Children, Part, taken
from handover_channel.errors import HandoverError
from handover_channel.log import printable

OWN_PORTS = Ports()
MESSENGER_URL = OWN_PORTS.messenger_url

#: Seconds until all parts must have answered; a slow laptop loads TensorFlow for one minute.
START_WITHIN = 300.0

TRAINING = Part(
    "Training",
    ("-m", "rasa", "train", "--out", str(MODEL.parent), "--fixed-model-name", MODEL.name[: -len(".tar.gz")]),
)
PARTS = parts_of(OWN_PORTS)

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  #: Ctrl-C, `kill`, the terminal is closed

NEEDED_FILES = ("config.yml", "domain.yml", "credentials.yml", "endpoints.yml", "handover.yml")
NEEDED_MODULES = {"rasa": "rasa", "aiohttp": "simulator"}  #: import name -> extra that brings it


def start(console: Console, *, check: bool = False, port_base: Optional[int] = None) -> int:
    """Run the demo of this folder as `run` does: on its own ports, the next free ones or given ones."""
    refuse(lacking())
    chosen = choose(port_base)
    with chosen.claim:
        write_copies(chosen.ports)
        if chosen.in_use:
            taken_by_others, instead = (
                ", ".join(map(str, each)) for each in (chosen.in_use, astuple(chosen.ports))
            )
            console.print(f"Ports in use: {taken_by_others}. The demo takes {instead}.", highlight=False)
        return run(console, check=check, parts=parts_of(chosen.ports), ports=chosen.ports)


def run(
    console: Console, *, check: bool = False, parts: Sequence[Part] = PARTS, ports: Ports = OWN_PORTS
) -> int:
    """Run the demo until it is stopped, and return the exit code: 0, or 1 where a part failed.

    ``check`` stops it as soon as every part answers. Raises HandoverError where it cannot begin.
    """
    refuse(lacking() + taken_ports(parts))
    with _stopping_on_signals() as stopping:
        if not is_trained() and not _train(console, stopping):
            return 0 if stopping.is_set() else 1
        refuse(taken_ports(parts))  # training takes a while: somebody else may have come
        return _run_parts(console, parts, ports, stopping, check=check)


def lacking() -> List[str]:
    """Return what this folder and this Python lack, and what to do about it."""
    files = [
        f"{name} is not in this folder -> run the demo in the folder of the bot"
        for name in NEEDED_FILES
        if not Path(name).exists()
    ]
    modules = [
        f"{name} is not installed -> pip install 'rasa-handover[{extra}]' (Rasa needs Python 3.10)"
        for name, extra in NEEDED_MODULES.items()
        if find_spec(name) is None
    ]
    return files + modules


def taken_ports(parts: Sequence[Part]) -> List[str]:
    """Return which ports somebody else listens on, and what to do about it."""
    return [
        f"port {part.port} is taken, and {part.name} needs it -> end what listens there: lsof -i :{part.port}"
        for part in taken(parts)
    ]


def refuse(problems: Sequence[str]) -> None:
    """Raise HandoverError with all the problems, one a line, where there are any."""
    if problems:
        raise HandoverError("\n".join(problems))


def is_trained(model: Path = MODEL) -> bool:
    """Whether the model is there and no training data is newer."""
    if not model.exists():
        return False
    sources = [Path("config.yml"), Path("domain.yml"), *Path("data").rglob("*.yml")]
    return model.stat().st_mtime >= max(source.stat().st_mtime for source in sources)


def _train(console: Console, stopping: threading.Event) -> bool:
    with Children([TRAINING], logs=folder_of(OWN_PORTS)) as (training,):
        with console.status("Training the bot (about half a minute) ..."):
            while training.process.poll() is None and not stopping.wait(0.2):
                pass
        if stopping.is_set():
            return False
        if training.process.returncode != 0:
            _print_end(console, training)
            return False
    os.utime(MODEL)  # Rasa leaves the file alone when it finds nothing new in the training data
    console.print("The bot is trained.")
    return True


def _run_parts(
    console: Console, parts: Sequence[Part], ports: Ports, stopping: threading.Event, *, check: bool
) -> int:
    with Children(parts, logs=folder_of(ports)) as children:
        if not _wait_until_ready(console, children, stopping):
            return 0 if stopping.is_set() else 1
        _print_addresses(console, ports)
        fallen = [] if check else _wait_for_the_end(children, stopping)
        console.print("Stopping ...")
    for child in fallen:
        _print_end(console, child)
    return 1 if fallen else 0


def _wait_until_ready(console: Console, children: Sequence[Child], stopping: threading.Event) -> bool:
    waiting, began = list(children), time.monotonic()
    with console.status("") as status:
        while waiting:
            status.update(f"Waiting for: {', '.join(child.part.name for child in waiting)} ...")
            for child in list(waiting):
                # The process first: a stranger on its port must not answer for a child that has ended.
                if child.process.poll() is not None or time.monotonic() - began > START_WITHIN:
                    _print_end(console, child)
                    return False
                if child.answers():
                    waiting.remove(child)
                    console.print(f"{child.part.name} answers ({time.monotonic() - began:.0f} s).")
            if waiting and stopping.wait(0.3):
                return False
    return True


def _wait_for_the_end(children: Sequence[Child], stopping: threading.Event) -> List[Child]:
    """Return the children that ended by themselves, once there are any; none when we are to stop."""
    while not stopping.wait(0.5):
        fallen = [child for child in children if child.process.poll() is not None]
        if fallen:
            return fallen
    return []


def _print_addresses(console: Console, ports: Ports) -> None:
    addresses: Tuple[Tuple[str, str], ...] = (
        ("Messenger", f"{ports.messenger_url}   <- talk to the bot here"),
        ("Inbox", f"{ports.inbox_url}   <- answer here"),
        ("Rasa", f"http://127.0.0.1:{ports.rasa}/"),
        ("Action server", f"http://127.0.0.1:{ports.actions}/"),
        ("Logs", f"{folder_of(ports)}/"),
    )
    if ports.is_moved:
        command = f"HANDOVER_CONFIG={settings_of(ports)} handover status PSID"
        addresses += (("Settings", f"{settings_of(ports)}   <- {command}"),)
    console.print()
    for name, address in addresses:
        console.print(f"  {name:<15}{address}", markup=False, highlight=False, soft_wrap=True)
    console.print("\nCtrl-C stops everything.")


def _print_end(console: Console, child: Child) -> None:
    code = child.process.poll()
    how = "did not answer in time" if code is None else f"ended with exit code {code}"
    console.print(f"{child.part.name} {how}. The last lines of {child.log}:", highlight=False)
    for line in child.last_lines():
        console.print(f"    {printable(line)}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _stopping_on_signals() -> Iterator[threading.Event]:
    """Give an event that a signal to stop sets, and put the former handlers back afterwards."""
    stopping = threading.Event()
    former = {number: signal.signal(number, lambda *_: stopping.set()) for number in STOPPING}
    try:
        yield stopping
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
