from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from stack import ROOT

from handover_channel.cli import demo
from handover_channel.cli.supervisor import taken

pytestmark = pytest.mark.rasa


@pytest.fixture
def project(tmp_path: Path, model: Path) -> Path:
    """The example bot as it is in the repository, trained."""
    if taken(demo.PARTS):
        pytest.skip("a demo, or another Rasa, is running on this machine: its ports are the demo's")
    for name in demo.NEEDED_FILES:
        shutil.copy(ROOT / name, tmp_path)
    for name in ("data", "actions"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "models").mkdir()
    shutil.copy(model, tmp_path / demo.MODEL)
    return tmp_path


def test_the_demo_starts_all_of_it_as_it_is_in_the_repository_and_leaves_nothing_running(project):
    command = [sys.executable, "-m", "handover_channel", "demo", "--check"]

    ran = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=demo.START_WITHIN)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert [part.name for part in demo.PARTS if f"{part.name} answers" not in ran.stdout] == []
    assert demo.MESSENGER_URL in ran.stdout
    assert not taken(demo.PARTS)


def test_where_a_port_is_taken_all_of_it_starts_on_free_ones(project):
    command = [sys.executable, "-m", "handover_channel", "demo", "--check"]
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", demo.OWN_PORTS.simulator))
        somebody.listen()
        ran = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=demo.START_WITHIN)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert [part.name for part in demo.PARTS if f"{part.name} answers" not in ran.stdout] == []
    assert "it takes free ones" in ran.stdout
    assert demo.MESSENGER_URL not in ran.stdout
    assert not (project / "handover.db").exists()


def test_training_that_fails_is_quoted(project, monkeypatch):
    (project / "domain.yml").write_text("intents: 5\n")
    monkeypatch.chdir(project)
    said = StringIO()

    code = demo.run(Console(file=said))

    assert code == 1
    assert "Training ended with exit code 1. The last lines of .rasa/demo/training.log:" in said.getvalue()
    assert not taken(demo.PARTS)
