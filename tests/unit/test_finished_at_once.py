"""A message alone to a muted thread: stored as done by one statement, with the same rows as by two."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from databases import on_sqlite
from play import PSID, START

from handover_channel.messenger.webhook import parse
from handover_channel.queue.claims import CLAIM_SECONDS, Begun, Claims
from handover_channel.queue.handler_result import HandlerResult
from handover_channel.queue.transcript_lines import line_of
from handover_channel.store import deliveries, threads

PAGE = "1717"
TABLES = ("deliveries", "threads", "transcript", "claims")


def item(mid, at, **more):
    message = {"mid": mid, "text": f"about {mid}", **more}
    return {"sender": {"id": PSID}, "recipient": {"id": PAGE}, "timestamp": at, "message": message}


HELLO = item("hello", int(START * 1000))
FILE = {"type": "image", "payload": {"url": "https://example.com/1.png"}}


def keep(event, row, delivery):
    return HandlerResult("kept", line=line_of(event))


def answer(event, row, delivery):
    return HandlerResult("answered", turn=True)


def ask_meta_first(event, row, delivery):
    return None


def mute(store, control="inbox"):
    with store.writing() as connection:
        threads.get_or_add(connection, PSID, channel="messenger", page=PAGE, now=START)
        connection.execute(sa.text("UPDATE threads SET control = :control"), {"control": control})


def received(*items):
    """Return (row to be stored, event) of each."""
    found = parse(json.dumps({"entry": [{"id": PAGE, "messaging": list(items)}]}).encode())
    return list(zip(deliveries.rows(found, START), (each.event for each in found)))


def finish(store, clock, *items, rule=keep):
    """Return what comes of each, in transactions of their own."""
    found, claims = [], Claims(store, clock, rule)
    for new, event in received(*items):
        with store.writing() as connection:
            found.append(claims.finish_at_once(connection, new, event))
    return found


def rows(store):
    with store.reading() as connection:
        return {table: [*connection.execute(sa.text(f"SELECT * FROM {table}"))] for table in TABLES}  # noqa: S608


@on_sqlite
def test_a_message_that_is_stored_as_done_leaves_what_storing_and_beginning_leave(store, open_store, clock):
    at = int(START * 1000)
    said = [
        HELLO,
        item("file", at + 1, attachments=[FILE]),
        item("older", at - 5000),
        item("from the future", at * 2),
        item("a reply", at + 3, reply_to={"mid": "hello"}),
    ]
    other = open_store("b")
    mute(store)
    mute(other)

    assert finish(store, clock, *said) == [Begun(["kept"])] * len(said)
    claims = Claims(other, clock, keep)
    for new, _ in received(*said):
        with other.writing() as connection:
            deliveries.add(connection, [new])
            assert claims.begin_in(connection, [PSID]) == {PSID: Begun(["kept"])}

    assert rows(store) == rows(other)
    assert len(rows(store)["transcript"]) == len(said)


@on_sqlite
def test_a_repeat_changes_nothing(store, clock):
    mute(store)
    finish(store, clock, HELLO)
    before = rows(store)

    clock.now += 60
    assert finish(store, clock, HELLO) == [Begun()]

    assert rows(store) == before


def wait_in_line(store):
    with store.writing() as connection:
        deliveries.add_note(connection, PSID, deliveries.MUTED, key="n", body={}, now=START)


def claim(store):
    with store.writing() as connection:
        deliveries.claim(connection, PSID, worker="other", now=START, until=START + CLAIM_SECONDS)


@pytest.mark.parametrize(
    ("prepare", "rule"),
    [
        pytest.param(lambda store: None, keep, id="nobody knows the person"),
        pytest.param(lambda store: mute(store, "bot"), keep, id="the bot has control"),
        pytest.param(lambda store: (mute(store), wait_in_line(store)), keep, id="something waits before it"),
        pytest.param(lambda store: (mute(store), claim(store)), keep, id="another worker is at the thread"),
        pytest.param(mute, ask_meta_first, id="more is to be found out"),
        pytest.param(mute, answer, id="the bot is to answer"),
    ],
)
def test_what_needs_more_is_not_stored_as_done_and_leaves_no_trace(store, clock, prepare, rule):
    prepare(store)
    before = rows(store)

    assert finish(store, clock, HELLO, rule=rule) == [None]

    assert rows(store) == before


def test_another_process_may_claim_the_thread_meanwhile_on_postgresql_so_nothing_is_done_there(store, clock):
    mute(store)
    (found,) = finish(store, clock, HELLO)
    assert (found is None) is (store.dialect == "postgresql")
