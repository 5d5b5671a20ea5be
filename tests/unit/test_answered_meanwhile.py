"""Tests that nobody answers past a colleague's reply that their page has not shown."""

from __future__ import annotations

import pytest
from inbox_page import SARA, add_agents, post, services_of
from play import PSID

from handover_channel.errors import AskFirst
from handover_channel.inbox import refusals, routes
from handover_channel.store import answers, replies, transcript
from handover_channel.store.answers import Mark, mark_of
from handover_channel.store.replies import FAILED
from handover_channel.store.transcript import AGENT, APP, BOT, Line


@pytest.fixture
def services(play):
    services = services_of(play)
    add_agents(play, "sara", "omar")
    play.hands_over()
    yield services
    services.pools.shutdown()


def answered(play, agent="omar", text="On it.", key="o1"):
    with play.store.writing() as connection:
        kept = replies.add(connection, PSID, key=key, agent=agent, text=text, now=play.clock())
        replies.sent(connection, kept.id)
        transcript.add(connection, PSID, Line(AGENT, text, 1, mid=key, agent=agent))
    return kept.id


def said(play, author, text, mid):
    with play.store.writing() as connection:
        transcript.add(connection, PSID, Line(author, text, 1, mid=mid, app_id="263902037430900"))


def kept(play):
    with play.store.reading() as connection:
        return replies.has_written(connection, PSID, "sara", since=0.0)


async def test_a_page_that_has_shown_nothing_is_asked_and_nothing_is_kept_or_claimed(play, services):
    number = answered(play)

    with pytest.raises(AskFirst, match="Omar has answered since you wrote this") as asked:
        await routes.reply(services, post(text="Hello.", key="k1"))

    assert asked.value.consent == {"seen": f"{number}.0"}
    assert (kept(play), play.row.assignee) == (False, "")


async def test_whoever_means_it_says_so_and_the_same_reply_goes_once(play, services):
    number = answered(play)

    for _ in range(2):
        await routes.reply(services, post(text="Hello.", key="k1", seen=f"{number}.0"))

    assert kept(play)


async def test_a_request_that_the_browser_repeats_is_not_asked_about(play, services):
    await routes.reply(services, post(text="Hello.", key="k1", seen="0.0"))
    answered(play)

    await routes.reply(services, post(text="Hello.", key="k1", seen="0.0"))

    with pytest.raises(AskFirst):
        await routes.reply(services, post(text="Hello.", key="k2", seen="0.0"))


async def test_of_two_who_answer_at_the_same_moment_the_second_one_is_asked(play, services, monkeypatch):
    def other_is_faster(row, agent):
        answered(play)

    monkeypatch.setattr(services.commands, "claim_for_answer", other_is_faster)  # after the first look

    with pytest.raises(AskFirst):
        await routes.reply(services, post(text="Hello.", key="k1", seen="0.0"))

    assert not kept(play)


async def test_an_answer_from_outside_counts_and_what_speaks_by_itself_does_not(play, services):
    said(play, BOT, "A person answers soon.", "m1")
    said(play, "automatic_reply", "We are closed.", "m2")
    await routes.reply(services, post(text="One.", key="k1", seen="0.0"))

    said(play, APP, "From the Page inbox.", "m3")

    with pytest.raises(AskFirst, match="somebody outside this inbox has answered") as asked:
        await routes.reply(services, post(text="Two.", key="k2", seen="0.0"))
    assert asked.value.words == "From the Page inbox."


async def test_a_colleagues_reply_that_failed_has_reached_nobody(play, services):
    with play.store.writing() as connection:
        failed = replies.add(connection, PSID, key="o1", agent="omar", text="No.", now=play.clock())
        replies.failed(connection, failed.id, "in vain")
        assert replies.get(connection, failed.id, now=play.clock()).state == FAILED

    await routes.reply(services, post(text="Hello.", key="k1", seen="0.0"))

    assert kept(play)


async def test_in_a_colleagues_conversation_one_question_is_about_both(play, services):
    await routes.assign(services, post(agent="omar", assignee_seen=""))
    number = answered(play)

    with pytest.raises(AskFirst, match="Omar has this conversation") as asked:
        await routes.reply(services, post(text="Hello.", key="k1", seen="0.0"))

    assert asked.value.words == "On it."
    assert asked.value.consent == {"despite": "omar", "seen": f"{number}.0"}
    await routes.reply(services, post(text="Hello.", key="k1", **asked.value.consent))
    assert (kept(play), play.row.assignee) == (True, "omar")


@pytest.mark.parametrize("script", [True, False])
async def test_the_question_has_the_text_for_a_page_without_script(services, script):
    request = post(text="My <text>", key="k1")
    if not script:
        request.headers.clear()
    error = AskFirst("%(who)s has answered", who="Omar", consent={"seen": "1.0"}, words="On it.")

    answer = await refusals.refusal(services, request, error)

    assert answer.status == 409
    assert "On it." in answer.content
    assert ("My &lt;text&gt;" in answer.content) is not script
    assert ('data-seen="1.0"' if script else 'name="seen" value="1.0"') in answer.content


@pytest.mark.parametrize("text", ["", "x", "1", "1.", "-1.0", "1.0.0", "9" * 19 + ".0", "1.0\n"])
def test_what_is_no_mark_has_shown_nothing(text):
    assert mark_of(text) == Mark()
    assert mark_of(str(Mark(3, 4))) == Mark(3, 4)


def test_ones_own_replies_are_none_of_somebody_else(play, services):
    answered(play, agent="sara")

    with play.store.reading() as connection:
        assert answers.newer(connection, PSID, but_of=SARA.name, than=Mark()) is None
