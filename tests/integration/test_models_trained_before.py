"""A model that was trained before the policies moved names them by the path that they had then."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

from rasa.core.agent import Agent
from rasa.shared.core.events import ActionExecuted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

import handover_channel.policy
from handover_channel.rasa import policy as moved

pytestmark = [
    pytest.mark.rasa,
    # Rasa says so of every domain with slots.
    pytest.mark.filterwarnings("ignore:Slot auto-fill has been removed:UserWarning"),
]

OLD = "handover_channel.policy"
LISTEN = "action_listen"


def _with_old_paths(model: Path, to: Path) -> None:
    """Write *model* anew, with the paths of our policies as they were before the move."""
    with tarfile.open(model, "r:gz") as source, tarfile.open(to, "w:gz") as target:
        for member in source.getmembers():
            content = source.extractfile(member) if member.isfile() else None
            body = content.read() if content else b""
            if Path(member.name).name == "metadata.json":
                renamed = body.replace(b"handover_channel.rasa.policy.", f"{OLD}.".encode())
                body, member.size = renamed, len(renamed)
            target.addfile(member, io.BytesIO(body) if content else None)


@pytest.fixture(scope="module")
def old_model(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("old") / "handover.tar.gz"
    _with_old_paths(model, path)
    return path


@pytest.fixture
def agent(old_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agent:
    """Rasa's agent of that model, in a folder without a handover.yml: the slot decides."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HANDOVER_CONFIG", raising=False)
    return Agent.load(old_model)


def test_the_model_of_this_test_names_the_old_paths_and_no_other(old_model):
    with tarfile.open(old_model) as archive:
        (metadata,) = (each for each in archive.getmembers() if Path(each.name).name == "metadata.json")
        text = archive.extractfile(metadata).read().decode()

    named = set(re.findall(r"handover_channel\.[a-z_.]+\.[A-Z][A-Za-z]+\b", text))
    assert named == {f"{OLD}.HandoverPolicy", f"{OLD}.LanguagePolicy"}


def _next(agent: Agent, *events: Any) -> str:
    assert agent.domain is not None
    assert agent.processor is not None
    tracker = DialogueStateTracker.from_events(
        "4711", [ActionExecuted(LISTEN), *events], slots=agent.domain.slots
    )
    action, _ = agent.processor.predict_next_with_tracker_if_should(tracker)
    return str(action.name())


def test_such_a_model_loads_and_is_silent_while_people_have_the_conversation(agent):
    greeting = UserUttered("hello", {"name": "greet", "confidence": 1.0}, input_channel="rest")

    assert _next(agent, greeting) == "utter_greet"
    assert _next(agent, SlotSet("handover_target", "inbox"), greeting) == LISTEN


def test_the_old_path_holds_the_same_policies():
    assert handover_channel.policy.HandoverPolicy is moved.HandoverPolicy
    assert handover_channel.policy.LanguagePolicy is moved.LanguagePolicy
