"""Ends HTTP exchanges at a deadline that holds for all of them: connect, TLS, head and body.

1. urllib3's time-outs hold for each wait: a server that sends a byte now and then occupies a thread for ever.
   Here one thread of the process watches all exchanges under way, and shuts the connections of those whose
   time is over. A caller waiting on such a connection gets an error, or less data than there should be, so it
   has to check `is_over` afterwards.
2. The first few addresses of a host are tried, except those that *may_call* refuses: nothing is sent there.
3. A thread makes one exchange at a time: its deadline is the thread's.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import zlib
from typing import Any, Callable, Iterator, List, Optional, Set, Type

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import create_connection

from handover_channel.rules.limits import ADDRESSES

#: Seconds between two looks at the exchanges under way.
TICK = 0.25

#: For zlib: of gzip or of its own.
_ANY_HEADER = zlib.MAX_WBITS | 32

_thread = threading.local()


class Deadline:
    """The end of an exchange, and what has to be ended then. Thread-safe."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._connections: List[socket.socket] = []

    @property
    def left(self) -> float:
        """Seconds that are left, 0.0 for none."""
        return max(self._until - time.monotonic(), 0.0)

    @property
    def is_over(self) -> bool:
        """Tell whether the time is over."""
        return not self.left

    def watch(self, connection: socket.socket) -> None:
        """End *connection*, too."""
        # By a descriptor of our own: TLS takes over the one that was given, and libraries close theirs.
        own = socket.fromfd(connection.fileno(), connection.family, connection.type)
        with self._lock:
            self._connections.append(own)
        if self.is_over:
            self.end()

    def end(self) -> None:
        """Shut the connections."""
        with self._lock:
            for each in self._connections:
                with contextlib.suppress(OSError):  # it has ended by itself
                    each.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Leave the connections to their owners."""
        with self._lock:
            for each in self._connections:
                each.close()
            self._connections.clear()


class _Watch:
    """Ends what is over. Its thread sleeps where there is nothing to look after."""

    def __init__(self) -> None:
        self._under_way: Set[Deadline] = set()
        self._changed = threading.Condition()
        self._running: Optional[threading.Thread] = None

    def add(self, deadline: Deadline) -> None:
        with self._changed:
            self._under_way.add(deadline)
            if self._running is None or not self._running.is_alive():  # a fork has no threads
                self._running = threading.Thread(target=self._run, name="handover-deadlines", daemon=True)
                self._running.start()
            elif len(self._under_way) == 1:
                self._changed.notify()

    def remove(self, deadline: Deadline) -> None:
        with self._changed:
            self._under_way.discard(deadline)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._under_way:
                    self._changed.wait()
                over = [each for each in self._under_way if each.is_over]
            for each in over:
                each.end()
            time.sleep(TICK)


_watch = _Watch()


@contextlib.contextmanager
def ends_within(seconds: float) -> Iterator[Deadline]:
    """End what this thread asks for meanwhile, on connections of this module, after *seconds*."""
    deadline, before = Deadline(seconds), _deadline()
    _thread.deadline = deadline
    _watch.add(deadline)
    try:
        yield deadline
    finally:
        _thread.deadline = before
        _watch.remove(deadline)
        deadline.release()


def _deadline() -> Optional[Deadline]:
    return getattr(_thread, "deadline", None)


class _Bounded(HTTPConnection):
    """A connection that the thread's deadline ends."""

    def may_call(self, address: str) -> bool:
        """Tell whether to connect to an IP address."""
        return True

    def request(self, *given: Any, **named: Any) -> None:
        """Ask, on a connection that may have been kept open."""
        deadline, connection = _deadline(), self.sock
        if deadline is not None and connection is not None:
            deadline.watch(connection)
        super().request(*given, **named)

    def _new_conn(self) -> socket.socket:
        deadline = _deadline()
        connection = self._connected(deadline)
        if deadline is not None:
            deadline.watch(connection)
        return connection

    def _connected(self, deadline: Optional[Deadline]) -> socket.socket:
        error: Optional[OSError] = None
        for address in self._addresses():
            timeout = self.timeout if deadline is None else _least(self.timeout, deadline.left)
            try:
                return create_connection(
                    (address, self.port), timeout, self.source_address, self.socket_options
                )
            except OSError as failed:
                error = failed
            if deadline is not None and deadline.is_over:
                break
        if isinstance(error, socket.timeout):
            raise ConnectTimeoutError(self, "no connection in time") from error
        raise NewConnectionError(self, f"no connection: {error}") from error

    def _addresses(self) -> List[str]:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NewConnectionError(self, f"no address: {error}") from error
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))[: ADDRESSES.value]
        return [each for each in addresses if self.may_call(each)]


class _BoundedTls(_Bounded, HTTPSConnection):
    """The same over TLS."""


class Pool(HTTPConnectionPool):
    """Connections that the thread's deadline ends."""

    ConnectionCls = _Bounded


class TlsPool(HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = _BoundedTls


def tls_pool_to(may_call: Callable[[str], bool]) -> Type[HTTPSConnectionPool]:
    """Return pools of connections that call no IP address but those that *may_call* allows."""

    class Connection(_BoundedTls):
        def may_call(self, address: str) -> bool:
            return may_call(address)

    class Restricted(TlsPool):
        ConnectionCls = Connection

    return Restricted


def bound(manager: Any, tls_pool: Type[HTTPSConnectionPool] = TlsPool) -> Any:
    """Have a PoolManager of urllib3 make such connections, and return it."""
    manager.pool_classes_by_scheme = {"http": Pool, "https": tls_pool}
    return manager


def unpacked(content: bytes, coding: str, most: int) -> bytes:
    """Return what was packed in *content* (header Content-Encoding), up to *most* bytes and one.

    Not asked for, and sent by some all the same. urllib3 before 2.6 unpacks it to any size. What is packed
    more than once, otherwise, or not at all is returned as it is.
    """
    if coding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return content
    try:
        return zlib.decompressobj(_ANY_HEADER).decompress(content, most + 1)
    except zlib.error:
        return content


def _least(timeout: Any, left: float) -> float:
    # urllib3 has a sentinel for "the default", which is none.
    return min(float(timeout), left) if isinstance(timeout, (int, float)) else left
