"""Tests that the inbox reads what the bot knows from Rasa's own tracker, at a bounded price."""

from __future__ import annotations

import asyncio
import warnings
from types import SimpleNamespace

import pytest

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from handover_channel.inbox.bot_facts import EVENTS_LOOKED_AT, BotFacts
from handover_channel.inbox.rasa_gateway import RasaGateway

pytestmark = pytest.mark.rasa

SLOT = {"type": "text", "influence_conversation": False, "mappings": [{"type": "custom"}]}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Rasa warns of every domain with slots
    DOMAIN = Domain.from_dict({"intents": ["order_status", "handover"], "slots": {"order_number": SLOT}})


def said(text, intent):
    return UserUttered(text, intent={"name": intent, "confidence": 1.0}, timestamp=2.0)


def gateway_to(*events):
    store = InMemoryTrackerStore(DOMAIN)
    tracker = DialogueStateTracker.from_events("7001", list(events), DOMAIN.slots)
    asyncio.run(store.save(tracker))
    agent = SimpleNamespace(tracker_store=store, domain=DOMAIN, is_ready=lambda: True)
    return RasaGateway(SimpleNamespace(ctx=SimpleNamespace(agent=agent)), None)


def test_what_was_wanted_and_what_is_known_comes_from_the_tracker():
    gateway = gateway_to(
        SessionStarted(timestamp=1.0),
        said("where is my order", "order_status"),
        SlotSet("order_number", "10234"),
        said("a human please", "handover"),
        ActionExecuted("action_handover"),
    )

    facts = gateway.facts("7001")

    assert (facts.intent, facts.words) == ("order_status", ("where is my order", "a human please"))
    assert (facts.slots, facts.since) == ({"order_number": "10234"}, 1.0)


def test_of_a_long_tracker_the_newest_events_are_written_out_alone(monkeypatch):
    written, as_dict = [], UserUttered.as_dict
    talk = [said(f"message {number}", "order_status") for number in range(3 * EVENTS_LOOKED_AT)]
    gateway = gateway_to(SessionStarted(timestamp=1.0), *talk)
    monkeypatch.setattr(UserUttered, "as_dict", lambda event: written.append(1) or as_dict(event))

    facts = gateway.facts("7001")

    assert facts.words[-1] == f"message {3 * EVENTS_LOOKED_AT - 1}"
    assert facts.since == 1.0
    assert len(written) <= EVENTS_LOOKED_AT


def test_of_somebody_whom_rasa_does_not_know_nothing_is_known():
    assert gateway_to(SessionStarted(timestamp=1.0)).facts("nobody") == BotFacts()
