"""Reads and deletes Rasa's tracker of one conversation by endpoints.yml, without a Rasa server.

Rasa 3.6 has no method that deletes a tracker (`rasa.core.tracker_store`), so it is done in each kind of store
as that keeps it. What cannot be reached is said, with what to do by hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, ContextManager, Dict, Iterator, List, Mapping, Tuple

import sqlalchemy as sa

from handover_channel.errors import HandoverError

#: Rasa's file that names its tracker store, where it usually is.
USUAL_ENDPOINTS = Path("endpoints.yml")


class TrackerOutOfReach(HandoverError):
    """Rasa's tracker store cannot be reached from here; the text says what to do by hand."""


def events(thread: str, endpoints: Path) -> List[Dict[str, Any]]:
    """Return the events of a conversation, of all its sessions. Raises TrackerOutOfReach."""
    with reader(endpoints, thread) as read:
        return read(thread)


@contextlib.contextmanager
def reader(endpoints: Path, about: str = "") -> Iterator[Callable[[str], List[Dict[str, Any]]]]:
    """Give what `events` does, for many conversations: the store is opened once. Raises TrackerOutOfReach.

    *about*: the one conversation that it is about; "" for all.
    """
    store = _store(about, endpoints)
    loop = asyncio.new_event_loop()

    def read(thread: str) -> List[Dict[str, Any]]:
        try:
            with _nothing_said():
                tracker = loop.run_until_complete(store.retrieve_full_tracker(thread))
        except Exception as error:  # each kind of store raises its own
            raise _failed(about, endpoints, error) from None
        return [event.as_dict() for event in tracker.events] if tracker else []

    try:
        yield read
    finally:
        loop.close()


def delete(thread: str, endpoints: Path) -> int:
    """Delete a conversation; return how many events (SQL) or records. Raises TrackerOutOfReach."""
    return delete_from(_store(thread, endpoints), thread, endpoints)


def delete_from(store: Any, thread: str, endpoints: Path = USUAL_ENDPOINTS) -> int:
    """Do what `delete` does in a store that is open: also in that of a server that keeps it in memory.

    *endpoints*: the file that names it, for what is said of an error.
    """
    store = _unwrapped(store)
    name = type(store).__name__
    if name not in _DELETE:
        raise TrackerOutOfReach(
            f"{name} is not known here -> look after the conversation {thread} there by hand"
        )
    try:
        with _nothing_said():
            return _DELETE[name](store, thread)
    except Exception as error:
        raise _failed(thread, endpoints, error) from None


def events_in(store: Any, thread: str) -> List[Dict[str, Any]]:
    """Return what `events` does, of a store that is open."""
    try:
        tracker = asyncio.run(store.retrieve_full_tracker(thread))
    except Exception as error:  # each kind of store raises its own
        raise _failed(thread, USUAL_ENDPOINTS, error) from None
    return [event.as_dict() for event in tracker.events] if tracker else []


def _store(thread: str, endpoints: Path) -> Any:
    # By name: the command runs without Rasa, too, where this is all that it cannot do.
    if find_spec("rasa") is None:
        raise TrackerOutOfReach("Rasa is not installed here -> run this where Rasa runs" + _by_hand(thread))
    if not endpoints.exists():
        raise TrackerOutOfReach(f"{endpoints} is not there -> name Rasa's file: --endpoints FILE")
    try:
        with _nothing_said():
            kind, store = _as_rasa_makes_it(endpoints)
    except (Exception, SystemExit) as error:
        raise _failed(thread, endpoints, error) from None
    store = _unwrapped(store)
    if type(store).__name__ != "InMemoryTrackerStore":
        return store
    if kind and kind != "in_memory":  # Rasa takes its memory for a class that it cannot import
        raise TrackerOutOfReach(
            f"{kind} in {endpoints} is not known here -> name one of Rasa's own" + _by_hand(thread)
        )
    remedy = "restart Rasa" if thread else "there is nothing to read: set one up"
    raise TrackerOutOfReach(
        f"{endpoints} has no tracker_store, Rasa keeps conversations in memory -> {remedy}"
    )


def _unwrapped(store: Any) -> Any:
    while hasattr(store, "_tracker_store"):
        store = store._tracker_store
    return store


def _nothing_said() -> ContextManager[Any]:
    """Show no warning meanwhile: what Rasa and its libraries deprecate is nobody's business here.

    Recorded, not filtered, as some of them set filters of their own when they are imported.
    """
    return warnings.catch_warnings(record=True)


def _as_rasa_makes_it(endpoints: Path) -> Tuple[str, Any]:
    config = import_module("rasa.utils.endpoints").read_endpoint_config(str(endpoints), "tracker_store")
    in_pro = find_spec("rasa.core.tracker_stores") is not None  # there a package
    stores = import_module(f"rasa.core.{'tracker_stores.tracker_store' if in_pro else 'tracker_store'}")
    domain = import_module("rasa.shared.core.domain")
    store = stores.create_tracker_store(config, domain.Domain.empty(), None)
    return str(config.type or "") if config else "", store


def _failed(thread: str, endpoints: Path, error: BaseException) -> TrackerOutOfReach:
    return TrackerOutOfReach(
        f"Rasa's tracker store cannot be reached ({type(error).__name__}) -> check tracker_store in "
        f"{endpoints}{_by_hand(thread)}"
    )


def _by_hand(thread: str) -> str:
    """Return what else can be done about one conversation; "" where it is about all."""
    return f", or look after the conversation {thread} there by hand" if thread else ""


def _from_sql(store: Any, thread: str) -> int:
    with store.session_scope() as session:
        if session.get_bind().dialect.name == "sqlite":
            session.execute(sa.text("PRAGMA secure_delete=ON"))
        count = session.query(store.SQLEvent).filter(store.SQLEvent.sender_id == thread).delete()
        users = getattr(store, "SQLUser", None)  # Rasa Pro's
        if users is not None:
            session.query(users).filter(users.sender_id == thread).delete()
        session.commit()
    return int(count)


def _from_mongo(store: Any, thread: str) -> int:
    return int(store.conversations.delete_many({"sender_id": thread}).deleted_count)


def _from_redis(store: Any, thread: str) -> int:
    return int(store.red.delete(store.key_prefix + thread))


def _from_memory(store: Any, thread: str) -> int:
    return 0 if store.store.pop(thread, None) is None else 1


_DELETE: Mapping[str, Callable[[Any, str], int]] = {
    "SQLTrackerStore": _from_sql,
    "MongoTrackerStore": _from_mongo,
    "RedisTrackerStore": _from_redis,
    "InMemoryTrackerStore": _from_memory,
}
