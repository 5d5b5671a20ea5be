"""Takes work out of Rasa's turns that has no effect but its cost, in every bot of a server with our channels.

1. The answer of a custom action is checked by a validator that is compiled once. Rasa calls
   `jsonschema.validate`, which checks the constant schema against JSON Schema's own schema each time.
2. The class of a stored event is looked up in a table. Rasa walks through all subclasses of `Event`, asking
   each whether it is abstract, for every event of a conversation, in every turn.
3. The graph of components runs node by node. Rasa has dask plan the few nodes anew in every run, for
   threads that a run does not have.
4. Reading and saving a conversation: `cheaper_tracker_store`. The features of a message: `cheaper_features`.
5. Redis is asked for a conversation's lock twice less. Rasa writes a lock that nobody waits for, and reads it
   again to see that nobody waits, before it deletes it.
6. One empty domain is made to compare the bot's with. Rasa makes another for every message.

Each stands in only where Rasa's methods are the ones it was written for (`savings`). Where they are not,
Rasa's own run, and the log says so. What was found, and left alone: docs/decisions/0013-cheaper-turns.md
"""

from __future__ import annotations

import functools
from typing import Any, Callable, Dict, List, Optional, Tuple

import dask.order
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction
from rasa.core.lock import TicketLock
from rasa.core.lock_store import RedisLockStore
from rasa.engine.exceptions import GraphRunError
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event

from handover_channel import log
from handover_channel.rasa import cheaper_tracker_store
from handover_channel.rasa.replaced_methods import replace_once
from handover_channel.rasa.savings import Saving

logger = log.logger(__name__)

#: On a runner of graphs: its plans, by targets and inputs.
_PLANS = "_handover_plans"

_Method = Callable[..., Any]
_Step = Tuple[str, Tuple[str, ...]]  #: a node, and those whose output it takes


def make_turns_cheaper() -> None:
    """Have ours stand in for Rasa's in this process. Harmless to repeat."""
    for saving in SAVINGS:
        unknown = saving.unknown()
        if unknown:
            logger.info("%s: left to Rasa, whose %s is another here", saving.what, ", ".join(unknown))
            continue
        for name, around in saving.stands_in.items():
            replace_once(saving.owner, name, around)


# --- the answers of custom actions --------------------------------------------------------------------


def _compiled(validate: _Method) -> _Method:
    schema = RemoteAction.action_response_format_spec()
    validator = validator_for(schema)(schema)

    def _validate_action_result(action: RemoteAction, result: Dict[str, Any]) -> bool:
        # Rasa's own says what is wrong; a subclass may have a schema of its own.
        known = type(action).action_response_format_spec is RemoteAction.action_response_format_spec
        return bool((known and validator.is_valid(result)) or validate(action, result))

    return _validate_action_result


# --- the classes of events ----------------------------------------------------------------------------


def _in_a_table(resolve: _Method) -> _Method:
    found: Dict[str, Any] = {}

    def resolve_by_type(type_name: str, default: Optional[type] = None) -> Optional[type]:
        known: Optional[type] = found.get(type_name)
        if known is None:
            known = resolve(type_name, default)
            if known is not None and known is not default:
                found[type_name] = known
        return known

    return resolve_by_type


# --- the graph ----------------------------------------------------------------------------------------


def _node_by_node(run: _Method) -> _Method:
    def run_in_order(
        runner: DaskGraphRunner,
        inputs: Optional[Dict[str, Any]] = None,
        targets: Optional[List[str]] = None,
    ) -> Dict[str, Any]:
        given = inputs or {}
        if any(isinstance(value, str) for value in given.values()):
            return dict(run(runner, inputs, targets))  # dask could take it for the name of a node
        wanted = tuple(targets or runner._graph_schema.target_names)
        found: Dict[str, Any] = {name: (name, value) for name, value in given.items()}
        try:
            for name, needs in _plan(runner, wanted, tuple(given)):
                found[name] = runner._instantiated_nodes[name](*(found.get(need, need) for need in needs))
        except RuntimeError as error:
            raise GraphRunError("Error running runner.") from error
        return dict(found[name] for name in wanted)

    return run_in_order


def _plan(runner: DaskGraphRunner, targets: Tuple[str, ...], inputs: Tuple[str, ...]) -> List[_Step]:
    """Return the nodes that lead to *targets* in the order in which dask runs them, each with what it needs.

    It is kept at the runner, whose graph never changes.
    """
    plans: Dict[Any, List[_Step]] = runner.__dict__.setdefault(_PLANS, {})
    if (targets, inputs) not in plans:
        graph = runner._build_dask_graph(runner._graph_schema.minimal_graph_schema(list(targets)))
        graph.update((name, (name, None)) for name in inputs)
        places = dask.order.order(graph)
        names = (name for name in sorted(graph, key=places.__getitem__) if name not in inputs)
        plans[targets, inputs] = [(name, graph[name][1:]) for name in names]
    return plans[targets, inputs]


# --- the lock in Redis --------------------------------------------------------------------------------


def _read_once(cleanup: _Method) -> _Method:
    def clean_up(store: RedisLockStore, conversation_id: str, ticket_number: int) -> None:
        if type(store) is not RedisLockStore:
            cleanup(store, conversation_id, ticket_number)
            return
        lock = store.get_lock(conversation_id)
        if lock:
            lock.remove_ticket_for(ticket_number)
            if not lock.is_someone_waiting():
                # Who has asked for a ticket since loses it here, as between Rasa's own reading and writing.
                store.delete_lock(conversation_id)
                return
            store.save_lock(lock)
        if not store.is_someone_waiting(conversation_id):
            store.delete_lock(conversation_id)

    return clean_up


# --- the domain ---------------------------------------------------------------------------------------


def _beside_one_empty_domain(_: _Method) -> _Method:
    empty = functools.lru_cache(maxsize=None)(lambda: Domain.empty().as_dict())

    def is_empty(domain: Domain) -> bool:
        return bool(domain.as_dict() == empty())

    return is_empty


def _of_features() -> Tuple[Saving, ...]:
    try:
        from handover_channel.rasa.cheaper_features import OF_FEATURES
    except ImportError:  # in Rasa Pro, NLU is an extra
        return ()
    return OF_FEATURES


#: In the order of what they save in a turn.
SAVINGS: Tuple[Saving, ...] = (
    Saving(
        "checking the answers of custom actions",
        RemoteAction,
        {"_validate_action_result": _compiled},
        written_for={
            "_validate_action_result": "2fd08b8cf644390e",
            "action_response_format_spec": "8e08f324ec7d8414",
        },
    ),
    Saving(
        "running the graph",
        DaskGraphRunner,
        {"run": _node_by_node},
        written_for={
            "run": "39c53d008746a393",
            "_build_dask_graph": "d9a3c5c70763c421",
            "_add_inputs_to_graph": "852374ac06efb3b3",
        },
    ),
    cheaper_tracker_store.OF_THE_STORE,
    *_of_features(),
    Saving(
        "finding the classes of events",
        Event,
        {"resolve_by_type": _in_a_table},
        written_for={"resolve_by_type": "eab381cd0a9958e1"},
    ),
    Saving(
        "giving back a lock in Redis",
        RedisLockStore,
        {"cleanup": _read_once},
        written_for={
            "cleanup": "e28b61fa1c6cae56",
            "finish_serving": "af066b27f276939d",
            "is_someone_waiting": "d4e9d4df51a9ad08",
            "get_lock": "9423b8467a096b0e",
            "save_lock": "d8120eca17428bf1",
            "delete_lock": "4101abf4e0879880",
        },
        relies_on=(
            (TicketLock, {"remove_ticket_for": "85659c3a15891649", "is_someone_waiting": "a48efdc4d5ad1f60"}),
        ),
    ),
    Saving(
        "comparing the domain with an empty one",
        Domain,
        {"is_empty": _beside_one_empty_domain},
        written_for={
            "is_empty": "5c56c715d93a6a3b",
            "as_dict": "7a6fae686cef9f75",
            "empty": "cc52ac34e3e5300e",
        },
    ),
)
