"""Questions and answers between two processes of ours, over a socket, both ways at once.

A frame is its length in four bytes and a pickled (number, kind, content), FRAME bytes at most. Pickle is for
our own processes alone: the socket is a pair made by the parent, no name or port leads to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import pickle
import socket
import struct
from typing import (
    Any,
    Awaitable,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Set,
    Tuple,
    Type,
)

from handover_channel import log
from handover_channel.errors import HandoverError, NotReady, StoreUnavailable
from handover_channel.rules.limits import FRAME

logger = log.logger(__name__)

#: What answers a question: (its name, what was given) -> what is answered.
Answer = Callable[[str, Tuple[Any, ...]], Awaitable[Any]]

_ASK, _TELL, _ANSWER, _ERROR = range(4)
_LENGTH = struct.Struct("!I")

#: Bytes that are read at a time at the counter: some hundred deliveries, so that of a flood the first is not
#: kept waiting for the last.
_BLOCK = 1 << 18

#: Frames that are sent together at most: the other side can begin with them.
_TOGETHER = 16

#: Errors that mean the same on both sides; of others only the kind crosses: see log.py.
_ERRORS: Mapping[str, Type[HandoverError]] = {each.__name__: each for each in (NotReady, StoreUnavailable)}


class LineClosed(StoreUnavailable):
    """The process at the other end is gone."""


class AnswerFailed(HandoverError):
    """The other process failed to answer; its log says why."""


class TooLong(HandoverError):
    """A question or an answer that is longer than the other side takes."""


class Line(asyncio.Protocol):
    """One end of the line. Used on the event loop it was connected on."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
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

    async def ask(self, what: str, *given: Any, within: Optional[float] = None) -> Any:
        """Return the other side's answer. Raises LineClosed, AnswerFailed, and what `_ERRORS` names.

        Raises asyncio.TimeoutError where it takes more than *within* seconds.
        """
        number, answer = next(self._numbers), asyncio.get_running_loop().create_future()
        self._open[number] = answer
        # Not asyncio.wait_for, which makes a task each time.
        timer = self._loop.call_later(within, _time_out, answer) if within and not self._closed else None
        try:
            self._write(number, _ASK, (what, given, log.present()))
            return await answer
        finally:
            self._open.pop(number, None)
            if timer:
                timer.cancel()

    def tell(self, what: str, *given: Any) -> None:
        """Say something that needs no answer."""
        self._write(0, _TELL, (what, given, log.present()))

    async def serve(self) -> None:
        """Wait until the other side is gone, and all that it has asked is answered."""
        await self._lost.wait()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def lost(self) -> None:
        """Wait until the other side is gone."""
        await self._lost.wait()

    def close(self) -> None:
        """Hang up."""
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
        except TooLong as error:  # where the next one begins, nobody knows any more
            logger.error("the line is closed: %s", error)
            self._transport.abort()

    def connection_lost(self, error: Optional[Exception]) -> None:
        """Tell all who wait for an answer that there will be none: asyncio calls it."""
        self._closed = True
        for answer in self._open.values():
            if not answer.done():
                answer.set_exception(LineClosed("the process at the other end is gone"))
        self._lost.set()

    def _take(self, number: int, kind: int, content: Any) -> None:
        if kind in (_ASK, _TELL):
            task = self._loop.create_task(self._reply(number, kind, *content))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        answer = self._open.get(number)
        if answer is None or answer.done():
            return  # nobody waits any more
        if kind == _ANSWER:
            answer.set_result(content)
        else:
            name, text = content
            answer.set_exception(_ERRORS.get(name, AnswerFailed)(text))

    async def _reply(
        self, number: int, kind: int, what: str, given: Tuple[Any, ...], about: Mapping[str, Any]
    ) -> None:
        try:
            with log.resumed(about):
                reply = (_ANSWER, await self._answer(what, given))
        except GeneratorExit:
            raise  # the loop is thrown away
        except BaseException as error:
            # Whatever it is, SystemExit or a cancelled task of somebody's: who asked waits for an answer, and
            # the loop, which these would end, serves everybody.
            if type(error).__name__ not in _ERRORS:
                logger.error("%s failed: %s", what, log.trace(error))
            name = type(error).__name__
            reply = (_ERROR, (name, str(error) if name in _ERRORS else name))
        if kind == _ASK and not self._closed:
            try:
                self._write(number, *reply)
            except TooLong as error:
                logger.error("%s cannot be answered: %s", what, error)
                self._write(number, _ERROR, (TooLong.__name__, TooLong.__name__))

    def _write(self, number: int, kind: int, content: Any) -> None:
        if self._closed:
            raise LineClosed("the process at the other end is gone")
        if not self._unsent:
            self._loop.call_soon(self._send)  # with what else there is to send by then
        self._unsent.append(_framed(number, kind, content))
        if len(self._unsent) == _TOGETHER:
            self._send()

    def _send(self) -> None:
        frames, self._unsent = self._unsent, []
        if frames and not self._closed:
            self._transport.write(b"".join(frames))


class Counter:
    """The other end of a line for one thread, which takes all that is asked there at a time."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._read = bytearray()

    def questions(self) -> List[Tuple[int, Tuple[Any, ...]]]:
        """Wait for questions and return (number, what was given) of each; none: the other side is gone."""
        while True:
            try:
                found = [(number, content[1]) for number, _, content in _frames(self._read)]
            except TooLong as error:
                logger.error("the line is closed: %s", error)
                return []
            if found:
                return found
            data = self._received()
            if not data:
                return []
            self._read += data

    def answer(self, answers: Iterable[Tuple[int, Any]]) -> None:
        """Answer questions by their numbers."""
        frames = b"".join(_framed(number, _ANSWER, answer) for number, answer in answers)
        with contextlib.suppress(OSError):  # nobody waits any more
            self._end.sendall(frames)

    def _received(self) -> bytes:
        try:
            return self._end.recv(_BLOCK)
        except ConnectionError:
            return b""


def _framed(number: int, kind: int, content: Any) -> bytes:
    frame = pickle.dumps((number, kind, content), protocol=pickle.HIGHEST_PROTOCOL)
    _check(len(frame))
    return _LENGTH.pack(len(frame)) + frame


def _frames(read: bytearray) -> Iterator[Tuple[int, int, Any]]:
    """Take every whole frame off *read*."""
    begin = 0
    try:
        while len(read) - begin >= _LENGTH.size:
            first = begin + _LENGTH.size
            end = first + _check(_LENGTH.unpack_from(read, begin)[0])
            if len(read) < end:
                break
            begin = end
            # Our own parent or child wrote it: see the top of the module.
            yield pickle.loads(read[first:end])  # noqa: S301
    finally:
        del read[:begin]


def _check(length: int) -> int:
    if length > FRAME.value:
        raise TooLong(f"a frame of {length} bytes; {FRAME.value} are the most")
    return length


def _time_out(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_exception(asyncio.TimeoutError())
