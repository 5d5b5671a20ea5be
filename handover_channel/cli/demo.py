"""Runs the bot of this folder and a Messenger to talk to it, on this machine: `handover demo`.

1. Nothing is started while a port is taken, a file or Rasa is missing: the message says what to do.
2. The bot is trained where there is no model, or its training data is newer than the model.
3. The addresses are printed once all parts answer. From then on the demo lives until Ctrl-C or SIGTERM,
   or until one part ends by itself: then its last lines are shown, the others stop, and the exit code is 1.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Iterator, List, Sequence, Tuple

from rich.console import Console

from handover_channel.cli.supervisor import Child, Children, Part, taken
from handover_channel.errors import HandoverError
from handover_channel.log import printable

MODEL = Path("models/handover.tar.gz")
LOGS = Path(".rasa/demo")  # Rasa's own folder for what can be thrown away
MESSENGER_URL = "http://127.0.0.1:8090/"
INBOX_URL = "http://127.0.0.1:5005/webhooks/inbox"

#: Seconds until all parts must have answered; a slow laptop loads TensorFlow for one minute.
START_WITHIN = 300.0

TRAINING = Part(
    "Training",
    ("-m", "rasa", "train", "--out", str(MODEL.parent), "--fixed-model-name", MODEL.name[: -len(".tar.gz")]),
)
PARTS = (
    Part("Simulator", ("-m", "handover_channel", "simulate", "--port", "8090"), f"{MESSENGER_URL}health"),
    # The address by Sanic's own variable: Rasa has no option for it, and would listen on all of them.
    Part(
        "Action server",
        ("-m", "rasa", "run", "actions"),
        "http://127.0.0.1:5055/health",
        {"SANIC_HOST": "127.0.0.1"},
    ),
    Part(
        "Rasa",
        # Loopback only: the demo's secrets are in the repository.
        ("-m", "rasa", "run", "--enable-api", "--interface", "127.0.0.1", "--model", str(MODEL))
        + ("--credentials", "credentials.yml", "--endpoints", "endpoints.yml"),
        # Rasa's own path for a channel's health: 200 means that the model is loaded, too.
        "http://127.0.0.1:5005/webhooks/facebook/",
    ),
)

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  #: Ctrl-C, `kill`, the terminal is closed

NEEDED_FILES = ("config.yml", "domain.yml", "credentials.yml", "endpoints.yml", "handover.yml")
NEEDED_MODULES = {"rasa": "rasa", "aiohttp": "simulator"}  #: import name -> extra that brings it


def run(console: Console, *, check: bool = False, parts: Sequence[Part] = PARTS) -> int:
    """Run the demo until it is stopped, and return the exit code: 0, or 1 where a part failed.

    ``check`` stops it as soon as every part answers. Raises HandoverError where it cannot begin.
    """
    refuse(lacking() + taken_ports(parts))
    with _stopping_on_signals() as stopping:
        if not is_trained() and not _train(console, stopping):
            return 0 if stopping.is_set() else 1
        refuse(taken_ports(parts))  # training takes a while: somebody else may have come
        return _run_parts(console, parts, stopping, check=check)


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
    with Children([TRAINING], logs=LOGS) as (training,):
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


def _run_parts(console: Console, parts: Sequence[Part], stopping: threading.Event, *, check: bool) -> int:
    with Children(parts, logs=LOGS) as children:
        if not _wait_until_ready(console, children, stopping):
            return 0 if stopping.is_set() else 1
        _print_addresses(console)
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


def _print_addresses(console: Console) -> None:
    addresses: Tuple[Tuple[str, str], ...] = (
        ("Messenger", f"{MESSENGER_URL}   <- talk to the bot here"),
        ("Inbox", f"{_way_in()}   <- answer here"),
        ("Rasa", "http://127.0.0.1:5005/"),
        ("Action server", "http://127.0.0.1:5055/"),
        ("Logs", f"{LOGS}/"),
    )
    console.print()
    for name, address in addresses:
        console.print(f"  {name:<15}{address}", markup=False, highlight=False, soft_wrap=True)
    console.print("\nCtrl-C stops everything.")


def _way_in() -> str:
    """Return where the inbox is; where it has no agents, the link that lets one in from this machine."""
    from handover_channel import services
    from handover_channel.inbox.auth import Auth

    with suppress(HandoverError):
        return Auth(services.from_config().store).one_time_link(INBOX_URL)
    return f"{INBOX_URL}/"


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
