from __future__ import annotations

import inspect
import os
from io import StringIO

import pytest
import yaml
from rich.console import Console

from handover_channel.cli import demo, demo_ports
from handover_channel.cli.demo_ports import Ports
from handover_channel.cli.supervisor import Part
from handover_channel.errors import HandoverError
from handover_channel.settings import loader


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
        demo.start(Console(file=StringIO()))

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


# --- its ports ---


def test_the_demos_messenger_can_play_the_scenarios_of_the_folder_if_there_are_any(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "--scenarios" not in demo_ports.parts_of(Ports())[0].command

    (tmp_path / "tests" / "scenarios").mkdir(parents=True)
    assert demo_ports.parts_of(Ports())[0].command[-2:] == ("--scenarios", "tests/scenarios")


def test_a_demo_has_its_own_ports_where_nobody_else_listens(tmp_path, monkeypatch):
    (tmp_path / "tests" / "scenarios").mkdir(parents=True)  # as in the folder of the demo
    monkeypatch.chdir(tmp_path)
    ports = demo_ports.choose(lambda port: False)

    demo_ports.write_copies(ports)

    assert ports == Ports(8090, 5055, 5005)
    assert demo_ports.parts_of(ports) == demo.PARTS
    assert [path.name for path in tmp_path.iterdir()] == ["tests"]


def test_a_taken_port_is_replaced_by_a_free_one_and_the_others_stay():
    ports = demo_ports.choose(lambda port: port == 5005)

    assert (ports.simulator, ports.actions) == (8090, 5055)
    assert ports.rasa not in (5005, 8090, 5055)
    assert ports.is_moved


MOVED = Ports(simulator=18090, actions=15055, rasa=15005)


def test_every_part_of_a_moved_demo_knows_where_the_others_are(folder):
    (folder / "handover.yml").write_text(
        'app_id: "1234567890"\ndatabase: sqlite:///handover.db\ngraph_api: {url: "http://127.0.0.1:8090"}\n'
    )
    secrets = "{verify: v, secret: s, page-access-token: t}"
    (folder / "credentials.yml").write_text(f"handover_channel.MessengerInput: {secrets}\n")
    (folder / "endpoints.yml").write_text(
        "action_endpoint: {url: 'http://127.0.0.1:5055/webhook'}\nlock_store: {type: in_memory}\n"
    )

    demo_ports.write_copies(MOVED)

    settings = loader.load(str(demo_ports.settings_of(MOVED)))
    simulator, actions, rasa = demo_ports.parts_of(MOVED)
    endpoints = yaml.safe_load((folder / rasa.command[-1]).read_text())
    assert settings.graph_api.url == "http://127.0.0.1:18090"
    assert settings.database.endswith("/.rasa/demo-15005/handover.db")
    assert endpoints["action_endpoint"]["url"] == "http://127.0.0.1:15055/webhook"
    assert endpoints["lock_store"] == {"type": "in_memory"}
    assert [part.port for part in (simulator, actions, rasa)] == [18090, 15055, 15005]
    assert "http://127.0.0.1:15005/webhooks/facebook/webhook" in simulator.command
    assert {part.environment["HANDOVER_CONFIG"] for part in (simulator, actions, rasa)} == {
        ".rasa/demo-15005/handover.yml"
    }
    assert "127.0.0.1:8090" in (folder / "handover.yml").read_text()


def test_the_addresses_that_are_printed_are_those_of_the_moved_demo():
    said = StringIO()

    demo._print_addresses(Console(file=said, width=200), MOVED)

    for address in (":18090/", ":18090/inbox", ":15055/", "HANDOVER_CONFIG=.rasa/demo-15005/"):
        assert address in said.getvalue()
    assert ":5005" not in said.getvalue().replace(":15005", "")
