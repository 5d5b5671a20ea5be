"""Counts what this process does, for Prometheus. Figures from the database are in exporter.py.

1. Counting never breaks what is counted: an error in here is logged once, and swallowed.
2. Labels have few values, known in advance: no ids of threads, no words of people or of Meta.
3. Names end in their unit: `_total`, `_seconds` (https://prometheus.io/docs/practices/naming/).

With PROMETHEUS_MULTIPROC_DIR set, all processes that share the folder are served as one
(https://prometheus.github.io/client_python/multiprocess/).
"""

from __future__ import annotations

import functools
import logging
import time
from contextlib import contextmanager
from typing import Any, Callable, Container, Dict, Iterable, Iterator, List, Mapping, Tuple, Type

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.samples import Sample

from handover_channel.errors import (
    GraphUnavailable,
    HandoverError,
    NotThreadOwner,
    OutsideWindow,
    PersonUnavailable,
    StoreUnavailable,
    TokenRefused,
)

logger = logging.getLogger(__name__)

SENT, MUTED, REFUSED = "sent", "muted", "refused"

#: What an error means for a message: label `outcome` of `handover_sends_total`.
OUTCOME_OF_ERROR: Mapping[Type[HandoverError], str] = {
    NotThreadOwner: "not_owner",
    OutsideWindow: "outside_window",
    PersonUnavailable: "person_unavailable",
    TokenRefused: "token_refused",
    GraphUnavailable: "given_up",
    StoreUnavailable: "store_unavailable",
}

#: Graph API calls by name; `/PSID` is `profile`, and no label.
_CALLS = (
    "messages",
    "pass_thread_control",
    "take_thread_control",
    "thread_owner",
)

#: Label `target` of an app that is no target: anybody's app may take a thread, and labels must stay few.
OTHER = "other"

REGISTRY = CollectorRegistry()

_ACKNOWLEDGEMENTS = Histogram(
    "handover_acknowledgement_seconds",
    "Time until Meta had its answer to a webhook call, by HTTP status.",
    ["status"],
    registry=REGISTRY,
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_STORED = Counter(
    "handover_events_stored_total",
    "Events of webhooks on disk, those that Meta sent again among them.",
    registry=REGISTRY,
)
_DELIVERIES = Counter(
    "handover_deliveries_total",
    "Deliveries processed, by what came of them.",
    ["outcome"],
    registry=REGISTRY,
)
_FAILURES = Counter(
    "handover_delivery_failures_total", "Attempts at a delivery that ended in an error.", registry=REGISTRY
)
_TURNS = Histogram(
    "handover_turn_seconds",
    "Time of Rasa's turns: kind `event` (a message), `returned`, `muted` (slots only).",
    ["kind", "outcome"],
    registry=REGISTRY,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
_SENDS = Counter(
    "handover_sends_total",
    "Messages of the bot on their way to Meta, by outcome.",
    ["outcome"],
    registry=REGISTRY,
)
_RETRIES = Counter(
    "handover_graph_retries_total", "Graph API calls that were made again.", ["call"], registry=REGISTRY
)
_REPEATS = Counter(
    "handover_repeats_total",
    "What may be there twice: `call` (Meta did not answer), `turn` (it was interrupted).",
    ["of"],
    registry=REGISTRY,
)
_LATENESS = Histogram(
    "handover_deadline_lateness_seconds",
    "Time between a deadline and its effect.",
    ["kind"],
    registry=REGISTRY,
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 60, 300, 3600),
)
_FIRST_ANSWERS = Histogram(
    "handover_first_answer_seconds",
    "Time between the bot's handover and the first answer of an agent or another app, by target.",
    ["target"],
    registry=REGISTRY,
    buckets=(10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400),
)
ProcessCollector(registry=REGISTRY)  # process_cpu_seconds_total and its like


def harmless(count: Callable[..., None]) -> Callable[..., None]:
    """Let *count* fail without anybody noticing but the log, once."""
    told = False

    @functools.wraps(count)
    def counted(*given: Any, **named: Any) -> None:
        nonlocal told
        try:
            count(*given, **named)
        except Exception as error:
            if not told:
                logger.error("metrics: %s failed (%s); said once", count.__name__, type(error).__name__)
            told = True

    return counted


@functools.cache  # few statuses, and for every call
def _acknowledgements(status: int) -> Any:
    return _ACKNOWLEDGEMENTS.labels(str(status))


@harmless
def acknowledged(status: int, seconds: float) -> None:
    """Count Meta's call, answered with *status* after *seconds*."""
    _acknowledgements(status).observe(seconds)


@harmless
def stored(events: int) -> None:
    """Count events that are on disk."""
    _STORED.inc(events)


@harmless
def processed(outcome: str) -> None:
    """Count a delivery that is done."""
    _DELIVERIES.labels(outcome.replace(" ", "_")).inc()


@harmless
def failed() -> None:
    """Count an attempt at a delivery that ended in an error."""
    _FAILURES.inc()


@contextmanager
def turn(kind: str, *, waits: Tuple[Type[Exception], ...]) -> Iterator[None]:
    """Time a turn of Rasa's, whose errors go on. *waits*: errors that mean "not now"."""
    begun, outcome = time.perf_counter(), "interrupted"
    try:
        yield
        outcome = "done"
    except Exception as error:
        outcome = "waits" if isinstance(error, waits) else "failed"
        raise
    finally:
        _turned(kind, outcome, time.perf_counter() - begun)


@harmless
def sent(body: Mapping[str, Any], outcome: str = SENT) -> None:
    """Count a message, complete as the Send API takes it; typing and mark-seen are none."""
    if "sender_action" not in body:
        _SENDS.labels(outcome).inc()


@harmless
def not_sent(body: Mapping[str, Any], error: HandoverError) -> None:
    """Count a message that did not go out."""
    kinds = (outcome for kind, outcome in OUTCOME_OF_ERROR.items() if isinstance(error, kind))
    sent(body, next(kinds, REFUSED))


@harmless
def retried(path: str, *, unsure: bool) -> None:
    """Count a Graph API call that is made again. *unsure*: it may have worked."""
    name = path.rpartition("/")[2]
    _RETRIES.labels(name if name in _CALLS else "profile").inc()
    if unsure:
        _REPEATS.labels("call").inc()


@harmless
def turn_repeated() -> None:
    """Count a message that may be there twice, because its turn was interrupted."""
    _REPEATS.labels("turn").inc()


@harmless
def due_done(kind: str, lateness: float) -> None:
    """Count a deadline that was processed, *lateness* seconds after it was due."""
    _LATENESS.labels(kind).observe(max(lateness, 0.0))


@harmless
def first_answered(target: str, seconds: float) -> None:
    """Count the first answer after a handover."""
    _FIRST_ANSWERS.labels(target).observe(max(seconds, 0.0))


@harmless
def _turned(kind: str, outcome: str, seconds: float) -> None:
    _TURNS.labels(kind, outcome).observe(seconds)


def label_of(target: str, known: Container[str]) -> str:
    """Return the label for a thread's target: its name, or `other`."""
    return target if target in known else OTHER


def counted() -> List[Metric]:
    """Return what this process has counted; nothing where PROMETHEUS_MULTIPROC_DIR collects it."""
    return list(REGISTRY.collect()) if values.ValueClass is values.MutexValue else []


def together(own: Iterable[Metric], others: Iterable[Metric]) -> List[Metric]:
    """Return *own* with what another process has counted added. What is about a process stays its own."""
    more: Dict[str, List[Sample]] = {
        metric.name: metric.samples for metric in others if not metric.name.startswith("process_")
    }
    return [_sum(metric, more.get(metric.name, [])) for metric in own]


def _sum(metric: Metric, more: Iterable[Sample]) -> Metric:
    sums = {(sample.name, *sorted(sample.labels.items())): sample for sample in metric.samples}
    for sample in more:
        key = (sample.name, *sorted(sample.labels.items()))
        here = sums.get(key)
        if here is None:
            sums[key] = sample
        elif not sample.name.endswith("_created"):
            sums[key] = here._replace(value=here.value + sample.value)
    found = Metric(metric.name, metric.documentation, metric.type)
    found.samples = list(sums.values())
    return found


def registry() -> CollectorRegistry:
    """Return what is to be served: of this process, or of all that share PROMETHEUS_MULTIPROC_DIR."""
    if values.ValueClass is values.MutexValue:  # the library decides when it is imported
        return REGISTRY
    shared = CollectorRegistry()
    MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
    return shared
