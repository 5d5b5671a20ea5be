"""Outside the business hours the person is told when somebody is there, and the bot goes on."""

from __future__ import annotations

import re

import pytest
from stack import eventually

pytestmark = pytest.mark.rasa

CLOSED = '/handover{"handover_target": "closed"}'
SAID = re.compile(r"Nobody is there at the moment; my colleagues are back at \d{4}-\d\d-\d\d 09:00\.")


def test_on_messenger_nobody_is_promised_a_handover(person):
    person.taps_menu(CLOSED)
    person.settled()

    (told,) = person.heard()

    assert SAID.match(told)
    assert person.control == "bot"
    assert person.changes() == []


def test_on_another_channel_neither_and_the_bot_goes_on(stack, person):
    sender = f"rest-{person.psid}"

    said = stack.rest(sender, CLOSED)  # the first message: the store has never seen this thread

    assert len(said) == 1
    assert SAID.match(said[0])
    assert [text[:11] for text in stack.rest(sender, "when are you open")] == ["We are open"]


def test_a_form_asks_again_after_that(stack, person):
    sender = f"form-{person.psid}"
    stack.rest(sender, "where is my order")

    said = stack.rest(sender, CLOSED)

    assert SAID.match(said[0])
    assert said[1].startswith("What is your order number?")


def test_what_people_say_to_agents_on_another_channel_is_in_the_transcript(stack, person):
    sender = f"said-{person.psid}"
    stack.rest(sender, '/handover{"handover_target": "inbox"}')
    stack.rest(sender, "is anybody there?")

    query = "SELECT author, text FROM transcript WHERE thread = ?"
    lines = eventually(lambda: stack.rows(query, sender), "the words are written down")

    assert [dict(line) for line in lines] == [{"author": "person", "text": "is anybody there?"}]
    assert stack.rows("SELECT waiting_since FROM threads WHERE id = ?", sender)[0]["waiting_since"]
