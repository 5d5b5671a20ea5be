"""Every way back: who takes it, what Meta is asked, what the person is told; the bot answers again."""

from __future__ import annotations

import pytest
from stack import APP_ID, Stack, eventually

pytestmark = pytest.mark.rasa

#: reason -> how `utter_handover_returned` begins; the others have the text without a condition
TOLD = {
    "time_limit": "Nobody wrote for a while",
    "no_answer": "I am sorry, my colleagues are all busy",
    "agent": "My colleague has given you back to me",
    "passed_back": "You are back with the shop bot",
}
SECRET = "what nobody but the colleague shall know"


def _handed_over(person, target):
    """Hand over, and tell the colleague something."""
    person.says("hello")
    person.settled()
    person.goes_to(target)
    person.says(SECRET)
    person.settled()
    return len(person.heard())


def _assert_back(stack, person, reason, heard):
    """See that the person is told once and rightly, that the bot answers, and that it knows no secret."""
    eventually(lambda: len(person.heard()) > heard, f"told of {reason}")
    person.settled()
    (told,) = person.heard()[heard:]
    assert told.startswith(TOLD.get(reason, "The bot is back"))
    assert person.control == "bot"
    returned = [change for change in person.changes() if change["control"] == "bot"]
    assert [change["reason"] for change in returned] == [reason]
    tracker = stack.tracker(person.psid)
    assert tracker["slots"]["handover_target"] is None
    assert tracker["slots"]["handover_until"] is None
    assert tracker["latest_message"]["intent"]["name"] == "handover_returned"
    assert SECRET not in str(tracker)

    person.says("when are you open")
    person.settled()
    assert person.heard()[heard + 1].startswith("We are open")
    assert len(person.heard()) == heard + 2
    assert person.owner() in ("", APP_ID)


@pytest.mark.parametrize("target", ["inbox", "page_inbox", "sales_bot"])
@pytest.mark.parametrize(
    "words", ["Back to Bot!", "please take me to the MAIN MENU now", "العوده الى البوت", "اَلْعَوْدَةُ إِلَى الْبُوت"]
)
def test_a_keyword_brings_the_bot_back(stack, person, target, words):
    heard = _handed_over(person, target)

    person.says(words)

    _assert_back(stack, person, "keyword", heard)
    takes = person.calls("take_thread_control")
    assert [call["status"] for call in takes] == ([] if target == "inbox" else [200])
    assert words in person.transcript()


@pytest.mark.parametrize("target", ["inbox", "page_inbox", "sales_bot"])
def test_the_button_brings_the_bot_back(stack, person, target):
    heard = _handed_over(person, target)

    person.does("tap")  # the latest message with buttons is the notice

    _assert_back(stack, person, "button", heard)


def test_an_old_button_does_nothing_but_get_an_answer(stack, person):
    heard = _handed_over(person, "sales_bot")
    person.does("tap")
    _assert_back(stack, person, "button", heard)
    calls, changes = person.calls("take_thread_control"), person.changes()

    person.does("tap", payload='/handover_returned{"reason": "button"}')
    person.settled()

    assert "The bot is back" in person.heard()[-1]
    assert person.calls("take_thread_control") == calls
    assert person.changes() == changes


@pytest.mark.parametrize("target", ["inbox", "sales_bot"])
def test_the_time_limit_brings_the_bot_back_with_nobody_writing(stack, person, target):
    heard = _handed_over(person, target)
    query = "SELECT due_at FROM deadlines WHERE thread = ? AND kind = 'time_limit'"
    (deadline,) = stack.rows(query, person.psid)
    assert deadline["due_at"] == person.thread()["until"]

    due = stack.make_due(person.psid, "time_limit", within=1)
    eventually(lambda: person.control == "bot")

    (returned,) = [change for change in person.changes() if change["control"] == "bot"]
    assert returned["at"] >= due
    _assert_back(stack, person, "time_limit", heard)


def test_each_target_has_its_own_time_limit(person, stack):
    other = stack.person()
    person.goes_to("sales_bot")
    other.goes_to("hootsuite")

    assert person.thread()["until"] - person.thread()["changed_at"] == pytest.approx(12 * 3600, abs=5)
    assert other.thread()["until"] - other.thread()["changed_at"] == pytest.approx(48 * 3600, abs=5)


def test_a_time_limit_that_ran_out_while_the_servers_were_down_is_kept_once(own_stack: Stack):
    people = {target: own_stack.person() for target in ("inbox", "sales_bot")}
    heard = {target: _handed_over(person, target) for target, person in people.items()}
    own_stack.kill_servers()
    for person in people.values():
        own_stack.make_due(person.psid, "time_limit")

    own_stack.start_servers()

    for target, person in people.items():
        _assert_back(own_stack, person, "time_limit", heard[target])
    assert len(people["sales_bot"].calls("take_thread_control")) == 1


def test_nobody_answered_in_the_builtin_inbox(stack, person):
    heard = _handed_over(person, "patient")

    stack.make_due(person.psid, "no_answer")

    _assert_back(stack, person, "no_answer", heard)


def test_an_agents_answer_ends_the_wait_for_one(stack, person):
    query = "SELECT kind FROM deadlines WHERE thread = ? AND kind = 'no_answer'"
    person.goes_to("patient")
    assert stack.rows(query, person.psid) != []

    assert stack.command("reply", person.psid, "I am on it").returncode == 0

    person.settled()
    assert stack.rows(query, person.psid) == []
    assert person.heard()[-1] == "I am on it"
    assert person.control == "inbox"


def test_the_agent_answers_and_returns_the_thread(stack, person):
    _handed_over(person, "inbox")
    assert stack.command("reply", person.psid, "How can I help?").returncode == 0
    person.settled()
    assert "How can I help?" in person.transcript()
    heard = len(person.heard())

    done = stack.command("return", person.psid)

    assert (done.returncode, done.stdout.strip()) == (0, "The bot has control.")
    _assert_back(stack, person, "agent", heard)
    assert "How can I help?" not in str(stack.tracker(person.psid))


def test_an_agent_cannot_answer_where_another_app_has_control(stack, person):
    person.goes_to("sales_bot")

    done = stack.command("reply", person.psid, "hello")

    assert done.returncode == 2
    assert "is with 'sales_bot'" in done.stderr
    assert person.heard()[-1] != "hello"


def test_the_other_app_passes_control_back(stack, person):
    heard = _handed_over(person, "sales_bot")
    stack.app("sales_bot", "reply", person, text="we have it in blue")

    stack.app("sales_bot", "pass", person, to=APP_ID, metadata="done")

    _assert_back(stack, person, "passed_back", heard)
    assert "we have it in blue" in person.transcript()
    assert person.calls("take_thread_control") == []
    turn = next(e for e in person.events() if e["event"] == "user" and "handover_returned" in e["text"])
    assert turn["metadata"]["handover"]["metadata"] == "done"


def test_done_in_the_page_inbox_passes_control_back(stack, person):
    heard = _handed_over(person, "page_inbox")

    person.does("done")

    _assert_back(stack, person, "passed_back", heard)


def test_control_that_lapsed_comes_back_with_the_next_message_which_is_answered(stack, person):
    heard = _handed_over(person, "hootsuite")
    stack.let_pass(person, 25 * 3600)

    person.says("where is my order")
    person.settled()

    told, question = person.heard()[heard:]
    assert told.startswith("The bot is back")
    assert "What is your order number" in question
    assert [change["reason"] for change in person.changes()][-1] == "lapsed"
    assert person.said_to_rasa()[-1] == "where is my order"
    assert SECRET not in str(person.events())


def test_control_that_was_let_go_comes_back_with_the_next_message_which_is_answered(stack, person):
    heard = _handed_over(person, "sales_bot")
    stack.app("sales_bot", "release", person)

    person.says("when are you open")
    person.settled()

    told, answer = person.heard()[heard:]
    assert told.startswith("The bot is back")
    assert answer.startswith("We are open")
    assert [change["reason"] for change in person.changes()][-1] == "released"


def test_two_ways_back_at_once_return_the_thread_once(stack, person):
    heard = _handed_over(person, "sales_bot")

    person.says("back to bot")
    person.does("tap")
    person.says("main menu")
    person.settled()

    assert [change["control"] for change in person.changes()].count("bot") == 1
    assert len(person.calls("take_thread_control")) == 1
    assert person.heard()[heard].startswith("The bot is back")
