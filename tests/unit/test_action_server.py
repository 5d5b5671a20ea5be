"""Tests what Rasa's process can learn of the action server (rasa/action_server.py)."""

from __future__ import annotations

import pytest
import requests

from handover_channel.rasa import action_server
from handover_channel.rasa.action_server import problem_of

URL = "http://user:secret@actions:5055/webhook"


def answering(*names):
    return lambda url: names


def raising(error):
    def fail(url):
        raise error

    return fail


def test_nothing_is_said_of_one_that_runs_our_actions():
    assert problem_of(URL, answering("action_own", "action_handover", "action_handover_return")) == ""


def test_one_without_our_actions_is_told_what_to_import():
    said = problem_of(URL, answering("action_own"))

    assert said.startswith("the action server at actions:5055 does not have action_handover and ")
    assert "-> import handover_channel.actions" in said
    assert "secret" not in said


def test_one_that_is_not_there_is_named():
    said = problem_of(URL, raising(requests.ConnectionError()))

    assert said.startswith("no action server answers at actions:5055: ")
    assert "secret" not in said


@pytest.mark.parametrize(
    "error", [requests.HTTPError("404"), requests.Timeout(), ValueError(), KeyError("name")]
)
def test_of_one_that_cannot_be_asked_nothing_is_known(error):
    assert problem_of(URL, raising(error)) == ""


class Loop:
    """Runs everything at once."""

    def call_later(self, seconds, function):
        function()

    def run_in_executor(self, executor, function, *given):
        return Asked(function(*given))


class Asked:
    def __init__(self, answer):
        self.answer = answer

    def cancelled(self):
        return False

    def result(self):
        return self.answer

    def add_done_callback(self, heard):
        heard(self)


@pytest.mark.parametrize(("answers", "said"), [(["late", "late", "late"], 1), (["late", "", "late"], 0)])
def test_it_is_asked_a_few_times_before_anything_is_said(monkeypatch, caplog, answers, said):
    left = list(answers)
    monkeypatch.setattr(action_server, "problem_of", lambda url: left.pop(0))

    action_server.ask_later(URL, Loop())

    assert len([each for each in caplog.records if "half installed: late" in each.getMessage()]) == said
