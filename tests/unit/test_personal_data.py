"""Tests that what is kept about one person is handed out whole, and deleted whole, by whatever table."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import on_sqlite
from play import PSID, START

from handover_channel import services
from handover_channel.cli import main
from handover_channel.control import person_data
from handover_channel.rasa import trackers as rasa_trackers
from handover_channel.store import deliveries, personal_data, search_sources, transcript
from handover_channel.store.schema import metadata
from handover_channel.store.transcript import PERSON, Line

OTHER = "7002"
SECRET = "said in confidence"

#: Columns that say nothing about a person, whatever the row.
NOBODYS = {"control", "control_before", "reason", "target", "kind", "state", "outcome"}

_numbers = iter(range(1, 10_000))


def values(column, thread):
    """A row's value for a column that is none of those that name the thread."""
    if isinstance(column.type, sa.LargeBinary):
        return f"file of {thread}: {SECRET}".encode()
    if column.name in NOBODYS and not column.primary_key:
        return "bot"
    if isinstance(column.type, sa.Text):
        return f"{column.name} of {thread}: {SECRET} {next(_numbers)}"
    return next(_numbers)


def fill(store, *threads):
    """Two rows for each of them in every table that is about people."""
    with store.writing() as connection:
        for _ in range(2):
            for name, column in personal_data.columns().items():
                table = metadata.tables[name]
                for thread in threads:
                    if len(table.primary_key) == 1 and column in set(table.primary_key):
                        connection.execute(sa.delete(table).where(column == thread))
                    given = {each.name: values(each, thread) for each in table.c if each.name != "id"}
                    connection.execute(sa.insert(table).values(**given).values({column.name: thread}))


def all_rows(store, thread):
    with store.reading() as connection:
        return personal_data.export(connection, thread)


def forget(store, thread):
    with store.writing() as connection:
        return personal_data.forget(connection, thread, now=START)


def test_every_table_is_about_people_or_is_known_not_to_be():
    about = set(personal_data.columns())

    assert about | personal_data.WITHOUT_PEOPLE == set(metadata.tables)
    assert not about & personal_data.WITHOUT_PEOPLE
    assert {name for name, table in metadata.tables.items() if "thread" in table.c} <= about


def test_all_that_is_kept_is_handed_out_a_file_by_its_name_and_size(store):
    fill(store, PSID, OTHER)

    found = all_rows(store, PSID)

    assert set(found) == set(personal_data.columns())
    assert f"of {OTHER}" not in json.dumps(found)
    assert all(row["file"] == {"bytes": len(f"file of {PSID}: {SECRET}")} for row in found["replies"])
    assert all(f"file_name of {PSID}" in row["file_name"] for row in found["replies"])


def test_all_that_is_kept_is_deleted_and_nothing_of_others(store):
    fill(store, PSID, OTHER)
    others = all_rows(store, OTHER)

    counts = forget(store, PSID)

    assert set(counts) == set(personal_data.columns())
    assert all_rows(store, PSID) == {}
    assert all_rows(store, OTHER) == others
    with store.reading() as connection:
        left = {
            name: [tuple(map(str, row)) for row in connection.execute(sa.select(table))]
            for name, table in metadata.tables.items()
        }
    assert PSID not in json.dumps(left)


def test_what_was_sent_to_the_person_goes_with_the_deliveries_that_it_answered(store):
    fill(store, PSID, OTHER)
    with store.writing() as connection:
        of = {
            thread: connection.execute(
                sa.select(sa.func.max(deliveries.deliveries.c.id)).where(
                    deliveries.deliveries.c.thread == thread
                )
            ).scalar()
            for thread in (PSID, OTHER)
        }
        sent = metadata.tables["sent"]
        for tag in (f"{of[PSID]}.1", f"{of[PSID]}.intent.2", f"{of[OTHER]}.1", f"{of[PSID]}7.1"):
            connection.execute(sa.insert(sent).values(tag=tag, at=START))

    forget(store, PSID)

    with store.reading() as connection:
        tags = set(connection.execute(sa.select(sent.c.tag)).scalars())
    assert tags == {f"{of[OTHER]}.1", f"{of[PSID]}7.1"}


def test_no_number_of_a_row_is_given_again(store):
    numbered = [
        name for name, table in metadata.tables.items() if name in personal_data.columns() and "id" in table.c
    ]
    numbered.remove("threads")
    fill(store, OTHER, PSID)
    newest = {name: newest_id(store, name) for name in numbered}

    forget(store, PSID)
    fill(store, OTHER)

    assert all(newest_id(store, name) > newest[name] for name in numbered)


def newest_id(store, name):
    with store.reading() as connection:
        return connection.execute(sa.select(sa.func.max(metadata.tables[name].c.id))).scalar()


@on_sqlite
@pytest.mark.parametrize("others", [0, 3000])
def test_no_word_that_the_search_knows_is_left_in_the_file(others, handover, store):
    words = {"transcript": "zanzibarisch", "searched": "quetzalcoatlus"}
    with store.writing() as connection:
        search_sources.begin(connection)
    for name, thread in (("before", OTHER), ("hers", PSID), ("after", OTHER)):
        with store.writing() as connection:
            for number in range(others if thread == OTHER else 3):
                said = words["transcript"] if thread == PSID else f"{name} {number} and some more words"
                transcript.add(connection, thread, Line(PERSON, said, number, mid=f"{name}{number}"))
        while search_sources.bring_in_lines(store):
            pass
    with store.writing() as connection:
        search_sources.bring_in_name(connection, PSID, words["searched"])
    assert left_in_the_files(store, *words.values()) == set(words.values())

    handover("forget", PSID, "--yes")

    assert left_in_the_files(store, *words.values()) == set()


def left_in_the_files(store, *words):
    store.tidy_up(wholly=True)
    files = [path.read_bytes() for path in Path(store.url.database).parent.glob("a.db*")]
    return {word for word in words if any(word[2:].encode() in each for each in files)}


@on_sqlite
def test_nothing_of_it_is_left_in_the_file(store):
    fill(store, PSID)
    forget(store, PSID)
    store.tidy_up(wholly=True)

    for path in Path(store.url.database).parent.glob("a.db*"):
        assert f"of {PSID}".encode() not in path.read_bytes(), path.name


def test_a_forgotten_person_who_writes_again_is_a_new_person(play):
    play.hands_over("inbox")
    play.says("my number is 12345")
    forget(play.store, PSID)
    play.slots = {"target": "", "until": None}  # Rasa's tracker goes with it
    play.turns.clear()

    play.says("hello")

    assert play.turns == ["hello"]
    assert play.log == []
    assert play.lines == []


# --- the commands ---------------------------------------------------------------------------------


@pytest.fixture
def handover(monkeypatch, capsys, store):
    """Run the command on the test's store, with Rasa's trackers in `trackers`."""
    trackers = {PSID: [{"event": "user", "text": "hi"}]}
    monkeypatch.setattr(services, "from_config", lambda: services.Services(None, store, None, None))
    monkeypatch.setattr(rasa_trackers, "events", lambda thread, endpoints: trackers.get(thread, []))
    monkeypatch.setattr(rasa_trackers, "delete", lambda thread, endpoints: len(trackers.pop(thread, [])))
    monkeypatch.setattr(person_data, "WORKER_ENDS_WITHIN", 0.3)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["handover", *arguments])
        with pytest.raises(SystemExit) as end:
            main.main()
        return (end.value.code, *capsys.readouterr())

    run.trackers = trackers
    return run


def test_export_writes_json_with_its_version_our_tables_and_rasas_tracker(handover, store):
    fill(store, PSID, OTHER)

    code, out, _ = handover("export", PSID)

    found = json.loads(out)
    assert code == 0
    assert (found["schema"], found["thread"]) == (1, PSID)
    assert set(found["tables"]) == set(personal_data.columns())
    assert found["tracker"] == {"events": [{"event": "user", "text": "hi"}]}


def test_forget_deletes_everywhere_and_lists_it(handover, store):
    fill(store, PSID, OTHER)
    with store.writing() as connection:
        connection.execute(sa.text("DELETE FROM claims"))

    code, out, err = handover("forget", PSID, "--yes")

    assert (code, err) == (0, "")
    assert all_rows(store, PSID) == {}
    assert handover.trackers == {}
    assert "Deleted in Rasa's tracker store: 1" in out
    assert "Deleted in transcript: 2" in out


def test_forget_asks_first(handover, store, monkeypatch):
    fill(store, PSID)
    before = all_rows(store, PSID)

    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    code, out, _ = handover("forget", PSID)  # nobody answers

    assert code == 1
    assert "Kept in transcript: 2" in out
    assert all_rows(store, PSID) == before
    assert PSID in handover.trackers


def test_a_person_whom_the_bot_is_answering_is_not_forgotten_in_the_middle(handover, store):
    fill(store, PSID)
    with store.writing() as connection:
        connection.execute(sa.text("DELETE FROM claims"))
        assert deliveries.claim(connection, PSID, worker="one", now=0, until=9e12)
    before = all_rows(store, PSID)

    code, _, err = handover("forget", PSID, "--yes")

    assert code == 2
    assert "the bot is at work" in err
    assert all_rows(store, PSID) == before
    assert PSID in handover.trackers


def test_what_rasa_keeps_out_of_reach_is_said_and_the_rest_is_deleted(handover, store, monkeypatch):
    fill(store, PSID)
    with store.writing() as connection:
        connection.execute(sa.text("DELETE FROM claims"))

    def refuse(thread, endpoints):
        raise rasa_trackers.TrackerOutOfReach("Rasa is not installed here -> run this where Rasa runs")

    monkeypatch.setattr(rasa_trackers, "delete", refuse)

    code, _, err = handover("forget", PSID, "--yes")

    assert code == 1
    assert "NOT DELETED: Rasa is not installed here -> run this where Rasa runs" in err
    assert all_rows(store, PSID) == {}


def test_of_somebody_never_seen_there_is_nothing(handover):
    code, out, _ = handover("forget", "4711", "--yes")

    assert code == 0
    assert "Kept: nothing." in out


def test_without_rasa_the_command_says_what_to_do_by_hand(monkeypatch, tmp_path):
    monkeypatch.setattr(rasa_trackers, "find_spec", lambda name: None)
    for ask in (rasa_trackers.events, rasa_trackers.delete):
        with pytest.raises(rasa_trackers.TrackerOutOfReach, match="-> run this where Rasa runs"):
            ask(PSID, tmp_path / "endpoints.yml")
