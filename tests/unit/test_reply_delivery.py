"""Files and personas: what goes to Meta for an agent."""

from __future__ import annotations

import json

import pytest
from play import OUTAGE, PSID

from handover_channel.errors import GraphError, Refused
from handover_channel.graph_api.personas import ASK_AGAIN_AFTER_REFUSAL
from handover_channel.replies.sending_rules import LARGEST_FILE, kind_of
from handover_channel.replies.service import AgentReplies
from handover_channel.settings.inbox import InboxSettings
from handover_channel.simulator.refusals import Refusal
from handover_channel.store import agents, replies, transcript
from handover_channel.store.agents import Agent as Row
from handover_channel.store.replies import SENT, File
from handover_channel.store.schema import agents as table

PDF = File("Rechnung März.pdf", "application/pdf", b"%PDF-1.7")


class Graph:
    """Takes every message, or refuses with the next of `refusals`."""

    def __init__(self):
        self.sent, self.refusals = [], []

    def send(self, token, body, upload=None):
        if self.refusals:
            raise self.refusals.pop(0)
        self.sent.append((body["message"], upload))
        return {"message_id": f"m_{len(self.sent)}"}


@pytest.fixture
def graph():
    return Graph()


@pytest.fixture
def agent(play, graph):
    play.hands_over("inbox")
    return AgentReplies(play.settings, play.store, graph, play.thread_control, play.clock)


# --- files -------------------------------------------------------------------------------------------


def test_a_file_goes_out_behind_its_text(agent, graph):
    reply = agent.reply(PSID, "Your bill:", file=PDF)

    assert reply.state == SENT
    assert [(message.get("text"), upload) for message, upload in graph.sent] == [
        ("Your bill:", None),
        (None, PDF),
    ]
    message, _ = graph.sent[1]
    assert message["attachment"] == {"type": "file", "payload": {}}
    assert message["metadata"] == f"rasa-handover:reply.{reply.id}.2.2"


def test_a_file_alone_is_a_reply(agent, graph):
    assert agent.reply(PSID, "", file=PDF).state == SENT
    assert len(graph.sent) == 1


@pytest.mark.parametrize(
    ("file_type", "kind"),
    [
        ("image/png", "image"),
        ("IMAGE/JPEG", "image"),
        ("image/gif; x=y", "image"),
        ("image/svg+xml", "file"),
        ("audio/mpeg", "audio"),
        ("video/mp4", "video"),
        ("text/html", "file"),
        ("application/octet-stream", "file"),
        ("", "file"),
    ],
)
def test_metas_kinds_of_files(file_type, kind):
    assert kind_of(file_type) == kind


def test_a_file_that_failed_is_sent_by_a_retry_and_kept_no_longer(play, agent, graph):
    graph.refusals = [GraphError("no")]
    failed = agent.reply(PSID, "", file=PDF)
    assert failed.file_name == PDF.name

    assert agent.retry(failed.id).state == SENT
    assert graph.sent[0][1] == PDF
    with play.store.reading() as connection:
        assert replies.file_of(connection, failed) is None


def test_the_text_is_not_sent_again_where_only_the_file_was_refused(agent, graph, monkeypatch):
    real = graph.send

    def refuses_files(token, body, upload=None):
        if upload:
            raise GraphError("no")
        return real(token, body)

    monkeypatch.setattr(graph, "send", refuses_files)
    failed = agent.reply(PSID, "Your bill:", file=PDF)
    monkeypatch.undo()
    agent.retry(failed.id)

    assert [message.get("text") for message, _ in graph.sent] == ["Your bill:", None]


def echo_comes(play, tag):
    """Deliver the echo of a file."""
    message = {
        "mid": "m_1",
        "is_echo": True,
        "app_id": 1234567890,
        "metadata": tag,
        "attachments": [{"type": "file", "payload": {"url": "https://cdn.example.com/1"}}],
    }
    people = {"sender": {"id": play.page.page_id}, "recipient": {"id": PSID}}
    play.deliver({**people, "timestamp": int(play.clock() * 1000), "message": message})
    play.work()


def last_file(play):
    with play.store.reading() as connection:
        (file,) = transcript.of(connection, PSID)[-1].attachments
    return (file.type, file.title, file.url)


def test_a_line_of_a_file_has_its_name_and_by_the_echo_its_address(play, agent, graph):
    reply = agent.reply(PSID, "", file=PDF)
    before = last_file(play)
    echo_comes(play, graph.sent[0][0]["metadata"])

    assert reply.state == SENT
    assert before == ("file", PDF.name, "")
    assert last_file(play) == ("file", PDF.name, "https://cdn.example.com/1")


def test_an_echo_that_is_faster_than_metas_answer_does_not_cost_the_address(play, agent, graph, monkeypatch):
    send = graph.send

    def send_slowly(token, body, upload=None):
        answer = send(token, body, upload)
        echo_comes(play, body["message"]["metadata"])
        return answer

    monkeypatch.setattr(graph, "send", send_slowly)
    reply = agent.reply(PSID, "", file=PDF)

    assert reply.state == SENT
    assert last_file(play) == ("file", PDF.name, "https://cdn.example.com/1")


@pytest.mark.parametrize(
    ("content", "told"), [(b"", "is empty"), (b"x" * (LARGEST_FILE + 1), "Meta takes 25 MB at most")]
)
def test_a_file_that_cannot_be_sent_is_refused_before_it_is_kept(agent, graph, content, told):
    with pytest.raises(Refused, match=told):
        agent.reply(PSID, "x", file=File("a", "image/png", content))

    assert not graph.sent


def test_files_are_for_messenger_alone(play, agent):
    play.thread_control.hand_over("t1", channel="telegram")

    with pytest.raises(Refused, match="files cannot be sent on channel 'telegram'"):
        agent.reply("t1", "x", file=PDF)


# --- personas ----------------------------------------------------------------------------------------


@pytest.fixture
def nour(store):
    with store.writing() as connection:
        agents.add(connection, Row("nour", "Nour", "-", picture="https://x.example/n.png"))


@pytest.fixture
def with_personas(make_play, nour):
    play = make_play(inbox=InboxSettings(personas=True))
    play.hands_over("inbox")
    play.calls()
    return play


def agent_of(play):
    return AgentReplies(play.settings, play.store, play.graph, play.thread_control, play.clock)


def personas_of(play):
    """Names under which the page's messages were shown."""
    ids = [entry.get("persona_id") for entry in play.page.thread(PSID).chat if entry["author"] != "person"]
    return [play.page.personas[each]["name"] if each else None for each in ids]


def test_an_agent_answers_under_their_own_name(with_personas):
    play = with_personas
    for _ in range(2):
        agent_of(play).reply(PSID, "Hello.", agent="nour")

    assert personas_of(play) == ["Nour", "Nour"]
    assert play.calls() == ["personas", "messages", "messages"]


def test_without_the_setting_the_page_answers(play, nour):
    play.hands_over("inbox")
    agent_of(play).reply(PSID, "Hello.", agent="nour")

    assert personas_of(play) == [None]


def test_the_command_line_has_no_persona(with_personas):
    agent_of(with_personas).reply(PSID, "Hello.")

    assert personas_of(with_personas) == [None]


def test_a_new_name_is_a_new_persona(with_personas):
    play = with_personas
    agent_of(play).reply(PSID, "Hello.", agent="nour")
    with play.store.writing() as connection:
        connection.execute(table.update().values(shown_name="Nour K."))
    agent_of(play).reply(PSID, "Hello.", agent="nour")

    assert personas_of(play) == ["Nour", "Nour K."]


@pytest.mark.parametrize("fault", [OUTAGE, Refusal(100, "(#100) no picture")])
def test_a_persona_that_is_refused_holds_no_reply_up(with_personas, fault):
    play, agent = with_personas, agent_of(with_personas)
    play.meta.fails("personas", fault)
    for _ in range(2):
        assert agent.reply(PSID, "Hello.", agent="nour").state == SENT
    assert play.calls() == ["personas", "messages", "messages"]

    play.clock.passes(ASK_AGAIN_AFTER_REFUSAL + 1)
    agent.reply(PSID, "Hello.", agent="nour")

    assert personas_of(play) == [None, None, "Nour"]


def test_a_reply_that_is_refused_with_its_persona_goes_out_without(with_personas):
    play, agent = with_personas, agent_of(with_personas)
    agent.reply(PSID, "One.", agent="nour")
    play.meta.fails("messages", Refusal(100, "(#100) Invalid persona"))
    assert agent.reply(PSID, "Two.", agent="nour").state == SENT
    agent.reply(PSID, "Three.", agent="nour")

    assert personas_of(play) == ["Nour", None, "Nour"]
    assert len(play.page.personas) == 2


def test_what_is_not_about_the_persona_is_not_tried_without(with_personas):
    play, agent = with_personas, agent_of(with_personas)
    agent.reply(PSID, "One.", agent="nour")
    play.calls()
    play.meta.fails("messages", Refusal(10, "(#10) another app", 2018300))

    assert agent.reply(PSID, "Two.", agent="nour").has_failed
    assert play.calls("thread_owner") == ["messages"]


def test_names_are_cut_to_what_meta_takes(with_personas):
    play = with_personas
    with play.store.writing() as connection:
        connection.execute(table.update().values(shown_name="N" * 80))
    agent_of(play).reply(PSID, "Hello.", agent="nour")

    assert personas_of(play) == ["N" * 50]


def test_personas_are_kept_by_page(with_personas):
    play = with_personas
    agent_of(play).reply(PSID, "Hello.", agent="nour")
    with play.store.reading() as connection:
        kept = json.loads(connection.execute(table.select()).mappings().one()["persona"])

    assert list(kept) == [play.row.page]


# --- whole or not at all -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["Your bill:", "", "   "])
@pytest.mark.parametrize(
    ("file", "told"),
    [
        (File("bill.pdf", "application/pdf", b""), "the file is empty -> choose another one"),
        (File("film.mp4", "video/mp4", b"x" * (LARGEST_FILE + 1)), "Meta takes 25 MB at most"),
    ],
)
def test_a_reply_whose_file_cannot_go_is_refused_with_its_text(agent, graph, play, text, file, told):
    with pytest.raises(Refused, match=told):
        agent.reply(PSID, text, file=file)

    assert graph.sent == []
    with play.store.reading() as connection:
        assert replies.unsent(connection, PSID, now=play.clock()) == []


def test_a_text_of_more_messages_than_one_reply_may_be_is_refused_whole(agent, graph):
    with pytest.raises(Refused, match=r"as long as \d+ messages, and 20 are sent at most"):
        agent.reply(PSID, "word " * 20_000)

    assert graph.sent == []


@pytest.mark.parametrize("text", ["\u200b", " \u00a0\ufeff\n", "\u2060\u200e"])
def test_a_text_that_nobody_can_see_is_none(agent, graph, text):
    with pytest.raises(Refused, match="there is nothing to send"):
        agent.reply(PSID, text)

    assert agent.reply(PSID, text, file=PDF).state == SENT
    assert [message.get("text") for message, _ in graph.sent] == [None]
