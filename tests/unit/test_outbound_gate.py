"""No call of the bot's goes out once control is lost, whoever has taken it, whenever in a turn."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from play import PSID

from handover_channel.messenger.events import OUR_METADATA
from handover_channel.messenger.messages import send_body
from handover_channel.queue.outbound_gate import Gate
from handover_channel.rules.turn_outcome import Spoken

_TAKE_OVER = """
import sys
from play import PSID, settings_with
from handover_channel.control.thread_control import ThreadControl
from handover_channel.store import Store
url, now = sys.argv[1:]
ThreadControl(settings_with(), Store(url), None, lambda: float(now)).take_over(PSID, "amal")
"""


def take_over_elsewhere(play):
    """As an agent whose page is served by another process."""
    url = play.store.url.render_as_string(hide_password=False)
    subprocess.run(
        [sys.executable, "-c", _TAKE_OVER, url, str(play.clock())],
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def said(play):
    return [body["message"]["text"] for name, body in play.meta.calls if name == "messages"]


@pytest.fixture
def known(talking):
    """The person has written before: the thread has a row."""
    talking.says("good morning")
    talking.meta.calls.clear()
    return talking


def test_nothing_goes_out_where_control_was_lost_between_the_claim_and_the_first_message(known):
    known.during_turn = lambda text: take_over_elsewhere(known)

    known.says("hello")

    assert said(known) == []
    assert known.lines == [("person", "hello")]


def test_nothing_more_goes_out_where_control_was_lost_between_two_messages_of_a_turn(known):
    known.messages_of_a_turn, sent = 3, []

    def during(name):
        sent.append(name)
        if sent == ["messages"]:
            take_over_elsewhere(known)

    known.meta.during = during

    known.says("hello")

    assert said(known) == ["About hello."]


@pytest.mark.parametrize(
    "body",
    [
        {"recipient": {"id": PSID}, "sender_action": "mark_seen"},
        {"recipient": {"id": PSID}, "sender_action": "typing_on"},
        send_body(PSID, {"text": "hello", "metadata": f"{OUR_METADATA}1.1"}),
    ],
    ids=["mark_seen", "typing_on", "message"],
)
def test_every_kind_of_call_asks_the_row_for_itself(known, body):
    gate = Gate(known.thread_control, known.graph)
    assert gate.send(PSID, body) == Spoken(sent=1)
    take_over_elsewhere(known)

    assert gate.send(PSID, body) == Spoken(held=1)
    assert len(known.meta.calls) == 1
