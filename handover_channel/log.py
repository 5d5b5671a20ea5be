"""Writes our log lines, all to the same four rules, and no line more often than helps.

1. The text is constant, the facts are arguments. Secrets and what people wrote are none of them.
2. A line about work on a thread carries `thread_id`, and `delivery_id` where there is one, as fields of the
   record (`extra`), for those who log JSON.
3. Of an error that is not ours only its kind and its place are logged: its text may quote what people wrote.
4. A line is one line: control characters in its facts are written out (`printable`), whichever logger of
   ours it is from, in every process. A trace has lines of its own. A conversation id of Rasa's `rest` is
   whatever somebody sent: with a line break in it it would forge a line of the log, with an escape sequence
   steer the terminal that shows it. Letters of all scripts stay, and what joins them; what turns the
   direction of a whole line round does not.
   https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings
"""

from __future__ import annotations

import contextvars
import functools
import logging
import time
import traceback
import unicodedata
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    MutableMapping,
    Optional,
    Tuple,
    TypeVar,
    Union,
)

from handover_channel.errors import HandoverError

if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:  # cannot be subscripted before Python 3.11
    _Adapter = logging.LoggerAdapter

_T = TypeVar("_T")

_OURS = __name__.partition(".")[0]
_ONE_LINE_MARK = "_handover_on_one_line"

_NO_FIELDS: Mapping[str, Any] = MappingProxyType({})
_ABOUT: contextvars.ContextVar[Mapping[str, Any]] = contextvars.ContextVar(
    "handover_about", default=_NO_FIELDS
)


#: Control characters, halves of a character, separators of lines and paragraphs.
_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})

_TURNS_LINES_ROUND = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str) -> str:
    """Return *text* on one line, with nothing in it that does anything."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_written_out(sign) if _does_something(sign) else sign for sign in text)


def printable_lines(text: str) -> str:
    """Return *text* as `printable` does, but for its line breaks."""
    return "\n".join(map(printable, text.split("\n")))


def _does_something(sign: str) -> bool:
    return unicodedata.category(sign) in _CATEGORIES or sign in _TURNS_LINES_ROUND


def _written_out(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")


class Trace(str):
    """A text of several lines, all of them ours."""


def _on_one_line(make: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    @functools.wraps(make)
    def record(*given: Any, **named: Any) -> logging.LogRecord:
        made = make(*given, **named)
        if str(made.name).partition(".")[0] != _OURS:
            return made
        if isinstance(made.args, tuple):
            made.args = tuple(map(_harmless, made.args))
        elif isinstance(made.args, Mapping):
            made.args = {name: _harmless(fact) for name, fact in made.args.items()}
        return made

    setattr(record, _ONE_LINE_MARK, True)
    return record


def _harmless(fact: Any) -> Any:
    if isinstance(fact, (int, float, Trace)):
        return fact
    text = str(fact)
    shown = printable(text)
    return fact if shown == text else shown


# The one place that all loggers pass. https://docs.python.org/3/library/logging.html#logging.setLogRecordFactory
if not hasattr(logging.getLogRecordFactory(), _ONE_LINE_MARK):
    logging.setLogRecordFactory(_on_one_line(logging.getLogRecordFactory()))


class Logger(_Adapter):
    """Adds what the present work is about to every record."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> Tuple[Any, MutableMapping[str, Any]]:
        """Add the fields; those given with the call win."""
        kwargs["extra"] = {**_ABOUT.get(), **(kwargs.get("extra") or {})}
        return msg, kwargs


def logger(name: str) -> Logger:
    """Return the logger of a module."""
    return Logger(logging.getLogger(name), {})


@contextmanager
def about(thread: str, delivery: Optional[int] = None) -> Iterator[None]:
    """Say what the work inside is about."""
    with resumed({"thread_id": thread, **({} if delivery is None else {"delivery_id": delivery})}):
        yield


def present() -> Dict[str, Any]:
    """Return what the present work is about, for another process to resume."""
    return dict(_ABOUT.get())


@contextmanager
def resumed(fields: Mapping[str, Any]) -> Iterator[None]:
    """Go on with work that another process has begun."""
    token = _ABOUT.set(fields)
    try:
        yield
    finally:
        with suppress(ValueError):  # a task that is thrown away ends outside of its own context
            _ABOUT.reset(token)


def carried(function: Callable[..., _T]) -> Callable[..., _T]:
    """Return *function* with what the work is about, for another thread."""
    return functools.partial(contextvars.copy_context().run, function)


def trace(error: BaseException) -> Trace:
    """Return kind and place of *error* and of its causes, without their texts; with it where it is ours."""
    seen: Optional[BaseException] = error
    parts: List[str] = []
    while seen is not None and len(parts) < 10:
        said = type(seen).__name__
        if isinstance(seen, HandoverError):
            said = f"{said}: {printable_lines(str(seen))}"
        parts.append("".join([said, "\n", *traceback.format_tb(seen.__traceback__)]).rstrip())
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return Trace("\nafter ".join(parts))


class Forward(logging.Handler):
    """Hands records on to the process that has the log, by *send*; where that fails, to stderr."""

    def __init__(self, send: Callable[[Dict[str, Any]], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record as plain values: text and facts, fields, and of an error its trace."""
        error = record.exc_info[1] if record.exc_info else None
        given = record.args if isinstance(record.args, tuple) else ()
        plain = {
            **vars(record),
            "msg": str(record.msg) if given else record.getMessage(),
            "args": tuple(arg if isinstance(arg, (int, float)) else str(arg) for arg in given),
            "exc_info": None,
            "exc_text": trace(error) if error else None,
        }
        try:
            self._send(plain)
        except Exception:
            if logging.lastResort:
                logging.lastResort.handle(record)


def received(plain: Mapping[str, Any]) -> None:
    """Log a record that another process has sent."""
    record = logging.makeLogRecord(dict(plain))
    its_logger = logging.getLogger(record.name)
    if its_logger.isEnabledFor(record.levelno):
        its_logger.handle(record)


#: Kinds of lines that are told apart at a time; more are somebody's doing, and count as one.
_KINDS_AT_MOST = 200
_ALL_OTHERS = ""


class Rarely:
    """Logs the first of many lines of one kind at once, and then one in *seconds*, with how many there were.

    For what others can cause as often as they like. From any thread.
    """

    def __init__(self, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._said: Dict[str, Tuple[float, int]] = {}  # kind -> when, and how many were left out since

    def warning(self, to: Union[logging.Logger, Logger], kind: str, text: str, *facts: object) -> None:
        """Log a warning of that kind, unless one was logged a moment ago."""
        now = self._clock()
        kind = self._kind(kind, now)
        at, left_out = self._said.get(kind, (now - self._seconds, 0))
        if now - at < self._seconds:
            self._said[kind] = (at, left_out + 1)
            return
        self._said[kind] = (now, 0)
        if left_out:
            to.warning(f"{text} (and %d more since the last line of this kind)", *facts, left_out)
        else:
            to.warning(text, *facts)

    def _kind(self, kind: str, now: float) -> str:
        """Return under which name a line is counted: that of all the others, where there are too many."""
        if kind in self._said or len(self._said) < _KINDS_AT_MOST:
            return kind
        at, _ = self._said.get(_ALL_OTHERS, (now - self._seconds, 0))
        if now - at >= self._seconds:  # not at each line: it looks at all of them
            fresh = (each for each, said in self._said.items() if now - said[0] < self._seconds)
            self._said = {each: self._said[each] for each in (*fresh, _ALL_OTHERS) if each in self._said}
        return _ALL_OTHERS
