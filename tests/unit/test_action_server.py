"""Tests what can be learnt of the action server (doctor/action_server.py), and when Rasa says it (rasa/)."""

from __future__ import annotations

import pytest
import requests

from handover_channel.doctor.action_server import host_of, offered, problems_of, reachable
from handover_channel.doctor.check import CouldNotLook
from handover_channel.rasa import action_server

URL = "http://user:secret@actions:5055/webhook"


def answering(*names):
    return lambda url: names


def raising(error):
    def fail(url):
        raise error

    return fail


def said_of(ask):
    return list(problems_of(URL, ask))


def test_nothing_is_said_of_one_that_runs_our_actions():
    assert said_of(answering("action_own", "action_handover", "action_handover_return")) == []


def test_one_without_our_actions_is_told_what_to_import():
    (said,) = said_of(answering("action_own"))

    assert said.startswith("the action server at actions:5055 does not have action_handover, ")
    assert "-> import `handover_channel.actions`" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (requests.ConnectionError(), "no action server answers at actions:5055: "),
        (
            requests.ReadTimeout(),
            "the action server at actions:5055 takes connections, and does not answer: ",
        ),
        (requests.exceptions.MissingSchema(), "the url of action_endpoint in endpoints.yml is no address: "),
    ],
)
def test_one_that_is_not_there_is_named(error, expected):
    (said,) = said_of(raising(error))

    assert said.startswith(expected)
    assert "secret" not in said


@pytest.mark.parametrize("error", [requests.HTTPError("404"), ValueError(), KeyError("name"), TypeError()])
def test_of_one_that_cannot_be_asked_nothing_is_known(error):
    assert said_of(raising(error)) == []
    assert [each.status.value for each in reachable(URL, raising(error))] == ["ok"]
    with pytest.raises(CouldNotLook, match="does not list its actions"):
        list(offered(URL, raising(error)))


def test_what_an_address_that_is_none_is_called_has_no_secret():
    assert host_of("http://user:secret@[nowhere") == "endpoints.yml: action_endpoint"


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


@pytest.mark.parametrize(
    ("answers", "said"), [([["late"], ["late"], ["late"]], 1), ([["late"], [], ["late"]], 0)]
)
def test_it_is_asked_a_few_times_before_anything_is_said(monkeypatch, caplog, answers, said):
    left = list(answers)
    monkeypatch.setattr(action_server, "problems_of", lambda url: left.pop(0))

    action_server.ask_later(URL, Loop())

    assert len([each for each in caplog.records if "half installed: late" in each.getMessage()]) == said
