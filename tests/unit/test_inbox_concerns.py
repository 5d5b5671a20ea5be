"""Tests what an agent's page is told of, whatever list it shows."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from inbox_page import SARA, add_agents, get, post, services_of
from play import PSID

from handover_channel.inbox import concerns, routes
from handover_channel.store import conversation_lists, threads, transcript
from handover_channel.store.schema import threads as rows
from handover_channel.store.transcript import PERSON, Line


@pytest.fixture
def services(play):
    services = services_of(play)
    add_agents(play, "sara", "omar")
    play.hands_over()
    yield services
    services.pools.shutdown()


def writes(play, text, at):
    with play.store.writing() as connection:
        transcript.add(connection, PSID, Line(PERSON, text, at, mid=f"m{at}"))
        connection.execute(sa.update(rows).where(rows.c.id == PSID).values(person_at=at))


def of(play, agent):
    with play.store.reading() as connection:
        return concerns.of_agent(connection, agent, {"sara": "Sara", "omar": "Omar"})


def kinds(play, agent):
    return [each.kind for each in of(play, agent).notices]


async def test_a_new_message_concerns_who_has_the_conversation_until_they_have_looked(play, services):
    await routes.claim(services, post(assignee_seen=""))
    at = int(play.clock() * 1000) + 5000
    writes(play, "hello?", at)

    (notice,) = of(play, "sara").notices
    assert (of(play, "sara").unread, notice.kind, notice.words, notice.at) == (
        1,
        "message",
        "hello?",
        at / 1000,
    )
    assert of(play, "omar").notices == []
    for visitor_list in ("waiting", "mine", "bot"):
        shown = await routes.show_list(services, get(query=f"list={visitor_list}"))
        assert 'data-unread="1"' in shown.content
        assert 'data-notice="message"' in shown.content

    await routes.show_panel(services, get())
    assert (of(play, "sara").unread, kinds(play, "sara")) == (0, [])


async def test_what_is_shown_behind_another_window_stays_unread(play, services):
    await routes.claim(services, post(assignee_seen=""))
    writes(play, "hello?", int(play.clock() * 1000) + 5000)

    await routes.show_panel(services, get(headers={"x-by-itself": "unseen"}))
    assert of(play, "sara").unread == 1
    await routes.show_panel(services, get(headers={"x-by-itself": "1"}))
    assert of(play, "sara").unread == 0


async def test_what_a_colleague_gives_is_told_with_their_name_and_what_one_takes_is_not(play, services):
    await routes.assign(services, post(agent="omar", assignee_seen=""))
    given = [each for each in of(play, "omar").notices if each.kind == "given"]
    assert [(each.who, each.at) for each in given] == [("Sara", play.row.assigned_at)]
    assert "given" not in kinds(play, SARA.name)

    await routes.assign(services, post(replace(SARA, name="omar"), agent="", assignee_seen="omar"))
    with play.store.reading() as connection:
        assert threads.get(connection, PSID).assigned_by == "omar"
    await routes.claim(services, post(assignee_seen=""))
    assert "given" not in kinds(play, "sara")


async def test_who_waits_concerns_everybody_and_a_later_message_is_news_again(play, services):
    since = play.row.waiting_since
    assert [(each.kind, each.at) for each in of(play, "sara").notices] == [("waits", since)]

    writes(play, "still here", int(since * 1000) + 9000)

    (notice,) = of(play, "omar").notices
    assert (notice.at, notice.words) == (since + 9, "still here")
    with play.store.writing() as connection:
        conversation_lists.mark_read(connection, PSID, "omar", 1)
    assert of(play, "omar").unread == 0  # nobody's is not theirs
