"""Bots of other frameworks, from npm, as further apps of a page: how each is begun, and what it must do."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Tuple

SOURCES = Path(__file__).with_name("other_bots")
INSTALLED_WITHIN = 420.0  #: seconds

#: Framework -> the commands that subscribe its app to the page (a bot may do that itself), and that begin it.
FRAMEWORKS: Mapping[str, Tuple[List[str], List[str]]] = {
    "bottender": (["node", "subscribe_bottender.js"], ["node", "node_modules/.bin/bottender", "start"]),
    "messenger-node": ([], ["node", "messenger_node.js"]),
}

#: What each of them is seen to do, in this order; the conformance table of docs/simulator-spec.md.
STEPS: Mapping[str, str] = {
    "subscribed": "subscribes its app to the page, by its own client (`POST /me/subscribed_apps`)",
    "verified": "answers the handshake of its webhook",
    "listens": "hears on `standby` what the person writes to the other app, and is silent",
    "greets": "gets `pass_thread_control`, with its metadata, and writes",
    "answers": "answers on `messaging` while it has the thread",
    "passes": "passes the thread back, and the other app is told, with its metadata",
    "silent": "hears on `standby` again, and is silent",
}

#: What had to be done for it to run here.
NOTES: Mapping[str, str] = {
    "bottender": "Takes the address of the Graph API as a setting (`origin`). Checks `X-Hub-Signature` "
    "alone: with the switch `signs_sha1` off it refuses all. Asks `thread_owner` before each answer.",
    "messenger-node": "Has the address of the Graph API fixed: the test has its HTTP client call another "
    "one. Checks no signature.",
}


def versions() -> Dict[str, str]:
    """Return the version of each framework, as package.json has it."""
    found = json.loads((SOURCES / "package.json").read_text())["dependencies"]
    return {name: found[name] for name in FRAMEWORKS}


def install(folder: Path) -> None:
    """Install the bots into *folder*, in the versions of the lock file; fails with what npm says."""
    shutil.copytree(SOURCES, folder, dirs_exist_ok=True)
    command = ["npm", "ci", "--omit=optional", "--loglevel=error"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALLED_WITHIN)
    assert done.returncode == 0, f"npm could not install the bots: {done.stdout[-500:]}{done.stderr[-2000:]}"


@contextmanager
def begun(
    framework: str, folder: Path, settings: Mapping[str, str], log: Path, *, subscribes: bool = True
) -> Iterator[Any]:
    """Run a bot, subscribed before unless there is nobody yet to subscribe at; yields its process."""
    env = {**os.environ, **settings, "NODE_ENV": "production", "NODE_OPTIONS": "--require ./on_loopback.js"}
    subscription, begins = FRAMEWORKS[framework]
    with log.open("wb") as output:
        if subscription and subscribes:
            subprocess.run(
                subscription, cwd=folder, env=env, stdout=output, stderr=output, timeout=60, check=True
            )
        bot = subprocess.Popen(begins, cwd=folder, env=env, stdout=output, stderr=output)
        try:
            yield bot
        finally:
            bot.kill()
            bot.wait(10)


def listens(port: int) -> bool:
    """Whether something listens on that port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
