from __future__ import annotations

import re
from datetime import timedelta

import pytest

from handover_channel.control.thread_control import ThreadControl
from handover_channel.errors import NotThreadOwner, Refused
from handover_channel.graph_api.client import ThreadOwner
from handover_channel.replies.service import AgentReplies
from handover_channel.rules.messaging_window import messaging_type
from handover_channel.settings.credentials import Page
from handover_channel.settings.loader import Grants, Settings
from handover_channel.settings.locations import GraphApiSettings
from handover_channel.settings.return_options import ReturnOptions
from handover_channel.settings.targets import Target, TargetKind
from handover_channel.store import Store, deadlines, replies, thread_activity, threads, transcript

PSID = "24680"
NOW = 1_700_000_000.0
DAY = 24 * 60 * 60


class Graph:
    """Takes every message, or refuses with `refusal`."""

    refusal = None

    def __init__(self):
        self.sent = []

    def thread_owner(self, token, thread):
        return ThreadOwner()

    def send(self, token, body):
        if self.refusal:
            raise self.refusal
        self.sent.append((token, body))
        return {"recipient_id": PSID, "message_id": f"m_{len(self.sent)}"}


@pytest.fixture
def graph():
    return Graph()


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/handover.db")
    yield store
    store.close()


@pytest.fixture
def settings():
    inbox = Target(
        "inbox", TargetKind.INBOX, time_limit=timedelta(hours=12), answer_within=timedelta(minutes=5)
    )
    return Settings(
        app_id="1",
        database="",
        graph_api=GraphApiSettings(),
        default_target="inbox",
        targets={"inbox": inbox},
        returning=ReturnOptions(),
        grant_requests=Grants.NONE,
        pages=(Page("", "the token"),),
        secret="",
    )


@pytest.fixture
def thread_control(settings, store, graph):
    return ThreadControl(settings, store, graph, lambda: NOW)


@pytest.fixture
def agent(settings, store, graph, thread_control):
    return AgentReplies(settings, store, graph, thread_control, lambda: NOW)


def _person_wrote(store, *, seconds_ago: float) -> None:
    with store.writing() as connection:
        threads.get_or_add(connection, PSID, channel="facebook", page="", now=NOW)
        at = int((NOW - seconds_ago) * 1000)
        thread_activity.touch(connection, PSID, page="", seen=at, now=NOW, person_at=at)


def test_an_answer_goes_out_as_the_page_and_into_the_transcript(agent, store, thread_control, graph):
    _person_wrote(store, seconds_ago=60)
    thread_control.hand_over(PSID)

    reply = agent.reply(PSID, "Hello, this is Nour.")

    assert reply.state == replies.SENT
    message = {"text": "Hello, this is Nour.", "metadata": "rasa-handover:reply.1.1.1"}
    assert graph.sent == [
        ("the token", {"recipient": {"id": PSID}, "messaging_type": "RESPONSE", "message": message})
    ]
    with store.reading() as connection:
        (line,) = transcript.of(connection, PSID)
    assert (line.author, line.text, line.mid) == (transcript.AGENT, "Hello, this is Nour.", "m_1")


def test_the_first_answer_ends_the_wait_for_one_and_not_the_time_limit(agent, store, thread_control):
    thread_control.hand_over(PSID)

    agent.reply(PSID, "Hello.")

    with store.reading() as connection:
        due = deadlines.due(connection, now=NOW + DAY, limit=10)
    assert [deadline.kind for deadline in due] == [deadlines.TIME_LIMIT]


def test_a_long_answer_goes_out_in_order_and_in_pieces(agent, thread_control, graph):
    thread_control.hand_over(PSID)

    agent.reply(PSID, "word " * 900)

    pieces = [body["message"]["text"] for _, body in graph.sent]
    assert len(pieces) == 3
    assert " ".join(pieces).split() == ["word"] * 900


def test_an_answer_on_the_second_day_carries_the_tag_for_people(agent, store, thread_control, graph):
    _person_wrote(store, seconds_ago=DAY + 60)
    thread_control.hand_over(PSID)

    agent.reply(PSID, "Sorry for the delay.")

    ((_, body),) = graph.sent
    assert (body["messaging_type"], body["tag"]) == ("MESSAGE_TAG", "HUMAN_AGENT")


@pytest.mark.parametrize(
    ("silence", "tag"), [(0, None), (DAY - 1, None), (DAY, "HUMAN_AGENT"), (7 * DAY - 1, "HUMAN_AGENT")]
)
def test_only_between_one_day_and_seven_an_answer_is_tagged(silence, tag):
    assert messaging_type(silence).get("tag") == tag


def test_after_seven_days_the_agent_is_told_that_meta_takes_nothing(agent, store, thread_control, graph):
    _person_wrote(store, seconds_ago=7 * DAY)
    thread_control.hand_over(PSID)

    reply = agent.reply(PSID, "Still there?")

    assert reply.has_failed
    assert re.search("7 days ago.* -> wait until the customer writes again", reply.error)
    assert not graph.sent


def test_the_bot_and_an_agent_never_speak_at_once(agent, store, graph):
    _person_wrote(store, seconds_ago=60)

    reply = agent.reply(PSID, "Hello.")

    assert "is with 'bot', not in the built-in inbox" in reply.error
    assert not graph.sent


def test_a_thread_that_was_never_seen_is_no_thread(agent, store):
    with pytest.raises(Refused, match="was never seen"):
        agent.reply(PSID, "Hello.")

    with store.reading() as connection:
        assert threads.get(connection, PSID) is None


def test_a_channel_that_only_answers_requests_is_not_reached(agent, thread_control):
    row = thread_control.hand_over(PSID, channel="rest")

    assert not agent.sending_rules(row).can_reply
    assert agent.reply(PSID, "Hello.").error == agent.sending_rules(row).why_not


@pytest.mark.parametrize("text", ["", " \n\n "])
def test_nothing_is_no_answer(agent, thread_control, text):
    thread_control.hand_over(PSID)

    with pytest.raises(Refused, match="the text is empty"):
        agent.reply(PSID, text)


def test_what_meta_refuses_is_not_in_the_transcript(agent, store, thread_control, graph):
    thread_control.hand_over(PSID)
    graph.refusal = NotThreadOwner("(#10) not the owner", code=10, subcode=2018300)

    assert agent.reply(PSID, "Hello.").error == "(#10) not the owner"

    with store.reading() as connection:
        assert transcript.of(connection, PSID) == []
