"""Has Rasa's own action fall back on a message, and reads what the page shows of its tracker."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("rasa")

from rasa.core.actions.action import ActionDefaultFallback
from rasa.core.channels.channel import CollectingOutputChannel
from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from handover_channel.inbox.bot_history import said_in

pytestmark = pytest.mark.rasa


def test_words_on_which_the_bot_fell_back_are_shown_with_its_answer():
    domain = Domain.from_dict({"responses": {"utter_default": [{"text": "Sorry?"}]}})
    tracker = DialogueStateTracker.from_events(
        "4711", [ActionExecuted("action_listen"), UserUttered("qwerty uiop", input_channel="rest")]
    )
    fallback = ActionDefaultFallback()
    answer = TemplatedNaturalLanguageGenerator(domain.responses)
    events = asyncio.run(fallback.run(CollectingOutputChannel(), answer, tracker, domain))
    tracker.update_with_events(
        [ActionExecuted(fallback.name()), *events, ActionExecuted("action_listen")], domain
    )

    said = said_in(event.as_dict() for event in tracker.events)

    assert not any(isinstance(event, UserUttered) for event in tracker.applied_events())
    assert [(each.speaker, each.text) for each in said] == [("person", "qwerty uiop"), ("bot", "Sorry?")]
