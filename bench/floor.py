"""The floor: what a webhook costs that is verified, stored durably, and nothing else. `python -m
bench.floor PORT`.

Sanic as Rasa uses it, HMAC, and one row in SQLite (WAL, synchronous=FULL); all that wait share one
commit.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sqlite3
import sys
from typing import Any, List, Tuple

from sanic import Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from bench.bodies import SECRET, WEBHOOK

_Row = Tuple[str, str, bytes]

app = Sanic("floor", configure_logging=False)
app.config.ACCESS_LOG = False


@app.listener("before_server_start")  # type: ignore[untyped-decorator, unused-ignore]
async def open_database(app: Any, loop: asyncio.AbstractEventLoop) -> None:
    """Open the file, and write whatever comes."""
    database = sqlite3.connect("floor.db", isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("CREATE TABLE deliveries (mid TEXT PRIMARY KEY, thread TEXT, body BLOB)")
    app.ctx.waiting = asyncio.Queue()
    app.ctx.writer = asyncio.ensure_future(_write(database, app.ctx.waiting))


async def _write(database: sqlite3.Connection, waiting: Any) -> None:
    while True:
        batch = [await waiting.get()]
        while not waiting.empty():
            batch.append(waiting.get_nowait())
        rows = [row for row, _ in batch]
        await asyncio.get_running_loop().run_in_executor(None, _commit, database, rows)
        for _, stored in batch:
            stored.set_result(None)


def _commit(database: sqlite3.Connection, rows: List[_Row]) -> None:
    database.execute("BEGIN")
    database.executemany("INSERT OR IGNORE INTO deliveries VALUES (?, ?, ?)", rows)
    database.execute("COMMIT")


@app.get("/")  # type: ignore[untyped-decorator, unused-ignore]
async def health(request: Request) -> HTTPResponse:
    """Say that it works."""
    return response.text("ok")


@app.post(WEBHOOK)  # type: ignore[untyped-decorator, unused-ignore]
async def receive(request: Request) -> HTTPResponse:
    """Verify, store, answer."""
    digest = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest("sha256=" + digest, request.headers.get("x-hub-signature-256", "")):
        return response.text("invalid signature", status=403)
    item = json.loads(request.body)["entry"][0]["messaging"][0]
    stored = asyncio.get_running_loop().create_future()
    request.app.ctx.waiting.put_nowait(((item["message"]["mid"], item["sender"]["id"], request.body), stored))
    await stored
    return response.text("success")


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[1]), access_log=False)
