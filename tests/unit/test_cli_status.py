"""`handover status`: one thread with why the bot is silent, and all open threads."""

from __future__ import annotations

import json
import sys
import threading

import pytest
from play import DAY, HOUR, NO_TAKING, PSID, SALES_BOT

from handover_channel import services
from handover_channel.cli import main, status
from handover_channel.store import open_threads
from handover_channel.store.open_threads import Place


@pytest.fixture
def run(play, monkeypatch, capsys):
    """Run the command on the play's database, with its Meta and its clock: (exit code, stdout, stderr)."""
    parts = services.Services(play.settings, play.store, play.graph, play.thread_control)
    monkeypatch.setattr(services, "from_config", lambda: parts)
    monkeypatch.setattr("time.time", play.clock)
    monkeypatch.setenv("COLUMNS", "250")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["handover", *arguments])
        with pytest.raises(SystemExit) as end:
            main.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return call


def another(play, psid, target="inbox"):
    """Another thread, handed over."""
    play.clock.passes(60)
    with play.store.writing() as connection:
        from handover_channel.store import threads

        threads.get_or_add(connection, psid, channel="facebook", page="p", now=play.clock())
    play.thread_control.hand_over(psid, target)


def test_the_status_begins_with_one_paragraph(play, run):
    play.hands_over("sales_bot")

    code, out, _ = run("status", PSID)

    first, empty, rest = out.partition("\n\n")
    assert code == 0
    assert first.startswith(f"The bot is silent: sales_bot has control of thread {PSID}")
    assert "Meta says that sales_bot has control." in first
    assert "\n" not in first
    assert rest.startswith("Thread:")


def test_a_command_at_the_end_of_a_sentence_does_not_run_into_the_next(play, run):
    play.hands_over("inbox")

    assert f"by `handover return {PSID}`. " in run("status", PSID)[1].partition("\n\n")[0]


def test_the_paragraph_is_in_arabic_if_that_is_asked_for(play, run):
    play.hands_over("inbox")

    _, out, _ = run("status", PSID, "--language", "ar")

    assert out.startswith("البوت متوقف عن الرد")
    assert run("status", PSID, "--language", "xx")[0] == 2


def test_the_doctor_begins_with_the_same_paragraph(play, run, monkeypatch, tmp_path):
    monkeypatch.setenv("HANDOVER_CONFIG", str(tmp_path / "handover.yml"))  # there is none
    play.hands_over("inbox")

    code, out, _ = run("doctor", PSID, "--only", "settings")
    _, json_out, _ = run("doctor", PSID, "--only", "settings", "--json")

    paragraph = run("status", PSID)[1].partition("\n\n")[0]
    assert code == 1
    assert out.startswith(paragraph + "\n")
    found = json.loads(json_out)
    assert found["thread"]["id"] == PSID
    assert found["thread"]["why"][0]["id"] == "control.inbox"
    assert found["checks"]


def test_the_doctor_looks_at_the_rest_where_a_thread_is_not_known(play, run, monkeypatch, tmp_path):
    monkeypatch.setenv("HANDOVER_CONFIG", str(tmp_path / "handover.yml"))

    code, out, err = run("doctor", "1", "--only", "settings")

    assert code == 1
    assert "settings.valid" in out
    assert err.startswith("thread 1 was never seen")


def test_that_meta_could_not_be_asked_is_said_and_is_no_failure(play, run):
    play.hands_over("sales_bot")
    play.meta.always["thread_owner"] = NO_TAKING

    code, out, _ = run("status", PSID)

    assert code == 0
    assert "Meta could not be asked who has control" in out


def test_a_meta_that_never_answers_costs_its_seconds_and_no_more(play, run, monkeypatch):
    monkeypatch.setattr(status, "ASK_WITHIN", 0.05)
    play.hands_over("sales_bot")
    never = threading.Event()
    play.meta.during = lambda name: never.wait(60)

    code, out, _ = run("status", PSID)

    never.set()
    assert code == 0
    assert "Meta could not be asked who has control: no answer within" in out


def test_meta_is_not_asked_if_that_is_said_and_never_of_another_channel(play, run):
    play.hands_over("sales_bot")
    play.calls()

    assert "Meta says" not in run("status", PSID, "--no-ask")[1]
    assert play.calls() == []


def test_a_refused_return_is_explained_with_its_remedy(play, run):
    play.hands_over("sales_bot")
    play.meta.fails("take_thread_control", NO_TAKING)
    assert run("return", PSID)[0] == 1

    paragraph = run("status", PSID)[1].partition("\n\n")[0]

    assert "Meta has refused once to give control back" in paragraph
    assert "(#27)" in paragraph
    assert "The return is tried again in less than a minute" in paragraph or "in 1 minute" in paragraph


def test_what_was_given_up_in_the_thread_is_said(play, run):
    play.says("hello")
    play.person.says("poison")
    play.receive()
    play.claims.finish(play.claims.begin(PSID), "failed", None)
    play.hands_over("inbox")

    assert "One message of it was given up. See `handover queue --failed`" in run("status", PSID)[1]


def test_messages_that_nobody_processes_are_said(play, run):
    play.says("hello")
    play.person.says("anybody?")
    play.receive()
    play.clock.passes(HOUR)

    assert "One message of it waits to be processed for 1 hour" in run("status", PSID)[1]


def test_json_stands_alone_and_says_the_same(play, run):
    play.hands_over("sales_bot")

    _, out, err = run("status", PSID, "--json")

    found = json.loads(out)
    assert found["schema"] == 1
    assert found["thread"]["control"] == "app"
    assert found["meta"]["whose"] == "other"
    assert found["meta"]["app_id"] == SALES_BOT
    assert found["why"][0]["id"] == "control.app"
    assert found["paragraph"] == run("status", PSID)[1].partition("\n\n")[0]
    assert not err


def test_no_name_steers_the_terminal(play, run):
    play.hands_over("inbox")
    play.says("\x1b[2J\u202e")

    assert not {"\x1b", "\u202e"} & set(run("status", PSID)[1])
    assert not {"\x1b", "\u202e"} & set(run("status")[1])


# --- all open threads -----------------------------------------------------------------------------


def ids(out):
    return [each["id"] for each in json.loads(out)["threads"]]


def test_who_waits_for_an_agent_comes_first_and_the_longest_waiting_of_them(play, run):
    play.hands_over("inbox")
    another(play, "7002", "sales_bot")
    another(play, "7003")
    another(play, "7004", "sales_bot")

    code, out, _ = run("status", "--json")

    assert code == 0
    assert ids(out) == [PSID, "7003", "7002", "7004"]
    assert json.loads(out)["total"] == 4
    assert json.loads(out)["next"] == ""


def test_what_the_bot_has_is_not_listed(play, run):
    assert "No thread is open" in run("status")[1]
    play.hands_over("inbox")
    play.says("back to bot")

    assert ids(run("status", "--json")[1]) == []


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_hold_every_thread_once(play, run, size):
    targets = ["inbox", "sales_bot", "inbox", "sales_bot", "inbox"]
    for number, target in enumerate(targets):
        another(play, f"800{number}", target)

    after, found = "", []
    while True:
        page = json.loads(run("status", "--json", "--limit", str(size), "--after", after)[1])
        found += [each["id"] for each in page["threads"]]
        after = page["next"]
        if not after:
            break

    assert found == ["8000", "8002", "8004", "8001", "8003"]


def test_the_table_says_how_to_go_on(play, run):
    another(play, "8000")
    another(play, "8001")

    _, out, _ = run("status", "--limit", "1")

    assert "8000" in out
    assert "8001" not in out
    assert "Open: 1 of 2" in out
    command = out.partition("There are more: handover ")[2].split()
    assert "8001" in run(*command)[1]


def test_ids_stand_whole_in_the_table_where_the_terminal_is_narrow(play, run, monkeypatch):
    another(play, "3000000000000007")
    monkeypatch.setenv("COLUMNS", "80")

    assert "3000000000000007" in run("status")[1]


@pytest.mark.parametrize("text", ["x", "1,2", "a,b,c", "0,zero,7"])
def test_a_place_that_is_none_is_refused(run, text):
    code, _, err = run("status", "--after", text)

    assert code == 2
    assert "--after" in err


def test_what_is_wrong_with_a_thread_stands_in_its_row(play, run):
    play.hands_over("sales_bot")
    play.meta.fails("take_thread_control", NO_TAKING)
    run("return", PSID)
    play.clock.passes(DAY)

    (found,) = json.loads(run("status", "--json")[1])["threads"]

    assert any("(#27)" in each for each in found["wrong"])
    assert "its time is up, and no process has ended it" in found["wrong"]
    assert found["last_words_seconds"] == DAY
    assert "(#27)" in run("status")[1]


def test_the_list_asks_meta_nothing(play, run):
    play.hands_over("sales_bot")
    play.calls()
    run("status")

    assert play.calls() == []


def test_a_page_begins_behind_a_place_of_either_part(play):
    for number, target in enumerate(["inbox", "sales_bot"]):
        another(play, f"800{number}", target)
    with play.store.reading() as connection:
        behind = [
            [each.id for each in open_threads.page(connection, limit=9, after=Place(part, 0.0, ""))]
            for part in (0, 1)
        ]

    assert behind == [["8000", "8001"], ["8001"]]


def test_an_unknown_thread_is_refused(run):
    assert run("status", "1")[0] == 2


def test_an_agent_is_named_not_the_app_that_sent_it(play, run):
    from handover_channel.store import agents, transcript

    play.hands_over("inbox")
    with play.store.writing() as connection:
        agents.add(connection, agents.Agent("sara", "Sara Haddad", "hash", created_at=play.clock()))
        said = transcript.Line(transcript.AGENT, app_id="4242", text="Here I am.", agent="sara", timestamp=1)
        transcript.add(connection, PSID, said)

    _, out, _ = run("status", PSID, "--no-ask")

    assert "agent Sara Haddad" in out
    assert "4242" not in out
