from __future__ import annotations

import pytest

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel

from handover_channel.errors import StoreUnavailable
from handover_channel.rasa import executed_actions
from handover_channel.rasa.executed_actions import keep_executed_silent

pytestmark = pytest.mark.rasa


class Gate:
    """Answers for one thread, or raises."""

    def __init__(self, answer):
        self.answer = answer

    def is_muted(self, thread):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer if thread == "4711" else None


@pytest.fixture
def execute(monkeypatch):
    """Have Rasa execute an action that says a word; return whether the caller's channel has heard it."""

    async def says(agent, sender_id, action, output_channel, policy, confidence):
        await output_channel.send_text_message(sender_id, f"{action} for {confidence}")

    async def run(answer, thread="4711"):
        monkeypatch.setattr(Agent, "execute_action", says)
        monkeypatch.setattr(executed_actions.services, "turn_gate", lambda: Gate(answer))
        keep_executed_silent()
        keep_executed_silent()
        heard = CollectingOutputChannel()
        await Agent.execute_action(object(), thread, "utter_paid", heard, None, confidence=1.0)
        return [each["text"] for each in heard.messages]

    return run


@pytest.mark.parametrize("answer", [False, None])
async def test_while_the_bot_has_control_it_is_heard(execute, answer):
    assert await execute(answer) == ["utter_paid for 1.0"]


@pytest.mark.parametrize("answer", [True, StoreUnavailable("no connection")])
async def test_while_it_does_not_or_nobody_knows_it_is_not(execute, answer):
    assert await execute(answer) == []


async def test_other_conversations_go_on(execute):
    assert await execute(True, thread="4712") == ["utter_paid for 1.0"]
