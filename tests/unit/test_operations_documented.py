"""docs/operations.md and the dashboard speak of the metrics that there are, and of all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from play import NO_TAKING, PSID

from handover_channel.cli import main, queue
from handover_channel.errors import GraphError
from handover_channel.metrics import counters
from handover_channel.metrics.exporter import Exporter

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
DASHBOARD = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text(encoding="utf-8"))

_ENDS = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}


@pytest.fixture
def families(play):
    """Name -> (type, labels) of everything that is served."""
    body = {"message": {"text": "hello"}}
    counters.acknowledged(200, 0.1)
    counters.processed("answered")
    counters.sent(body)
    counters.retried("/me/messages", unsure=True)
    counters.due_done("time_limit", 0.1)
    counters.first_answered("inbox", 1)
    with counters.turn("event", waits=()):
        pass
    play.hands_over("inbox")
    play.says("back to bot")
    play.says("hello")
    play.meta.fails("pass_thread_control", NO_TAKING)
    with pytest.raises(GraphError):
        play.thread_control.hand_over(PSID, "sales_bot")
    play.thread_control.hand_over(PSID, "inbox")
    found = {}
    exporter = Exporter(play.settings, play.store, play.clock)
    for family in (*counters.registry().collect(), *exporter.collect()):
        labels = {name for sample in family.samples for name in sample.labels} - {"le"}
        found[family.name] = (family.type, labels)
    return {name: facts for name, facts in found.items() if name.startswith("handover_")}


def documented():
    rows = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| `handover_")]
    return {cells[0].strip("`"): (cells[1], set(re.findall(r"`(\w+)`", cells[2]))) for cells in rows}


def test_every_metric_is_documented_with_its_type_and_labels_and_no_other(families):
    assert documented() == families


def series(families):
    return {name + end for name, (kind, _) in families.items() for end in _ENDS[kind]}


def test_the_dashboard_asks_for_metrics_that_there_are_and_shows_them_all(families):
    asked = {
        name
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\bhandover_\w+", target["expr"])
    }

    assert asked <= series(families)
    shown = {name for name, (kind, _) in families.items() if asked & {name + end for end in _ENDS[kind]}}
    assert shown == set(families)


def test_the_dashboard_groups_by_labels_that_there_are(families):
    known = {label for _, labels in families.values() for label in labels} | {"le"}
    by = re.compile(r"by \(([^)]*)\)")
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            used = {name.strip() for group in by.findall(target["expr"]) for name in group.split(",")}

            assert used <= known, target["expr"]


def test_alerts_ask_for_metrics_that_there_are(families):
    section = TEXT.partition("\n## Alerts\n")[2].partition("\n## ")[0]

    assert set(re.findall(r"\bhandover_\w+", section)) <= series(families)


def test_panels_have_ids_and_places_of_their_own():
    panels = DASHBOARD["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]

    assert len({panel["id"] for panel in panels}) == len(set(places)) == len(panels)


def test_every_outcome_of_a_message_is_documented():
    row = next(line for line in TEXT.splitlines() if line.startswith("| `handover_sends`"))
    known = {counters.SENT, counters.MUTED, counters.REFUSED, *counters.OUTCOME_OF_ERROR.values()}

    assert set(re.findall(r"`(\w+)`", row)) - {"handover_sends", "outcome"} == known


def names_of(app):
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    return names | {group.name for group in app.registered_groups}


def test_the_commands_of_the_page_exist():
    written = re.findall(r"(?:^|`)handover (\w+)(?: (\w+))?", TEXT, re.MULTILINE)

    assert {first for first, _ in written} <= names_of(main.app)
    assert {second for first, second in written if first == "queue"} - {""} == names_of(queue.app)
