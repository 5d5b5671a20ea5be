"""Stands in for CALM's engine below Rasa Pro's own Agent: no model, no LLM, no licence.

What is Pro's: the agent with its lock and its look for duplicates, `_send_bot_messages`, the tracker and its
store, flows and domain as its loaders read them. What is not: understanding is a table, and a flow is run
action by action. Counted is what must not happen while the bot does not have control.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import requests
import sanic_servers
from play import settings_with
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, complete_channel_turn, register
from rasa.core.channels.rest import RestInput
from rasa.core.lock_store import InMemoryLockStore
from rasa.core.processor import BaseMessageProcessor
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SlotSet, UserUttered
from rasa.shared.core.flows import FlowsList
from rasa.shared.core.flows.yaml_flows_io import YAMLFlowsReader
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from sanic import Sanic

import handover_channel.project_setup
from handover_channel import services
from handover_channel.actions import ActionHandover, ActionHandoverReturn
from handover_channel.store import transcript

BOUND = 30.0  # seconds, for what has to happen at some time
CALM = Path(handover_channel.project_setup.__file__).parent / "calm"
FOLDER = Path(__file__).parent / "pro" / "bot"

ASKS_FOR_PEOPLE = "I want to talk to a human"
ASKS_FOR_HOURS = "when are you open?"
#: What the LLM would make of some words. Of all else nothing.
UNDERSTOOD = {
    ASKS_FOR_PEOPLE: [{"command": "start flow", "flow": "handover"}],
    ASKS_FOR_HOURS: [{"command": "start flow", "flow": "opening_hours"}],
}

numbers = itertools.count(1)


def flows():
    """The flows of a bot of two flows with ours beside them, as Rasa Pro reads them."""
    places = (CALM / "data" / "handover.yml", FOLDER / "data" / "flows.yml")
    return FlowsList.from_multiple_flows_lists(*map(YAMLFlowsReader.read_from_file, places))


def domain():
    return Domain.from_directory(str(FOLDER / "domain")).merge(
        Domain.from_path(CALM / "domain" / "handover.yml")
    )


class Engine(BaseMessageProcessor):
    """A processor with a model of no words. `calls`: how often it was asked for what."""

    def __init__(self, thread_control):
        self.calls = Counter()
        self.trackers_of_parsing = []
        self.domain, self._flows = domain(), flows()
        self.model_metadata = SimpleNamespace(model_id="m", assistant_id="a", domain=self.domain)
        self.model_filename, self.model_path, self.engine_version = "m.tar.gz", Path("m.tar.gz"), "1"
        self.privacy_manager = None
        self._active_cancellation_tokens = {}
        self._actions = {
            each.name(): each
            for each in (ActionHandover(thread_control), ActionHandoverReturn(thread_control))
        }

    async def get_flows(self):
        return self._flows

    async def parse_message(self, message, tracker=None, only_output_properties=True):
        self.calls["llm"] += 1
        self.trackers_of_parsing.append(tracker)
        # Pro's LLM command generators return no command without a tracker.
        commands = UNDERSTOOD.get(message.text, [{"command": "cannot handle"}]) if tracker else []
        return {"text": message.text, "intent": {"name": None}, "entities": [], "commands": commands}

    async def handle_message(self, message):
        self.calls["turn"] += 1
        output = message.output_channel
        await output.notify_message_processing_started()
        tracker = await self.get_tracker(message.sender_id)
        parse_data = message.parse_data or await self.parse_message(message, tracker)
        said = UserUttered(
            message.text,
            parse_data["intent"],
            parse_data["entities"],
            parse_data,
            input_channel=message.input_channel,
            message_id=message.message_id,
            metadata=message.metadata,
        )
        tracker.update(said, self.domain)
        for command in tracker.latest_message.commands:
            if command["command"] == "start flow":
                await self._run_flow(command["flow"], tracker, output)
        tracker.update(ActionExecuted("action_listen"))
        await self.save_tracker(tracker)
        await complete_channel_turn(output, tracker)
        return output.messages if isinstance(output, CollectingOutputChannel) else None

    async def _run_flow(self, name, tracker, output):
        for step in self._flows.flow_by_id(name).steps:
            action = getattr(step, "action", None)
            if action:
                await self.run(action, tracker, output)

    async def run(self, action, tracker, output):
        """Run one action, and send what it says as Rasa Pro does."""
        self.calls[action] += 1
        events = await self._events(action, tracker)
        tracker.update(ActionExecuted(action))
        tracker.update_with_events(events)
        output.attach_tracker_state(tracker)
        return await self._send_bot_messages(events, tracker, output)

    async def _events(self, action, tracker):
        if action.startswith("utter_"):
            response = self.domain.responses[action][0]
            data = {"buttons": response.get("buttons")}
            return [BotUttered(response["text"], data, metadata={"utter_action": action})]
        if action not in self._actions:
            return []
        dispatcher = CollectingDispatcher()
        given = Tracker.from_dict(tracker.current_state())
        given.events = [event.as_dict() for event in tracker.events]
        found = await self._actions[action].run(dispatcher, given, self.domain.as_dict())
        said = [
            BotUttered(each.get("text") or each.get("template") or each["response"])
            for each in dispatcher.messages
        ]
        return [*said, *(SlotSet(each["name"], each["value"]) for each in found if each["event"] == "slot")]


Engine.__abstractmethods__ = frozenset()


class CountedLocks(InMemoryLockStore):
    def __init__(self, calls):
        super().__init__()
        self._calls = calls

    def lock(self, *given, **named):
        self._calls["lock"] += 1
        return super().lock(*given, **named)


class Clock:
    def __init__(self):
        self.passed = 0.0

    def __call__(self):
        return time.time() + self.passed


class Bot:
    """Rasa Pro's agent with that engine, our services on a file, and a server where it is asked for."""

    def __init__(self, folder, monkeypatch, **changes):
        self.clock = Clock()
        given = {"database": f"sqlite:///{folder / 'handover.db'}", "app_id": "", **changes}
        self.settings = settings_with(**given)
        self.services = services.build(self.settings, self.clock)
        monkeypatch.setattr(services.process, "stands_in", self.services)
        self.engine = Engine(self.services.thread_control)
        self.calls = self.engine.calls
        self.agent = Agent(domain=self.engine.domain, lock_store=CountedLocks(self.calls))
        self.agent.processor = self.engine
        self.engine.tracker_store, self.engine.lock_store = self.agent.tracker_store, self.agent.lock_store
        self.url = ""

    def close(self):
        self.services.store.close()

    @contextlib.contextmanager
    def serving(self, *channels):
        """Serve these channels, beside REST, as Rasa Pro registers them."""
        app = Sanic(f"pro{next(numbers)}", configure_logging=False)
        app.ctx.agent = self.agent
        register([RestInput(), *channels], app, route="/webhooks/")

        async def begin():
            server, port = await sanic_servers.start(app)
            self.url = f"http://127.0.0.1:{port}"
            return server

        try:
            with sanic_servers.on_a_thread(begin):
                yield self
        finally:
            Sanic._app_registry.pop(app.name, None)

    def says(self, who, text):
        """Say it on REST; return the texts that come back."""
        body = {"sender": who, "message": text}
        answer = requests.post(f"{self.url}/webhooks/rest/webhook", json=body, timeout=BOUND)
        assert answer.status_code == 200, answer.text
        return [each.get("text") or each.get("custom") for each in answer.json()]

    def tracker(self, who):
        """The tracker as its store has it."""
        return self.agent.tracker_store._tracker_store.store.get(who)

    def events(self, who):
        tracker = asyncio.run(self.agent.tracker_store.retrieve_full_tracker(who))
        return list(tracker.events) if tracker else []

    def control(self, who):
        row = self.services.thread_control.find(who)
        return row.state.control.value if row else "bot"

    def transcript(self, who):
        with self.services.store.reading() as connection:
            return [line.text for line in transcript.of(connection, who)]
