from __future__ import annotations

import threading
import time

import pytest
from play import DAY, LOST_ANSWER, OUTAGE, PSID

from handover_channel.errors import GraphUnavailable, Refused, StoreUnavailable
from handover_channel.replies.sending_rules import (
    NOT_HERE,
    NOT_REACHABLE,
    PEOPLE_ONLY,
    TOO_LATE,
    outside_rasa,
)
from handover_channel.replies.sent_parts import SentPart, part_of
from handover_channel.replies.service import NOT_ITS_TURN, AgentReplies
from handover_channel.store import replies, transcript
from handover_channel.store.replies import FAILED, NEVER_BEGUN, PERHAPS_DELIVERED, REPLY_WAITS_SECONDS, SENT

LONG = "A long story. " * 250


class Stopped(BaseException):
    """The process ends here."""


def raising(error):
    def does(*given, **more):
        raise error

    return does


@pytest.fixture
def agent(play):
    play.hands_over("inbox")
    play.meta.calls.clear()
    return an_agent(play)


def an_agent(play, **more):
    return AgentReplies(
        play.settings,
        play.store,
        play.graph,
        play.thread_control,
        play.clock,
        sleep=play.clock.passes,
        **more,
    )


def unsent(play):
    with play.store.reading() as connection:
        return replies.unsent(connection, PSID, now=play.clock())


def said(play):
    """Texts that the person got from the page."""
    return [entry["message"]["text"] for entry in play.page.thread(PSID).chat if entry["author"] != "person"]


def stops_while_sending(play, agent, text="Hello.", **given):
    """The process ends while Meta is called."""
    play.meta.during = raising(Stopped())
    with pytest.raises(Stopped):
        agent.reply(PSID, text, **given)
    play.meta.during = lambda name: None


# --- kept, sent, told apart -------------------------------------------------------------------------


def test_a_reply_is_kept_before_meta_is_called(play, agent):
    kept = []
    play.meta.during = lambda name: kept.extend(unsent(play))

    agent.reply(PSID, "Hello.", agent="nour")

    assert [(each.text, each.agent, each.state) for each in kept] == [("Hello.", "nour", replies.SENDING)]


def test_a_reply_that_was_sent_is_a_line_with_its_agent_and_kept_no_longer(play, agent):
    reply = agent.reply(PSID, "Hello.", agent="nour")

    with play.store.reading() as connection:
        line = transcript.of(connection, PSID)[-1]
    assert (reply.state, reply.text, unsent(play)) == (SENT, "", [])
    assert (line.author, line.agent, line.text) == (transcript.AGENT, "nour", "Hello.")


@pytest.mark.parametrize("outcome", ["sent", "failed"])
def test_a_repeated_click_is_the_same_reply(play, agent, outcome):
    if outcome == "failed":
        play.meta.fails("messages", OUTAGE)
    first = agent.reply(PSID, "Hello.", key="k1")

    again = agent.reply(PSID, "Hello.", key="k1")

    assert again == first
    assert again.state == outcome
    assert play.calls() == ["messages"]


@pytest.mark.parametrize(("thread", "name"), [(PSID, "somebody else"), ("7002", "nour")])
def test_a_key_of_another_reply_opens_nothing(play, agent, thread, name):
    agent.reply(PSID, "Hello.", key="k1", agent="nour")
    play.thread_control.hand_over("7002")

    with pytest.raises(Refused, match="sent already"):
        agent.reply(thread, "Hello.", key="k1", agent=name)


def test_what_agents_do_is_news_for_open_pages(play, agent, monkeypatch):
    told = []
    monkeypatch.setattr(
        "handover_channel.store.page_updates.add", lambda connection, thread, now: told.append(thread)
    )

    agent.reply(PSID, "Hello.")

    assert told == [PSID, PSID]  # kept, and sent


# --- failures ----------------------------------------------------------------------------------------


def test_a_refusal_stays_with_its_reason_and_remedy(play, agent):
    play.meta.fails("messages", OUTAGE)

    reply = agent.reply(PSID, "Hello.")

    assert [(each.text, each.state, each.error) for each in unsent(play)] == [("Hello.", FAILED, reply.error)]
    assert "down" in reply.error
    assert " -> " in reply.error


def test_a_retry_sends_it_and_a_second_one_does_nothing(play, agent):
    play.meta.fails("messages", OUTAGE)
    failed = agent.reply(PSID, "Hello.", agent="nour")

    states = [agent.retry(failed.id).state, agent.retry(failed.id).state]

    assert states == [SENT, SENT]
    assert said(play) == ["Hello."]
    with play.store.reading() as connection:
        assert transcript.of(connection, PSID)[-1].agent == "nour"


def test_of_two_retries_at_once_one_sends(play, agent):
    play.meta.fails("messages", OUTAGE)
    failed = agent.reply(PSID, "Hello.")
    with play.store.writing() as connection:
        assert replies.retry(connection, failed, now=play.clock())
        assert not replies.retry(connection, failed, now=play.clock())


def test_a_retry_goes_on_where_it_was_refused(play, agent):
    play.meta.during = lambda name: len(play.meta.calls) == 2 and play.meta.fails("messages", OUTAGE)
    failed = agent.reply(PSID, LONG)

    assert failed.has_failed
    assert len(said(play)) == 1
    assert agent.retry(failed.id).state == SENT
    assert " ".join(said(play)).split() == LONG.split()


def test_what_was_dropped_is_gone(play, agent):
    play.meta.fails("messages", OUTAGE)
    failed = agent.reply(PSID, "Hello.")

    assert agent.drop(failed.id)
    assert not agent.drop(failed.id)
    assert unsent(play) == []
    assert agent.retry(failed.id).state == replies.DROPPED
    assert said(play) == []


def test_a_reply_that_was_sent_cannot_be_dropped(play, agent):
    assert not agent.drop(agent.reply(PSID, "Hello.").id)


@pytest.mark.parametrize("act", ["retry", "drop"])
def test_only_replies_of_the_thread_that_is_shown_are_reached(play, agent, act):
    play.meta.fails("messages", OUTAGE)
    failed = agent.reply(PSID, "Hello.")

    for reply, thread in ((failed.id, "7002"), (failed.id + 1, PSID)):
        with pytest.raises(Refused, match="no such reply"):
            getattr(agent, act)(reply, thread=thread)

    assert [each.id for each in unsent(play)] == [failed.id]


def test_what_came_back_to_the_bot_meanwhile_is_not_sent_and_not_lost(play, agent):
    play.says("back to bot")

    reply = agent.reply(PSID, "Hello.")

    assert "not in the built-in inbox" in reply.error
    assert [each.text for each in unsent(play)] == ["Hello."]
    assert said(play) == []


# --- interruptions -----------------------------------------------------------------------------------


def test_what_an_ended_process_was_sending_has_perhaps_been_delivered(play, agent, store):
    worker = "elsewhere:1:x"
    reply = being_sent(play, worker)
    assert [each.state for each in unsent(play)] == [replies.SENDING]

    play.clock.passes(REPLY_WAITS_SECONDS + 1)

    assert [(each.id, each.error) for each in unsent(play)] == [(reply.id, PERHAPS_DELIVERED)]
    assert agent.retry(reply.id).state == SENT


def being_sent(play, worker, text="Hello."):
    """A reply that another process has begun to send."""
    with play.store.writing() as connection:
        reply = replies.add(connection, PSID, key=text, agent="nour", text=text, now=play.clock())
        assert replies.begin(connection, reply, worker=worker, now=play.clock())
    return reply


def test_what_nobody_has_begun_was_never_sent(play, agent):
    with play.store.writing() as connection:
        replies.add(connection, PSID, key="k", agent="nour", text="Hello.", now=play.clock())
    play.clock.passes(2 * REPLY_WAITS_SECONDS + 1)

    assert [each.error for each in unsent(play)] == [NEVER_BEGUN]


def test_an_error_of_ours_leaves_no_reply_that_is_sent_for_ever(play, agent):
    stops_while_sending(play, agent)

    assert [each.error for each in unsent(play)] == [PERHAPS_DELIVERED]


def test_an_echo_tells_that_an_interrupted_reply_was_delivered(play, agent, monkeypatch):
    monkeypatch.setattr("handover_channel.replies.sent_parts.note_sent", raising(Stopped()))
    with pytest.raises(Stopped):
        agent.reply(PSID, "Hello.", agent="nour")
    monkeypatch.undo()
    assert [each.error for each in unsent(play)] == [PERHAPS_DELIVERED]

    play.work()

    with play.store.reading() as connection:
        line = transcript.of(connection, PSID)[-1]
    assert (line.text, line.agent, unsent(play)) == ("Hello.", "nour", [])


def test_a_retry_sends_nothing_again_whose_echo_waits_in_the_queue(play, agent, monkeypatch):
    monkeypatch.setattr("handover_channel.replies.sent_parts.note_sent", raising(Stopped()))
    with pytest.raises(Stopped):
        agent.reply(PSID, "Hello.")
    monkeypatch.undo()
    play.receive()

    agent.retry(unsent(play)[0].id)
    play.work()

    assert said(play) == ["Hello."]
    assert unsent(play) == []


def test_an_answer_of_metas_that_was_lost_is_made_good_by_the_echo(play, agent):
    play.meta.fails("messages", LOST_ANSWER)
    assert agent.reply(PSID, "Hello.").has_failed

    play.work()

    assert unsent(play) == []
    assert play.lines[-1] == ("agent", "Hello.")


def test_each_message_is_one_line_whoever_notes_it_first(play, agent):
    play.meta.during = lambda name: play.work()  # echoes of the first come while the second is sent
    agent.reply(PSID, LONG)
    play.meta.during = lambda name: None
    play.work()

    assert " ".join(text for author, text in play.lines if author == "agent").split() == LONG.split()


def test_echoes_of_other_replies_than_ours_change_nothing(play, agent):
    before = play.lines
    for tag in ("reply.99.1.1", "reply.x.1.1", "reply.1"):
        message = {
            "mid": tag,
            "is_echo": True,
            "app_id": int(play.settings.app_id),
            "metadata": f"rasa-handover:{tag}",
            "text": "?",
        }
        people = {"sender": {"id": play.page.page_id}, "recipient": {"id": PSID}}
        play.deliver({**people, "timestamp": int(play.clock() * 1000), "message": message})
    play.work()

    assert play.lines == before


def test_a_store_that_fails_after_the_sending_leaves_it_to_the_echo(play, agent, monkeypatch):
    monkeypatch.setattr("handover_channel.replies.sent_parts.note_sent", raising(StoreUnavailable("gone")))
    with pytest.raises(StoreUnavailable):
        agent.reply(PSID, "Hello.")
    monkeypatch.undo()

    assert [each.error for each in unsent(play)] == [PERHAPS_DELIVERED]


# --- order -------------------------------------------------------------------------------------------


def test_a_reply_waits_for_the_one_before_it(play, agent):
    first = being_sent(play, "elsewhere:1:x", "First.")

    def passes(seconds):
        play.clock.passes(seconds)
        if play.clock() - first.at > 3:
            with play.store.writing() as connection:
                replies.sent(connection, first.id)
                replies.release(connection, first, worker="elsewhere:1:x")

    second = AgentReplies(
        play.settings, play.store, play.graph, play.thread_control, play.clock, sleep=passes
    ).reply(PSID, "Second.")

    assert second.state == SENT
    assert play.clock() - first.at > 3


def test_a_reply_that_waits_too_long_says_why(play, agent):
    being_sent(play, "elsewhere:1:x", "First.")

    def passes(seconds):
        play.clock.passes(seconds)
        with play.store.writing() as connection:
            (first, *_) = replies.unsent(connection, PSID, now=play.clock())
            replies.renew(connection, first, worker="elsewhere:1:x", now=play.clock())

    second = AgentReplies(
        play.settings, play.store, play.graph, play.thread_control, play.clock, sleep=passes
    ).reply(PSID, "Second.")

    assert second.error == NOT_ITS_TURN
    assert said(play) == []


def test_replies_that_are_written_while_one_is_sent_go_out_in_order_and_one_at_a_time(play, agent):
    texts = [f"Message {number}." for number in range(4)]
    go_on, at_once, most = threading.Event(), [], []

    def during(name):
        at_once.append(name)
        most.append(len(at_once))
        go_on.wait(20)
        at_once.remove(name)

    play.meta.during = during
    patient = AgentReplies(
        play.settings,
        play.store,
        play.graph,
        play.thread_control,
        play.clock,
        sleep=lambda _: time.sleep(0.01),
    )
    writers = [threading.Thread(target=patient.reply, args=(PSID, text)) for text in texts]
    for number, writer in enumerate(writers, start=1):
        writer.start()
        while len(unsent(play)) < number:
            assert writer.is_alive()
    go_on.set()
    for writer in writers:
        writer.join(timeout=30)

    assert said(play) == texts
    assert max(most) == 1


def test_a_reply_that_failed_holds_nothing_up(play, agent):
    play.meta.fails("messages", OUTAGE)
    agent.reply(PSID, "First.")

    assert agent.reply(PSID, "Second.").state == SENT
    assert [each.text for each in unsent(play)] == ["First."]


# --- what is possible, told in advance ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (60, (True, "", "")),
        (DAY - 1, (True, "", "")),
        (DAY, (True, "", PEOPLE_ONLY)),
        (7 * DAY - 1, (True, "", PEOPLE_ONLY)),
        (7 * DAY, (False, TOO_LATE, "")),
    ],
)
def test_the_page_tells_what_meta_will_take(play, agent, seconds, told):
    written_at = play.row.person_at / 1000
    play.clock.now = written_at + seconds

    assert agent.sending_rules(play.row) == told
    assert (agent.reply(PSID, "Hello.").state == SENT) == told[0]


def test_nothing_can_be_sent_while_the_bot_or_an_app_has_control(play):
    play.hands_over("sales_bot")
    assert an_agent(play).sending_rules(play.row) == (False, NOT_HERE, "")
    play.says("back to bot")
    assert an_agent(play).sending_rules(play.row) == (False, NOT_HERE, "")


# --- other channels ----------------------------------------------------------------------------------


def on_telegram(play, port):
    row = play.thread_control.hand_over("t1", channel="telegram")
    return row, an_agent(play, port_of={"telegram": port}.get)


def test_another_channel_is_answered_through_its_port(play):
    sent = []
    row, agent = on_telegram(play, lambda thread, text: sent.append((thread, text)))

    reply = agent.reply("t1", "One.\n\nTwo.", agent="nour")

    assert agent.sending_rules(row) == (True, "", "")
    assert (reply.state, sent) == (SENT, [("t1", "One."), ("t1", "Two.")])
    with play.store.reading() as connection:
        lines = transcript.of(connection, "t1")
    assert [(line.text, line.agent, line.app_id) for line in lines] == [
        ("One.", "nour", ""),
        ("Two.", "nour", ""),
    ]
    assert not play.meta.calls


def test_there_are_no_windows_on_other_channels(play):
    row, agent = on_telegram(play, lambda thread, text: None)
    play.clock.passes(30 * DAY)

    assert agent.sending_rules(row).can_reply


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (GraphUnavailable("no line", remedy="wait"), "no line -> wait"),
        (ValueError("a secret token"), "channel 'telegram' did not take it (ValueError) -> send it again"),
    ],
)
def test_what_a_port_refuses_is_told_in_words(play, error, told):
    _, agent = on_telegram(play, raising(error))

    assert agent.reply("t1", "Hello.").error == told


def test_a_program_beside_rasa_says_where_another_channel_can_be_answered(play):
    play.thread_control.hand_over("s1", channel="socketio")

    refused = an_agent(play, port_of=outside_rasa).reply("s1", "Hello.").error

    assert refused == (
        "this conversation is on channel 'socketio', where only Rasa's own process can send -> answer it in "
        "the inbox, at /webhooks/inbox/ of Rasa"
    )


def test_nobody_is_led_to_the_inbox_for_a_channel_that_it_cannot_answer_either(play):
    play.thread_control.hand_over("r1", channel="rest")

    assert an_agent(play, port_of=outside_rasa).reply("r1", "Hello.").error == NOT_REACHABLE


def test_a_channel_without_a_port_is_known_in_advance(play):
    row = play.thread_control.hand_over("r1", channel="rest")

    assert an_agent(play).sending_rules(row) == (False, NOT_REACHABLE, "")


# --- tags --------------------------------------------------------------------------------------------


def test_a_tag_names_one_message_of_a_reply():
    assert part_of(SentPart(17, 2, 3).tag) == SentPart(17, 2, 3)


@pytest.mark.parametrize("tag", ["", "17.1", "reply.1.1", "reply.1.1.1.1", "reply.-1.1.1", "reply.1.1.1\n"])
def test_other_tags_are_no_replies(tag):
    assert part_of(tag) is None
