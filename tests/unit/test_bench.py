"""The bench counts right: a figure that is wrong is worse than none."""

from __future__ import annotations

import math
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import __main__ as bench_command
from bench import attackers, cpu_shares, machine, mutations, processes, report, runs, trackers
from bench.cpu_shares import Core, Look, Used
from bench.figures import machines
from bench.meta import Call
from bench.outcome import Line, Outcome, Table, skipped, verdict
from bench.samples import Load, percentile
from bench.tally import Tally, shared_out, tally, when_few_are_left


def answer(number, at, thread="p"):
    return Call(at, thread, "message", f"repeat {number}")


# --- tally ----------------------------------------------------------------------------------------


def test_answers_in_order_are_neither_lost_nor_repeated():
    found = tally({"p": [1, 2, 3]}, [answer(1, 1.0), answer(2, 2.0), answer(3, 3.0)])

    assert (found.messages, found.lost, found.disordered, found.repeated) == (3, 0, 0, 0)


def test_a_message_without_an_answer_is_lost():
    assert tally({"p": [1, 2], "q": [1]}, [answer(1, 1.0)]).lost == 2


def test_an_answer_after_that_to_a_later_message_is_out_of_order():
    assert tally({"p": [1, 2, 3]}, [answer(2, 1.0), answer(1, 2.0), answer(3, 3.0)]).disordered == 1


def test_a_repeat_is_put_down_to_the_first_kill_after_the_answer_that_it_repeats():
    found = tally({"p": [1]}, [answer(1, 5.0), answer(1, 9.0)], kills=[4.0, 6.0, 8.0])

    assert (found.repeated, found.by_kill) == (1, [0, 1, 0])


def test_what_strangers_hear_and_what_is_no_answer_does_not_count():
    calls = [answer(1, 1.0, thread="stranger"), Call(2.0, "p", "message", "hello"), answer(1, 3.0)]

    assert tally({"p": [1]}, calls).repeated == 0


@given(st.integers(0, 500), st.integers(1, 20))
def test_every_message_is_somebodys(count, people):
    shares = shared_out(count, [str(number) for number in range(people)])

    assert sum(map(len, shares.values())) == count
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in shares.values())


def test_few_are_left_when_all_but_few_have_had_their_last_answer():
    ends = {"a": [1.0, 7.0], "b": [2.0], "c": [3.0, 4.0], "d": [9.0]}
    calls = [answer(number, at, thread) for thread, times in ends.items() for number, at in enumerate(times)]

    assert [when_few_are_left(calls, few) for few in (1, 2, 3)] == [9.0, 7.0, 4.0]


# --- where the CPU went ---------------------------------------------------------------------------


def test_a_process_counts_to_the_nearest_named_one_above_it():
    processes = {
        1: Used(0, 100.0),
        10: Used(1, 5.0),  # Rasa
        11: Used(10, 3.0),  # its queue
        12: Used(11, 1.0),  # a process of the queue
        13: Used(10, 0.5),  # another of Rasa
        20: Used(1, 7.0),  # a second Rasa
        30: Used(1, 9.0),  # a stranger
    }

    found = cpu_shares.by_name(processes, {10: "Rasa", 20: "Rasa", 11: "queue", 99: "ended"})

    assert found == {"Rasa": 12.5, "queue": 4.0, "ended": 0.0}


def test_a_core_is_as_busy_as_it_was_within_the_span():
    def look(at, *cores):
        return Look(float(at), [Core(*each) for each in cores])

    looks = [look(0, (0, 0), (50, 50)), look(1, (100, 100), (50, 150)), look(2, (150, 200), (150, 250))]

    assert cpu_shares.busy(looks, 0.1, 0.9) == [1.0, 0.0]
    assert cpu_shares.busy(looks, 0.0, 2.2) == [0.75, 0.5]


def test_what_a_process_and_its_ended_child_use_is_seen():
    with cpu_shares.watched({os.getpid(): "this"}) as watch:
        spent = "import time\nwhile time.process_time() < 0.3: pass"
        subprocess.run([sys.executable, "-c", spent], check=True)

    assert watch.used["this"] >= 0.25
    assert len(watch.looks) >= 2
    assert all(len(each.cores) == os.cpu_count() for each in watch.looks)


def a_round(processes, rate, busy, lost=0, rasa=12.0):
    found = Tally(640, lost, 0, 0, [])
    used = {"Rasa": rasa, "Redis": 1.0}
    load, waiting = machines.Span(10.0, [0.9, 0.6]), machines.Span(8.0, busy)
    return machines.Round(processes, found, rate, 40, 40, 40, used, load, waiting)


@pytest.mark.parametrize(
    ("rate", "busy", "rasa", "reached"),
    [
        (52.0, [0.5, 0.5], 5.0, True),
        (45.0, [0.95, 0.91], 13.0, True),
        (45.0, [0.95, 0.90], 13.0, False),
        (45.0, [0.95, 0.91], 5.0, False),
    ],
)
def test_more_processes_pay_or_find_no_core_free_of_their_own_work(rate, busy, rasa, reached):
    line = machines._compared(a_round(1, 40.0, [0.7, 0.6]), a_round(4, rate, busy, rasa=rasa))

    assert line.verdict == verdict(reached)


def test_what_no_process_accounts_for_stands_beside_them():
    table = machines._where([a_round(1, 40.0, [0.7, 0.6]), a_round(4, 50.0, [1.0, 1.0])])

    assert table.rows == [
        ["Rasa", "12.0", "60 %", "12.0", "60 %"],
        ["Redis", "1.0", "5 %", "1.0", "5 %"],
        ["everything else", "2.0", "10 %", "2.0", "10 %"],
        ["together", "15.0", "75 %", "15.0", "75 %"],
    ]


def test_a_rate_with_messages_lost_is_not_reached(monkeypatch):
    rounds = {1: a_round(1, 40.0, [0.7, 0.6], lost=1), 4: a_round(4, 60.0, [1.0, 1.0])}
    monkeypatch.setattr(machines.databases, "missing", lambda: "")
    monkeypatch.setattr(machines, "_round", lambda stage, processes: rounds[processes])

    lines = machines.measure(stage=None).lines

    assert {line.figure: line.verdict for line in lines} == {
        machines.ONE: verdict(False),
        machines.MORE: verdict(False),
        machines.NAME: verdict(True),
    }


def test_the_report_names_the_commit_that_was_measured():
    assert re.fullmatch(r"commit [0-9a-f]{7,}( with changes)?|not known", machine.describe()["Code"])


# --- samples --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("percent", "expected"), [(0, 1.0), (50, 2.5), (100, 4.0), (75, 3.25)])
def test_a_percentile_lies_between_its_neighbours(percent, expected):
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == expected


def test_of_nothing_there_is_no_percentile():
    assert math.isnan(percentile([], 50))


def test_only_what_was_accepted_counts_as_throughput():
    load = Load()
    for status in (200, 200, 500, 0):
        load.add(status, 0.010)
    load.wall = 2.0

    assert (load.count, load.accepted, load.rate) == (4, 2, 1.0)
    assert load.cells() == ["4", "10.0", "10.0", "10.0", "10.0", "1 x none, 2 x 200, 1 x 500"]


# --- mutations ------------------------------------------------------------------------------------


def test_bodies_are_damaged_in_many_ways():
    assert len(set(mutations.bodies(500, 1))) > 400


# --- attackers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 95 * attackers.MB, 28 * attackers.MB + 7])
def test_an_attacker_sends_as_many_bytes_as_it_announces(size):
    assert sum(map(len, attackers._pieces(size, b"a=1&"))) == size


# --- processes ------------------------------------------------------------------------------------

_SERVES = """
import http.server, pathlib, sys, time
{before}
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


def test_processes_start_side_by_side_and_all_are_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "START_WITHIN", 30.0)
    waits = "while not pathlib.Path('begun').exists(): time.sleep(0.01)"
    made = []
    for name, before in (("waits", waits), ("begins", "pathlib.Path('begun').touch()")):
        port = processes.free_port()
        command = ["-c", _SERVES.format(before=before), str(port)]
        made.append(processes.Process(command, tmp_path, f"{name}.log", f"http://127.0.0.1:{port}/"))

    with processes.running(*made):
        pids = [pid for each in made for pid in each.pids()]

    assert len(pids) == 2
    assert not any(processes.resident(pid) for pid in pids)


# --- long conversations ---------------------------------------------------------------------------


def test_a_copied_conversation_has_all_events_in_their_order(tmp_path):
    with closing(sqlite3.connect(tmp_path / "rasa.db")) as connection:
        connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id, type_name, data)")
        rows = [("1", "user", "a"), ("9", "user", "z"), ("1", "bot", "b")]
        connection.executemany("INSERT INTO events (sender_id, type_name, data) VALUES (?, ?, ?)", rows)
        connection.commit()

        trackers.copy_events(tmp_path / "rasa.db", "1", ["2", "3"])

        query = "SELECT type_name, data FROM events WHERE sender_id = ? ORDER BY id"
        found = [list(connection.execute(query, (thread,))) for thread in ("1", "2", "3", "9")]
    assert found == [[("user", "a"), ("bot", "b")]] * 3 + [[("user", "z")]]


# --- report ---------------------------------------------------------------------------------------


def run(line, scale=1.0, idle=1.0, begun="2026-01-02 03:04:05 UTC", machine="2"):
    outcome = Outcome([line], [Table("Raw", ["a|b"], [["1|2"]])], ["A remark."])
    figures = {"figure": outcome}
    return report.Run(begun, {"Cores": machine}, scale, figures, {"figure": idle}, {"figure": 61.7}, 3.4)


def rendered(*given, **named):
    return rendered_of(run(*given, **named))


def rendered_of(*made):
    return report.render(made, {"figure": ModuleType("figure", "How it was measured.")})


def speed(ours, reached=True):
    return Line("speed", "1", "-", ours, "4", verdict(reached) if isinstance(reached, bool) else reached)


def test_the_report_says_what_was_not_reached():
    text = rendered(Line("speed", "1", "2", "3", "4", verdict(False)))

    assert "| speed | 1 | 2 | 3 | 4 | **NOT reached** |" in text
    assert "How it was measured." in text
    assert "A remark." in text


def test_what_was_not_measured_says_why():
    assert skipped("no PostgreSQL here") == "skipped: no PostgreSQL here"
    assert report.failed(RuntimeError("it has ended\nmore")) == "**NOT reached**: RuntimeError: it has ended"


def test_a_trial_and_a_busy_machine_are_called_so():
    line = Line("speed", "1", "2", "3", "4", verdict(True))

    assert "a trial" not in rendered(line).lower()
    assert "A trial with 0.1 of the full counts" in rendered(line, scale=0.1)
    assert "not quiet before: figure (50% idle)" in rendered(line, idle=0.5)


def test_a_cell_cannot_break_the_table():
    assert "| a/b |" in rendered(Line("speed", "1", "2", "3", "4", ""))


def test_the_report_says_when_a_run_began_and_what_each_figure_took():
    text = rendered(speed("3"), idle=0.95)

    assert "- Begun: 2026-01-02 03:04:05 UTC, took 3 minutes\n- Cores: 2\n" in text
    assert "| figure | 62 | 95% |" in text


def test_several_runs_stand_side_by_side_and_what_one_machine_was_stands_once():
    text = rendered_of(run(speed("3")), run(speed("5"), begun="2026-01-02 04:00:00 UTC", idle=0.5))

    assert "Measured in 2 runs" in text
    assert "| speed | 1 / 1 | - | 3 / 5 | 4 | reached |" in text
    assert "- Begun, run 2: 2026-01-02 04:00:00 UTC" in text
    assert text.count("- Cores") == 1
    assert text.count("How it was measured.") == 1
    assert [number in text for number in ("**Raw, run 1**", "**Raw, run 2**")] == [True, True]
    assert "| figure | 62 / 62 | 100% / 50% |" in text


def test_a_busy_machine_is_told_by_run_and_a_trial_once():
    text = rendered_of(run(speed("3"), scale=0.1), run(speed("5"), scale=0.1, idle=0.5))

    assert text.count("A trial with 0.1 of the full counts") == 1
    assert "not quiet before, run 2: figure (50% idle)" in text


def test_runs_on_different_machines_say_so():
    text = rendered_of(run(speed("3")), run(speed("5"), machine="64"))

    assert "- Cores, run 1: 2\n- Cores, run 2: 64" in text


def test_a_figure_is_reached_where_each_run_reached_it():
    text = rendered_of(run(speed("3")), run(speed("9", reached=False)), run(speed("4")))

    assert "| 3 / 9 / 4 | 4 | **reached in 2 of 3** |" in text


def test_a_figure_that_no_run_reached_is_not_reached():
    text = rendered_of(run(speed("8", reached=False)), run(speed("9", reached=False)))

    assert "| 8 / 9 | 4 | **NOT reached** |" in text


def test_a_run_in_which_a_figure_failed_does_not_count_as_reached():
    failure = report.failed(RuntimeError("it has ended"))
    text = rendered_of(run(speed("3")), run(Line("figure", "-", "-", "-", "-", failure)))

    assert "| speed | 1 / - | - | 3 / - | 4 | **reached in 1 of 2** |" in text
    assert (
        "| figure | - | - | - | - | **reached in 0 of 2**; **NOT reached**: RuntimeError: it has ended |"
        in text
    )


def test_a_run_that_left_a_figure_out_has_no_say_in_its_verdict():
    others = replace(
        run(speed("3")), outcomes={"other": Outcome([Line("size", "-", "-", "7", "8", "reached")])}
    )
    figures = {name: ModuleType(name, "How.") for name in ("figure", "other")}
    text = report.render([run(speed("3")), others, run(speed("5"))], figures)

    assert "| speed | 1 / - / 1 | - | 3 / - / 5 | 4 | reached (2 of 3 runs have it) |" in text
    assert "| size | - | - | - / 7 / - | 8 | reached (1 of 3 runs have it) |" in text


# --- kept runs ------------------------------------------------------------------------------------


def test_a_kept_run_comes_back_as_it_was(tmp_path):
    made = run(speed("3"))
    runs.keep(made, tmp_path)

    assert rendered_of(*runs.kept(tmp_path, 1)) == rendered_of(made)


def test_the_newest_runs_are_taken_in_the_order_in_which_they_were_made(tmp_path):
    for day in (3, 1, 2):
        runs.keep(run(speed(str(day)), begun=f"2026-01-0{day} 03:04:05 UTC"), tmp_path)

    assert [each.begun[:10] for each in runs.kept(tmp_path, 2)] == ["2026-01-02", "2026-01-03"]


def test_too_few_kept_runs_are_an_error_that_says_how_many_there_are(tmp_path):
    runs.keep(run(speed("3")), tmp_path)

    with pytest.raises(LookupError, match="2 runs at full counts are wanted, 1 are kept"):
        runs.kept(tmp_path, 2)


@pytest.fixture
def bench_of_one_figure(tmp_path, monkeypatch):
    """The bench with one figure that gives a value twice, and a place of its own for what it writes."""
    values = iter(("3", "5"))
    figure = ModuleType("figure", "How it was measured.")
    figure.measure = lambda stage: Outcome([speed(next(values))])
    monkeypatch.delenv("BENCH_SCALE", raising=False)
    monkeypatch.setattr(bench_command, "FIGURES", {"figure": figure})
    monkeypatch.setattr(bench_command, "ROOT", tmp_path)
    monkeypatch.setattr(bench_command, "DOCUMENT", tmp_path / "docs" / "benchmarks.md")
    monkeypatch.setattr(bench_command, "KEPT", tmp_path / "runs")
    monkeypatch.setattr(bench_command, "FOLDER", tmp_path / "trial")
    monkeypatch.setattr(bench_command, "Stage", lambda scale: scale)
    monkeypatch.setattr(bench_command.machine, "idle", lambda: 1.0)
    moments = iter(range(100))
    monkeypatch.setattr(bench_command.time, "strftime", lambda *given: f"2026-01-02 03:{next(moments):02d}")
    return tmp_path


def test_several_runs_are_kept_and_rendered_together(bench_of_one_figure):
    assert bench_command.main(["--runs", "2"]) == 0

    assert len(list((bench_of_one_figure / "runs").iterdir())) == 2
    assert "| 3 / 5 |" in bench_command.DOCUMENT.read_text()


def test_runs_made_one_after_another_are_rendered_into_one_document(bench_of_one_figure):
    bench_command.main([])
    bench_command.main([])
    assert "| 3 / 5 |" not in bench_command.DOCUMENT.read_text()

    assert bench_command.main(["--render", "2"]) == 0

    assert "| 3 / 5 |" in bench_command.DOCUMENT.read_text()


def test_more_kept_runs_than_there_are_cannot_be_rendered(bench_of_one_figure, capsys):
    assert bench_command.main(["--render", "2"]) == 2

    assert "0 are kept" in capsys.readouterr().err
    assert not bench_command.DOCUMENT.exists()


def test_a_run_that_ended_stays_when_a_later_one_is_interrupted(bench_of_one_figure, monkeypatch):
    def interrupted(stage):
        raise KeyboardInterrupt

    bench_command.main([])
    monkeypatch.setattr(bench_command.FIGURES["figure"], "measure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bench_command.main(["--runs", "2"])

    assert [each.outcomes["figure"].lines for each in runs.kept(bench_of_one_figure / "runs", 1)] == [
        [speed("3")]
    ]


def test_a_run_of_some_figures_is_kept_and_leaves_the_document_alone(bench_of_one_figure):
    bench_command.main(["figure"])

    assert not bench_command.DOCUMENT.exists()
    assert len(runs.kept(bench_of_one_figure / "runs", 1)) == 1


def test_a_trial_is_not_kept(bench_of_one_figure, monkeypatch):
    monkeypatch.setenv("BENCH_SCALE", "0.1")
    bench_command.main([])

    assert not (bench_of_one_figure / "runs").exists()
    assert "A trial" in (bench_of_one_figure / "trial" / "benchmarks.md").read_text()
