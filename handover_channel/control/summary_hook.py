"""Has a function or an address of the bot's developer word the human part, within seconds.

1. By then the thread is the bot's: nothing that goes wrong here undoes the return. What fails, takes too
   long, says nothing or too much is logged, and the bot gets our own note.
2. Each call has a thread of its own that no process waits for when it ends: a function that never returns
   cannot be stopped. So many of them at a time at most (SUMMARIES_AT_ONCE).
3. Of an error only kind and place are logged: its text may quote what people wrote.

A function gets what an address gets (`human_part.as_json`) as its only argument, and returns the text; it may
be `async`. An address is sent that as JSON by POST, and answers `{"summary": "..."}`. Redirects are not
followed.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from concurrent.futures import Future
from functools import lru_cache
from importlib import import_module
from typing import Any, Callable, Dict

from urllib3.exceptions import HTTPError

from handover_channel import log
from handover_channel.errors import HandoverError
from handover_channel.graph_api.bounded_http import ends_within, unpacked
from handover_channel.graph_api.transport import Pools, pools_for
from handover_channel.messenger.bubble import storable
from handover_channel.rules.human_part import HumanPart, as_json, note_of, written_by_hook
from handover_channel.rules.limits import SUMMARIES_AT_ONCE, SUMMARY_BYTES
from handover_channel.settings.summary import SummarySettings

logger = log.logger(__name__)

_Facts = Dict[str, Any]

#: Bytes read at a time.
_BLOCK = 16 * 1024


class NoSummary(HandoverError):
    """Nobody worded it. The text says why, and quotes nothing that people wrote."""


class SummaryHook:
    """Words human parts as the settings say."""

    def __init__(self, settings: SummarySettings) -> None:
        self._settings = settings
        self._room = threading.Semaphore(SUMMARIES_AT_ONCE.value)

    async def note(self, part: HumanPart) -> str:
        """Return the note of *part*: the hook's, else ours. Raises nothing."""
        if not (self._settings.url or self._settings.function):
            return note_of(part)
        try:
            return written_by_hook(part, await self._asked(as_json(part)))
        except NoSummary as error:
            logger.warning("thread %s: the bot gets our own note of the human part: %s", part.thread, error)
        return note_of(part)

    async def _asked(self, facts: _Facts) -> str:
        if not self._room.acquire(blocking=False):
            raise NoSummary(
                f"{SUMMARIES_AT_ONCE.value} calls of `summary` have not returned -> have it end in time"
            )
        answer: Future[Any] = Future()
        work = log.carried(self._work)
        threading.Thread(target=work, args=(facts, answer), name="handover-summary", daemon=True).start()
        seconds = self._settings.within.total_seconds()
        try:
            found = await asyncio.wait_for(asyncio.wrap_future(answer), seconds)
        except asyncio.TimeoutError:
            raise NoSummary(
                f"`summary` took more than {seconds:g} seconds -> make it faster, or raise summary.within"
            ) from None
        if not isinstance(found, str) or not found.strip():
            raise NoSummary(f"`summary` answered {type(found).__name__} without a text -> have it return one")
        return storable(found)

    def _work(self, facts: _Facts, answer: Future[Any]) -> None:
        try:
            found, failed = self._called(facts), None
        except NoSummary as error:
            found, failed = None, error
        except BaseException as error:  # also SystemExit: a thread of its own, nobody else would say so
            logger.error("`summary` failed: %s", log.trace(error))
            found, failed = None, NoSummary(f"`summary` failed ({type(error).__name__}) -> see the log")
        finally:
            self._room.release()
        if not answer.set_running_or_notify_cancel():
            return  # nobody waits any more
        if failed is not None:
            answer.set_exception(failed)
        else:
            answer.set_result(found)

    def _called(self, facts: _Facts) -> Any:
        settings = self._settings
        if settings.url:
            return _posted(settings.url, settings.token, facts, settings.within.total_seconds())
        found = _function(settings.function)(facts)
        return asyncio.run(_awaited(found)) if inspect.isawaitable(found) else found


async def _awaited(found: Any) -> Any:
    return await found


def _function(name: str) -> Callable[[_Facts], Any]:
    module, _, last = name.rpartition(".")
    try:
        found = getattr(import_module(module), last)
    except (ImportError, AttributeError) as error:
        raise NoSummary(
            f"handover.yml: summary names {name}, which is not there ({type(error).__name__}) -> correct it, "
            "or start the action server where it can be imported"
        ) from None
    if not callable(found):
        raise NoSummary(f"handover.yml: summary names {name}, which is no function -> name one")
    return found  # type: ignore[no-any-return]


def _posted(url: str, token: str, facts: _Facts, seconds: float) -> Any:
    headers = {"Content-Type": "application/json", "User-Agent": "rasa-handover"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        with ends_within(seconds):
            response = _pools(url).urlopen(
                "POST",
                url,
                body=json.dumps(facts).encode("ascii"),
                headers=headers,
                timeout=seconds,
                redirect=False,
                retries=False,
                preload_content=False,
            )
            status, content = response.status, _read(response)
    except (HTTPError, OSError, ValueError) as error:  # their texts hold the address, and perhaps a key
        raise NoSummary(
            f"the address in `summary` was not reached ({type(error).__name__}) -> check it"
        ) from None
    if status != 200:
        raise NoSummary(f"the address in `summary` answered {status} -> have it answer 200")
    try:
        answered = json.loads(content)
    except (ValueError, RecursionError):
        answered = None
    if not isinstance(answered, dict):
        raise NoSummary('the address in `summary` answered no JSON -> have it answer {"summary": "..."}')
    return answered.get("summary")


@lru_cache(maxsize=4)
def _pools(url: str) -> Pools:
    return pools_for(url)


def _read(response: Any) -> bytes:
    most, packed = SUMMARY_BYTES.value, bytearray()
    for part in response.stream(_BLOCK, decode_content=False):
        packed += part
        if len(packed) > most:
            break
    coding = response.headers.get("Content-Encoding", "")
    content: bytes = unpacked(bytes(packed) or response.data, coding, most)
    if not response.closed:
        response.close()
    response.release_conn()
    if max(len(packed), len(content)) > most:
        raise NoSummary(f"the address in `summary` answered more than {most} bytes -> have it answer less")
    return content
