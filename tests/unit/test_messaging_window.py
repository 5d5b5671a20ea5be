"""Tests what opens Meta's messaging window, and that everybody asks the same rule."""

from __future__ import annotations

import dataclasses

import pytest
from play import PSID, SALES_BOT

from handover_channel.messenger import webhook
from handover_channel.replies.service import AgentReplies
from handover_channel.rules import messaging_window
from handover_channel.rules.messaging_window import opens
from handover_channel.store.replies import SENT

HOUR = 3600
PAGE = "1717"

#: What the person does, and Meta's list of what opens the window names.
OPENS = {
    "message": {"message": {"mid": "m_1", "text": "hello"}},
    "picture": {
        "message": {"mid": "m_1", "attachments": [{"type": "image", "payload": {"url": "https://x.y/z"}}]}
    },
    "message that Meta does not pass on": {"message": {"mid": "m_1", "is_unsupported": True}},
    "quick reply": {"message": {"mid": "m_1", "text": "Yes", "quick_reply": {"payload": "YES"}}},
    "button": {"postback": {"mid": "m_1", "title": "Get Started", "payload": "START"}},
    "button of another app": {"postback": {"mid": "m_1", "title": "Book"}},
    "reaction": {"reaction": {"reaction": "love", "emoji": "❤", "action": "react", "mid": "m_0"}},
    "link": {"referral": {"ref": "spring", "source": "SHORTLINK", "type": "OPEN_THREAD"}},
    "link of Instagram": {"referral": {"ref": "spring", "source": "IGME-SOURCE-LINK", "type": "OPEN_THREAD"}},
    "scanned code": {"referral": {"ref": "shop", "source": "MESSENGER_CODE", "type": "OPEN_THREAD"}},
    "plugin": {"optin": {"ref": "send-to-messenger"}},
}

#: What does not open it.
OPENS_NOTHING = {
    "delivery": {"delivery": {"mids": ["m_0"], "watermark": 1}},
    "read": {"read": {"watermark": 1}},
    "reaction taken back": {"reaction": {"reaction": "love", "action": "unreact", "mid": "m_0"}},
    "edit": {"message_edit": {"mid": "m_0", "text": "changed", "num_edit": 1}},
    "unsent message": {"message": {"mid": "m_0", "is_deleted": True}},
    "click on an ad, before any message": {
        "referral": {"source": "ADS", "type": "OPEN_THREAD", "ad_id": "6"}
    },
    "consent to notifications": {"optin": {"type": "notification_messages", "payload": "x"}},
    "one more consent": {"optin": {"type": "one_time_notif_req", "payload": "x"}},
    "linked account": {"account_linking": {"status": "linked", "authorization_code": "x"}},
    "praise of an answer": {"response_feedback": {"feedback": "Good response", "mid": "m_0"}},
    "pass": {"pass_thread_control": {"new_owner_app_id": SALES_BOT}},
    "something new": {"quantum_leap": {"mid": "m_0"}},
}


def person_does(content, *, standby=False):
    item = {"sender": {"id": PSID}, "recipient": {"id": PAGE}, "timestamp": 1, **content}
    return webhook.read(item, page=PAGE, standby=standby)


def page_does(content):
    item = {"sender": {"id": PAGE}, "recipient": {"id": PSID}, "timestamp": 1, **content}
    return webhook.read(item, page=PAGE)


@pytest.mark.parametrize("standby", [False, True])
@pytest.mark.parametrize("content", OPENS.values(), ids=OPENS)
def test_whatever_metas_list_names_opens_the_window(content, standby):
    assert opens(person_does(content, standby=standby))


@pytest.mark.parametrize("content", OPENS_NOTHING.values(), ids=OPENS_NOTHING)
def test_nothing_else_does(content):
    assert not opens(person_does(content))


@pytest.mark.parametrize(
    "content", [{"message": {"is_echo": True, "mid": "m_0", "text": "we are open"}}, OPENS["reaction"]]
)
def test_what_the_page_does_opens_nothing(content):
    assert not opens(page_does(content))


# --- and in a thread ---------------------------------------------------------------------------------


def happens(play, content, *, channel="messaging"):
    now = int(play.clock() * 1000)
    item = {"sender": {"id": PSID}, "recipient": {"id": play.page.page_id}, "timestamp": now, **content}
    play.deliver(item, channel=channel)
    play.work()


def an_agent(play):
    return AgentReplies(
        play.settings, play.store, play.graph, play.thread_control, play.clock, sleep=lambda seconds: None
    )


def sent(play):
    return [body for name, body in play.meta.calls if name == "messages"]


@pytest.mark.parametrize("channel", ["messaging", "standby"])
@pytest.mark.parametrize("what", ["reaction", "link", "button of another app", "plugin"])
def test_an_agent_answers_as_usual_once_the_person_has_opened_the_window_again(play, what, channel):
    play.hands_over()
    play.clock.passes(200 * HOUR)
    agent = an_agent(play)
    assert not agent.sending_rules(play.row).can_reply

    happens(play, OPENS[what], channel=channel)

    assert agent.sending_rules(play.row) == (True, "", "")
    play.meta.calls.clear()
    agent.reply(PSID, "Glad you like it.")
    assert [body["messaging_type"] for body in sent(play)] == ["RESPONSE"]


def test_what_the_person_got_or_read_reopens_nothing(play):
    play.hands_over()
    play.clock.passes(200 * HOUR)

    for what in ("delivery", "read", "edit", "reaction taken back"):
        happens(play, OPENS_NOTHING[what])

    assert not an_agent(play).sending_rules(play.row).can_reply


def test_a_reaction_is_no_message_that_waits_for_an_answer(play):
    play.hands_over()
    an_agent(play).reply(PSID, "Hello.")
    before = play.row

    play.clock.passes(60)
    happens(play, OPENS["reaction"])

    assert play.row.waiting_since is None
    assert play.row.person_at == before.person_at < play.row.window_at


def test_where_nobody_knows_when_the_person_wrote_everybody_lets_meta_decide(play):
    inbox = dataclasses.replace(play.settings.inbox, joined="{agent} is here.")
    settings = dataclasses.replace(play.settings, inbox=inbox)
    thread_control = type(play.thread_control)(settings, play.store, play.graph, play.clock)
    play.says("hello")
    thread_control.hand_over(PSID)
    with play.store.writing() as connection:
        connection.exec_driver_sql("UPDATE threads SET window_at = 0, person_at = 0")
    play.meta.calls.clear()

    thread_control.tell_joined(PSID, "Sara")

    assert an_agent(play).reply(PSID, "Hello.").state == SENT
    assert [body["messaging_type"] for body in sent(play)] == ["RESPONSE", "RESPONSE"]


def test_the_notice_that_somebody_has_joined_goes_out_where_a_reaction_opened_the_window(play):
    inbox = dataclasses.replace(play.settings.inbox, joined="{agent} is here.")
    settings = dataclasses.replace(play.settings, inbox=inbox)
    thread_control = type(play.thread_control)(settings, play.store, play.graph, play.clock)
    play.hands_over()
    play.clock.passes(30 * HOUR)
    happens(play, OPENS["reaction"])
    play.meta.calls.clear()

    thread_control.tell_joined(PSID, "Sara")

    assert [body["message"]["text"] for body in sent(play)] == ["Sara is here."]


@pytest.mark.parametrize(
    ("hours", "ending"),
    [
        (21.9, None),
        (22, ("standard", 2 * HOUR)),
        (23.5, ("standard", 0.5 * HOUR)),
        (24, None),
        (143.9, None),
        (144, ("human_agent", 24 * HOUR)),
        (168, ("over", 0)),
    ],
)
def test_a_window_is_said_to_end_two_hours_or_a_day_before_it_does(hours, ending):
    assert messaging_window.ends_soon(hours * HOUR) == ending


def test_of_a_window_that_nobody_knows_nothing_is_said():
    assert messaging_window.ends_soon(None) is None
