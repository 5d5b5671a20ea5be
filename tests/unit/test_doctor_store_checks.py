"""Tests what the doctor finds in our database and in clocks and versions: each finding is provoked."""

from __future__ import annotations

import io
import sqlite3
from email.utils import formatdate

import bots
import pytest
import sqlalchemy as sa
from urllib3 import HTTPResponse

from handover_channel.doctor import store_checks, version_checks
from handover_channel.doctor.run import examine
from handover_channel.errors import StoreUnavailable
from handover_channel.store import Store, examination
from handover_channel.store.examination import Condition

NOW = 1_700_000_000.0
WITHOUT_MESSENGER = {"handover_channel.InboxInput": None}


def look(folder, *only, **more):
    report = examine(bots.facts(folder, **more), only=only)
    return [(each.status.value, each.line) for each in report.results]


def one(folder, *only, **more):
    (found,) = look(folder, *only, **more)
    return found


def files(folder):
    return sorted(each.name for each in folder.iterdir())


@pytest.fixture
def bot(tmp_path):
    return bots.make(tmp_path)


@pytest.fixture
def migrated_bot(bot):
    store = Store(f"sqlite:///{bot / 'handover.db'}")
    store.migrate()
    store.close()
    return bot


def with_revision(folder, revision):
    with sqlite3.connect(folder / "handover.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.close()


def test_a_database_that_is_as_it_should_be_is_ok(migrated_bot):
    found = look(migrated_bot, "database")

    assert [status for status, _ in found] == ["ok", "ok", "ok"]


def test_a_database_that_is_not_there_yet_is_ok_and_is_not_made(bot):
    before = files(bot)

    assert [status for status, _ in look(bot, "database")] == ["ok", "ok", "ok"]
    assert files(bot) == before


def test_looking_changes_nothing(migrated_bot):
    before = files(migrated_bot), (migrated_bot / "handover.db").read_bytes()

    examine(bots.facts(migrated_bot))

    assert (files(migrated_bot), (migrated_bot / "handover.db").read_bytes()) == before


def test_the_tables_of_an_earlier_version_are_left_alone_and_named(migrated_bot):
    with_revision(migrated_bot, "0001")

    assert one(migrated_bot, "database.migrated")[0] == "warn"
    with sqlite3.connect(migrated_bot / "handover.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    connection.close()


def test_the_tables_of_a_later_version_are_wrong(migrated_bot):
    with_revision(migrated_bot, "ffff")

    assert one(migrated_bot, "database.migrated")[0] == "fail"


def test_a_file_that_is_no_database_is_out_of_reach(bot):
    (bot / "handover.db").write_bytes(b"nothing of SQLite's" * 100)

    found = look(bot, "database")

    assert [status for status, _ in found] == ["fail", "could_not_look", "could_not_look"]
    assert "file is not a database" in found[0][1]


def test_a_file_that_cannot_be_written_is_found(migrated_bot, monkeypatch):
    monkeypatch.setattr(examination.os, "access", lambda path, mode: False)

    status, line = one(migrated_bot, "database.reachable")

    assert (status, "handover.db cannot be written" in line) == ("fail", True)


@pytest.mark.parametrize(
    ("kind", "status"), [("ext4", "ok"), ("tmpfs", "fail"), ("nfs4", "fail"), ("overlay", "warn")]
)
def test_a_file_where_it_does_not_last_is_found(bot, kind, status):
    (bot / "mounts").write_text(
        f"a / ext4 rw 0 0\nb {bot} {kind} rw 0 0\nc {bot}-2 ext4 rw\n", encoding="utf-8"
    )

    assert one(bot, "database.durable")[0] == status


def test_a_place_with_a_space_in_its_name_is_found_among_the_file_systems(tmp_path):
    bot = bots.make(tmp_path / "my bot")
    (bot / "mounts").write_text(
        f"a / ext4 rw 0 0\nb {str(bot).replace(' ', chr(92) + '040')} tmpfs rw 0 0\n", encoding="utf-8"
    )

    assert one(bot, "database.durable")[0] == "fail"


def test_where_file_systems_cannot_be_listed_nothing_is_claimed(bot):
    (bot / "mounts").unlink()

    assert one(bot, "database.durable")[0] == "ok"


# --- PostgreSQL --------------------------------------------------------------------------------------


def on_server(bot, url):
    url = sa.engine.make_url(url).render_as_string(hide_password=False)
    bots.make(bot, handover_yml={**bots.FILES["handover.yml"], "database": url})
    return bot


@pytest.mark.postgres
def test_a_server_that_does_not_flush_is_found_and_its_clock_is_read(bot, postgresql):
    on_server(bot, postgresql.create())

    found = look(bot, "database")
    clock = one(on_server(bot, postgresql.create()), "clock", pools=NoMeta())

    assert [status for status, _ in found] == ["ok", "ok", "fail"]  # the tests' own server has fsync=off
    assert "fsync = off" in found[2][1]
    assert clock == ("ok", "this machine's clock agrees with PostgreSQL's")


def test_a_server_that_is_out_of_reach_is_found_without_its_password(bot):
    pytest.importorskip("psycopg2")
    on_server(bot, f"postgresql://bot:{bots.SECRETS['password']}@127.0.0.1:1/bot")

    found = look(bot, "database")

    assert [status for status, _ in found] == ["fail", "could_not_look", "could_not_look"]
    assert bots.SECRETS["password"] not in str(found)


def test_a_driver_that_is_missing_is_named(bot, monkeypatch):
    def missing(*given, **more):
        raise StoreUnavailable("the driver psycopg2 is not installed")

    monkeypatch.setattr(examination, "_create", missing)
    on_server(bot, "postgresql://bot@db/bot")

    assert "the driver psycopg2 is not installed" in look(bot, "database")[0][1]


def test_a_server_that_takes_no_changes_is_found(bot, monkeypatch):
    condition = Condition("postgresql", is_writable=False, revision=examination.newest())
    monkeypatch.setattr(store_checks.examination, "look", lambda url, clock: condition)

    status, line = one(bot, "database.reachable")

    assert (status, "is a copy of another" in line) == ("fail", True)


# --- clocks ------------------------------------------------------------------------------------------


class NoMeta:
    """Nobody answers."""

    def urlopen(self, *given, **more):
        raise OSError


class Metas:
    """Answers with a refusal, and with the time."""

    def __init__(self, ahead):
        self.headers = {"Date": formatdate(NOW + ahead, usegmt=True)}

    def urlopen(self, *given, **more):
        body = io.BytesIO(b'{"error": {"code": 190, "message": "no"}}')
        return HTTPResponse(body, status=400, headers=self.headers, preload_content=False)


@pytest.mark.parametrize(("ahead", "status"), [(0, "ok"), (-60, "warn"), (600, "fail"), (-86400, "fail")])
def test_a_clock_that_is_wrong_is_found_by_metas(bot, ahead, status):
    found, line = one(bot, "clock", pools=Metas(ahead), clock=lambda: NOW)

    assert found == status
    assert "Meta's" in line


def test_without_meta_and_a_server_there_is_no_clock_to_compare_with(tmp_path):
    bots.make(tmp_path, credentials_yml=WITHOUT_MESSENGER)

    assert look(tmp_path, "clock") == []


def test_where_meta_is_out_of_reach_the_clock_is_not_seen(bot):
    assert one(bot, "clock", pools=NoMeta())[0] == "could_not_look"


# --- versions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rasa", "trained", "expected"),
    [
        ("3.6.21", "3.6.20", ["ok"]),
        ("3.6.21", "3.5.17", ["warn", "ok"]),
        ("3.4.14", "3.4.14", ["warn", "ok"]),
        ("2.8.34", "3.6.21", ["fail", "warn", "ok"]),
        ("", "3.6.21", ["ok"]),
    ],
)
def test_versions_that_do_not_suit_each_other_are_found(bot, monkeypatch, rasa, trained, expected):
    bots.train(bot, rasa=trained)
    monkeypatch.setattr(version_checks, "installed", lambda: {"rasa": rasa} if rasa else {})

    assert [status for status, _ in look(bot, "versions")] == expected


def test_the_versions_of_what_is_installed_are_told(bot):
    assert "rasa-handover " in look(bot, "versions")[-1][1]
