"""`handover return --all`: which threads, what is asked, what comes of each, and where it stops."""

from __future__ import annotations

import io
import json
import os
import signal
import sys

import pytest
from play import DAY, HOUR, NO_TAKING, OUTAGE, PSID

from handover_channel import services
from handover_channel.cli import main, returns
from handover_channel.control import many_returns
from handover_channel.store import changes, open_threads, threads


@pytest.fixture
def run(play, monkeypatch, capsys):
    """Run the command on the play's database, with its Meta and its clock: (exit code, stdout, stderr)."""
    parts = services.Services(play.settings, play.store, play.graph, play.thread_control)
    monkeypatch.setattr(services, "from_config", lambda: parts)
    monkeypatch.setattr("time.time", play.clock)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["handover", "return", *arguments])
        with pytest.raises(SystemExit) as end:
            main.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return call


@pytest.fixture
def opened(play):
    """Hand threads over: `opened(8001="inbox")`."""

    def hand_over(**targets):
        for psid, target in targets.items():
            play.clock.passes(1)
            with play.store.writing() as connection:
                threads.get_or_add(connection, psid[1:], channel="facebook", page="p", now=play.clock())
            play.thread_control.hand_over(psid[1:], target)

    return hand_over


def still_open(play):
    with play.store.reading() as connection:
        return [each.thread for each in open_threads.handovers(connection)]


def test_all_go_back_and_the_log_says_by_whom(play, run, opened):
    opened(_8001="inbox", _8002="sales_bot", _8003="page_inbox")

    code, out, _ = run("--all", "--yes")

    assert code == 0
    assert "returned: 3." in out
    assert still_open(play) == []
    with play.store.reading() as connection:
        newest = changes.of(connection, "8002")[0]
    assert (newest.control, newest.reason, newest.who) == ("bot", "agent", "command line")


def test_how_many_by_target_is_said_before_it_is_asked(play, run, opened, monkeypatch):
    opened(_8001="inbox", _8002="sales_bot", _8003="inbox")
    asked = []
    monkeypatch.setattr("typer.confirm", lambda *given, **named: asked.append(named))

    _, out, _ = run("--all")

    assert out.startswith("inbox: 2\nsales_bot: 1\n")
    assert asked == [{"abort": True, "err": True}]


def test_a_no_changes_nothing(play, run, opened, monkeypatch):
    opened(_8001="inbox")

    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    code, _, err = run("--all")

    assert code == 1
    assert "Aborted" in err
    assert still_open(play) == ["8001"]


def test_a_dry_run_changes_nothing_and_asks_nothing(play, run, opened):
    opened(_8001="inbox", _8002="sales_bot")
    play.calls()

    code, out, _ = run("--all", "--dry-run")

    assert code == 0
    assert out == "inbox: 1\nsales_bot: 1\nNothing was changed.\n"
    assert still_open(play) == ["8001", "8002"]
    assert play.calls() == []


def test_only_the_targets_that_are_named_go_back(play, run, opened):
    opened(_8001="inbox", _8002="sales_bot", _8003="page_inbox")

    run("--all", "--yes", "--target", "sales_bot", "--target", "page_inbox")

    assert still_open(play) == ["8001"]


def test_only_what_is_older_goes_back(play, run, opened):
    opened(_8001="inbox")
    play.clock.passes(DAY)
    opened(_8002="inbox")

    run("--all", "--yes", "--older-than", "12 hours")

    assert still_open(play) == ["8002"]


def test_a_target_that_nobody_knows_is_refused_with_those_that_are_known(play, run, opened):
    opened(_8001="inbox")

    code, _, err = run("--all", "--yes", "--target", "sales", "--older-than", "1 hour")

    assert code == 2
    assert "--target sales" in err
    assert "sales_bot" in err
    assert still_open(play) == ["8001"]


def test_a_target_that_has_left_the_settings_can_still_be_named(play, run, opened):
    opened(_8001="sales_bot")
    del play.settings.targets["sales_bot"]

    assert run("--all", "--yes", "--target", "sales_bot")[0] == 0
    assert still_open(play) == []


def test_metas_refusals_are_listed_by_thread_and_stop_nothing(play, run, opened):
    opened(_8001="sales_bot", _8002="inbox", _8003="hootsuite", _8004="inbox")
    play.meta.always["take_thread_control"] = NO_TAKING

    code, out, err = run("--all", "--yes")

    assert code == 1
    assert [line.partition(":")[0] for line in err.splitlines() if "(#27)" in line] == ["8001", "8003"]
    assert all("->" in line for line in err.splitlines() if "(#27)" in line)
    assert out.endswith("returned: 2, refused: 2.\n")
    assert still_open(play) == ["8001", "8003"]


def test_a_meta_that_does_not_answer_ends_it_after_some_threads(play, run, opened):
    opened(**{f"_80{number:02}": "sales_bot" for number in range(9)}, _8100="inbox")
    play.calls()
    play.meta.fails("take_thread_control", OUTAGE, times=9)
    play.meta.always["thread_owner"] = NO_TAKING

    code, out, err = run("--all", "--yes")

    assert code == 1
    assert out.endswith(f"refused: {many_returns.UNANSWERED_IN_A_ROW}, not tried: 7.\n")
    assert play.calls().count("take_thread_control") == many_returns.UNANSWERED_IN_A_ROW
    assert "later" in err


def test_a_thread_that_was_handed_over_anew_meanwhile_is_left_alone(play, run, opened, monkeypatch):
    opened(_8001="inbox")

    def meanwhile(*given, **named):
        play.clock.passes(1)
        play.thread_control.return_to_bot("8001", returns_reason(), who="kim")
        play.clock.passes(1)
        play.thread_control.hand_over("8001", "patient")

    monkeypatch.setattr("typer.confirm", meanwhile)

    code, out, err = run("--all")

    assert code == 0
    assert "8001: control has changed meanwhile" in err
    assert still_open(play) == ["8001"]


def returns_reason():
    from handover_channel.rules.return_reasons import ReturnReason

    return ReturnReason.AGENT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_is_heard_between_two_threads_and_what_was_done_is_said(play, run, opened, number):
    opened(_8001="sales_bot", _8002="sales_bot", _8003="sales_bot")
    before, taken = signal.getsignal(signal.SIGINT), []

    def interrupted(name):
        if name == "take_thread_control":
            taken.append(name)
            if len(taken) == 2:
                os.kill(os.getpid(), number)

    play.meta.after = interrupted

    code, out, _ = run("--all", "--yes")

    assert code == returns.INTERRUPTED
    assert out.endswith("returned: 2, not tried: 1.\n")
    assert still_open(play) == ["8003"]
    assert signal.getsignal(signal.SIGINT) is before


def test_json_stands_alone_and_has_what_came_of_each(play, run, opened):
    opened(_8001="sales_bot", _8002="inbox")
    play.meta.always["take_thread_control"] = NO_TAKING

    code, out, _ = run("--all", "--yes", "--json")

    found = json.loads(out)
    assert code == 1
    assert found["targets"] == {"sales_bot": 1, "inbox": 1}
    assert {each["thread"]: each["outcome"] for each in found["results"]} == {
        "8001": "refused",
        "8002": "returned",
    }
    assert "(#27)" in found["results"][0]["why"]
    assert json.loads(run("--all", "--dry-run", "--json")[1])["threads"][0]["thread"] == "8001"


def test_there_is_nothing_to_return(run):
    assert run("--all", "--yes")[:2] == (0, "No open thread is meant.\n")


@pytest.mark.parametrize(
    "arguments",
    [(), (PSID, "--all"), (PSID, "--yes"), (PSID, "--target", "inbox"), ("--all", "--older-than", "soon")],
)
def test_what_cannot_be_meant_is_refused(run, arguments):
    code, _, err = run(*arguments)

    assert code == 2
    assert "->" in err or "--older-than" in err


def test_a_thread_whose_pass_meta_does_not_tell_of_stays_and_says_so(play, run, opened):
    opened(_8001="sales_bot")
    play.clock.passes(1)
    with play.store.writing() as connection:
        connection.exec_driver_sql("UPDATE threads SET control = 'passing' WHERE id = '8001'")
    play.meta.always["thread_owner"] = NO_TAKING

    code, _, err = run("--all", "--yes")

    assert code == 1
    assert "8001: Meta does not tell whether it was passed on" in err


def test_names_of_targets_are_completed(monkeypatch, tmp_path):
    (tmp_path / "handover.yml").write_text(
        'app_id: "1"\ntargets: {inbox: {kind: inbox}, sales: {kind: app, app_id: "2"}}\n'
    )
    (tmp_path / "credentials.yml").write_text(
        "handover_channel.MessengerInput: {verify: v, secret: s, page-access-token: t}\n"
    )
    monkeypatch.setenv("HANDOVER_CONFIG", str(tmp_path / "handover.yml"))
    assert returns.target_names() == ["inbox", "sales"]

    monkeypatch.setenv("HANDOVER_CONFIG", str(tmp_path / "none.yml"))
    assert returns.target_names() == []


def test_a_return_is_as_old_as_the_last_change_of_control(play, run, opened):
    opened(_8001="inbox")
    play.clock.passes(2 * HOUR)
    play.thread_control.extend("8001", HOUR, "kim")

    assert "inbox: 1" in run("--all", "--dry-run", "--older-than", "1 hour")[1]
