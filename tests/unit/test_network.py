"""Tests the network that is none: what the client sends arrives at the simulator as it would at Meta."""

from __future__ import annotations

import pytest

from handover_channel.errors import NotThreadOwner, TokenRefused
from handover_channel.graph_api.client import GraphApi, Upload
from handover_channel.simulator import PAGE_INBOX, Simulator, Switches
from handover_channel.testing.network import SimulatedNetwork

PSID, TOKEN = "7001", "demo-page-token"


@pytest.fixture
def page():
    page = Simulator(switches=Switches(strict=True, require_proof=True))
    page.person(PSID).says("hello")
    return page


@pytest.fixture
def graph(page):
    return GraphApi("http://127.0.0.1", "v27.0", app_secret="demo-app-secret", pools=SimulatedNetwork(page))


def test_a_message_arrives_with_its_token_and_its_proof(page, graph):
    graph.send(TOKEN, {"recipient": {"id": PSID}, "messaging_type": "RESPONSE", "message": {"text": "äöü"}})

    assert page.thread(PSID).chat[-1]["message"] == {"text": "äöü"}


def test_a_question_arrives_with_its_query(page, graph):
    page.inbox.moves_to_main(PSID)

    assert graph.thread_owner(TOKEN, PSID).app_id == PAGE_INBOX


def test_a_file_arrives_as_a_form(page, graph):
    body = {"recipient": {"id": PSID}, "messaging_type": "RESPONSE"}
    body["message"] = {"attachment": {"type": "image", "payload": {}}}

    graph.send(TOKEN, body, Upload("lamp.png", "image/png", b"\x89PNG\r\n\x00\xff"))

    assert [kept[:2] for kept in page.files.values()] == [("image/png", b"\x89PNG\r\n\x00\xff")]


def test_a_refusal_is_raised_as_metas(page, graph):
    page.inbox.moves_to_main(PSID)

    with pytest.raises(NotThreadOwner):
        graph.send(TOKEN, {"recipient": {"id": PSID}, "message": {"text": "x"}})
    with pytest.raises(TokenRefused):
        graph.send("another-token", {"recipient": {"id": PSID}, "message": {"text": "x"}})
