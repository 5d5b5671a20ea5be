"""Questions and answers between two processes of ours, over a socket, both ways at once.

A frame is its length in four bytes and a pickled (number, kind, content). Pickle is for our own processes
alone: the socket is a pair made by the parent, no name or port leads to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import pickle
import socket
import struct
from typing import Any, Awaitable, Callable, Dict, Mapping, Set, Tuple, Type

from handover_channel import log
from handover_channel.errors import HandoverError, NotReady, StoreUnavailable

logger = log.logger(__name__)

#: What answers a question: (its name, what was given) -> what is answered.
Answer = Callable[[str, Tuple[Any, ...]], Awaitable[Any]]

_ASK, _TELL, _ANSWER, _ERROR = range(4)
_LENGTH = struct.Struct("!I")

#: Errors that mean the same on both sides; of others only the kind crosses: see log.py.
_ERRORS: Mapping[str, Type[HandoverError]] = {each.__name__: each for each in (NotReady, StoreUnavailable)}


class LineClosed(StoreUnavailable):
    """The process at the other end is gone."""


class AnswerFailed(HandoverError):
    """The other process failed to answer; its log says why."""


class Line:
    """One end of the line. Used on the event loop it was made on."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._numbers = itertools.count(1)
        self._open: Dict[int, asyncio.Future[Any]] = {}
        self._tasks: Set[asyncio.Task[None]] = set()
        self._writer: asyncio.StreamWriter
        self._reader: asyncio.StreamReader
        self._closed = True

    @property
    def is_closed(self) -> bool:
        """Tell whether there is nobody at the other end."""
        return self._closed

    async def connect(self, end: socket.socket) -> None:
        """Take *end*, one of a pair of sockets."""
        self._reader, self._writer = await asyncio.open_connection(sock=end, limit=2**20)
        self._closed = False

    async def ask(self, what: str, *given: Any) -> Any:
        """Return the other side's answer. Raises LineClosed, AnswerFailed, and what `_ERRORS` names."""
        number = next(self._numbers)
        answer = asyncio.get_running_loop().create_future()
        self._open[number] = answer
        try:
            self._write(number, _ASK, (what, given, log.present()))
            return await answer
        finally:
            self._open.pop(number, None)

    def tell(self, what: str, *given: Any) -> None:
        """Say something that needs no answer."""
        self._write(0, _TELL, (what, given, log.present()))

    async def serve(self) -> None:
        """Answer the other side until it is gone, and all that it has asked is answered."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
                # Our own parent or child wrote it: see the top of the module.
                self._take(*pickle.loads(await self._reader.readexactly(length)))  # noqa: S301
        self._closed = True
        for answer in self._open.values():
            if not answer.done():
                answer.set_exception(LineClosed("the process at the other end is gone"))
        if self._tasks:
            await asyncio.wait(self._tasks)

    def close(self) -> None:
        """Hang up."""
        if not self._closed:
            self._writer.close()

    def _take(self, number: int, kind: int, content: Any) -> None:
        if kind in (_ASK, _TELL):
            task = asyncio.ensure_future(self._reply(number, kind, *content))
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
        except Exception as error:
            if type(error).__name__ not in _ERRORS:
                logger.error("%s failed: %s", what, log.trace(error))
            name = type(error).__name__
            reply = (_ERROR, (name, str(error) if name in _ERRORS else name))
        if kind == _ASK and not self._closed:
            self._write(number, *reply)

    def _write(self, number: int, kind: int, content: Any) -> None:
        if self._closed:
            raise LineClosed("the process at the other end is gone")
        frame = pickle.dumps((number, kind, content), protocol=pickle.HIGHEST_PROTOCOL)
        self._writer.write(_LENGTH.pack(len(frame)) + frame)
