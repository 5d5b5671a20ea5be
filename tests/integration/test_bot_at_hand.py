"""Tests what the page is told of a bot of ours: its row of a thread, and scenarios played by steps.

The bot is a webhook that takes everything and says nothing; its database is real.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from served_simulator import caller  # noqa: E402
from webhook_listener import listening  # noqa: E402

from handover_channel import services  # noqa: E402
from handover_channel.errors import StoreUnavailable  # noqa: E402
from handover_channel.inbox.auth import Auth  # noqa: E402
from handover_channel.settings import loader  # noqa: E402
from handover_channel.simulator import Simulator, running  # noqa: E402
from handover_channel.store import agents  # noqa: E402
from handover_channel.store.agents import ADMIN, Agent  # noqa: E402
from handover_channel.testing import scenario  # noqa: E402
from handover_channel.testing.at_hand import AtHand  # noqa: E402

PERSON = "7001"
HERE = {"address": "127.0.0.1", "host": "127.0.0.1:5005", "headers": ()}  #: a browser of this machine
INBOX_URL = "http://127.0.0.1:5005/webhooks/inbox/"
SCENARIOS = """scenarios:
  - scenario: nobody answers
    steps:
      - fault: duplicate
        event: message
      - person: hello
      - silence
      - control: bot

  - scenario: somebody answers
    steps:
      - person: hello
      - reply: Hello ...
"""


@pytest.fixture
def messenger():
    return Simulator(app_id="1111", token="t", secret="s")  # noqa: S106 - of nobody


@pytest.fixture
def given(tmp_path, messenger):
    """The services of a bot that answers for this Messenger."""
    text = f"""
app_id: "1111"
database: sqlite:///{tmp_path}/handover.db
targets: {{inbox: {{kind: inbox}}}}
graph_api: {{url: http://127.0.0.1:9}}
"""
    (tmp_path / "handover.yml").write_text(text)
    channel = "handover_channel.MessengerInput: {verify: w, secret: s, page-access-token: t}"
    (tmp_path / "credentials.yml").write_text(channel)
    built = services.build(loader.load(str(tmp_path / "handover.yml")), messenger.clock)
    yield built
    built.store.close()


@pytest.fixture
def called(messenger, given):
    """Call the control API of a Messenger that has the bot at hand."""
    played = scenario.parse(SCENARIOS, Path("two.yml"))
    with listening() as webhook:
        messenger.bot.callback = webhook.url
        with running(messenger, bot=AtHand(messenger, given, played, INBOX_URL)) as url:
            yield caller(url)


def test_the_state_has_the_bots_row_of_each_thread_and_where_its_agents_answer(called, given, messenger):
    messenger.person(PERSON).says("hello")
    assert _thread(called)["bot_says"] is None  # it has never seen them

    given.thread_control.hand_over(PERSON, "inbox")

    said = _thread(called)["bot_says"]
    assert (said["control"], said["name"], said["assignee"]) == ("inbox", "inbox", "")
    assert [change["control"] for change in said["log"]] == ["inbox"]
    assert called("snapshot", "GET")["bot_at_hand"] == {"inbox_url": INBOX_URL, "trouble": ""}


def test_a_browser_of_this_machine_is_led_to_the_thread_and_let_in_where_nobody_signs_in(
    called, given, messenger
):
    given.thread_control.hand_over(PERSON, "inbox")

    first, second = (_led_to(messenger, f"/inbox?person={PERSON}") for _ in range(2))

    for address in (first, second):
        asked = parse_qs(address.query)
        assert asked["next"] == [f"/webhooks/inbox/thread/{PERSON}"]
        cookie, you = Auth(given.store).enter(asked["key"][0], **HERE)
        assert Auth(given.store).admit(cookie, **HERE) == you
    assert parse_qs(_led_to(messenger, "/inbox?person=9999").query)["next"] == ["/webhooks/inbox/"]


def test_where_agents_sign_in_they_are_led_to_the_page_that_asks_them(called, given, messenger):
    given.thread_control.hand_over(PERSON, "inbox")
    with given.store.writing() as connection:
        agents.add(connection, Agent("sara", "Sara", "no hash", ADMIN))

    assert _led_to(messenger, f"/inbox?person={PERSON}").geturl() == f"{INBOX_URL}thread/{PERSON}"


def test_a_bot_without_an_inbox_leads_nowhere_and_that_is_said():
    with running(Simulator()) as url:
        answer = requests.get(f"{url}/inbox", allow_redirects=False, timeout=30)

    assert (answer.status_code, answer.text) == (503, "this bot has no inbox that is known here")


def test_who_begins_afresh_is_new_to_the_bot_which_may_be_silent_for_those_before(called, given, messenger):
    first = [thread["psid"] for thread in called("snapshot", "GET")["threads"]]
    given.thread_control.hand_over(first[1], "inbox")

    called("reset")

    shown = called("snapshot", "GET")["threads"]
    assert [thread["name"] for thread in shown] == ["Nadia Haddad", "Tom Fischer", "عمر خليل"]
    assert first[1] < min(thread["psid"] for thread in shown)
    assert [thread["bot_says"] for thread in shown] == [None] * 3
    assert called("new_person")["person"] not in {*first, *(thread["psid"] for thread in shown)}


def test_who_is_there_after_a_restart_is_new_to_the_bot_and_who_has_written_stays(given, messenger):
    given.thread_control.hand_over("3000000000000001", "inbox")
    messenger.person(PERSON).says("hello")

    with running(messenger, bot=AtHand(messenger, given)):
        people = list(messenger.threads)

    assert people == ["3000000000000002", "3000000000000003", "3000000000000004", PERSON]


def test_a_database_that_cannot_be_read_is_said_and_all_else_is_there(called, given, messenger, monkeypatch):
    messenger.person(PERSON).says("hello")

    def nothing():
        raise StoreUnavailable("the database is away -> start it")

    monkeypatch.setattr(given.store, "reading", nothing)

    assert "the database is away" in called("snapshot", "GET")["bot_at_hand"]["trouble"]
    assert _thread(called)["bot_says"] is None
    assert _thread(called)["chat"]


def test_a_scenario_is_played_step_by_step_with_the_bot_that_runs(called, messenger):
    listed = called("scenarios", "GET")["scenarios"]
    assert [each["id"] for each in listed] == ["two.yml:2", "two.yml:10"]
    assert listed[0]["steps"][0] == "fault: duplicate\nevent: message"

    begun = called("scenarios/begin", scenario="two.yml:2")
    steps = [called("scenarios/step") for _ in range(4)]

    assert [step["done"] for step in steps] == [1, 2, 3, 4]
    assert not any(step["failed"] for step in steps), steps
    assert [step["over"] for step in steps] == [False, False, False, True]
    assert messenger.thread(begun["psid"]).chat[0]["message"]["text"] == "hello"
    with pytest.raises(AssertionError, match="no scenario has begun"):
        called("scenarios/step")


def test_the_step_that_fails_says_what_was_expected_and_what_happened(called):
    called("scenarios/begin", scenario="two.yml:10")
    assert not called("scenarios/step")["failed"]

    failed = called("scenarios/step")

    assert failed["failed"]
    assert failed["said"] == "expected a reply: Hello ...\nthe bot is silent"


def test_a_scenario_that_is_not_there_is_named(called):
    with pytest.raises(AssertionError, match="'three.yml:1'"):
        called("scenarios/begin", scenario="three.yml:1")


def test_a_messenger_that_has_no_bot_at_hand_says_so_and_has_no_scenarios():
    with running(Simulator()) as url:
        assert caller(url)("snapshot", "GET")["bot_at_hand"] is None
        assert caller(url)("scenarios", "GET") == {"scenarios": []}


# --- a line of the journal, once more ----------------------------------------------------------------


def test_a_webhook_is_sent_and_a_call_is_made_once_more(called, messenger):
    messenger.person(PERSON).says("hello")
    messenger.app("bot").says(PERSON, "hi")
    webhook, graph = (
        next(each for each in called("journal", "GET")["entries"] if each["kind"] == kind)
        for kind in ("webhook", "graph")
    )

    assert called("again", number=webhook["n"]) == {"status": 200, "error": ""}
    assert called("again", number=graph["n"])["status"] == 200

    bodies = [each["body"] for each in called("journal", "GET", kind="webhook")["entries"]]
    assert bodies.count(webhook["body"]) == 2
    assert [each["message"]["text"] for each in messenger.thread(PERSON).chat] == ["hello", "hi", "hi"]


def test_what_cannot_be_done_once_more_is_said(called, messenger):
    messenger.fault("duplicate")
    fault = called("journal", "GET")["last"]

    with pytest.raises(AssertionError, match="is no webhook and no Graph call"):
        called("again", number=fault)
    with pytest.raises(AssertionError, match="no line 99"):
        called("again", number=99)


def _led_to(messenger, path):
    answer = requests.get(messenger.base_url + path, allow_redirects=False, timeout=30)
    assert answer.status_code == 303
    return urlsplit(answer.headers["Location"])


def _thread(called):
    return next(each for each in called("snapshot", "GET")["threads"] if each["psid"] == PERSON)
