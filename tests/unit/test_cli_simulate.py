from __future__ import annotations

import errno
import os
import sys

import pytest

from handover_channel import simulator
from handover_channel.cli import main
from handover_channel.cli.simulate import addresses, not_called

EVERYWHERE = "0.0.0.0"  # noqa: S104 - printed and compared, never bound
CHANNEL = "handover_channel.MessengerInput: {verify: w, secret: demo-app-secret, page-access-token: t}"


@pytest.fixture
def simulate(tmp_path, monkeypatch, capsys):
    """Run the command in a folder with these settings; its server is ready at once, and ends."""

    def run(*arguments, handover='app_id: "1111"', credentials=CHANNEL, serve=lambda given: given["ready"]()):
        (tmp_path / "handover.yml").write_text(handover)
        (tmp_path / "credentials.yml").write_text(credentials)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(simulator, "run", lambda **given: serve(given))
        monkeypatch.setattr(sys, "argv", ["handover", "simulate", *arguments])
        with pytest.raises(SystemExit) as end:
            main.main()
        return (end.value.code, *capsys.readouterr())

    return run


def test_it_prints_what_it_serves_and_whom_it_calls(simulate):
    code, out, _ = simulate("--port", "8123", "--callback", "http://127.0.0.1:5007/webhooks/facebook/webhook")

    assert code == 0
    assert "http://127.0.0.1:8123/   <- talk to the bot here" in out
    assert "http://127.0.0.1:8123   <- graph_api.url" in out
    assert "http://127.0.0.1:5007/webhooks/facebook/webhook" in out


def test_it_serves_every_page_of_the_credentials(simulate):
    served = []

    def serve(given):
        served.append(given)
        given["ready"]()

    pages = "pages: [{id: 111, page-access-token: one}, {id: 222, page-access-token: two}]"
    channel = f"handover_channel.MessengerInput: {{verify: w, secret: demo-app-secret, {pages}}}"
    out = simulate(credentials=channel, serve=serve)[1]

    (given,) = served
    assert (given["page_id"], given["token"]) == ("111", "one")
    assert [(page.page_id, page.token) for page in given["more_pages"]] == [("222", "two")]
    assert "Pages        111, 222\n" in out


def test_it_says_when_the_bot_answers_elsewhere(simulate):
    code, _, errors = simulate()

    assert code == 0
    assert errors.startswith("handover.yml: graph_api.url is https://graph.facebook.com, ")
    assert 'graph_api: {url: "http://127.0.0.1:8090"}' in errors


def test_it_says_nothing_where_the_bot_answers_here(simulate):
    handover = 'app_id: "1111"\ngraph_api: {url: "http://localhost:8090"}'

    assert simulate(handover=handover)[2] == ""
    assert "graph_api.url is http://localhost:8090" in simulate("--port", "8091", handover=handover)[2]


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://127.0.0.1:8090", "127.0.0.1", 8090),
        ("http://localhost:8090", "127.0.0.1", 8090),
        ("http://[::1]:8090", "::1", 8090),
        ("http://127.0.0.1:8090", EVERYWHERE, 8090),
        ("http://127.0.0.1", "127.0.0.1", 80),
        ("https://try.example.com", EVERYWHERE, 443),
    ],
)
def test_names_of_one_address_are_not_taken_for_two(url, host, port):
    assert not_called(url, host, port) == ""


def test_an_address_to_listen_on_everywhere_is_printed_as_one_to_open():
    assert addresses(EVERYWHERE, 8090, "http://x/")[0].startswith("Messenger    http://127.0.0.1:8090/ ")
    assert addresses("::1", 8090, "http://x/")[0].startswith("Messenger    http://[::1]:8090/ ")


def test_a_bot_that_is_not_on_messenger_gets_a_sentence(simulate):
    code, out, errors = simulate(handover="", credentials="handover_channel.InboxInput:")

    assert (code, out) == (2, "")
    assert errors.startswith(
        "this bot is not on Messenger: credentials.yml has no handover_channel.Messenger"
    )
    assert errors.count("\n") == 1


def test_a_taken_port_gets_a_sentence(simulate):
    def taken(given):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))

    code, _, errors = simulate(serve=taken)

    assert code == 2
    assert errors == "port 8090 is taken -> end what listens there (lsof -i :8090), or give another: --port\n"


def test_an_address_that_is_not_of_this_machine_gets_a_sentence(simulate):
    def elsewhere(given):
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    assert simulate("--host", "192.0.2.1", serve=elsewhere)[2] == (
        "cannot listen on 192.0.2.1, port 8090: Cannot assign requested address\n"
    )


HEAD = '{"format":"handover-recording","version":1,"app":"9000000000000001","page":"9000000000000002"}'
REFUSED = (
    '{"n":1,"at":1,"kind":"graph","method":"GET","path":"/me","query":{},'
    '"status":400,"answer":{"error":{"code":1}}}'
)


def test_comparing_ends_with_1_where_something_differs_and_a_line_for_it(simulate, tmp_path):
    (tmp_path / "page.jsonl").write_text(f"{HEAD}\n{REFUSED}\n")

    code, out, _ = simulate("--compare", "page.jsonl")

    assert code == 1
    assert out.splitlines() == [
        "page.jsonl:2: GET me: Meta answered 400 (1), the simulator would answer 200",
        "1 calls and webhooks, 1 differences",
    ]


def test_comparing_ends_with_0_where_nothing_differs_and_with_2_for_what_is_no_recording(simulate, tmp_path):
    (tmp_path / "page.jsonl").write_text(f"{HEAD}\n")
    (tmp_path / "broken.jsonl").write_text(f"{HEAD}\n{{}}\n")

    assert simulate("--compare", "page.jsonl")[0] == 0
    code, _, errors = simulate("--compare", "broken.jsonl")
    assert (code, errors) == (
        2,
        'broken.jsonl:2: an object with "kind": "graph" or "webhook" is expected\n',
    )


def test_a_proxy_needs_a_file_and_a_graph_api_that_may_have_the_token(simulate, tmp_path):
    assert simulate("--proxy", "https://graph.facebook.com")[2] == (
        "--proxy: there is no file to record into -> add --record FILE\n"
    )
    assert "would get the token in the clear" in simulate("--proxy", "http://192.0.2.1", "--record", "a")[2]
    (tmp_path / "a").write_text("mine")
    assert "a is there already" in simulate("--proxy", "https://graph.facebook.com", "--record", "a")[2]


def test_recording_begins_with_the_simulator_and_ends_with_it(simulate, tmp_path):
    def serve(given):
        with given["watched"](simulator.Simulator()) as recorder:
            recorder.flush()

    code, out, _ = simulate("--record", "it.yml", serve=serve)

    assert code == 0
    assert "Records      it.yml" in out
    assert (tmp_path / "it.yml").read_text().startswith("# Recorded by handover simulate")
