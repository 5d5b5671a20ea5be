"""The inbox page: 10,000 open threads of 100,000, and 1,000,000 messages in their transcripts; one agent, who
asks for one thing after the other, once everything is in the search.

*List*: a page of 50 as the page itself asks for it, each of the five lists in turns, first and second page.
*Thread*: the whole panel of one of the open threads, another each time, with what Rasa's tracker has of it.
*Search*: through all names and messages of all lists: words that are everywhere, rare ones, and none. The
time is the client's, from the request to the last byte. The threads are copies, in the store, of one that was
really handed over.
"""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Dict, Iterator, List
from urllib.parse import quote_plus

import requests
from handover_channel.inbox.auth import Auth
from handover_channel.store import Store, search_sources

from bench import kept, our_store
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.processes import running
from bench.rasa_server import RasaServer
from bench.samples import percentile
from bench.stage import Stage

WANTED_MS = {"list": 100.0, "thread": 100.0, "search": 200.0}
THREADS, OPEN, MESSAGES, REQUESTS = 100_000, 10_000, 1_000_000, 300
#: list -> where its second page begins, in the order that it has by default.
LISTS = {
    "waiting": "longest~0~0",
    "mine": "unanswered~0~0",
    "open": "newest~0~{now}",
    "returned": "newest~0~{now}",
    "bot": "newest~0~{now}",
}
#: What is looked for.
SEARCHES = (
    "number 4242",
    "order",
    "or",
    "waiting days",
    "person 7100000042",
    "nobody said this",
    "order nobody",
)
THREAD = "710"


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    with stage.meta("inbox-meta") as graph:
        rasa = stage.server("inbox", graph, inbox=True)
        kept.sqlite("inbox", stage.count(MESSAGES), rasa.database, lambda: _make(stage, rasa))
        with running(rasa):
            found = _asked(stage, rasa)
    rows = [
        [name, str(len(taken)), *(f"{percentile(taken, at) * 1000:.1f}" for at in (50, 95, 99, 100))]
        for name, taken in found.items()
    ]
    lines = [
        Line(
            f"inbox, {name} with 10,000 open threads and 1,000,000 messages, p99",
            NOT_MEASURED,
            NOT_MEASURED,
            f"{percentile(found[name], 99) * 1000:.0f} ms",
            f"under {most:.0f} ms",
            verdict(percentile(found[name], 99) * 1000 < most),
        )
        for name, most in WANTED_MS.items()
    ]
    heads = ["asked for", "requests", "p50 ms", "p95 ms", "p99 ms", "slowest ms"]
    return Outcome(lines, [Table("The inbox page", heads, rows)])


def _asked(stage: Stage, rasa: RasaServer) -> Dict[str, List[float]]:
    browser = requests.Session()
    browser.trust_env = False
    base = f"http://127.0.0.1:{rasa.port}/webhooks/inbox"
    store = Store(f"sqlite:///{Path(rasa.database)}")
    _ask(browser, Auth(store).one_time_link(base))
    _check_that_all_is_searched(store)
    store.close()
    count = stage.count(REQUESTS, 20)
    addresses = {
        "list": _lists(base),
        "thread": _threads(base, stage.count(OPEN, 100)),
        "search": _searches(base),
    }
    for each in addresses.values():
        _ask(browser, next(each))  # templates are compiled once
    return {name: [_ask(browser, next(each)) for _ in range(count)] for name, each in addresses.items()}


def _ask(browser: requests.Session, address: str) -> float:
    begun = time.perf_counter()
    answer = browser.get(address, timeout=30)
    taken = time.perf_counter() - begun
    if answer.status_code != 200:
        raise RuntimeError(f"the inbox answered {answer.status_code}")
    return taken


def _make(stage: Stage, rasa: RasaServer) -> None:
    _fill(stage, rasa)
    _bring_into_search(rasa)


def _bring_into_search(rasa: RasaServer) -> None:
    """Take the steps that the inbox would take, beside its work and with pauses."""
    with closing(Store(f"sqlite:///{Path(rasa.database)}")) as store:
        with store.writing() as connection:
            search_sources.begin(connection)
        for step in (search_sources.bring_in_lines, search_sources.bring_in_names):
            while step(store):
                pass


def _check_that_all_is_searched(store: Store) -> None:
    with store.reading() as connection:
        if not search_sources.has_begun(connection) or search_sources.missing_since(connection) is not None:
            raise RuntimeError("not everything is in the search")


def _lists(base: str) -> Iterator[str]:
    while True:
        for name, second in LISTS.items():
            yield f"{base}/list?list={name}"
            yield f"{base}/list?list={name}&after={second.format(now=f'{time.time():.3f}')}~x"


def _threads(base: str, count: int) -> Iterator[str]:
    chosen = random.Random(7)  # noqa: S311  (which ones is no secret)
    while True:
        yield f"{base}/thread/{THREAD}{chosen.randrange(count):07d}/panel"


def _searches(base: str) -> Iterator[str]:
    while True:
        for words in SEARCHES:
            yield f"{base}/list?list=open&search={quote_plus(words)}"


def _fill(stage: Stage, rasa: RasaServer) -> None:
    our_store.hand_over(rasa.config, {THREAD: "inbox"})
    count, opened = stage.count(THREADS, 1_000), stage.count(OPEN, 100)
    our_store.copy_open(rasa.database, THREAD, THREAD, count)
    now = time.time()
    chosen = random.Random(8)  # noqa: S311  (as above)
    with closing(sqlite3.connect(rasa.database, timeout=60)) as connection, connection:
        closed = f"{THREAD}{opened:07d}"
        connection.execute(
            "UPDATE threads SET control = 'bot', target = '', until = NULL, waiting_since = NULL, "
            "reason = CASE WHEN rowid % 2 THEN 'keyword' ELSE '' END WHERE id >= ?",
            (closed,),
        )
        connection.execute("DELETE FROM deadlines WHERE thread >= ?", (closed,))
        connection.execute("UPDATE threads SET active_at = ? - (rowid % 86400)", (now,))
        connection.execute(
            "UPDATE threads SET waiting_since = active_at WHERE control = 'inbox' AND rowid % 2"
        )
        connection.execute(
            "INSERT INTO people (thread, name, picture, fetched_at) "
            "SELECT id, 'Person Number ' || id, '', ? FROM threads",
            (now,),
        )
        connection.executemany(
            "INSERT INTO transcript (thread, mid, timestamp, author, app_id, text, attachments) "
            "VALUES (?, ?, ?, ?, '', ?, '[]')",
            (
                (
                    f"{THREAD}{chosen.randrange(opened):07d}",
                    f"m{number}",
                    int((now - 86400) * 1000) + number,
                    "agent" if number % 3 == 0 else "person",
                    f"Where is my order number {chosen.randrange(10**6)}? I have been waiting for days.",
                )
                for number in range(stage.count(MESSAGES, 1_000))
            ),
        )
