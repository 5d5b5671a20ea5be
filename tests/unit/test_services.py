from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
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
    return tmp_path


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


def test_changed_settings_are_another_set_over_the_same_database(configured):
    before = services.from_config()
    (configured / "handover.yml").write_text(HANDOVER + "nlu_limit: 77\n")
    after = services.from_config()

    assert after is not before
    assert after.settings.nlu_limit == 77
    assert after.store is before.store


def test_another_folder_is_another_set_with_a_database_of_its_own(configured, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "handover.yml").write_text(HANDOVER)

    found = services.from_config(str(other / "handover.yml"))

    assert found is not services.from_config()
    assert found.store is not services.from_config().store
    assert found.store.url.database == str(other / "a.db")


def test_every_key_of_the_settings_survives_being_read_twice(configured):
    """Else the channel and the policy would not find that they have the same settings."""
    given = yaml.safe_load((Path(__file__).parents[2] / "handover.yml").read_text(encoding="utf-8"))
    given["targets"]["inbox"]["hours"] = {"timezone": "Asia/Riyadh", "sunday-thursday": "9:00-21:00"}
    text = yaml.safe_dump({**given, "page_access_token": "token"}, allow_unicode=True)
    (configured / "handover.yml").write_text(text, encoding="utf-8")

    assert services.from_config() is services.from_config()


class Closed:
    """Counts how often a store is closed."""

    def __init__(self, store, monkeypatch):
        self.times = 0
        self._close = store.close
        monkeypatch.setattr(store, "close", self)

    def __call__(self):
        self.times += 1
        self._close()


def test_what_two_parts_of_a_server_close_is_closed_once(configured, monkeypatch):
    handover = services.from_config()
    closed = Closed(handover.store, monkeypatch)

    services.process.close(handover)
    services.process.close(handover)

    assert closed.times == 1
    assert services.from_config() is not handover


def test_a_set_that_stands_in_is_given_to_whoever_asks_for_the_configured_one(configured, monkeypatch):
    other = services.build(settings_with(), lambda: 5.0)
    monkeypatch.setattr(services.process, "stands_in", other)

    assert services.from_config() is other
    assert services.turn_gate()._thread_control.clock() == 5.0


def test_a_database_is_closed_with_the_last_set_that_uses_it(configured, monkeypatch):
    first = services.from_config()
    (configured / "handover.yml").write_text(HANDOVER + "nlu_limit: 77\n")
    second = services.from_config()
    closed = Closed(first.store, monkeypatch)

    services.process.close(first)
    assert closed.times == 0

    services.process.close(second)
    assert closed.times == 1


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_forked_process_uses_no_connection_of_its_parent(configured):
    handover = services.from_config()
    with handover.store.reading() as connection:
        of_the_parent = connection.connection.driver_connection
    pools = handover.graph.transport._pools
    with handover.store.writing():  # whoever holds the lock of the writers is not in the child
        child = os.fork()
        if not child:
            with suppress(BaseException):
                same = services.from_config()
                with same.store.reading() as connection:
                    fresh = connection.connection.driver_connection is not of_the_parent
                free = same.store._writer.acquire(blocking=False)
                apart = same.graph.transport._pools is not pools
                os._exit(0 if same is handover and fresh and free and apart else 1)
            os._exit(2)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with handover.store.reading() as connection:
        assert connection.connection.driver_connection is of_the_parent


def test_the_policy_learns_who_is_muted(configured):
    gate = services.turn_gate()
    thread_control = services.from_config().thread_control
    thread_control.hand_over("muted", channel="rest")
    thread_control._transitions.thread("spoken to", channel="rest")

    assert [gate.is_muted(thread) for thread in ("muted", "spoken to", "never seen")] == [True, False, None]


def test_without_a_worker_an_overdue_time_limit_ends_when_it_is_looked_at(configured):
    gate = services.turn_gate()
    handover = services.from_config()
    handover.thread_control.hand_over("abc", channel="rest")
    with handover.store.writing() as connection:
        connection.execute(sa.text("UPDATE threads SET until = 1000"))

    assert gate.is_muted("abc") is False

    assert handover.thread_control.token_to_speak("abc")
    assert handover.thread_control.status("abc").log[0].reason == "time_limit"


def test_a_time_limit_that_is_just_up_is_left_to_the_worker(configured):
    gate = services.turn_gate()
    thread_control = services.from_config().thread_control
    row = thread_control.hand_over("abc", channel="rest")
    thread_control.clock = lambda: row.until + 1

    assert gate.is_muted("abc") is True


def test_on_messenger_a_time_limit_is_the_workers_alone(configured):
    gate = services.turn_gate()
    handover = services.from_config()
    handover.thread_control.hand_over("abc")
    with handover.store.writing() as connection:
        connection.execute(sa.text("UPDATE threads SET until = 1000"))

    assert gate.is_muted("abc") is True


def test_without_usable_settings_the_gate_stands_open(configured, caplog):
    (configured / "handover.yml").write_text("colour: red\n")

    gate = services.turn_gate()

    assert (gate.is_muted("abc"), gate.is_nobody_there(None, "rest")) == (None, False)
    assert gate.keywords.match("main menu") is None
    assert gate.note("abc", "rest", "m1", "hello", 1) is None
    assert "colour" in caplog.text
    with pytest.raises(SettingsError, match="colour"):
        services.from_config()


def test_without_a_database_the_look_up_says_so(configured):
    (configured / "handover.yml").write_text(HANDOVER.replace("a.db", "no/such/folder.db"))
    gate = services.turn_gate()

    with pytest.raises(StoreUnavailable):
        gate.is_muted("abc")


HOURS = """
default_target: desk
targets:
  desk: {kind: inbox, hours: {timezone: UTC, monday: "%s"}}
  late: {kind: inbox}
"""


def test_the_policy_learns_whether_somebody_is_there(configured):
    (configured / "handover.yml").write_text(HANDOVER + HOURS % "0:00-0:01")
    services.from_config().thread_control.clock = lambda: 1_700_000_000.0  # a Tuesday

    gate = services.turn_gate()

    assert [gate.is_nobody_there(name, "rest") for name in (None, "desk", "late", "nobody")] == [
        True,
        True,
        False,
        True,
    ]


def test_the_policy_learns_which_channels_a_target_can_be_reached_from(configured):
    targets = "targets: {sales: {kind: app, app_id: '2222'}, inbox: {kind: inbox}}\ndefault_target: sales\n"
    (configured / "handover.yml").write_text(HANDOVER + targets)

    gate = services.turn_gate()

    assert [gate.is_nobody_there(name, "rest") for name in (None, "sales", "inbox")] == [True, True, False]
    assert not gate.is_nobody_there("sales", "facebook")


def test_the_policy_learns_the_keywords(configured):
    (configured / "handover.yml").write_text(HANDOVER + "return: {keywords: [main menu]}\n")

    assert services.turn_gate().keywords.match("the main menu, please")


def test_what_the_policy_hands_over_is_written_down(configured):
    handover = services.from_config()
    handover.thread_control.hand_over("abc", channel="rest")
    gate = services.turn_gate()

    gate.note("abc", "rest", "m1", "is anybody there?", 1_700_000_000_000)
    gate.close()

    assert [line.text for line in handover.thread_control.status("abc").transcript] == ["is anybody there?"]


def test_the_policy_learns_by_which_intents_people_ask_for_people(configured):
    (configured / "handover.yml").write_text(HANDOVER + "handover_intents: [human_handoff]\n")

    assert services.turn_gate().requests == {"human_handoff"}


def test_without_usable_settings_people_ask_by_the_default_intent(configured):
    (configured / "handover.yml").write_text("colour: red\n")

    assert services.turn_gate().requests == {"handover"}
