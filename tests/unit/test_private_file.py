"""The SQLite file, and what SQLite keeps beside it, are their owner's alone."""

from __future__ import annotations

import os
import stat

import pytest
import sqlalchemy as sa

from handover_channel.store import Store, private_file

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder):
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in folder.glob("handover.db*")}


@pytest.fixture
def opened(tmp_path):
    """Open the database of the folder, and write into it."""
    stores = []

    def open_it():
        store = Store(f"sqlite:///{tmp_path / 'handover.db'}")
        stores.append(store)
        with store.writing() as connection:
            connection.execute(sa.text("SELECT 1"))
        return store

    yield open_it
    for store in stores:
        store.close()


def test_a_new_database_is_its_owners_alone_with_all_that_sqlite_keeps_beside_it(opened, tmp_path):
    opened()

    assert modes(tmp_path) == dict.fromkeys(["handover.db", "handover.db-wal", "handover.db-shm"], "0o600")


@pytest.mark.parametrize(
    ("before", "after"),
    [(0o644, "0o600"), (0o666, "0o660"), (0o664, "0o660"), (0o640, "0o600"), (0o600, "0o600")],
)
def test_of_an_old_one_others_can_do_nothing_any_more(opened, tmp_path, before, after):
    opened()
    for path in tmp_path.glob("handover.db*"):
        path.chmod(before)

    opened()

    assert set(modes(tmp_path).values()) == {after}


def test_a_file_that_belongs_to_somebody_else_is_said_to_be_open_and_works(
    opened, tmp_path, monkeypatch, caplog
):
    opened()
    (tmp_path / "handover.db").chmod(0o644)

    def refuse(path, mode):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(private_file.Path, "chmod", refuse)
    opened()

    assert "is open to other users of this machine" in caplog.text
    assert f"chmod 600 {tmp_path / 'handover.db'}" in caplog.text


def test_what_is_deleted_is_overwritten(opened, tmp_path):
    store = opened()
    with store.writing() as connection:
        connection.execute(sa.text("CREATE TABLE secrets (text TEXT)"))
        connection.execute(sa.text("INSERT INTO secrets VALUES (:text)"), {"text": "a word in confidence"})
    with store.writing() as connection:
        connection.execute(sa.text("DELETE FROM secrets"))
    with store.reading() as connection:
        assert connection.execute(sa.text("PRAGMA secure_delete")).scalar() == 2  # FAST
    store.tidy_up()

    assert b"in confidence" not in (tmp_path / "handover.db").read_bytes()
