"""The search of the inbox: 1,000,000 lines of transcripts, half of them Arabic, on SQLite and PostgreSQL.

Each line is a sentence of 5 to 17 words: common ones, a word that few others have, often a number. *Index*:
what the search adds to the database, and the CPU of one line in it. The time of a search is that of the
store, in this process: fifty conversations with their newest message, from the whole of it. *Never together*:
two words that are in most lines, and never in one: nothing is found, and as much as possible is looked at.
"""

from __future__ import annotations

import random
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

import sqlalchemy as sa
from handover_channel.rules.search_words import wanted_of
from handover_channel.store import Store, schema, search, search_sources
from handover_channel.store.conversation_lists import Narrowed

from bench import databases, kept
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.samples import percentile
from bench.stage import Stage

WANTED_MS, LINES, PEOPLE, REPEATS, BATCH = 200.0, 1_000_000, 10_000, 21, 10_000

ENGLISH = [
    "where",
    "is",
    "my",
    "order",
    "number",
    "the",
    "parcel",
    "a",
    "shipping",
    "address",
    "refund",
    "please",
    "hello",
    "waiting",
    "days",
    "change",
]
ARABIC = [
    "أين",
    "طلبي",
    "رقم",
    "الطلب",
    "الشحنة",
    "عنوان",
    "الفاتورة",
    "استرداد",
    "من",
    "فضلك",
    "مرحبا",
    "شكرا",
    "أنتظر",
    "مكسورًا",
    "المنتج",
    "ليلى",
]
SEARCHES = {
    "a rare word": "zqxv",
    "a number": "4242",
    "a word of half of the lines": "order",
    "one letter": "o",
    "Arabic, without its marks": "مكسورا",
    "an Arabic article": "ال",
    "two words": "order refund",
    "never together": "order مكسورا",
    "nothing": "nobodysaidthis",
}

_INTO_THREADS = sa.text(
    "INSERT INTO threads (id, channel, page, control, owner, target, stamp, precedence, reason, changed_at, "
    "version, wanted, refusal, attempts, seen, active_at, person_at, context, answers_from) VALUES "
    "(:id, 'facebook', '1', 'inbox', '', 'inbox', 0, 0, 'handed_over', 0, 1, '', '', 0, 0, 0, 0, '{}', 0)"
)


class Measured(NamedTuple):
    """The figures of one database."""

    megabytes: float  #: before the index
    adds: float  #: what the index adds, in megabytes
    cpu_ms: float  #: of one line in it
    taken: Dict[str, List[float]]  #: seconds, by what was looked for


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    count = stage.count(LINES, 10_000)
    found: Dict[str, Measured] = {}
    with tempfile.TemporaryDirectory(prefix="handover-bench-") as folder:
        database = Path(folder) / "search.db"
        url = f"sqlite:///{database}"
        kept.sqlite("search-sqlite", count, database, lambda: _make(url, count))
        found["SQLite"] = _measured(url, count)
    if not databases.missing():
        with kept.postgresql("search-postgresql", count, lambda url: _make(url, count)) as (url, _):
            found["PostgreSQL"] = _measured(url, count)
    return Outcome([_line(name, each) for name, each in found.items()], _tables(found))


def _line(name: str, measured: Measured) -> Line:
    slowest = max(percentile(taken, 95) for taken in measured.taken.values()) * 1000
    return Line(
        f"inbox, the slowest search of 1,000,000 lines on {name}, p95",
        NOT_MEASURED,
        NOT_MEASURED,
        f"{slowest:.0f} ms",
        f"under {WANTED_MS:.0f} ms",
        verdict(slowest < WANTED_MS),
    )


def _tables(found: Dict[str, Measured]) -> List[Table]:
    rows = [
        [name, what, *(f"{percentile(taken, at) * 1000:.1f}" for at in (50, 95, 100))]
        for name, measured in found.items()
        for what, taken in measured.taken.items()
    ]
    sizes = [
        [name, f"{each.megabytes:.0f}", f"{each.adds:.0f}", f"{each.cpu_ms:.3f}"]
        for name, each in found.items()
    ]
    return [
        Table("A search", ["database", "looked for", "p50 ms", "p95 ms", "slowest ms"], rows),
        Table("The index", ["database", "without it, MB", "it adds, MB", "CPU of a line, ms"], sizes),
    ]


def _measured(url: str, count: int) -> Measured:
    store = Store(url)
    try:
        before = _megabytes(store)
        begun = time.process_time()
        with store.writing() as connection:
            search_sources.begin(connection)
        while search_sources.bring_in_lines(store):
            pass
        cpu = (time.process_time() - begun) / count
        taken = {name: [_search(store, text) for _ in range(REPEATS)] for name, text in SEARCHES.items()}
        return Measured(before, _megabytes(store) - before, cpu * 1000, taken)
    finally:
        store.close()


def _search(store: Store, text: str) -> float:
    where = search.conditions_of("", Narrowed())
    begun = time.perf_counter()
    with store.reading() as connection:
        search.messages(
            connection, wanted_of(text), conditions=where, agent="", below=search.Below(), limit=50
        )
    return time.perf_counter() - begun


def _megabytes(store: Store) -> float:
    store.tidy_up(wholly=True)
    size = {
        "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        "postgresql": "SELECT pg_database_size(current_database())",
    }
    with store.reading() as connection:
        return float(connection.execute(sa.text(size[store.dialect])).scalar() or 0) / 1e6


def _make(url: str, count: int) -> None:
    with closing(Store(url)) as store:
        _fill(store, count)


def _fill(store: Store, count: int) -> None:
    chosen = random.Random(9)  # noqa: S311  (which words is no secret)
    letters = "abcdefghijklmnopqrstuvwxyz"
    rare = ["".join(chosen.choices(letters, k=7)) for _ in range(count // 20)]
    begun = int(time.time() * 1000) - count * 1000
    with store.writing() as connection:
        connection.execute(_INTO_THREADS, [{"id": f"t{number}"} for number in range(PEOPLE)])
    for begin in range(0, count, BATCH):
        rows = [
            {
                "thread": f"t{number * 7919 % PEOPLE}",
                "mid": f"m{number}",
                "timestamp": begun + number * 1000,
                "author": "person",
                "app_id": "",
                "text": _sentence(chosen, rare, number),
                "attachments": "[]",
            }
            for number in range(begin, min(begin + BATCH, count))
        ]
        with store.writing(durable=False) as connection:
            connection.execute(sa.insert(schema.transcript), rows)


def _sentence(chosen: random.Random, rare: Sequence[str], number: int) -> str:
    is_english = number % 2 == 0
    words = chosen.choices(ENGLISH if is_english else ARABIC, k=chosen.randint(4, 14))
    words.append(chosen.choice(rare))
    if number % 3 == 0:
        words.append(str(chosen.randrange(10**6)))
    return " ".join([*words, "order" if is_english else "مكسورًا"])
