from __future__ import annotations

import json
import sys
import time

import pytest
import sqlalchemy as sa
from play import PSID, Play

from handover_channel import services
from handover_channel.cli import ages, main, queue
from handover_channel.errors import StoreUnavailable
from handover_channel.store import queue_admin


@pytest.fixture
def now(clock):
    """The command looks at the real clock: so does what it looks at."""
    clock.now = time.time() - 3700
    return clock


@pytest.fixture
def play(now, store):
    return Play(store, now)


@pytest.fixture
def handover(play, monkeypatch, capsys):
    """Run the command; returns (exit code, stdout, stderr)."""
    parts = services.Services(play.settings, play.store, play.graph, play.thread_control)
    monkeypatch.setattr(services, "from_config", lambda: parts)
    monkeypatch.setattr(queue.getpass, "getuser", lambda: "kim")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["handover", *arguments])
        with pytest.raises(SystemExit) as end:
            main.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return run


def receive(play, *texts):
    for text in texts:
        play.person.says(text)
        play.receive()


def give_up(play):
    receive(play, "my secret")
    play.claims.finish(play.claims.begin(PSID), "failed", None)


def test_an_empty_queue_is_said_in_words(handover):
    assert handover("queue") == (0, "Waiting: nothing.\nGiven up: nothing.\n", "")


def test_what_waits_and_what_was_given_up_are_two_tables(handover, play):
    give_up(play)
    receive(play, "my secret, again")

    code, shown, _ = handover("queue")

    assert code == 0
    assert "Waiting: 1 of 1, the oldest first" in shown
    assert "Given up: 1 of 1, the oldest first" in shown
    assert shown.count(PSID) == 2
    assert "1 h 1 min" in shown
    assert "secret" not in shown


def test_a_thread_with_a_strange_name_does_not_steer_the_terminal(handover, play):
    receive(play, "hello")
    with play.store.writing() as connection:
        connection.execute(sa.text("UPDATE deliveries SET thread = :name"), {"name": "a\x1b[2J\nb"})

    for arguments in (["queue"], ["queue", "drop", "1"]):
        shown = "".join(map(str, handover(*arguments)))
        assert "\x1b" not in shown
        assert "a\\x1b[2J\\nb" in shown


def test_only_what_was_given_up(handover, play):
    give_up(play)

    _, shown, _ = handover("queue", "--failed")

    assert "Given up: 1 of 1" in shown
    assert "Waiting" not in shown


def test_the_table_is_limited_and_says_so(handover, play):
    receive(play, "one", "two", "three")

    _, shown, _ = handover("queue", "--limit", "2")

    assert "Waiting: 2 of 3, the oldest first" in shown
    assert shown.count(PSID) == 2


def test_programs_get_json_without_bodies(handover, play):
    give_up(play)
    receive(play, "my secret")

    _, text, _ = handover("queue", "--json")

    shown = json.loads(text)
    assert (shown["waiting"]["total"], shown["failed"]["total"]) == (1, 1)
    [item] = shown["waiting"]["items"]
    assert (item["id"], item["thread"], item["kind"], item["attempts"]) == (2, PSID, "event", 0)
    assert 3600 < item["age_seconds"] < 4200
    assert "secret" not in text


def test_retry_puts_it_back(handover, play):
    give_up(play)

    code, said, _ = handover("queue", "retry", "1")

    assert (code, said) == (0, f"Delivery 1 of thread {PSID} is in the queue again.\n")
    play.work()
    assert play.turns == ["my secret"]


def test_drop_says_who_did_it(handover, play):
    receive(play, "hello")

    code, said, _ = handover("queue", "drop", "1")

    assert (code, said) == (0, f"Delivery 1 of thread {PSID} was dropped.\n")
    with play.store.reading() as connection:
        assert queue_admin.get(connection, 1, now=0.0).outcome == "dropped by kim"


@pytest.mark.parametrize("command", ["retry", "drop"])
def test_an_id_that_is_none_is_a_plain_refusal(handover, command):
    code, said, error = handover("queue", command, "77")

    assert (code, said) == (2, "")
    assert error == "there is no delivery 77 -> see `handover queue` for the ids\n"


def test_what_was_answered_is_not_retried(handover, play):
    play.says("hello")

    code, _, error = handover("queue", "retry", "1")

    assert code == 2
    assert error == (
        "delivery 1 cannot be retried: it is done (answered) -> only what is given up or dropped can\n"
    )


def test_what_waits_need_not_be_retried(handover, play):
    receive(play, "hello")

    code, _, error = handover("queue", "retry", "1")

    assert code == 2
    assert "delivery 1 cannot be retried: it is waiting" in error


def test_what_changes_under_the_hand_is_a_plain_refusal(handover, play, monkeypatch):
    give_up(play)
    monkeypatch.setattr(queue_admin, "retry", lambda connection, found: False)

    code, _, error = handover("queue", "retry", "1")

    assert code == 2
    assert error.startswith("the delivery was worked off in this very moment")


def test_a_user_without_a_name_may_drop(handover, play, monkeypatch):
    def nobody():
        raise KeyError("uid not found")

    monkeypatch.setattr(queue.getpass, "getuser", nobody)
    receive(play, "hello")

    assert handover("queue", "drop", "1")[0] == 0


def test_a_database_out_of_reach_is_a_plain_refusal(handover, play, monkeypatch):
    def away():
        raise StoreUnavailable("the database refused: connection refused")

    monkeypatch.setattr(play.store, "reading", away)

    assert handover("queue") == (2, "", "the database refused: connection refused\n")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (0.4, "0 s"), (61, "1 min 1 s"), (3600, "1 h"), (90061, "1 d 1 h"), (86400 * 400, "400 d")],
)
def test_an_age_is_written_with_its_two_largest_units(seconds, text):
    assert ages.age(seconds) == text


# --- tidying --------------------------------------------------------------------------------------


@pytest.fixture
def old(now, play):
    """A handover of long ago, with something said in it, and one of today."""
    now.now = time.time() - 40 * 86400
    play.hands_over("inbox")
    play.says("long ago")
    play.says("back to bot")
    now.now = time.time() - 10
    play.hands_over("inbox")
    play.says("today")
    return play


def test_tidy_deletes_old_deliveries_and_nothing_else(handover, old):
    log, lines = old.log, old.lines

    code, said, _ = handover("tidy", "--older-than", "30 days")

    assert (code, said) == (0, "Deliveries deleted: 5\n")
    assert (old.log, old.lines) == (log, lines)


def test_tidy_deletes_the_rest_when_asked(handover, old):
    _, said, _ = handover("tidy", "--older-than", "30 days", "--transcript", "--changes")

    assert "Lines of transcripts deleted: 2\n" in said
    assert "Changes of control deleted: 2\n" in said
    assert old.lines == [("person", "today")]
    assert old.log == [("inbox", "handed_over")]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("1 day", "at least 2 days -> a repeat of Meta's is known by the delivery it repeats"),
        ("soon", "write a number and a unit"),
    ],
)
def test_tidy_refuses_what_would_lose_something(handover, given, said):
    code, _, error = handover("tidy", "--older-than", given)

    assert code == 2
    assert error.startswith("--older-than: ")
    assert said in error
