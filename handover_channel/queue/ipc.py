"""Calls methods of objects in another process of ours, over a socket, both ways at once.

1. What may be called is a table, `Interface`, made of a Protocol: both ends work from it. mypy checks callers
   and implementations against the Protocol, and a name that is not in the table is refused.
2. A frame is its length in four bytes and a pickled (number, kind, content), FRAME bytes at most. Pickle is
   for our own processes alone: the socket is a pair made by the parent, no name or port leads to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import pickle
import socket
import struct
from typing import (
    Any,
    Callable,
    ContextManager,
    Dict,
    Generic,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Set,
    Tuple,
    Type,
    TypeVar,
)

from handover_channel import log
from handover_channel.errors import HandoverError, NotReady, StoreUnavailable
from handover_channel.rules.limits import FRAME

logger = log.logger(__name__)

P = TypeVar("P")

_REQUEST, _NOTIFICATION, _RESPONSE, _ERROR = range(4)
_FRAME_LENGTH = struct.Struct("!I")

#: Bytes that a BatchServer reads at a time: some hundred deliveries, so that of a flood the first is not kept
#: waiting for the last.
_READ_AT_A_TIME = 1 << 18

#: Frames that are sent together at most: the other side can begin with them.
_TOGETHER = 16

#: Errors that mean the same on both sides; of others only the kind crosses: see log.py.
_ERRORS: Mapping[str, Type[HandoverError]] = {each.__name__: each for each in (NotReady, StoreUnavailable)}


class ConnectionClosed(StoreUnavailable):
    """The process at the other end is gone."""


class CallFailed(HandoverError):
    """The other process failed to answer; its log says why."""


class NotCallable(HandoverError):
    """The other process has called what is not in the table."""


class FrameTooLong(HandoverError):
    """A request or a response that is longer than the other side takes."""


class Interface(Generic[P]):
    """The table of what the other end may call: the methods of a Protocol.

    An `async` method is a request, which is answered. Any other method is a notification, which is not: it
    returns `object`, as nobody gets what an implementation returns (it may be `async`).
    """

    def __init__(self, protocol: Callable[..., P]) -> None:
        self._protocol = protocol
        functions = {name: each for name, each in vars(protocol).items() if inspect.isfunction(each)}
        methods = {name: each for name, each in functions.items() if not name.startswith("_")}
        self.requests = frozenset(name for name, each in methods.items() if inspect.iscoroutinefunction(each))
        self.notifications = frozenset(methods) - self.requests
        callers: Dict[str, Any] = {name: self._requesting(name) for name in self.requests}
        callers.update((name, self._notifying(name)) for name in self.notifications)
        self._remote: Callable[..., Any] = type(
            f"Remote{protocol.__name__}", (_Remote,), {"__slots__": (), **callers}
        )

    def remote(self, connection: Connection[Any], within: Optional[float] = None) -> P:
        """Return what is at the other end of *connection*, to be called like the object itself.

        A request raises ConnectionClosed, CallFailed, what `_ERRORS` names, and asyncio.TimeoutError where it
        takes more than *within* seconds; a notification raises ConnectionClosed.
        """
        remote: P = self._remote(connection, within)  # made for each webhook call: no more than this
        return remote

    def table(self, implementation: P) -> Mapping[int, Mapping[str, Callable[..., Any]]]:
        """Return what may be called of *implementation*, by kind of frame and name."""
        return {
            _REQUEST: {name: getattr(implementation, name) for name in self.requests},
            _NOTIFICATION: {name: getattr(implementation, name) for name in self.notifications},
        }

    def _requesting(self, name: str) -> Callable[..., Any]:
        def request(remote: _Remote, *given: Any, **named: Any) -> Any:
            if named:
                given = self._positional(name, given, named)
            return remote.connection.request(name, given, within=remote.within)

        return request

    def _notifying(self, name: str) -> Callable[..., None]:
        def notify(remote: _Remote, *given: Any, **named: Any) -> None:
            remote.connection.notify(name, self._positional(name, given, named) if named else given)

        return notify

    def _positional(self, name: str, given: Tuple[Any, ...], named: Dict[str, Any]) -> Tuple[Any, ...]:
        return inspect.signature(getattr(self._protocol, name)).bind(None, *given, **named).args[1:]


class _Remote:
    """What is at the other end of a connection: `Interface` adds the methods of its table."""

    __slots__ = ("connection", "within")

    def __init__(self, connection: Connection[Any], within: Optional[float]) -> None:
        self.connection = connection
        self.within = within


class Nothing:
    """Implements `NOTHING`."""


#: Of an end that only calls, and is never called.
NOTHING = Interface(Nothing)


class Connection(asyncio.Protocol, Generic[P]):
    """One end: calls the other one, and lets it call *implementation*. Used on the loop it was connected on.

    *around*: entered for each call of *implementation*.
    """

    def __init__(
        self,
        interface: Interface[P],
        implementation: P,
        around: Callable[[], ContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        self._callable = interface.table(implementation)
        notified = self._callable[_NOTIFICATION].items()
        #: What nobody waits for, and takes no time itself: it needs no task.
        self._at_once = {name for name, each in notified if not inspect.iscoroutinefunction(each)}
        self._around = around
        self._numbers = itertools.count(1)
        self._open: Dict[int, asyncio.Future[Any]] = {}
        self._tasks: Set[asyncio.Task[None]] = set()
        self._read = bytearray()
        self._unsent: List[bytes] = []
        self._transport: asyncio.Transport
        self._loop: asyncio.AbstractEventLoop
        self._lost: asyncio.Event
        self._closed = True

    @property
    def is_closed(self) -> bool:
        """Tell whether there is nobody at the other end."""
        return self._closed

    async def connect(self, end: socket.socket) -> None:
        """Take *end*, one of a pair of sockets, and begin to answer."""
        self._loop, self._lost = asyncio.get_running_loop(), asyncio.Event()
        self._transport, _ = await self._loop.create_connection(lambda: self, sock=end)

    async def request(self, method: str, given: Tuple[Any, ...], *, within: Optional[float] = None) -> Any:
        """Return the other side's response. Called by `Interface.remote`, which says what it raises."""
        number, response = next(self._numbers), asyncio.get_running_loop().create_future()
        self._open[number] = response
        # Not asyncio.wait_for, which makes a task each time.
        timer = self._loop.call_later(within, _time_out, response) if within and not self._closed else None
        try:
            self._write(number, _REQUEST, (method, given, log.present()))
            return await response
        finally:
            self._open.pop(number, None)
            if timer:
                timer.cancel()

    def notify(self, method: str, given: Tuple[Any, ...]) -> None:
        """Call what needs no response. Raises ConnectionClosed. Called by `Interface.remote`."""
        self._write(0, _NOTIFICATION, (method, given, log.present()))

    async def serve(self) -> None:
        """Wait until the other side is gone, and all that it has called has ended."""
        await self._lost.wait()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def lost(self) -> None:
        """Wait until the other side is gone."""
        await self._lost.wait()

    def close(self) -> None:
        """Close the connection, once what was written is sent."""
        if not self._closed:
            self._send()
            self._transport.close()

    def connection_made(self, transport: Any) -> None:
        """Begin: asyncio calls it."""
        self._transport, self._closed = transport, False

    def data_received(self, data: bytes) -> None:
        """Take every whole frame that has come: asyncio calls it."""
        self._read += data
        try:
            for frame in _frames(self._read):
                self._take(*frame)
        except FrameTooLong as error:  # where the next one begins, nobody knows any more
            logger.error("the connection is closed: %s", error)
            self._transport.abort()

    def connection_lost(self, error: Optional[Exception]) -> None:
        """Tell all who wait for a response that there will be none: asyncio calls it."""
        self._closed = True
        for response in self._open.values():
            if not response.done():
                response.set_exception(ConnectionClosed("the process at the other end is gone"))
        self._lost.set()

    def _take(self, number: int, kind: int, content: Any) -> None:
        if kind == _NOTIFICATION and content[0] in self._at_once:
            self._notified(*content)
            return
        if kind in (_REQUEST, _NOTIFICATION):
            task = self._loop.create_task(self._answer(number, kind, *content))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        response = self._open.get(number)
        if response is None or response.done():
            return  # nobody waits any more
        if kind == _RESPONSE:
            response.set_result(content)
        else:
            name, text = content
            response.set_exception(_ERRORS.get(name, CallFailed)(text))

    def _notified(self, method: str, given: Tuple[Any, ...], about: Mapping[str, Any]) -> None:
        try:
            with log.resumed(about), self._around():
                self._callable[_NOTIFICATION][method](*given)
        except Exception as error:
            logger.error("%s failed: %s", method, log.trace(error))

    async def _answer(
        self, number: int, kind: int, method: str, given: Tuple[Any, ...], about: Mapping[str, Any]
    ) -> None:
        try:
            with log.resumed(about), self._around():
                reply = (_RESPONSE, await self._called(kind, method, given))
        except GeneratorExit:
            raise  # the loop is thrown away
        except BaseException as error:
            # Whatever it is, SystemExit or a cancelled task of somebody's: the caller waits for a response,
            # and the loop, which these would end, serves everybody.
            if type(error).__name__ not in _ERRORS:
                logger.error("%s failed: %s", method, log.trace(error))
            reply = (_ERROR, _described(error))
        if kind == _REQUEST and not self._closed:
            try:
                self._write(number, *reply)
            except FrameTooLong as error:
                logger.error("%s cannot be answered: %s", method, error)
                self._write(number, _ERROR, _described(error))

    async def _called(self, kind: int, method: str, given: Tuple[Any, ...]) -> Any:
        function = self._callable[kind].get(method)
        if function is None:
            raise NotCallable(f"{method!r} is not in the table")
        found = function(*given)
        return await found if kind == _REQUEST or inspect.isawaitable(found) else None

    def _write(self, number: int, kind: int, content: Any) -> None:
        if self._closed:
            raise ConnectionClosed("the process at the other end is gone")
        if not self._unsent:
            self._loop.call_soon(self._send)  # with what else there is to send by then
        self._unsent.append(_framed(number, kind, content))
        if len(self._unsent) == _TOGETHER:
            self._send()

    def _send(self) -> None:
        frames, self._unsent = self._unsent, []
        if frames and not self._closed:
            self._transport.write(b"".join(frames))


class BatchServer:
    """The called end of a connection for one thread, which takes all requests that have come at a time.

    *method*: the only one that may be called.
    """

    def __init__(self, end: socket.socket, interface: Interface[Any]) -> None:
        self._end = end
        (self._method,) = interface.requests
        self._read = bytearray()

    def requests(self) -> List[Tuple[int, Tuple[Any, ...]]]:
        """Wait for requests and return (number, what was given) of each; none: the other side is gone."""
        while True:
            found: List[Tuple[int, Tuple[Any, ...]]] = []
            try:
                for number, kind, (method, given, _) in _frames(self._read):
                    if kind == _REQUEST and method == self._method:
                        found.append((number, given))
                    else:
                        self._refuse(number, method)
            except FrameTooLong as error:
                logger.error("the connection is closed: %s", error)
                return []
            if found:
                return found
            data = self._received()
            if not data:
                return []
            self._read += data

    def respond(self, responses: Iterable[Tuple[int, Any]]) -> None:
        """Answer requests by their numbers."""
        self._write(_framed(number, _RESPONSE, response) for number, response in responses)

    def _refuse(self, number: int, method: str) -> None:
        error = NotCallable(f"{method!r} is not in the table")
        logger.error("%s failed: %s", method, error)
        self._write([_framed(number, _ERROR, _described(error))])

    def _write(self, frames: Iterable[bytes]) -> None:
        data = b"".join(frames)
        with contextlib.suppress(OSError):  # nobody waits any more
            self._end.sendall(data)

    def _received(self) -> bytes:
        try:
            return self._end.recv(_READ_AT_A_TIME)
        except ConnectionError:
            return b""


def _described(error: BaseException) -> Tuple[str, str]:
    """Return kind and text of an error, as they cross to the other side."""
    name = type(error).__name__
    return name, str(error) if name in _ERRORS else name


def _framed(number: int, kind: int, content: Any) -> bytes:
    frame = pickle.dumps((number, kind, content), protocol=pickle.HIGHEST_PROTOCOL)
    _check(len(frame))
    return _FRAME_LENGTH.pack(len(frame)) + frame


def _frames(read: bytearray) -> Iterator[Tuple[int, int, Any]]:
    """Take every whole frame off *read*."""
    begin = 0
    try:
        while len(read) - begin >= _FRAME_LENGTH.size:
            first = begin + _FRAME_LENGTH.size
            end = first + _check(_FRAME_LENGTH.unpack_from(read, begin)[0])
            if len(read) < end:
                break
            begin = end
            # Our own parent or child wrote it: see the top of the module.
            yield pickle.loads(read[first:end])  # noqa: S301
    finally:
        del read[:begin]


def _check(length: int) -> int:
    if length > FRAME.value:
        raise FrameTooLong(f"a frame of {length} bytes; {FRAME.value} are the most")
    return length


def _time_out(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_exception(asyncio.TimeoutError())
