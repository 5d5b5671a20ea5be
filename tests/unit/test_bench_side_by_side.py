"""Figures that only count are measured at the same time; the others never are."""

from __future__ import annotations

import os
import signal
import time
from types import ModuleType

import pytest

from bench import __main__ as bench_command
from bench import report, side_by_side
from bench.outcome import Line, Outcome, verdict
from bench.processes import Process, free_port, listens, running, until


def test_two_are_at_work_at_the_same_time_and_the_third_after_one_of_them(tmp_path):
    def work(name):
        (tmp_path / name).touch()
        if name != "c":
            until(lambda: {"a", "b"} <= {each.name for each in tmp_path.iterdir()}, "both have begun", 20)
        return f"{name} of {os.getpid()}"

    found = dict(side_by_side.results(work, ["a", "b", "c"], at_once=2))

    assert sorted(found) == ["a", "b", "c"]
    assert len({each.split()[-1] for each in found.values()} | {str(os.getpid())}) == 4


def test_no_more_are_at_work_than_at_once(tmp_path):
    def work(name):
        others = len(list(tmp_path.iterdir()))
        (tmp_path / name).touch()
        (tmp_path / name).unlink()
        return others

    assert dict(side_by_side.results(work, ["a", "b", "c"], at_once=1)) == {"a": 0, "b": 0, "c": 0}


def test_one_that_is_killed_is_told_from_one_with_a_result():
    def work(name):
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(RuntimeError, match="a has ended without a result"):
        list(side_by_side.results(work, ["a"], at_once=2))


def test_whoever_stops_has_the_others_clean_up(tmp_path):
    """As on Ctrl-C or SIGTERM: each figure stops its servers on the way out, even if it is told twice."""

    def work(name):
        if name == "first":
            until((tmp_path / "begun").exists, "the other has begun", 20)
            return name
        try:
            (tmp_path / "begun").touch()
            time.sleep(60)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            (tmp_path / "cleaned up").touch()
        return name

    found = side_by_side.results(work, ["first", "other"], at_once=2)
    assert next(found) == ("first", "first")
    found.close()

    assert (tmp_path / "cleaned up").exists()


def test_a_server_whose_figure_is_measured_is_killed_without_being_asked(tmp_path):
    """Rasa takes seconds to end, and whatever it would still write is not read."""
    port = free_port()
    served = f"""
import http.server, pathlib, signal
signal.signal(signal.SIGTERM, lambda number, frame: pathlib.Path("asked").touch())
http.server.ThreadingHTTPServer(("127.0.0.1", {port}), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
    with running(Process(["-c", served], tmp_path, "log", f"http://127.0.0.1:{port}/")):
        assert listens(port)

    assert not listens(port)
    assert not (tmp_path / "asked").exists()


@pytest.fixture
def figures(tmp_path, monkeypatch):
    """Return a function that measures figures: name -> what it does; *counting* can be measured together."""

    def measured(counting, **work):
        made = {}
        for name, each in work.items():
            made[name] = ModuleType(name, f"How {name} was measured.")
            made[name].measure = each
        monkeypatch.setattr(bench_command, "FIGURES", made)
        monkeypatch.setattr(bench_command, "COUNTING", counting)
        monkeypatch.setattr(bench_command, "Stage", lambda scale: Untrained())
        monkeypatch.setattr(bench_command.machine, "idle", lambda: 1.0)
        return bench_command._run(0.5, list(made))

    return measured


class Untrained:
    """A stage without models."""

    def train(self):
        """Train nothing."""


def line(figure):
    return Outcome([Line(figure, "-", "-", "1", "1", verdict(True))])


def test_only_those_that_count_are_in_processes_of_their_own_and_all_keep_their_place(figures):
    made = figures(
        ("first", "last"),
        first=lambda stage: line(f"first {os.getpid()}"),
        alone=lambda stage: line(f"alone {os.getpid()}"),
        last=lambda stage: line(f"last {os.getpid()}"),
    )
    said = {name: outcome.lines[0].figure for name, outcome in made.outcomes.items()}

    assert list(said) == ["first", "alone", "last"]
    assert said["alone"] == f"alone {os.getpid()}"
    assert not {said["first"], said["last"]} & {f"first {os.getpid()}", f"last {os.getpid()}"}
    assert list(made.together) == ["first", "last"]


def test_one_that_fails_beside_another_has_a_verdict_and_the_other_its_own(figures):
    def fails(stage):
        raise ValueError("no such thing")

    made = figures(("bad", "good"), bad=fails, good=lambda stage: line("good"))

    assert "no such thing" in made.outcomes["bad"].lines[0].verdict
    assert made.outcomes["good"].lines[0].verdict == "reached"


def test_the_report_says_which_figures_shared_the_machine(figures):
    made = figures(("one", "two"), one=lambda stage: line("one"), two=lambda stage: line("two"))

    assert "for itself, but for one, two: they only count" in report.render([made], bench_command.FIGURES)


def test_a_figure_that_counts_and_is_measured_alone_shares_nothing(figures):
    made = figures(("one",), one=lambda stage: line("one"))

    assert "for itself" not in report.render([made], bench_command.FIGURES)
