"""Checks where Rasa keeps conversations and locks: endpoints.yml, tracker_store and lock_store.

Rasa 3.6.21 takes what is in memory for a tracker store that it does not find, with a warning among many
(rasa/core/tracker_store.py), for a store without `type`, and where several processes are asked for with
SANIC_WORKERS it starts one, without a word, unless the lock store has another type than `in_memory`
(rasa/core/utils.py, number_of_sanic_workers).
"""

from __future__ import annotations

import subprocess
import sys
from enum import Enum
from typing import Iterator, Tuple

from handover_channel.doctor import tracker_place
from handover_channel.doctor.check import Check, CouldNotLook, Found, fail, ok, warn
from handover_channel.doctor.facts import Facts
from handover_channel.doctor.report import Where
from handover_channel.sentences import Sentence

_ENDPOINTS = "endpoints.yml"
_TRACKER_STORES = ("redis", "mongod", "sql", "dynamo")  # in any case
_LOCK_STORES = ("redis",)  # exactly

#: Seconds that importing a class may take: with Rasa's TensorFlow, on a slow machine.
_IMPORT_WITHIN = 20.0

_WORKERS = "SANIC_WORKERS"

_IMPORT_IT = Sentence("import it by `python -c`, which shows the error")

#: Imports a class as Rasa would, in a process of its own, as that may do anything.
_IMPORT = """
import importlib, importlib.util, sys
if importlib.util.find_spec("rasa") is None:
    sys.exit(4)
module, _, name = sys.argv[1].rpartition(".")
try:
    found = getattr(importlib.import_module(module), name, None) if module else None
except (ImportError, AttributeError):
    found = None
sys.exit(0 if isinstance(found, type) else 3)
"""


class Kind(Enum):
    """What Rasa makes of the `type` of a store."""

    IN_MEMORY = "in memory"
    ELSEWHERE = "elsewhere"
    OF_THE_BOT = "of the bot"  #: a dotted path that can be imported
    NOT_FOUND = "not found"


def _type(facts: Facts, section: str) -> str:
    return str(facts.section(_ENDPOINTS, section).get("type") or "")


def tracker_store(facts: Facts) -> Kind:
    """Return what Rasa makes of the tracker store. Raises CouldNotLook."""
    given = _type(facts, "tracker_store")
    if not given:
        return Kind.IN_MEMORY
    return Kind.ELSEWHERE if given.lower() in _TRACKER_STORES else _imported(facts, given)


def lock_store(facts: Facts) -> Kind:
    """Return what Rasa makes of the lock store. Raises CouldNotLook."""
    given = _type(facts, "lock_store")
    if given in ("", "in_memory"):
        return Kind.IN_MEMORY
    return Kind.ELSEWHERE if given in _LOCK_STORES else _imported(facts, given)


def _imported(facts: Facts, path: str) -> Kind:
    return facts.once(("import", path), lambda: _import(facts, path))


def _import(facts: Facts, path: str) -> Kind:
    command = [sys.executable, "-c", _IMPORT, path]
    try:
        ran = subprocess.run(
            command,
            cwd=facts.folder,
            capture_output=True,
            timeout=min(facts.left, _IMPORT_WITHIN),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CouldNotLook(Sentence("importing %(path)s takes too long", path=path), _IMPORT_IT) from None
    if ran.returncode == 4:
        raise CouldNotLook(
            Sentence("this Python has no Rasa, so %(path)s cannot be looked for", path=path),
            Sentence("run `handover doctor` with the Python that runs Rasa"),
        )
    if ran.returncode not in (0, 3):
        raise CouldNotLook(Sentence("importing %(path)s ends in an error", path=path), _IMPORT_IT)
    return Kind.OF_THE_BOT if ran.returncode == 0 else Kind.NOT_FOUND


def _tracker_path(facts: Facts) -> Iterator[Found]:
    given, kind = _type(facts, "tracker_store"), tracker_store(facts)
    where = Where(f"{_ENDPOINTS}: tracker_store")
    gone = Sentence("a restart of Rasa forgets all conversations, and no two processes share them")
    write = Sentence(
        "write a tracker_store that is kept into endpoints.yml: `type: SQL`, with `dialect: sqlite` and "
        "`db: rasa.db`, or a database server"
    )
    if kind is Kind.NOT_FOUND:
        yield fail(
            Sentence("there is no class %(path)s, so Rasa keeps conversations in memory", path=given),
            gone,
            Sentence(
                "correct `type`: it is `SQL`, `redis`, `mongod`, `dynamo` or the path of a class that can be "
                "imported in the bot's folder"
            ),
            where,
        )
    elif kind is Kind.IN_MEMORY and facts.section(_ENDPOINTS, "tracker_store"):
        yield fail(
            Sentence("the tracker_store has no `type`, so Rasa keeps conversations in memory"),
            gone,
            write,
            where,
        )
    elif kind is Kind.IN_MEMORY:
        yield warn(Sentence("Rasa keeps conversations in memory"), gone, write, where)
    else:
        yield _place(facts, given, where)


def _place(facts: Facts, given: str, where: Where) -> Found:
    store = facts.section(_ENDPOINTS, "tracker_store")
    memory = Sentence("Rasa starts all the same, and keeps in memory what it cannot store")
    folder = tracker_place.missing_folder(store, facts.folder)
    if folder is not None:
        return fail(
            Sentence("there is no folder %(folder)s for the file of the tracker_store", folder=str(folder)),
            memory,
            Sentence("create the folder, or correct `db`"),
            where,
        )
    server = tracker_place.server(store)
    within = min(facts.left, tracker_place.ANSWERS_WITHIN)
    if server is not None and not tracker_place.answers(server, within):
        return fail(
            Sentence("nobody answers at %(server)s, where the tracker_store is", server=str(server)),
            memory,
            Sentence("start it, or correct `url` and `port`"),
            where,
        )
    return ok(Sentence("conversations are kept by %(type)s", type=given))


def _workers(facts: Facts) -> int:
    """Return how many processes are asked for, 0 for what is no such number."""
    given = facts.environ.get(_WORKERS, "1")
    return int(given) if given.isascii() and given.isdigit() else 0


def _lock_workers(facts: Facts) -> Iterator[Found]:
    workers, kind, given = _workers(facts), lock_store(facts), _type(facts, "lock_store")
    where = Where(f"{_ENDPOINTS}: lock_store")
    redis = Sentence("write a lock_store with `type: redis` and its url into endpoints.yml")
    if kind is Kind.NOT_FOUND:
        yield fail(
            Sentence("there is no class %(path)s for the lock store", path=given),
            Sentence("Rasa does not start"),
            redis,
            where,
        )
    elif not workers:
        yield warn(
            Sentence("the variable %(variable)s is no number of processes", variable=_WORKERS),
            Sentence("Rasa starts one process"),
            Sentence("set it to a number, or not at all"),
        )
    elif workers > 1 and kind is Kind.IN_MEMORY and facts.section(_ENDPOINTS, "lock_store") and not given:
        yield fail(
            Sentence(
                "the lock_store has no `type`, so each of %(count)s processes has locks of its own",
                count=workers,
            ),
            Sentence("two turns of one conversation run at the same time"),
            redis,
            where,
        )
    elif workers > 1 and kind is Kind.IN_MEMORY:
        yield warn(
            Sentence(
                "the variable %(variable)s is %(count)s, and Rasa starts one process, as its locks are in "
                "memory",
                variable=_WORKERS,
                count=workers,
            ),
            Sentence("the other processors stay idle"),
            redis,
            where,
        )
    else:
        yield from _shared(facts, workers, kind)


def _shared(facts: Facts, workers: int, kind: Kind) -> Iterator[Found]:
    if workers > 1 and tracker_store(facts) in (Kind.IN_MEMORY, Kind.NOT_FOUND):
        yield fail(
            Sentence(
                "of %(count)s processes each has a conversation of its own with one customer", count=workers
            ),
            Sentence("the bot forgets what was said whenever another process answers"),
            Sentence("write a tracker_store with `type: SQL` into endpoints.yml"),
            Where(f"{_ENDPOINTS}: tracker_store"),
        )
    elif kind is Kind.IN_MEMORY:
        yield ok(Sentence("one process, whose locks are in memory"))
    else:
        yield ok(Sentence("the locks are shared by all processes"))


CHECKS: Tuple[Check, ...] = (
    Check("tracker_store.path", Sentence("Rasa keeps conversations"), _tracker_path),
    Check("lock_store.workers", Sentence("Rasa's locks suit its processes"), _lock_workers),
)
