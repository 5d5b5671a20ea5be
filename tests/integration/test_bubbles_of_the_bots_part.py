"""Draws what Rasa keeps of Messenger's messages, as the page does. The shapes are those of the unit tests."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("rasa")

from bubbles import drawn
from shapes import MESSAGES, NOTHINGS, POSTBACKS, of_person, recorded

from handover_channel.inbox.bot_history import said_in
from handover_channel.messenger import webhook
from handover_channel.messenger.events import MessageReceived, PostbackReceived
from handover_channel.rasa.turns import metadata_of, text_of

pytestmark = pytest.mark.rasa

#: Not answered by the bot, or told only together with another message.
_OTHERWISE = {*NOTHINGS, "reply"}


def turn(event):
    """The event of a tracker, as it comes back from a database."""
    return {
        "event": "user",
        "text": text_of(event),
        "timestamp": event.timestamp / 1000,
        "input_channel": "facebook",
        "metadata": json.loads(json.dumps(metadata_of(event))),
    }


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        *(
            ({"message": message}, wanted)
            for name, (message, wanted) in MESSAGES.items()
            if name not in _OTHERWISE
        ),
        *(({"postback": postback}, wanted) for postback, wanted in POSTBACKS.values()),
    ],
)
def test_a_turn_shows_what_came(part, wanted):
    (said,) = said_in([turn(webhook.read(of_person(**part), page="1717"))])
    (bubble,) = drawn([said])

    assert bubble.shows(wanted)


@pytest.mark.parametrize("name", sorted(_OTHERWISE))
def test_what_would_show_nothing_is_a_sentence(name):
    event = webhook.read(of_person(message=MESSAGES[name][0]), page="1717")

    assert not drawn(said_in([turn(event)]))[0].is_empty


@pytest.mark.corpus
def test_no_recorded_message_is_an_empty_bubble():
    said = [item.event for item in recorded() if isinstance(item.event, (MessageReceived, PostbackReceived))]
    entries = said_in([turn(event) for event in said])

    assert len(entries) == len(said)
    assert not [bubble for bubble in drawn(entries) if bubble.is_empty]
