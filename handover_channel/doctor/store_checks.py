"""Checks our database, and the clocks that have to agree with ours."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Tuple

from handover_channel.doctor.check import Check, CouldNotLook, Found, fail, ok, warn
from handover_channel.doctor.facts import Facts
from handover_channel.doctor.report import Where
from handover_channel.errors import GraphError, StoreUnavailable
from handover_channel.sentences import Sentence, counted, of_others
from handover_channel.store import examination
from handover_channel.store.examination import Condition

_WHERE = Where("handover.yml: database")

#: File systems whose files go with the machine's memory, with the container, and that are elsewhere.
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_OF_A_CONTAINER = frozenset({"overlay", "aufs"})
_ON_A_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "glusterfs", "ceph"})

#: Seconds between two clocks from which on it is worth a word, and is wrong.
_NOTICEABLE, _WRONG = 10.0, 120.0

_CLOCKS_BY_NTP = Sentence("have all machines set their clocks by NTP")


def _condition(facts: Facts) -> Condition:
    url = facts.settings.database
    return facts.once("database", lambda: examination.look(url, facts.clock))


def _seen(facts: Facts) -> Condition:
    """Return the database's condition. Raises CouldNotLook where it is out of reach."""
    try:
        return _condition(facts)
    except StoreUnavailable:
        raise CouldNotLook(
            Sentence("the database is out of reach"), Sentence("see the check `database.reachable`")
        ) from None


def _reachable(facts: Facts) -> Iterator[Found]:
    silent = Sentence("without it the bot is silent, and Meta's deliveries are refused until it is back")
    try:
        found = _condition(facts)
    except StoreUnavailable as error:
        yield fail(
            Sentence("the database is out of reach: %(problem)s", problem=of_others(str(error))),
            silent,
            Sentence("start it, and check `database` in handover.yml: host, name, user and password"),
            _WHERE,
        )
        return
    if found.is_writable:
        yield ok(Sentence("the database answers (%(kind)s)", kind=found.dialect))
    elif found.path is None:
        yield fail(
            Sentence("the database server takes no changes: it is a copy of another"),
            silent,
            Sentence("write the address of the server that takes changes"),
            _WHERE,
        )
    else:
        yield fail(
            Sentence("the file %(file)s cannot be written", file=str(found.path)),
            silent,
            Sentence("make the file and its folder writable for the user that runs Rasa"),
            _WHERE,
        )


def _migrated(facts: Facts) -> Iterator[Found]:
    found = _seen(facts)
    if found.revision == examination.newest():
        yield ok(Sentence("its tables are those of this version"))
    elif found.revision is None:
        yield ok(Sentence("it has no tables yet: they are made when Rasa or the action server starts"))
    elif examination.is_known(found.revision):
        yield warn(
            Sentence("its tables are those of an earlier version"),
            Sentence("nothing has been started since the update"),
            Sentence("restart Rasa and the action server: the first of them brings the tables up to date"),
            _WHERE,
        )
    else:
        yield fail(
            Sentence("its tables are those of a later version"),
            Sentence("this version cannot work with them"),
            Sentence("install the same version of rasa-handover wherever this database is used"),
            _WHERE,
        )


def _durable(facts: Facts) -> Iterator[Found]:
    found = _seen(facts)
    if found.dialect == "sqlite":
        yield from _durable_file(facts, found)
    elif found.unsafe:
        yield fail(
            Sentence(
                "PostgreSQL is set to %(settings)s",
                settings=", ".join(f"{each} = off" for each in found.unsafe),
            ),
            Sentence("a power cut may lose messages that Meta does not send again, and who has control"),
            Sentence("set them to `on` in postgresql.conf"),
        )
    else:
        yield ok(Sentence("what is stored survives a power cut"))


def _durable_file(facts: Facts, found: Condition) -> Iterator[Found]:
    kind = _file_system(facts, found.path or facts.folder)
    move = Sentence("put it on a disk of this machine, or use PostgreSQL")
    if kind in _ON_A_NETWORK:
        yield fail(
            Sentence("the file is on a network file system (%(kind)s)", kind=kind),
            Sentence("SQLite damages its files there when two processes use them"),
            move,
            _WHERE,
        )
    elif kind in _IN_MEMORY:
        yield fail(
            Sentence("the file is on a file system in memory (%(kind)s)", kind=kind),
            Sentence("a restart of the machine loses it"),
            move,
            _WHERE,
        )
    elif kind in _OF_A_CONTAINER:
        yield warn(
            Sentence("the file is in the container's own layer (%(kind)s)", kind=kind),
            Sentence("it goes when the container is replaced"),
            Sentence("put it on a volume, or use PostgreSQL"),
            _WHERE,
        )
    else:
        yield ok(Sentence("what is stored survives a power cut"))


def _file_system(facts: Facts, path: Path) -> str:
    """Return the kind of file system that *path* is on, "" where that cannot be known."""
    try:
        lines = facts.mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not on Linux
        return ""
    given = path.resolve()
    best, kind = -1, ""
    for line in lines:
        parts = line.split()
        if len(parts) < 3:
            continue
        place = Path(parts[1].encode().decode("unicode_escape"))  # a space is \040
        if (place == given or place in given.parents) and len(place.parts) >= best:
            best, kind = len(place.parts), parts[2]
    return kind


class _Clock(NamedTuple):
    """A clock beside ours."""

    whose: str
    ahead: float  #: seconds


def _clocks(facts: Facts) -> Iterator[_Clock]:
    database = _server_clock(facts)
    if database is not None:
        yield _Clock("PostgreSQL", database)
    if facts.on_messenger:
        yield from _metas_clock(facts)


def _server_clock(facts: Facts) -> Optional[float]:
    try:
        return _condition(facts).ahead
    except StoreUnavailable:
        return None


def _metas_clock(facts: Facts) -> Iterator[_Clock]:
    graph, pages = facts.graph, facts.settings.pages
    try:
        if pages and not graph.clocks:
            graph.get(pages[0].token, "/me", fields="id")
    except (GraphError, CouldNotLook):  # a refusal tells the time, too
        pass
    if graph.clocks:
        seen = graph.clocks[0]
        yield _Clock("Meta", seen.theirs - seen.ours)


def _skew(facts: Facts) -> Iterator[Found]:
    found: List[_Clock] = list(_clocks(facts))
    if not found:
        raise CouldNotLook(Sentence("there is no other clock to compare this machine's with"), _CLOCKS_BY_NTP)
    for each in found:
        off = round(abs(each.ahead))
        said = counted(
            "this machine's clock and %(whose)s's are %(number)s second apart",
            "this machine's clock and %(whose)s's are %(number)s seconds apart",
            off,
            whose=each.whose,
        )
        why = Sentence("time limits, the messaging window and what counts as too old go wrong")
        if off > _WRONG:
            yield fail(said, why, _CLOCKS_BY_NTP)
        elif off > _NOTICEABLE:
            yield warn(said, why, _CLOCKS_BY_NTP)
        else:
            yield ok(Sentence("this machine's clock agrees with %(whose)s's", whose=each.whose))


def _has_other_clock(facts: Facts) -> bool:
    return facts.on_messenger or not facts.settings.database.startswith("sqlite")


CHECKS: Tuple[Check, ...] = (
    Check("database.reachable", Sentence("The database answers, and can be written"), _reachable),
    Check("database.migrated", Sentence("The database has the tables of this version"), _migrated),
    Check("database.durable", Sentence("What is stored stays stored"), _durable),
    Check("clock.skew", Sentence("The clocks agree"), _skew, applies=_has_other_clock),
)
