"""Exports metrics to Prometheus: the counters of this process (counters.py), and figures of the database.

1. Figures of the database are the same from every process: take the maximum over processes, not the sum.
2. A handover is made by the action server or the command as well as by the channel: how many there were is
   read from the log of changes, and is complete whichever process is asked.
3. Without the database the rest is served all the same, with `handover_store_up` 0.

Synchronous: on an event loop, call it in a thread.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Callable, Dict, Iterator, Mapping, Sequence, Tuple

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from handover_channel.errors import StoreUnavailable
from handover_channel.metrics import counters
from handover_channel.settings.loader import Settings
from handover_channel.store import Store, deadlines, deliveries, findings, statistics
from handover_channel.store.statistics import Happened, History, Statistics

CONTENT_TYPE = CONTENT_TYPE_LATEST

_KINDS_OF_DELIVERY = (deliveries.EVENT, deliveries.RETURNED, deliveries.MUTED)
_DEADLINES = (deadlines.TIME_LIMIT, deadlines.TAKE_AGAIN, deadlines.SETTLE, deadlines.NO_ANSWER)

#: What happened -> name and meaning of its counter.
_HAPPENED: Mapping[str, Tuple[str, str]] = {
    "handover": ("handover_handovers", "Handovers, by where to and why."),
    "return": ("handover_returns", "Returns to the bot, by where from and why."),
    "refusal": ("handover_refused_handovers", "Handovers that Meta refused, by where to."),
}


_Labels = Tuple[str, ...]


@dataclass(frozen=True)
class _Families:
    """What `generate_latest` asks of a registry."""

    found: Sequence[Metric]

    def collect(self) -> Sequence[Metric]:
        return self.found


class Exporter:
    """Answer Prometheus."""

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._history = History()

    def text(self, others: Sequence[Metric] = ()) -> bytes:
        """Return all metrics in Prometheus' text format, those that another process has counted too."""
        counted = counters.together(counters.registry().collect(), others)
        return generate_latest(_Families([*counted, *self.collect()]))

    def collect(self) -> Iterator[Metric]:
        """Give what the database tells."""
        try:
            with self._store.reading() as connection:
                now = self._clock()
                found, happened = (
                    statistics.read(connection, now=now),
                    self._history.read(connection, now=now),
                )
        except StoreUnavailable:
            yield _gauge("handover_store_up", "Whether the database answers.", 0)
            return
        yield _gauge("handover_store_up", "Whether the database answers.", 1)
        yield from self._queue(found, now)
        yield from self._threads(found)
        yield from self._happened(happened)

    def _queue(self, found: Statistics, now: float) -> Iterator[Metric]:
        kinds: Dict[_Labels, int] = {(kind,): found.waiting.get(kind, 0) for kind in _KINDS_OF_DELIVERY}
        yield _gauges("handover_queue_length", "Deliveries that wait, by kind.", ["kind"], kinds)
        oldest = max(now - found.oldest_at, 0.0) if found.oldest_at is not None else 0.0
        yield _gauge("handover_queue_oldest_seconds", "How long the oldest delivery has waited.", oldest)
        yield _gauge("handover_queue_failed", "Deliveries given up, and kept.", found.failed)
        yield _gauge("handover_claims", "Threads that a worker has claimed.", found.claims)
        wrong: Dict[_Labels, int] = {(kind,): found.findings.get(kind, 0) for kind in findings.FINDING_KINDS}
        said = (
            "What events and refusals have shown to be wrong with the set-up; the health check has the words."
        )
        yield _gauges("handover_findings", said, ["kind"], wrong)
        overdue: Dict[_Labels, int] = {(kind,): found.overdue.get(kind, 0) for kind in _DEADLINES}
        said = f"Deadlines that nobody has acted on {statistics.OVERDUE:.0f} seconds after they were due."
        yield _gauges("handover_deadlines_overdue", said, ["kind"], overdue)

    def _threads(self, found: Statistics) -> Iterator[Metric]:
        open_now: Counter[_Labels] = Counter()
        refused: Counter[_Labels] = Counter({(name,): 0 for name in self._settings.targets})
        for each, count in found.open.items():
            target = self._label(each.target)
            open_now[each.control, target] += count
            refused[(target,)] += count if each.refused else 0
        labels = ["control", "target"]
        yield _gauges("handover_open", "Threads that the bot does not have.", labels, open_now)
        said = "Threads that Meta did not give back; tried again."
        yield _gauges("handover_returns_refused", said, ["target"], refused)

    def _happened(self, happened: Mapping[Happened, int]) -> Iterator[Metric]:
        counted: Mapping[str, Counter[_Labels]] = {what: Counter() for what in _HAPPENED}
        for each, count in happened.items():
            counted[each.what][self._label(each.target), each.reason] += count
        for what, (name, said) in _HAPPENED.items():
            family = CounterMetricFamily(name, said, labels=["target", "reason"])
            for labels, count in sorted(counted[what].items()):
                family.add_metric(labels, count)
            yield family

    def _label(self, target: str) -> str:
        return counters.label_of(target, self._settings.targets)


def _gauge(name: str, said: str, value: float) -> Metric:
    return GaugeMetricFamily(name, said, value=value)


def _gauges(name: str, said: str, labels: Sequence[str], found: Mapping[_Labels, float]) -> Metric:
    family = GaugeMetricFamily(name, said, labels=labels)
    for values, value in sorted(found.items()):
        family.add_metric(values, value)
    return family
