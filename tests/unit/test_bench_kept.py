"""Databases that several runs of the bench use: each run begins with the same rows."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bench import databases, kept
from handover_channel.store import Store

HOUR = 3600.0


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Return a function that has a file, and the list of how often it was made."""
    monkeypatch.setattr(kept, "_FOLDER", tmp_path / "data")
    times = []

    def have(count=1, change=""):
        database = tmp_path / f"used-{len(list(tmp_path.iterdir()))}"

        def make():
            times.append(count)
            database.write_text(f"made {len(times)}")

        at = kept.sqlite("rows", count, database, make)
        content = database.read_text()
        database.write_text("what a figure has changed")
        return content, at

    return have, times


def test_a_database_is_made_once_and_what_a_figure_changes_is_not_in_the_next_copy(made):
    have, times = made

    assert have() == have() == have()
    assert have()[0] == "made 1"
    assert times == [1]


def test_another_count_is_another_database(made):
    have, times = made

    assert [have(1)[0], have(2)[0]] == ["made 1", "made 2"]


def test_a_database_is_made_anew_when_the_code_that_makes_it_changes(made, tmp_path, monkeypatch):
    have, _ = made
    (tmp_path / "bench").mkdir()
    monkeypatch.setattr(kept, "ROOT", tmp_path)
    (tmp_path / "bench" / "figure.py").write_text("one")
    have()
    (tmp_path / "bench" / "figure.py").write_text("two")

    assert have()[0] == "made 2"
    assert len(list((tmp_path / "data").iterdir())) == 1


def test_a_database_is_made_anew_after_hours_as_its_times_are_near_to_now(made, monkeypatch):
    have, _ = made
    _, at = have()
    monkeypatch.setattr(kept.time, "time", lambda: at + 2 * HOUR)
    assert have()[0] == "made 1"
    monkeypatch.setattr(kept.time, "time", lambda: at + 4 * HOUR)

    assert have()[0] == "made 2"


def test_what_was_interrupted_is_not_taken_for_a_whole_database(made, tmp_path):
    have, _ = made

    def interrupted():
        (tmp_path / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept.sqlite("rows", 1, tmp_path / "half", interrupted)

    assert have()[0] == "made 1"


@pytest.mark.skipif(bool(databases.missing()), reason="no PostgreSQL on this machine")
def test_each_server_begins_with_the_rows_that_were_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "_FOLDER", tmp_path / "data")
    urls = []

    def make(url):
        urls.append(url)
        store = Store(url)
        with store.writing() as connection:
            connection.execute(sa.text("INSERT INTO tags (thread, tag) VALUES ('t', 'made')"))
        store.close()

    for _ in range(2):
        with kept.postgresql("rows", 1, make) as (url, at):
            store = Store(url)
            with store.writing() as connection:
                found = [row[0] for row in connection.execute(sa.text("SELECT tag FROM tags"))]
                connection.execute(sa.text("INSERT INTO tags (thread, tag) VALUES ('t', 'of a figure')"))
            store.close()
            assert (found, at > 0) == (["made"], True)

    assert len(urls) == 1
