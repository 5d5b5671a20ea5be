"""Tests what the doctor says when Rasa starts: what is wrong, a line each, once a server."""

from __future__ import annotations

import logging
import multiprocessing

import bots

from handover_channel.doctor import at_start
from handover_channel.doctor.check import Check, CouldNotLook, fail, ok, warn
from handover_channel.doctor.run import AT_START, CHECKS
from handover_channel.sentences import Sentence

TITLE = Sentence("A title")


def finding(kind, words):
    return Check(
        f"a.{words}", TITLE, lambda facts: [kind(Sentence(words), Sentence("why"), Sentence("do it"))]
    )


def unseen(facts):
    raise CouldNotLook(Sentence("out of reach"))


def test_only_what_is_wrong_is_logged_a_line_each(tmp_path, caplog):
    checks = [
        finding(fail, "broken"),
        finding(warn, "odd"),
        Check("a.ok", TITLE, lambda facts: [ok(TITLE)]),
        Check("a.unseen", TITLE, unseen),
        finding(fail, "worse"),
    ]

    with caplog.at_level(logging.INFO):
        at_start.say_what_is_wrong(bots.facts(tmp_path), checks)

    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [
        ("WARNING", "handover doctor: a.broken: broken: why -> do it"),
        ("WARNING", "handover doctor: a.worse: worse: why -> do it"),
    ]


def test_one_worker_of_a_server_looks(tmp_path, monkeypatch):
    monkeypatch.setattr(at_start, "_first", multiprocessing.Lock())

    looking = [at_start.look_beside(lambda: bots.facts(tmp_path), []) for _ in range(3)]

    assert [each is not None for each in looking] == [True, False, False]
    looking[0].join()


def test_what_rasa_says_by_itself_is_not_said_twice():
    at_start_too = {check.id for check in AT_START}

    assert {"tracker_store.path", "lock_store.workers", "database.durable", "clock.skew"} <= at_start_too
    assert not {
        each for each in at_start_too if each.startswith(("settings.", "model.", "channels.", "action_"))
    }
    assert at_start_too < {check.id for check in CHECKS}
