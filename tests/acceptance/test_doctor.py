"""`handover doctor` in the folder of a bot that runs: all is well, and what is broken on the way is said."""

from __future__ import annotations

import json

import pytest
import yaml
from stack import Stack, eventually

pytestmark = pytest.mark.rasa

#: The folder of these tests may be in memory, or in a container.
OF_THE_MACHINE = {"database.durable"}


def examined(stack, *arguments):
    done = stack.command("doctor", "--json", *arguments)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)["checks"]


def test_with_everything_right_all_is_ok(tmp_path, model):
    # A bot of its own: what Meta has told the others' is a finding for a week.
    with Stack(tmp_path, model).running() as stack:
        before = {each["id"]: each["status"] for each in examined(stack, "--only", "profile")[1]}
        examined(stack, "--fix", "--only", "profile")  # the page begins without the button
        code, checks = examined(stack)

    assert before == {"profile.get_started": "warn"}
    wrong = [each for each in checks if each["status"] != "ok" and each["id"] not in OF_THE_MACHINE]
    assert wrong == []
    assert len(checks) > 30
    assert code == 0 or any(each["id"] in OF_THE_MACHINE and each["status"] == "fail" for each in checks)


def test_what_is_wrong_is_said_when_rasa_starts_and_again_when_the_doctor_is_asked(tmp_path, model):
    stack = Stack(tmp_path, model)
    endpoints = yaml.safe_load((tmp_path / "endpoints.yml").read_text())
    endpoints["tracker_store"] = {"type": "nowhere.Store"}
    (tmp_path / "endpoints.yml").write_text(yaml.safe_dump(endpoints))
    with stack.serving_messenger():
        stack.rasa.start()
        try:
            eventually(lambda: "handover doctor: tracker_store.path: " in stack.rasa.log(), within=120)
            stack.rasa.ready()
        finally:
            stack.rasa.stop()
        code, (found,) = examined(stack, "--only", "tracker_store")

    (line,) = (line for line in stack.rasa.log().splitlines() if "tracker_store.path" in line)
    assert "there is no class nowhere.Store, so Rasa keeps conversations in memory" in line
    assert (code, found["status"], found["where"]["name"]) == (1, "fail", "endpoints.yml: tracker_store")
