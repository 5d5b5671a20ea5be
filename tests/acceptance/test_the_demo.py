from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from io import StringIO
from pathlib import Path
from typing import Dict, Iterator

import pytest
from browsers import PATIENCE, chromium
from rich.console import Console
from stack import ROOT
from webhook_listener import until

from handover_channel.cli import demo
from handover_channel.cli.demo_ports import Ports
from handover_channel.cli.supervisor import listening, taken

pytestmark = pytest.mark.rasa


COMMAND = (sys.executable, "-m", "handover_channel", "demo")


@pytest.fixture
def project(tmp_path: Path, model: Path) -> Path:
    """The example bot as it is in the repository, trained."""
    for name in demo.NEEDED_FILES:
        shutil.copy(ROOT / name, tmp_path)
    for name in ("data", "actions"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "models").mkdir()
    shutil.copy(model, tmp_path / demo.MODEL)
    return tmp_path


@pytest.fixture
def own_ports() -> None:
    """The demo's own ports, on which nobody else may listen."""
    if taken(demo.PARTS):
        pytest.skip("a demo, or another Rasa, is running on this machine: its ports are the demo's")


def free_base() -> int:
    """Return the first of three ports in a row on which nobody listens."""
    return next(base for base in range(20000, 30000, 10) if not Ports.above(base).used(listening))


def checked(project: Path, *more: str) -> str:
    """Start a demo that stops again once all parts answer; return what it has printed."""
    ran = subprocess.run(
        [*COMMAND, "--check", *more], cwd=project, capture_output=True, text=True, timeout=demo.START_WITHIN
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert [part.name for part in demo.PARTS if f"{part.name} answers" not in ran.stdout] == []
    return ran.stdout


@contextmanager
def running(project: Path, *more: str) -> Iterator[Dict[str, str]]:
    """Start a demo and yield the addresses that it prints, by their names."""
    log = project / "demo.log"
    with log.open("w") as output, subprocess.Popen([*COMMAND, *more], cwd=project, stdout=output) as ours:
        try:
            until(lambda: "Ctrl-C" in log.read_text() or ours.poll() is not None, within=demo.START_WITHIN)
            found = re.findall(r"^  (\S[\w ]*?) {2,}(\S+)", log.read_text(), re.MULTILINE)
            assert ours.poll() is None, log.read_text()
            yield dict(found)
        finally:
            ours.send_signal(signal.SIGINT)
    assert ours.returncode == 0, log.read_text()


@pytest.mark.usefixtures("own_ports")
def test_the_demo_starts_all_of_it_as_it_is_in_the_repository_and_leaves_nothing_running(project):
    said = checked(project)

    assert demo.MESSENGER_URL in said
    assert not taken(demo.PARTS)


def test_where_a_port_is_in_use_it_is_named_and_all_of_it_starts_on_the_next_free_ones(project):
    port = demo.OWN_PORTS.simulator
    somebody = nullcontext() if listening(port) else socket.create_server(("127.0.0.1", port))
    with somebody:
        said = checked(project)

    assert re.search(r"Ports in use: 8090\b.* The demo takes 8\d\d0, 5\d\d5, 5\d\d5\.", said)
    assert demo.MESSENGER_URL not in said
    assert not [*project.glob("*.db")]


@pytest.mark.browser
def test_who_asks_for_a_human_is_answered_in_the_inbox_that_the_page_leads_to(project):
    sync_api = pytest.importorskip("playwright.sync_api", reason="no browser: Playwright is not installed")
    expect = sync_api.expect
    with running(project, "--port-base", str(free_base())) as addresses, chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(addresses["Messenger"])
        chat, text = page.locator("#person-chat"), page.locator("#person-text")
        text.fill("I want to talk to a human")
        text.press("Enter")
        expect(chat).to_contain_text("I am handing you over to a colleague.")
        with page.expect_popup() as opened:
            page.get_by_role("link", name="Open it in the inbox").click()

        agent = opened.value
        expect(agent.locator("#entries")).to_contain_text("I want to talk to a human")
        agent.locator("#reply-text").fill("Sara here. What is it about?")
        agent.locator("#reply-text").press("Enter")

        expect(chat).to_contain_text("Sara here. What is it about?")
        agent.goto(addresses["Inbox"])  # as it is printed, later
        expect(agent.locator("#list")).to_be_visible()


@pytest.mark.usefixtures("own_ports")
def test_training_that_fails_is_quoted(project, monkeypatch):
    (project / "domain.yml").write_text("intents: 5\n")
    monkeypatch.chdir(project)
    said = StringIO()

    code = demo.run(Console(file=said))

    assert code == 1
    assert "Training ended with exit code 1. The last lines of .rasa/demo/training.log:" in said.getvalue()
    assert not taken(demo.PARTS)
