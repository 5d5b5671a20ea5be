"""Sends what real clients send, in every form in which they might, and the errors that were seen in the wild.

Over HTTP, as it was recorded: tests/integration/test_simulator_server.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping
from urllib.parse import urlencode, urlsplit

import pytest

from handover_channel.simulator import Simulator, graph
from handover_channel.simulator.request import Request, Response, decode_body

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
TOKEN = "demo-page-token"
pytestmark = pytest.mark.corpus
_Json = Dict[str, Any]


def rows(name: str) -> List[_Json]:
    if not (CORPUS / name).is_file():
        return []
    return [json.loads(line) for line in (CORPUS / name).read_text(encoding="utf-8").splitlines()]


def calls() -> List[_Json]:
    """Those that came with all they need: uploads were recorded without their body."""
    return [
        {**row, "body": row["body"] or {}}
        for row in rows("graph_calls.jsonl")
        if "not the real one" not in row["call"]
        and (row["body"] or row["method"] != "POST" or not row["path"].endswith(("messages", "attachments")))
    ]


def _numbers(value: Any) -> Any:
    """Ids as numbers where they are text, and as text where they are numbers."""
    if isinstance(value, dict):
        return {
            key: _swapped(one) if key in ("id", "target_app_id") else _numbers(one)
            for key, one in value.items()
        }
    return [_numbers(one) for one in value] if isinstance(value, list) else value


def _swapped(value: Any) -> Any:
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return str(value) if isinstance(value, int) else value


def _form(body: _Json) -> _Json:
    flat = {
        key: one if isinstance(one, str) else json.dumps(one) for key, one in body.items() if one is not None
    }
    return decode_body(urlencode(flat).encode(), "application/x-www-form-urlencoded")


def _without_token(given: _Json) -> _Json:
    return {key: one for key, one in given.items() if key not in ("access_token", "appsecret_proof")}


def _asked(row: _Json, path: str, **more: Any) -> Request:
    return Request(
        row["method"], path, more.pop("query", row["query"] or {}), more.pop("body", row["body"]), **more
    )


def _in_a_header(row: _Json) -> Request:
    query, body = _without_token(row["query"] or {}), _without_token(row["body"])
    return _asked(row, row["path"], query=query, body=body, authorization="Bearer a-client's-token")


def _in_the_body(row: _Json) -> Request:
    body = {**_without_token(row["body"]), "access_token": "a-client's-token"}
    return _asked(row, row["path"], query=_without_token(row["query"] or {}), body=body)


#: Form -> the request of a row.
FORMS: Mapping[str, Callable[[_Json], Request]] = {
    "as recorded": lambda row: _asked(row, urlsplit(row["base"]).path + row["path"]),
    "no version": lambda row: _asked(row, row["path"]),
    "v27.0": lambda row: _asked(row, "/v27.0" + row["path"]),
    "form": lambda row: _asked(row, row["path"], body=_form(row["body"])),
    "ids the other way": lambda row: _asked(row, row["path"], body=_numbers(row["body"])),
    "token in a header": _in_a_header,
    "token in the body": _in_the_body,
}


def ready_for(row: _Json) -> Simulator:
    simulator = Simulator(default_app=None if "request_thread_control" in row["path"] else "bot")
    if row["call"] in ("getPersona", "deletePersona"):
        number = row["path"].strip("/")
        simulator.personas[number] = {"id": number, "name": "kpman", "profile_picture_url": ""}
    return simulator


def keys(response: Any) -> Any:
    """What a client reads of an answer: its keys, without those that only some answers have."""
    optional = {"message_id", "attachment_id", "paging"} if isinstance(response, dict) else set()
    return set(response) - optional if isinstance(response, dict) else type(response)


@pytest.mark.parametrize("form", FORMS)
def test_every_call_of_a_real_client_is_taken_in_every_form(form):
    refused = {}
    for number, row in enumerate(calls()):
        answer: Response = graph.answer(ready_for(row), FORMS[form](row))
        documented = row["response"] if isinstance(row["response"], (dict, list)) else {}
        if isinstance(documented, list):  # a batch
            alike = [part["code"] for part in answer.body] == [200] * len(documented)
        else:  # an object has the fields that were asked for
            alike = "/" not in row["path"].strip("/") or keys(answer.body) >= keys(documented)
        if answer.status != 200 or not alike:
            refused[number, row["call"]] = answer.body

    assert not refused
    assert len(calls()) > 140


@pytest.mark.parametrize("row", rows("graph_errors.jsonl") or [{}], ids=lambda row: str(row.get("case")))
def test_every_error_that_was_seen_can_be_had(row):
    error = row["response"]["error"]
    simulator = Simulator()
    given = {key: error[key] for key in ("code", "message")}
    simulator.fault("refused", subcode=error.get("error_subcode", 0), **given)
    body = {"recipient": {"id": "42"}, "message": {"text": "x"}}
    answer = graph.answer(simulator, Request("POST", "/me/messages", {"access_token": TOKEN}, body))

    assert answer.status == row["http_status"]
    # Meta's own type is OAuthException today (its error page); older ones said FacebookApiException.
    assert {**answer.body["error"], "type": "", "fbtrace_id": ""} == {**error, "type": "", "fbtrace_id": ""}
