"""Stopping Rasa in order (SIGTERM, SIGHUP) in the middle of a turn: it ends in time, or is taken up again."""

from __future__ import annotations

import signal
import threading

import pytest
from stack import eventually

pytestmark = pytest.mark.rasa

NOTICE = "I am handing you over"


def in_the_middle_of_a_handover(stack, person):
    """The notice is out, and the turn waits for the action server, which hangs."""
    person.says("hello")  # a session begins with an action, too
    person.settled()
    stack.actions.pause()
    person.says("I want to talk to a human")
    eventually(lambda: announcements(person), "the notice is out")


def announcements(person):
    return [text for text in person.heard() if text.startswith(NOTICE)]


def handovers(person):
    return [change for change in person.changes() if change["reason"] == "handed_over"]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGHUP])
def test_a_turn_that_ends_in_time_is_whole_and_is_not_begun_again(own_stack, stop):
    person = own_stack.person()
    in_the_middle_of_a_handover(own_stack, person)

    stopping = threading.Thread(target=own_stack.rasa.stop, args=(stop,))
    stopping.start()
    own_stack.actions.resume()
    stopping.join()
    assert person.control == "inbox"

    own_stack.start_servers()
    person.settled()
    assert (len(announcements(person)), len(handovers(person))) == (1, 1)
    assert person.said_to_rasa() == ["hello", "I want to talk to a human"]


def test_a_turn_that_takes_too_long_is_begun_again_at_the_next_start_before_what_came_after_it(own_stack):
    person = own_stack.person()
    in_the_middle_of_a_handover(own_stack, person)
    person.says("are you there?")
    person.says("hello?")
    stored = "SELECT id FROM deliveries WHERE body LIKE '%hello?%'"
    eventually(lambda: own_stack.rows(stored), "the last one is stored")

    own_stack.rasa.stop()
    own_stack.actions.resume()
    own_stack.start_servers()

    eventually(lambda: person.control == "inbox", "it is handed over")
    person.settled()
    assert (len(announcements(person)), len(handovers(person))) == (1, 1)
    # The second one to Rasa or the inbox: the action server can have handed over after Rasa had gone.
    said = [*person.said_to_rasa(), *person.transcript()]
    assert said == ["hello", "I want to talk to a human", "are you there?", "hello?"]
