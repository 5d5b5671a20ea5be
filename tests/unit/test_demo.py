from __future__ import annotations

import inspect
import os
from io import StringIO

import pytest
from rich.console import Console

from handover_channel.cli import demo
from handover_channel.cli.supervisor import Part
from handover_channel.errors import HandoverError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in demo.NEEDED_FILES:
        (tmp_path / name).write_text("")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "nlu.yml").write_text("")
    return tmp_path


def _trained(folder, *, age: float = 0.0):
    model = folder / demo.MODEL
    model.parent.mkdir()
    model.write_bytes(b"")
    newest = max(path.stat().st_mtime for path in folder.rglob("*.yml"))
    os.utime(model, (newest - age, newest - age))


def test_a_bot_without_a_model_is_not_trained(folder):
    assert not demo.is_trained()


def test_a_model_as_new_as_its_training_data_is_used(folder):
    _trained(folder)

    assert demo.is_trained()


def test_a_model_older_than_its_training_data_is_trained_anew(folder):
    _trained(folder, age=10)

    assert not demo.is_trained()


def test_everything_that_is_lacking_is_named_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "find_spec", lambda name: None)

    with pytest.raises(HandoverError) as refused:
        demo.run(Console(file=StringIO()))

    for lacking in (*demo.NEEDED_FILES, *demo.NEEDED_MODULES):
        assert lacking in str(refused.value)
    assert "rasa-handover[simulator]" in str(refused.value)


def test_a_taken_port_is_named_with_who_needs_it(monkeypatch):
    parts = [Part("Simulator", (), "http://127.0.0.1:8090/health")]
    monkeypatch.setattr(demo, "taken", lambda parts: parts)

    (problem,) = demo.taken_ports(parts)

    assert problem == "port 8090 is taken, and Simulator needs it -> end what listens there: lsof -i :8090"


def test_every_part_of_the_demo_listens_on_this_machine_alone():
    from handover_channel.cli import main

    simulator, actions, rasa = demo.PARTS

    assert inspect.signature(main.simulate).parameters["host"].default.default == "127.0.0.1"
    assert "--host" not in simulator.command
    assert actions.environment["SANIC_HOST"] == "127.0.0.1"  # rasa_sdk reads it
    assert rasa.command[rasa.command.index("--interface") + 1] == "127.0.0.1"
