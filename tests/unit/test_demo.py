from __future__ import annotations

import inspect
import os
import socket
from io import StringIO

import pytest
import yaml
from rich.console import Console
from webhook_listener import free_port

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


@pytest.fixture
def unclaimed(monkeypatch):
    """Ports that no demo of this machine holds."""
    with socket.socket() as claim:
        monkeypatch.setattr(demo_ports, "_claim", lambda ports: claim)
        yield


def test_the_demos_messenger_can_play_the_scenarios_of_the_folder_if_there_are_any(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "--scenarios" not in demo_ports.parts_of(Ports())[0].command

    (tmp_path / "tests" / "scenarios").mkdir(parents=True)
    assert demo_ports.parts_of(Ports())[0].command[-2:] == ("--scenarios", "tests/scenarios")


def test_a_demo_has_its_own_ports_where_nobody_else_listens(tmp_path, monkeypatch, unclaimed):
    (tmp_path / "tests" / "scenarios").mkdir(parents=True)  # as in the folder of the demo
    monkeypatch.chdir(tmp_path)
    ports = demo_ports.choose(is_taken=lambda port: False).ports

    demo_ports.write_copies(ports)

    assert ports == Ports(8090, 5055, 5005)
    assert demo_ports.parts_of(ports) == demo.PARTS
    assert [path.name for path in tmp_path.iterdir()] == ["tests"]


def test_all_ports_move_together_where_one_is_in_use_and_that_one_is_named(unclaimed):
    chosen = demo_ports.choose(is_taken=lambda port: port in (5005, 8100))

    assert chosen.ports == Ports(8110, 5075, 5025)
    assert chosen.in_use == (5005, 8100)
    assert chosen.ports.is_moved


def test_the_ports_that_one_asks_for_are_three_in_a_row_and_no_others(unclaimed):
    assert demo_ports.choose(18090, lambda port: False).ports == Ports(18090, 18091, 18092)
    with pytest.raises(HandoverError, match=r"port 18091 is in use -> .*lsof -i :18091"):
        demo_ports.choose(18090, lambda port: port == 18091)


def test_where_everything_is_in_use_that_is_said(unclaimed):
    with pytest.raises(HandoverError, match="--port-base"):
        demo_ports.choose(is_taken=lambda port: True)


def test_two_demos_that_begin_in_the_same_moment_have_other_ports():
    base = free_port()
    first = demo_ports.choose(base, lambda port: False)
    with first.claim, pytest.raises(HandoverError, match=f"port {base}"):
        demo_ports.choose(base, lambda port: False)

    demo_ports.choose(base, lambda port: False).claim.close()


def test_a_demo_beside_another_has_a_tracker_store_of_its_own(folder):
    store = {"type": "SQL", "dialect": "sqlite", "db": "rasa.db"}
    (folder / "endpoints.yml").write_text(yaml.safe_dump({"tracker_store": store}))

    demo_ports.write_copies(MOVED)

    own = str(folder / ".rasa" / "demo-15005" / "rasa.db")
    copied = yaml.safe_load((folder / ".rasa" / "demo-15005" / "endpoints.yml").read_text())
    assert copied["tracker_store"] == {**store, "db": own}


def test_a_tracker_store_on_a_server_stays_where_it_is(folder):
    store = {"type": "SQL", "dialect": "postgresql", "db": "rasa"}
    (folder / "endpoints.yml").write_text(yaml.safe_dump({"tracker_store": store}))

    demo_ports.write_copies(MOVED)

    copied = yaml.safe_load((folder / ".rasa" / "demo-15005" / "endpoints.yml").read_text())
    assert copied["tracker_store"] == store


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


@pytest.mark.parametrize("ports", [Ports(), MOVED])
def test_the_bots_time_limits_follow_the_time_that_one_moves_on_the_page(ports):
    _, actions, rasa = demo_ports.parts_of(ports)
    simulator = f"http://127.0.0.1:{ports.simulator}"

    assert [part.environment["HANDOVER_TEST_CLOCK"] for part in (actions, rasa)] == [simulator] * 2


def test_the_addresses_that_are_printed_are_those_of_the_moved_demo():
    said = StringIO()

    demo._print_addresses(Console(file=said, width=200), MOVED)

    for address in (":18090/", ":18090/inbox", ":15055/", "HANDOVER_CONFIG=.rasa/demo-15005/"):
        assert address in said.getvalue()
    assert ":5005" not in said.getvalue().replace(":15005", "")
