"""Starting Rasa in the project's folder: what is wrong is said, and health tells whether all works."""

from __future__ import annotations

import os
import subprocess

import pytest
import requests
import yaml
from rasa_commands import RASA
from stack import Stack, copy_project, eventually, free_port, write_settings

from handover_channel.doctor.action_server import problems_of, registered_at

pytestmark = pytest.mark.rasa


def test_health_says_ok_once_all_works(stack):
    answer = requests.get(f"{stack.url}/webhooks/facebook/", timeout=10)

    # Among the recordings of other people, which other tests deliver here, Meta enforces a policy.
    found = answer.json().pop("findings", [])
    assert all("enforces a policy" in each for each in found)
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded" if found else "ok")


def test_without_a_model_health_says_so_and_messages_wait_for_one(tmp_path, model):
    stack = Stack(tmp_path, None)
    person = stack.person()
    with stack.serving_messenger():
        stack.actions.start()
        stack.rasa.start()
        try:
            (answer,) = eventually(
                lambda: [a for a in _answers(f"{stack.url}/webhooks/facebook/") if "starting" not in a.text],
                within=120,
            )
            assert (answer.status_code, answer.json()["reason"]) == (
                503,
                "no model is loaded -> run `rasa train`, and start Rasa with it",
            )
            assert stack.deliver(stack.text_item(person, "when are you open")) == 200

            requests.put(
                f"{stack.url}/model", json={"model_file": str(model)}, timeout=120
            ).raise_for_status()

            person.settled()
            assert [each.status_code for each in _answers(f"{stack.url}/webhooks/facebook/")] == [200]
            assert [text[:11] for text in person.heard()] == ["We are open"]
        finally:
            stack.rasa.stop()
            stack.actions.stop()


def _answers(url):
    try:
        return [requests.get(url, timeout=5)]  # in a list: a refusing answer counts as false
    except requests.ConnectionError:
        return []


@pytest.fixture
def project(tmp_path):
    """A project's folder, not running."""
    copy_project(tmp_path, None, free_port())
    write_settings(tmp_path, "http://127.0.0.1:9")
    return tmp_path


def _run(folder, *arguments):
    return subprocess.run(
        [*RASA, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "RASA_TELEMETRY_ENABLED": "false"},
    )


def _spoil(folder):
    path = folder / "handover.yml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["return"]["button"] = "Bring me back to the bot, please"
    settings["return"]["time_limit"] = "soon"
    settings["defualt_target"] = "inbox"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    credentials = yaml.safe_load((folder / "credentials.yml").read_text())
    del credentials["handover_channel.MessengerInput"]["secret"]
    (folder / "credentials.yml").write_text(yaml.safe_dump(credentials))


def _assert_all_is_said(done):
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in said
    for words in ("Bring me back", "soon", "defualt_target", "secret", "handover.yml", "credentials.yml"):
        assert words in said
    assert "a-page-token" not in said


def test_wrong_settings_stop_the_rasa_server_with_all_that_is_wrong(project):
    _spoil(project)

    port = str(free_port())

    _assert_all_is_said(
        _run(project, "run", "--enable-api", "--credentials", "credentials.yml", "--port", port)
    )


def test_wrong_settings_stop_the_action_server_with_all_that_is_wrong(project):
    _spoil(project)

    _assert_all_is_said(_run(project, "run", "actions", "--port", str(free_port())))


def test_rasas_own_channel_beside_ours_is_one_sentence(project):
    path = project / "credentials.yml"
    channels = yaml.safe_load(path.read_text())
    theirs = {"facebook": channels["handover_channel.MessengerInput"]}
    path.write_text(yaml.safe_dump({**theirs, **channels}, sort_keys=False))

    port = str(free_port())
    done = _run(project, "run", "--enable-api", "--credentials", "credentials.yml", "--port", port)

    assert done.returncode != 0
    assert (
        "credentials.yml has both facebook and handover_channel.MessengerInput" in done.stdout + done.stderr
    )
    assert "Traceback" not in done.stdout + done.stderr


def test_what_is_half_installed_is_said_at_the_start_all_at_once(tmp_path, model):
    stack = Stack(tmp_path, model)
    with stack.serving_messenger():
        path = tmp_path / "credentials.yml"
        ours = yaml.safe_load(path.read_text())["handover_channel.MessengerInput"]
        path.write_text(yaml.safe_dump({"facebook": ours, "socketio": {"session_persistence": True}}))
        (tmp_path / "endpoints.yml").write_text("")
        (tmp_path / "handover.yml").unlink()
        stack.rasa.start()
        try:
            eventually(lambda: "session_persistence" in stack.rasa.log(), within=120)
        finally:
            stack.rasa.stop()

    said = [line for line in stack.rasa.log().splitlines() if "half installed: " in line]
    for words in ("own channel facebook", "has no action_endpoint", "handover.yml: there is no", "socketio."):
        assert sum(words in line for line in said) == 1, said
    assert len(said) == 4
    assert "Traceback" not in stack.rasa.log()


def test_nothing_is_half_installed_in_the_example(stack):
    assert "half installed" not in stack.logs()


def test_the_action_server_tells_which_actions_it_runs(stack):
    assert "action_handover" in registered_at(stack.actions.health.replace("/health", "/webhook"))
    assert list(problems_of(stack.actions.health.replace("/health", "/webhook"))) == []
    (said,) = problems_of(f"http://127.0.0.1:{free_port()}/webhook")
    assert said.startswith("no action server answers at ")


def test_training_and_checking_the_data_need_no_settings(project):
    (project / "handover.yml").unlink()

    done = _run(project, "data", "validate")

    assert done.returncode == 0, done.stdout + done.stderr
