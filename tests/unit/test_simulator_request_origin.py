from __future__ import annotations

import pytest

from handover_channel.simulator.request_origin import RequestHead, refusal

HOST = "127.0.0.1:8090"
JSON = "application/json"


def act(host=HOST, origin=None, content_type=JSON, path="/simulator/v1/say", method="POST", body=True):
    return RequestHead(method, path, host, origin, content_type, body)


@pytest.mark.parametrize(
    "host", [HOST, "localhost:8090", "LOCALHOST", "[::1]:8090", "192.168.1.7:8090", "bot.localhost"]
)
@pytest.mark.parametrize("path", ["/", "/v26.0/me/messages", "/simulator/v1/snapshot"])
def test_this_machine_and_every_address_are_names_of_it(host, path):
    assert refusal(act(host, path=path, method="GET")) == ""


@pytest.mark.parametrize(
    "host", ["evil.com", "evil.com:8090", "localhost.evil.com", "127.0.0.1.evil.com", "", "[::1"]
)
@pytest.mark.parametrize("path", ["/", "/v26.0/me/messages", "/simulator/v1/snapshot"])
def test_a_name_that_somebody_else_had_point_here_is_refused(host, path):
    assert "--allow-host" in refusal(act(host, path=path, method="GET"))


def test_a_name_that_it_was_told_is_a_name_of_it():
    assert refusal(act("Simulator:8090"), names={"simulator"}) == ""


@pytest.mark.parametrize(
    "path", ["/simulator/v1/say", "/simulator/v1/files", "/v26.0/me/messages", "/simulator/v1/reset"]
)
@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1:21300", "http://localhost:8090", "https://evil.com", "null", "", "http://[::1"],
)
def test_no_page_of_another_origin_is_obeyed(path, origin):
    assert "another origin" in refusal(act(origin=origin, path=path))


def test_its_own_page_is_obeyed():
    assert refusal(act(origin=f"http://{HOST}")) == ""
    assert refusal(act("localhost:8090", origin="http://localhost:8090")) == ""


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_a_form_of_any_page_can_send_does_nothing_on_its_own_side(content_type):
    assert "application/json" in refusal(act(content_type=content_type))


@pytest.mark.parametrize("content_type", [JSON, "application/x-www-form-urlencoded", "multipart/form-data"])
def test_graph_clients_send_what_they_like(content_type):
    assert refusal(act(content_type=content_type, path="/v26.0/me/messages")) == ""


def test_files_and_webhooks_are_bytes_of_any_type_and_nothing_needs_no_type():
    assert refusal(act(content_type="image/png", path="/simulator/v1/files")) == ""
    assert refusal(act(content_type="application/octet-stream", path="/simulator/v1/deliver")) == ""
    assert refusal(act(content_type="application/octet-stream", path="/simulator/v1/reset", body=False)) == ""
