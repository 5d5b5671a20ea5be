"""Plays the example bot's scenarios over HTTP: what is said is the same as in the process of the test."""

from __future__ import annotations

import pytest
from example_scenarios import NAMES, SCENARIOS
from rasa_commands import ROOT

from handover_channel.testing import chat, start
from handover_channel.testing.player import play

pytestmark = pytest.mark.rasa


@pytest.fixture(scope="module")
def bot(model):
    with start.bot(start.Wanted(ROOT, start.OVER_HTTP, model)) as running:
        yield running


@pytest.fixture(scope="module")
def in_process(model):
    with start.bot(start.Wanted(ROOT, start.IN_PROCESS, model)) as inside:
        yield inside


def said(played):
    """Who wrote what, and what there was to tap."""
    conversation = played.conversation
    written = [each for each in conversation.entries if each["kind"] in ("message", "postback")]
    names = conversation.names
    return [
        (
            names.get(each["mid"], names.get(each["author"])),
            chat.text_of(each.get("message", {})) or each.get("title"),
            chat.taps_of(each.get("message", {})),
        )
        for each in written
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_conversation_goes_over_http_as_in_the_process_of_the_test(bot, in_process, name):
    played = play(bot, SCENARIOS[name])

    assert not played.skipped
    assert not played.failed, f"\n{played.diff()}"
    assert said(played) == said(play(in_process, SCENARIOS[name]))
