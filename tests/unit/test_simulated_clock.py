"""Which clock a process goes by: real time, unless everything says that it is a test."""

from __future__ import annotations

import dataclasses
import logging
import time

import pytest
from play import settings_with

from handover_channel import services
from handover_channel.graph_api.simulated_clock import clock_of
from handover_channel.settings import loader
from handover_channel.settings.loader import GraphApiSettings

META = "https://graph.facebook.com"


def settings(test_clock, graph):
    return dataclasses.replace(
        settings_with(), test_clock=test_clock, graph_api=GraphApiSettings(graph, "v27.0")
    )


def test_without_the_variable_real_time_counts(caplog):
    assert clock_of(settings("", "http://127.0.0.1:8090")) is time.time
    assert not caplog.records


@pytest.mark.parametrize(
    ("test_clock", "graph"),
    [
        ("http://127.0.0.1:8090", META),
        (META, META),
        ("http://127.0.0.1:8090", "http://127.0.0.1:8091"),
        ("http://127.0.0.1:8090", "https://127.0.0.1:8090"),
        ("https://127.0.0.1:8090", "http://127.0.0.1:8090"),
        ("http://simulator.example:8090", "http://127.0.0.1:8090"),
        ("http://simulator.example:8090", "http://simulator.example:8090"),
        ("1", "http://127.0.0.1:8090"),
        ("http://[", "http://127.0.0.1:8090"),
    ],
)
def test_a_bot_that_does_not_call_that_very_simulator_keeps_real_time_and_says_so(test_clock, graph, caplog):
    with caplog.at_level(logging.ERROR):
        clock = clock_of(settings(test_clock, graph))

    assert clock is time.time
    assert "HANDOVER_TEST_CLOCK is set and is ignored, real time counts" in caplog.text


def test_only_the_environment_can_ask_for_it(tmp_path):
    file = tmp_path / "handover.yml"
    file.write_text("app_id: '1'\npage_access_token: a-token\ntest_clock: http://127.0.0.1:8090\n")

    with pytest.raises(loader.SettingsError, match="test_clock"):
        loader.load(str(file), environ={})
    file.write_text("app_id: '1'\npage_access_token: a-token\n")
    assert loader.load(str(file), environ={}).test_clock == ""
    given = {"HANDOVER_TEST_CLOCK": "http://127.0.0.1:8090"}
    assert loader.load(str(file), environ=given).test_clock == "http://127.0.0.1:8090"


def test_a_bot_without_it_is_built_with_real_time():
    built = services.build(settings_with())

    assert built.thread_control.clock is time.time
