"""A bot whose own action_session_start forgets all slots, and who has control all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

import yaml
from foreign_bots import BOTS
from rasa.core.agent import Agent
from rasa.core.channels import UserMessage
from rasa.core.channels.channel import CollectingOutputChannel
from rasa.model_training import train
from rasa.shared.core.events import ActionExecuted as Executed
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.events import ActionExecuted, SessionStarted
from rasa_sdk.executor import ActionExecutor
from typer.testing import CliRunner

from handover_channel.actions import ActionHandover, ActionHandoverReturn
from handover_channel.cli.main import app

pytestmark = [
    pytest.mark.rasa,
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

#: In minutes: the session of each message is over when the next one comes.
AT_ONCE = "session_expiration_time: 0.0001"


async def _forgetful(dispatcher: Any, tracker: Any, domain: Any) -> List[Any]:
    return [SessionStarted(), ActionExecuted("action_listen")]


class ActionServer(EndpointConfig):
    """The bot's action server, in this process: its own session start, and our two actions."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1")
        self._executor = ActionExecutor()
        for action in (ActionHandover, ActionHandoverReturn):
            self._executor.register_action(action)
        self._executor.register_function("action_session_start", _forgetful)

    async def request(self, *given: Any, **named: Any) -> Any:
        """Run the action that Rasa asks for."""
        return await self._executor.run(named["json"])


class Conversation:
    """What one person and the bot say over REST."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    async def hears(self, text: str) -> List[str]:
        """Return what the bot answers to a text."""
        channel = CollectingOutputChannel()
        await self._agent.handle_message(UserMessage(text, channel, "4711", input_channel="rest"))
        return [each.get("text", "") for each in channel.messages]

    async def tracker(self) -> DialogueStateTracker:
        return await self._agent.tracker_store.retrieve_full_tracker("4711")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bot after handover init, in whose folder everything runs."""
    texts: Dict[str, str] = dict(BOTS["own session start"])
    assert "carry_over_slots_to_new_session: false" in texts["domain.yml"]
    texts["domain.yml"] = texts["domain.yml"].replace("session_expiration_time: 60", AT_ONCE)
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["init", str(tmp_path), "--yes", "--no-messenger"])
    assert done.exit_code == 0, done.output
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HANDOVER_CONFIG", raising=False)
    return tmp_path


def _actions(tracker: DialogueStateTracker) -> List[Any]:
    """Return the names of what ran in the latest session."""
    return [event.action_name for event in tracker.events if isinstance(event, Executed)]


def test_the_bots_own_session_start_is_the_only_one(folder):
    actions = yaml.safe_load((folder / "domain.yml").read_text(encoding="utf-8"))["actions"]

    assert actions.count("action_session_start") == 1
    assert "ActionSessionStart" not in (folder / "actions" / "handover.py").read_text(encoding="utf-8")


async def test_no_session_begins_while_the_bot_does_not_have_control(folder):
    model = train("domain.yml", "config.yml", ["data"], "models").model
    conversation = Conversation(Agent.load(model, action_endpoint=ActionServer()))
    assert await conversation.hears("hello") == ["Hey!"]
    assert len(await conversation.hears("I want to talk to a human")) == 1

    silent = [await conversation.hears(text) for text in ("hello", "good morning", "bye")]

    assert silent == [[], [], []]
    tracker = await conversation.tracker()
    assert tracker.get_slot("handover_target") == "inbox"
    assert _actions(tracker)[-2:] == ["action_handover", "action_listen"]
    assert len(await conversation.hears("back to bot")) == 1
    assert await conversation.hears("hello") == ["Hey!"]
