"""The search as agents use it: what the page answers, and the place at which it opens a conversation."""

from __future__ import annotations

import re

import pytest
from inbox_page import SARA, add_agents, get, services_of
from play import PSID

from handover_channel.errors import InputRefused
from handover_channel.inbox import places, routes, timeline
from handover_channel.inbox.search_indexing import HEARD_AFTER, SearchIndexing
from handover_channel.inbox.view_models import Said
from handover_channel.store import transcript
from handover_channel.store.transcript import AGENT, PERSON, Line


@pytest.fixture
def services(play):
    add_agents(play, "sara", "omar")
    found = services_of(play)
    yield found
    found.pools.shutdown()


@pytest.fixture
def heard(services, monkeypatch):
    """All that Rasa knows of each thread: to be added to."""
    said = []
    monkeypatch.setattr(services.bot, "said", lambda thread: said)
    return said


@pytest.fixture
def bring_in(play, services):
    """Bring everything into the search."""

    def bring_in():
        indexing = SearchIndexing(play.store, services.bot.said, play.clock)
        while indexing.step():
            pass

    return bring_in


def talk(play, *texts):
    """Write lines of the person and of an agent down, by turns, a second apart."""
    begin = int(play.clock() * 1000)
    with play.store.writing() as connection:
        for number, text in enumerate(texts):
            author = (PERSON, AGENT)[number % 2]
            transcript.add(connection, PSID, Line(author, text, begin + number * 1000, mid=f"t{number}"))


def lines(play):
    with play.store.reading() as connection:
        return {line.text: line.id for line in transcript.of(connection, PSID, 5000)}


async def panel(services, query, **headers):
    return (await routes.show_panel(services, get(query=query, headers=headers))).content


def entries(page):
    return re.findall(r'id="e-([a-z]+-\d+)"', page)


async def test_a_search_looks_into_all_lists_whichever_is_shown(play, services, bring_in):
    play.hands_over()
    play.says("my shoes are red")
    bring_in()

    for name in ("waiting", "mine", "bot", "returned"):
        shown = await routes.show_list(services, get(query=f"list={name}&search=SHOE"))
        assert "<mark>shoes</mark>" in shown.content
    only = await routes.show_list(services, get(query="list=bot&search=shoe&only=list"))
    assert "<mark>" not in only.content
    assert "Search everything" in only.content


@pytest.mark.parametrize(
    "search",
    [
        "%22",
        "*",
        "AND",
        "NEAR%28",
        "a+OR+b*",
        "%00",
        "%27%3B--",
        "%F0%9F%98%80",
        "x" * 2000,
        "a+" * 900,
        "%C3%28",
    ],
)
async def test_no_search_is_answered_with_an_error(services, bring_in, search):
    bring_in()

    for more in (
        "",
        "&only=names",
        "&after=x",
        "&after=99999999999999999999~1",
        "&after=1~1",
        "&tag=x&unread=1",
    ):
        assert (await routes.show_list(services, get(query=f"search={search}{more}"))).status == 200


async def test_a_search_of_ten_thousand_letters_is_refused_in_a_sentence(services):
    with pytest.raises(InputRefused, match="has more than 2000 characters -> shorten it"):
        await routes.show_list(services, get(query="search=" + "x" * 10_000))


async def test_signs_alone_are_told_not_to_be_looked_for(services, bring_in):
    bring_in()

    assert "Signs alone" in (await routes.show_list(services, get(query="search=%21%21%21"))).content


async def test_a_conversation_is_opened_at_what_was_found_with_all_that_came_after(play, services):
    play.hands_over()
    talk(play, *(f"line {number}" for number in range(200)), "the zebra", *(f"more {n}" for n in range(100)))
    zebra = lines(play)["the zebra"]

    page = await panel(services, f"search=ZEBR&found=line-{zebra}")

    shown = entries(page)
    assert "the <mark>zebra</mark>" in page
    assert shown.index(f"line-{zebra}") == timeline.BEFORE_FOUND
    assert len(shown) == timeline.BEFORE_FOUND + 1 + 100
    assert "data-aside" not in page


async def test_what_the_page_asks_by_itself_is_the_newest_alone(play, services):
    play.hands_over()
    talk(play, "the zebra", *(f"more {number}" for number in range(200)))
    zebra = lines(play)["the zebra"]

    page = await panel(services, f"search=zebra&found=line-{zebra}", **{"x-by-itself": "1"})

    assert len(entries(page)) == timeline.ENTRIES
    assert f"line-{zebra}" not in entries(page)


async def test_what_is_too_far_back_is_shown_with_what_came_before_it(play, services, monkeypatch):
    monkeypatch.setattr(places, "MOST_TO_FOUND", 50)
    play.hands_over()
    talk(play, *(f"line {number}" for number in range(30)), "the zebra", *(f"more {n}" for n in range(60)))
    zebra = lines(play)["the zebra"]

    page = await panel(services, f"search=zebra&found=line-{zebra}")

    assert entries(page)[-1] == f"line-{zebra}"
    assert "data-aside" in page
    assert "data-newest-page" in page
    by_itself = await panel(services, f"search=zebra&found=line-{zebra}", **{"x-by-itself": "1"})
    assert entries(by_itself)[-1] == f"line-{zebra}"


@pytest.mark.parametrize(
    "found", ["line-999999", "line-x", "bot-5", "x", "line-", "line-1e5", "line-" + "9" * 18]
)
async def test_a_place_that_is_none_opens_the_newest(play, services, found):
    play.hands_over()
    play.says("hello")

    page = await panel(services, f"found={found}")

    assert "hello" in page
    assert "data-found" not in page


async def test_what_was_said_to_the_bot_is_found_after_a_handover_and_opened_there(
    play, services, heard, bring_in
):
    heard += [
        Said("bot-1", play.clock() - 100, "person", "", "when does the zebra open"),
        Said("bot-3", play.clock() - 99, "bot", "", "The zoo opens at nine"),
    ]
    play.hands_over()
    bring_in()
    assert "bot-1" not in (await routes.show_list(services, get(query="search=zebra"))).content
    play.clock.passes(HEARD_AFTER + 1)
    bring_in()

    shown = (await routes.show_list(services, get(query="search=zebra"))).content
    assert 'data-found="bot-1"' in shown
    page = await panel(services, "search=zebra&found=bot-1")
    assert "when does the <mark>zebra</mark> open" in page


async def test_a_tracker_that_cannot_be_read_keeps_nothing_else_from_being_found(
    play, services, bring_in, monkeypatch
):
    def fails(thread):
        raise RuntimeError("no tracker store")

    monkeypatch.setattr(services.bot, "said", fails)
    play.hands_over()
    play.clock.passes(HEARD_AFTER + 1)
    play.says("a red zebra")
    bring_in()

    assert "<mark>zebra</mark>" in (await routes.show_list(services, get(query="search=zebra"))).content


async def test_who_looks_for_an_id_finds_the_conversation(services, play, bring_in):
    play.hands_over()
    bring_in()

    shown = await routes.show_list(services, get(visitor=SARA, query=f"search={PSID}"))

    assert f'data-thread="{PSID}"' in shown.content
