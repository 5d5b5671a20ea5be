"""A bot whose turns are made cheaper says and remembers what it would without: only the clock can tell."""

from __future__ import annotations

import asyncio
import collections
import functools
import inspect
import json
import logging
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

import jsonschema
from rasa.core.actions.action import RemoteAction
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.lock import Ticket, TicketLock
from rasa.core.lock_store import RedisLockStore
from rasa.core.tracker_store import AwaitableTrackerStore, SQLTrackerStore
from rasa.engine.exceptions import GraphRunError
from rasa.engine.graph import GraphSchema, SchemaNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event, SlotSet
from rasa.shared.utils.common import all_subclasses

from handover_channel.rasa import cheaper_turns
from handover_channel.rasa.cheaper_turns import SAVINGS, make_turns_cheaper
from handover_channel.rasa.savings import digest_of

pytestmark = [
    pytest.mark.rasa,
    pytest.mark.usefixtures("rasas_own"),
    pytest.mark.filterwarnings("ignore:Slot auto-fill has been removed:UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*MovedIn20.*"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.MovedIn20Warning"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
]

#: The last node of NLU in the example bot's graph.
NLU = "run_RegexMessageHandler"

METHODS = [(saving.owner, name) for saving in SAVINGS for name in saving.stands_in]


# --- whole conversations ------------------------------------------------------------------------------

CONVERSATIONS = {
    "small talk": ["hello", "what are your opening hours", "thank you", "bye"],
    "a form": ["where is my order", "what do you mean", "10234", "a@b.example", "/goodbye"],
    "a handover": ["a human please", "hello?", "back to bot", "hello"],
    "nothing that is understood": ["xyzzy plugh", "😀", "a" * 3000, "مرحبا"],
    "a new session": ["hello", "/session_start", "hello", "/restart", "hello"],
}


def _talk(model: Path, database: Path) -> Tuple[List[Any], Dict[str, Any], List[Any]]:
    """Return what the bot answered, what its trackers have, and what its database has."""

    async def talk() -> Tuple[List[Any], Dict[str, Any], List[Any]]:
        agent = Agent.load(model)
        store = SQLTrackerStore(agent.domain, db=str(database))
        agent.tracker_store = AwaitableTrackerStore.create(store)
        agent.load_model(str(model))
        answers, trackers = [], {}
        for thread, said in CONVERSATIONS.items():
            for number, text in enumerate(said):
                message = UserMessage(text, CollectingOutputChannel(), thread, message_id=f"m{number}")
                answers.append((text, await agent.handle_message(message)))
            tracker = await agent.tracker_store.retrieve(thread)
            trackers[thread] = [_lasting(event.as_dict()) for event in tracker.events]
        with store.session_scope() as session:
            rows = session.query(store.SQLEvent).order_by(store.SQLEvent.id).all()
            stored = [(row.sender_id, row.type_name, _lasting(json.loads(row.data))) for row in rows]
        return answers, trackers, stored

    return asyncio.run(talk())


def _lasting(event: Dict[str, Any]) -> Dict[str, Any]:
    """Return an event without what differs from one run to the next: times, and ids of answers."""
    return {key: value for key, value in event.items() if key not in ("timestamp", "metadata")}


def test_conversations_are_the_same_with_and_without(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no handover.yml: the bot's slots decide
    monkeypatch.delenv("HANDOVER_CONFIG", raising=False)

    theirs = _talk(model, tmp_path / "rasas.db")
    make_turns_cheaper()
    ours = _talk(model, tmp_path / "ours.db")

    for one, other in zip(theirs, ours):
        assert one
        assert one == other


# --- the answers of custom actions --------------------------------------------------------------------

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_EVENTS = st.lists(
    st.fixed_dictionaries(
        {}, optional={"event": st.sampled_from(["slot", "action", "user", "reset_slots", "?"]), "name": _JSON}
    )
    | _JSON,
    max_size=3,
)
_ANSWERS = _JSON | st.fixed_dictionaries({}, optional={"events": _EVENTS | _JSON, "responses": _JSON})


def _verdict(action: RemoteAction, answer: Any) -> Any:
    try:
        return action._validate_action_result(answer)
    except jsonschema.ValidationError as error:
        return str(error), error.message, list(error.absolute_path), list(error.absolute_schema_path)


@settings(max_examples=60, deadline=None)
@given(answer=_ANSWERS)
def test_an_answer_is_taken_or_refused_with_the_same_words(answer):
    action = RemoteAction("action_x", None)
    theirs = RemoteAction.__dict__["_validate_action_result"]
    theirs = getattr(theirs, "__wrapped__", theirs)
    ours = cheaper_turns._compiled(theirs)

    class Ours(RemoteAction):
        _validate_action_result = ours

    assert _verdict(action, answer) == _verdict(Ours("action_x", None), answer)


def test_a_valid_answer_does_not_have_the_schema_checked_again(monkeypatch):
    make_turns_cheaper()
    monkeypatch.setattr(jsonschema, "validate", lambda *_: pytest.fail("the schema was checked again"))

    answer = {"events": [{"event": "slot", "name": "x", "value": 1}], "responses": [{"text": "hi"}]}

    assert RemoteAction("action_x", None)._validate_action_result(answer) is True


def test_an_action_with_a_schema_of_its_own_is_checked_by_that():
    make_turns_cheaper()

    class Strict(RemoteAction):
        @staticmethod
        def action_response_format_spec() -> Dict[str, Any]:
            return {"type": "object", "required": ["signature"]}

    with pytest.raises(jsonschema.ValidationError, match="signature"):
        Strict("action_x", None)._validate_action_result({"events": []})


# --- the classes of events ----------------------------------------------------------------------------


def test_every_kind_of_event_is_found_as_before():
    kinds = sorted({each.type_name for each in all_subclasses(Event) if each.type_name})
    theirs = [Event.resolve_by_type(kind) for kind in kinds]
    make_turns_cheaper()

    assert [Event.resolve_by_type(kind) for kind in kinds * 2] == theirs * 2


def test_a_kind_that_nobody_knows_is_refused_until_there_is_one():
    make_turns_cheaper()

    with pytest.raises(ValueError, match="Unknown event name 'handover_of_tomorrow'"):
        Event.resolve_by_type("handover_of_tomorrow")
    assert Event.resolve_by_type("handover_of_tomorrow", SlotSet) is SlotSet
    assert Event.resolve_by_type("topic") is None

    class OfTomorrow(SlotSet):
        type_name = "handover_of_tomorrow"

    assert Event.resolve_by_type("handover_of_tomorrow", SlotSet) is OfTomorrow


# --- the graph ----------------------------------------------------------------------------------------


def _runs(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """Return the nodes in the order in which a message has them run."""
    ran: List[str] = []
    nodes = agent.processor.graph_runner._instantiated_nodes
    for name, node in nodes.items():
        monkeypatch.setattr(node, "_fn", _noting(name, node._fn, ran))
    message = UserMessage("hello", CollectingOutputChannel(), "42", message_id="m1")
    asyncio.run(agent.handle_message(message))
    return ran


def _noting(name: str, run: Any, ran: List[str]) -> Any:
    def noted(*given: Any, **named: Any) -> Any:
        ran.append(name)
        return run(*given, **named)

    return noted


def test_nodes_run_in_the_order_in_which_dask_ran_them(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HANDOVER_CONFIG", raising=False)
    theirs = _runs(Agent.load(model), monkeypatch)
    make_turns_cheaper()

    assert _runs(Agent.load(model), monkeypatch) == theirs
    assert len(theirs) > 10


class _Runner(DaskGraphRunner):
    """A runner of one node, which raises."""

    def __init__(self, error: BaseException) -> None:
        def fails(*_: Any) -> Any:
            raise error

        self._graph_schema = GraphSchema({NLU: SchemaNode({}, DaskGraphRunner, "load", "run", {})})
        self._instantiated_nodes = {NLU: fails}
        self._execution_context = None


@pytest.mark.parametrize(
    ("raised", "seen"), [(RuntimeError("no"), GraphRunError), (ValueError("no"), ValueError)]
)
@pytest.mark.parametrize("is_ours", [False, True])
def test_what_a_node_raises_is_raised_as_before(is_ours, raised, seen):
    if is_ours:
        make_turns_cheaper()

    with pytest.raises(seen):
        _Runner(raised).run(targets=[NLU])


def test_an_input_that_is_the_name_of_a_node_is_refused_as_before(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HANDOVER_CONFIG", raising=False)
    make_turns_cheaper()
    runner = Agent.load(model).processor.graph_runner

    with pytest.raises(GraphRunError, match="clashes with a node name"):
        runner.run(inputs={"__message__": NLU}, targets=[NLU])


# --- the lock in Redis --------------------------------------------------------------------------------


class _Redis:
    """What a lock store needs of Redis. *meanwhile* is called once, before the call of that number."""

    def __init__(self, at: int = 0, meanwhile: Callable[[Any], None] = lambda _: None) -> None:
        self.held: Dict[str, str] = {}
        self.calls: List[str] = []
        self._at, self._meanwhile = at, meanwhile

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if len(self.calls) == self._at:
            self._meanwhile(self.held)

    def get(self, key: str) -> Optional[str]:
        self._called("get")
        return self.held.get(key)

    def set(self, key: str, value: str) -> None:
        self._called("set")
        self.held[key] = value

    def delete(self, key: str) -> int:
        self._called("delete")
        return int(self.held.pop(key, None) is not None)


def _locks(redis: _Redis, kind: Any = RedisLockStore) -> Any:
    store = kind()
    store.red = redis
    return store


def _given_back(tickets: List[int], given_back: int) -> Any:
    redis = _Redis()
    if tickets:
        waiting = [Ticket(number, time.time() + 1000 + number) for number in tickets]
        lock = TicketLock("42", collections.deque(waiting))
        redis.held["lock:42"] = lock.dumps()
    _locks(redis).cleanup("42", given_back)
    left = TicketLock.from_dict(json.loads(redis.held["lock:42"])).tickets if redis.held else []
    return sorted(redis.held), [ticket.number for ticket in left]


@pytest.mark.parametrize("tickets", [[], [0], [1], [0, 1], [1, 2], [0, 1, 2]])
@pytest.mark.parametrize("given_back", [0, 1])
def test_a_lock_in_redis_is_left_as_rasa_leaves_it(tickets, given_back):
    theirs = _given_back(tickets, given_back)
    make_turns_cheaper()

    assert _given_back(tickets, given_back) == theirs


def test_a_lock_that_nobody_waits_for_is_read_once_and_deleted():
    make_turns_cheaper()
    redis = _Redis()
    store = _locks(redis)
    ticket = store.issue_ticket("42")
    redis.calls.clear()

    store.cleanup("42", ticket)

    assert (redis.calls, redis.held) == (["get", "delete"], {})


def test_a_lock_that_ends_while_it_is_given_back_does_not_come_back():
    make_turns_cheaper()
    redis = _Redis(at=3, meanwhile=lambda held: held.clear())
    store = _locks(redis)
    ticket = store.issue_ticket("42")

    store.cleanup("42", ticket)

    assert redis.held == {}


def test_a_lock_store_made_of_redis_gives_locks_back_its_own_way():
    make_turns_cheaper()
    served = []

    class Counting(RedisLockStore):
        def finish_serving(self, conversation_id: str, ticket_number: int) -> None:
            served.append(ticket_number)
            super().finish_serving(conversation_id, ticket_number)

    store = _locks(_Redis(), Counting)
    store.cleanup("42", store.issue_ticket("42"))

    assert served == [0]


# --- the domain ---------------------------------------------------------------------------------------


def test_a_domain_is_empty_until_it_has_something(monkeypatch):
    domains = [
        Domain.empty(),
        Domain.from_dict({"intents": ["greet"]}),
        Domain.from_dict({"actions": ["action_x"]}),
    ]
    theirs = [each.is_empty() for each in domains]
    make_turns_cheaper()
    domains[0].is_empty()
    monkeypatch.setattr(Domain, "empty", lambda: pytest.fail("another was made to compare with"))

    assert [each.is_empty() for each in domains] == theirs == [True, False, False]


# --- where Rasa is another one ------------------------------------------------------------------------


def test_every_method_is_the_one_that_this_was_written_for():
    assert [saving.unknown() for saving in SAVINGS] == [[] for _ in SAVINGS]


def test_a_method_that_is_not_known_is_left_alone_and_said_so(monkeypatch, caplog):
    def run(self: Any, inputs: Any = None, targets: Any = None) -> Dict[str, Any]:
        """Do what a later Rasa does."""
        return {}

    monkeypatch.setattr(DaskGraphRunner, "run", run)
    with caplog.at_level(logging.INFO, logger=cheaper_turns.__name__):
        make_turns_cheaper()

    assert DaskGraphRunner.run is run
    assert "running the graph: left to Rasa, whose DaskGraphRunner.run is another here" in caplog.text
    assert hasattr(Event.resolve_by_type, "__wrapped__"), "the others are made cheaper all the same"


def _wrapped(theirs: Any, called: List[str]) -> Any:
    function = getattr(theirs, "__func__", theirs)

    @functools.wraps(function)
    def wrapper(*given: Any, **named: Any) -> Any:
        called.append(function.__name__)
        return function(*given, **named)

    return wrapper if function is theirs else type(theirs)(wrapper)


#: All that a saving stands in for, or leaves out because it knows what it does.
BYPASSED = [
    (saving, owner, name)
    for saving in SAVINGS
    for owner, digests in ((saving.owner, saving.written_for), *saving.relies_on)
    for name in digests
    if name not in saving.calls and not inspect.isclass(getattr(owner, name))
]


@pytest.mark.parametrize(("saving", "owner", "name"), BYPASSED)
def test_a_method_that_a_bot_has_wrapped_is_left_to_the_bot(monkeypatch, saving, owner, name):
    wrapper = _wrapped(inspect.getattr_static(owner, name), [])
    monkeypatch.setattr(owner, name, wrapper)

    make_turns_cheaper()

    assert saving.unknown() == [f"{owner.__name__}.{name}"]
    assert inspect.getattr_static(owner, name) is wrapper
    assert not any(hasattr(getattr(saving.owner, each), "_handover_replaces") for each in saving.stands_in)


def test_a_lock_in_redis_is_given_back_through_what_a_bot_has_wrapped(monkeypatch):
    called: List[str] = []
    monkeypatch.setattr(RedisLockStore, "cleanup", _wrapped(RedisLockStore.cleanup, called))
    make_turns_cheaper()
    store = _locks(_Redis())

    store.cleanup("42", store.issue_ticket("42"))

    assert called == ["cleanup"]


def test_sessions_that_somebody_has_wrapped_are_used_as_they_are(monkeypatch):
    monkeypatch.setattr(SQLTrackerStore, "session_scope", _wrapped(SQLTrackerStore.session_scope, []))

    assert [saving.unknown() for saving in SAVINGS] == [[] for _ in SAVINGS]


def test_a_method_is_known_also_once_ours_stands_in():
    before = [digest_of(*method) for method in METHODS]
    make_turns_cheaper()
    make_turns_cheaper()

    assert [digest_of(*method) for method in METHODS] == before
