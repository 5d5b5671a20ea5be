"""`handover status` and `handover apps` against the simulator over HTTP: what Meta says now."""

from __future__ import annotations

import json
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Iterator, Tuple

import pytest

pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from handover_channel import services  # noqa: E402
from handover_channel.cli import main, status  # noqa: E402
from handover_channel.simulator import Simulator, Switches, running  # noqa: E402

PSID = "24680"
SETTINGS = """\
app_id: "1234567890"
graph_api: {{url: "{url}"}}
targets:
  inbox: {{kind: inbox}}
  sales_bot: {{kind: app, app_id: "2222"}}
default_target: inbox
"""
CREDENTIALS = (
    "handover_channel.MessengerInput: {verify: w, secret: s3cret, page-access-token: demo-page-token}\n"
)

Run = Callable[..., Tuple[int, str, str]]


@pytest.fixture
def messenger() -> Simulator:
    return Simulator(
        secret="s3cret", apps={"2222": "sales_bot", "3333": "tool"}, switches=Switches(receipts=False)
    )


@pytest.fixture
def url(messenger: Simulator) -> Iterator[str]:
    with running(messenger) as url:
        yield url


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write the settings of a bot whose Meta is at a URL."""

    def write(url: str) -> None:
        (tmp_path / "handover.yml").write_text(SETTINGS.format(url=url))
        (tmp_path / "credentials.yml").write_text(CREDENTIALS)
        monkeypatch.setenv("HANDOVER_CONFIG", str(tmp_path / "handover.yml"))

    return write


@pytest.fixture
def handover(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Run:
    def run(*arguments: str) -> Tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["handover", *arguments])
        with pytest.raises(SystemExit) as end:
            main.main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return run


def test_the_owner_at_meta_is_said_beside_the_row(
    messenger: Simulator, url: str, bot: Callable[[str], None], handover: Run
) -> None:
    bot(url)
    messenger.person(PSID).says("a person, please")
    services.from_config().thread_control.hand_over(PSID, "sales_bot")

    found = json.loads(handover("status", PSID, "--json")[1])
    assert found["meta"]["whose"] == "other"
    assert found["meta"]["app_id"] == "2222"
    assert "wrong.differs" not in [each["id"] for each in found["why"]]

    messenger.app("2222").releases(PSID)
    assert "sales_bot may have let go" in handover("status", PSID)[1]


def test_a_meta_that_takes_the_call_and_never_answers_costs_some_seconds_and_is_said(
    bot: Callable[[str], None], handover: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "ASK_WITHIN", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        bot(f"http://127.0.0.1:{server.getsockname()[1]}")
        services.from_config().thread_control.hand_over(PSID, "inbox")

        code, out, _ = handover("status", PSID)

    assert code == 0
    assert out.startswith("The bot is silent: people in the built-in inbox")
    assert "Meta could not be asked who has control: no answer within" in out


def test_meta_out_of_reach_is_no_failure(bot: Callable[[str], None], handover: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    bot(f"http://127.0.0.1:{port}")
    services.from_config().thread_control.hand_over(PSID, "inbox")

    code, out, _ = handover("status", PSID)

    assert code == 0
    assert "Meta could not be asked who has control" in out
    assert handover("apps")[0] == 0


def test_an_app_of_the_page_is_found_and_made_a_target(
    url: str, bot: Callable[[str], None], handover: Run, tmp_path: Path
) -> None:
    bot(url)
    assert "3333" in handover("apps")[1]

    assert handover("apps", "add", "3333", "--name", "tool", "--yes")[0] == 0
    services.process.close_all()

    apps = {each["id"]: each for each in json.loads(handover("apps", "--json")[1])["apps"]}
    assert (apps["3333"]["target"], apps["3333"]["name"]) == ("tool", "tool")
    assert apps["3333"]["seen"] == ["connected", "subscribed"]
    assert (
        (tmp_path / "handover.yml").read_text().startswith(SETTINGS.format(url=url).rpartition("default")[0])
    )


def test_a_page_that_lists_no_apps_any_more_says_so_and_goes_on(
    messenger: Simulator, url: str, bot: Callable[[str], None], handover: Run
) -> None:
    messenger.switches = replace(messenger.switches, lists_secondary_receivers=False)
    bot(url)

    code, out, err = handover("apps")

    assert code == 0
    assert "sales_bot" in out
    assert "Meta did not tell all" in err
