from __future__ import annotations

import pytest
import sqlalchemy as sa
from play import settings_with

from handover_channel import services
from handover_channel.errors import SettingsError, StoreUnavailable

HANDOVER = 'app_id: "1234567890"\npage_access_token: token\ndatabase: sqlite:///a.db\n'


@pytest.fixture
def configured(monkeypatch, tmp_path, open_store):
    """A folder with a handover.yml, and its migrated database."""
    open_store("a")
    (tmp_path / "handover.yml").write_text(HANDOVER)
    monkeypatch.setenv("HANDOVER_CONFIG", str(tmp_path / "handover.yml"))
    services.from_config.cache_clear()
    yield tmp_path
    services.from_config.cache_clear()


def test_building_touches_neither_database_nor_network(tmp_path):
    services.build(settings_with(database=f"sqlite:///{tmp_path / 'new.db'}"))

    assert not (tmp_path / "new.db").exists()


def test_the_parts_share_one_database(configured):
    handover = services.from_config()

    handover.thread_control.hand_over("abc", channel="rest")

    assert not handover.thread_control.token_to_speak("abc")
    with handover.store.reading() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM threads")).scalar() == 1


def test_a_process_has_its_parts_once(configured):
    assert services.from_config() is services.from_config()


def test_the_policy_learns_who_is_muted(configured):
    muted = services.muted_lookup()
    thread_control = services.from_config().thread_control
    thread_control.hand_over("muted", channel="rest")
    thread_control._transitions.thread("spoken to", channel="rest")

    assert [muted(thread) for thread in ("muted", "spoken to", "never seen")] == [True, False, None]


def test_without_a_worker_an_overdue_time_limit_ends_when_it_is_looked_at(configured):
    muted = services.muted_lookup()
    handover = services.from_config()
    handover.thread_control.hand_over("abc", channel="rest")
    with handover.store.writing() as connection:
        connection.execute(sa.text("UPDATE threads SET until = 1000"))

    assert muted("abc") is False

    assert handover.thread_control.token_to_speak("abc")
    assert handover.thread_control.status("abc").log[0].reason == "time_limit"


def test_without_usable_settings_there_is_nothing_to_look_up(configured):
    (configured / "handover.yml").write_text("colour: red\n")

    assert services.muted_lookup() is None
    with pytest.raises(SettingsError, match="colour"):
        services.from_config()


def test_without_a_database_the_look_up_says_so(configured):
    (configured / "handover.yml").write_text(HANDOVER.replace("a.db", "no/such/folder.db"))
    muted = services.muted_lookup()

    with pytest.raises(StoreUnavailable):
        muted("abc")


HOURS = """
default_target: desk
targets:
  desk: {kind: inbox, hours: {timezone: UTC, monday: "%s"}}
  late: {kind: inbox}
"""


def test_the_policy_learns_whether_somebody_is_there(configured):
    (configured / "handover.yml").write_text(HANDOVER + HOURS % "0:00-0:01")
    services.from_config().thread_control.clock = lambda: 1_700_000_000.0  # a Tuesday

    closed = services.closed_lookup()

    assert [closed(name) for name in (None, "desk", "late", "nobody")] == [True, True, False, False]


def test_what_the_policy_hands_over_is_written_down(configured):
    handover = services.from_config()
    handover.thread_control.hand_over("abc", channel="rest")
    write = services.notes_for_agents()

    write("abc", "rest", "m1", "is anybody there?", 1_700_000_000_000)
    write.__self__.close()

    assert [line.text for line in handover.thread_control.status("abc").transcript] == ["is anybody there?"]


def test_without_usable_settings_nobody_is_closed_and_nothing_is_written(configured):
    (configured / "handover.yml").write_text("colour: red\n")

    assert services.closed_lookup() is None
    assert services.notes_for_agents() is None
