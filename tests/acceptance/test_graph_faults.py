"""The Graph API is down, slow, or answers HTML: nobody else waits, nothing hangs, nothing is lost."""

from __future__ import annotations

import time

import pytest
from gateway import Gateway
from stack import Stack, eventually

pytestmark = pytest.mark.rasa


@pytest.fixture(scope="module")
def gateway():
    return Gateway()


@pytest.fixture(scope="module")
def faulty(gateway, tmp_path_factory, model):
    """A whole whose way to the Graph API can be broken."""
    with gateway.running() as url:
        # Rasa itself writes a traceback where an action outlasts its patience, as one does with Meta down.
        stack = Stack(tmp_path_factory.mktemp("faulty"), model, graph_url=url, tracebacks=True)
        with stack.running():
            yield stack


@pytest.fixture
def broken(faulty, gateway):
    """Break the way for somebody; healed in the end."""
    gateway.behind = faulty.simulator_url
    yield gateway.faults
    gateway.heal()


@pytest.mark.parametrize("fault", ["down", "html", "slow"])
def test_the_trouble_of_one_thread_is_not_that_of_others(faulty, broken, gateway, fault):
    unlucky, others = faulty.person(), [faulty.person() for _ in range(5)]
    broken[unlucky.psid] = fault

    unlucky.says("hello")
    for other in others:
        other.says("when are you open")
    for other in others:
        eventually(other.heard, "the others are answered")

    assert [other.heard()[0][:11] for other in others] == ["We are open"] * 5
    gateway.heal()
    unlucky.says("when are you open")
    eventually(lambda: unlucky.heard() and "We are open" in unlucky.heard()[-1], within=90)
    assert "Traceback" not in faulty.logs()
    assert "502 Bad Gateway" not in faulty.logs()


@pytest.mark.parametrize("fault", ["down", "html", "slow"])
def test_meta_is_answered_at_once_whatever_the_graph_api_does(faulty, broken, fault):
    broken[""] = fault
    person = faulty.person()

    statuses, took = [], []
    for number in range(20):
        began = time.monotonic()
        statuses.append(faulty.deliver(faulty.text_item(person, f"message {number}")))
        took.append(time.monotonic() - began)

    assert statuses == [200] * 20
    # The middle one: a machine that does other things delays some. Three retries alone are 3.5 seconds.
    assert sorted(took)[10] < 3


def test_a_short_trouble_costs_nothing(faulty, broken, gateway):
    person = faulty.person()
    person.says("hello")
    person.settled()
    broken[person.psid] = "html"
    person.says("when are you open")
    eventually(
        lambda: faulty.rows("SELECT id FROM deliveries WHERE thread = ? AND done_at IS NULL", person.psid)
    )

    gateway.heal()
    person.settled()

    assert person.heard()[-1].startswith("We are open")


def test_a_handover_that_nobody_hears_of_leaves_the_person_with_the_bot(faulty, broken, gateway):
    person = faulty.person()
    person.says("hello")
    person.settled()
    heard = len(person.heard())
    broken[person.psid] = "down"
    person.taps_menu('/handover{"handover_target": "sales_bot"}')
    # Whether Meta has passed it nobody knows, and nobody can ask: the bot keeps silent until it can.
    eventually(lambda: faulty.is_settled(person.psid), "the turn ends", within=120)
    assert person.control == "passing"

    gateway.heal()
    faulty.make_due(person.psid, "settle")
    eventually(lambda: person.control == "bot", "the pass is settled")
    person.settled()

    assert person.owner() == ""
    person.says("when are you open")
    person.settled()
    assert person.heard()[-1].startswith("We are open")
    assert len(person.heard()) > heard


def test_a_return_that_nobody_hears_of_is_tried_again(faulty, broken, gateway):
    person = faulty.person()
    person.goes_to("sales_bot")
    broken[person.psid] = "html"
    person.says("back to bot")
    eventually(lambda: person.thread()["refusal"], "the refusal is kept", within=120)
    assert person.control == "app"

    gateway.heal()
    faulty.make_due(person.psid, "take_again")

    eventually(lambda: person.control == "bot")
    person.settled()
    assert person.heard()[-1].startswith("The bot is back")


@pytest.mark.parametrize("fault", ["slow", "lost"])
def test_a_pass_that_a_kill_cut_off_is_settled_by_asking_meta(faulty, broken, gateway, fault):
    """Nobody wrote down whether Meta has passed control: slow, it has not; lost, it has."""
    person = faulty.person()
    person.says("hello")
    person.settled()
    broken[f"{person.psid}/pass_thread_control"] = fault
    person.says("talk to sales")
    eventually(lambda: person.control == "passing")
    eventually(lambda: fault == "slow" or person.owner() == "2222")
    faulty.kill_servers()
    gateway.heal()
    faulty.make_due(person.psid, "settle", within=3600)  # however long the start takes

    faulty.start_servers()
    person.says("are you there?")
    person.settled()
    assert person.control == "passing"
    assert "are you there?" in person.transcript()
    heard = len(person.heard())
    faulty.make_due(person.psid, "settle")
    eventually(lambda: person.control != "passing")
    person.settled()

    if fault == "lost":
        assert (person.control, len(person.heard())) == ("app", heard)
    else:
        assert person.control == "bot"
        assert [text[:27] for text in person.heard()[heard:]] == ["I am sorry, my colleagues a"]
    person.says("back to bot")
    person.settled()
    assert person.control == "bot"
