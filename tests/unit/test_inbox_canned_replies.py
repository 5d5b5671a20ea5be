"""Canned replies that are saved in the page (inbox/admin/canned_replies.py), beside those of handover.yml."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from inbox_page import ADMIN, SARA, add_agents, get, post, services_of
from play import PSID

from handover_channel.errors import NotKnown, NotUsable, Refused, TooLarge
from handover_channel.inbox import routes
from handover_channel.inbox.admin import canned_routes
from handover_channel.inbox.admin.canned_replies import LONGEST_CANNED_NAME, CannedReplies
from handover_channel.inbox.forms import Form
from handover_channel.inbox.request import BASE
from handover_channel.settings.inbox import MAX_CANNED_REPLIES, MAX_TEXT
from handover_channel.store import acts

FIXED = {"hello": "Hello {name}, this is {agent}."}


@pytest.fixture
def canned(store, clock):
    return CannedReplies(FIXED, store, clock)


@pytest.fixture
def texts(canned, store):
    def read():
        with store.reading() as connection:
            return canned.texts(connection)

    return read


def test_what_is_saved_stands_behind_what_the_file_has(canned, texts):
    canned.add("  Opening   hours ", " Until 18:00, {name}. \n", by="sara")
    canned.add("وداعًا", "مع السلامة", by="sara")

    assert texts() == {**FIXED, "Opening hours": "Until 18:00, {name}.", "وداعًا": "مع السلامة"}
    assert [(each.name, each.agent, each.is_fixed) for each in canned.every()] == [
        ("Opening hours", "sara", False),
        ("وداعًا", "sara", False),
        ("hello", "", True),
    ]


@pytest.mark.parametrize("name", ["hello", "HELLO ", "ｈｅｌｌｏ", "bye", "Bye"])
def test_a_name_is_there_once_in_file_and_page_however_it_is_typed(canned, texts, name):
    canned.add("bye", "Good bye", by="sara")

    with pytest.raises(Refused, match="take another name"):
        canned.add(name, "Something", by="omar")
    assert texts()["bye"] == "Good bye"


@pytest.mark.parametrize(
    ("name", "text", "error", "said"),
    [
        ("   ", "x", NotUsable, "needs a name"),
        ("a\x00b", "x", NotUsable, "needs a name"),
        ("n" * (LONGEST_CANNED_NAME + 1), "x", TooLarge, "the name has 41 characters; 40 are allowed"),
        ("n" * 10_000, "x", TooLarge, "the name has 10000 characters"),
        ("bye", " \n ", NotUsable, "is empty"),
        ("bye", "x" * (MAX_TEXT + 1), TooLarge, "the text has 2001 characters; 2000 are allowed"),
        ("bye", "Your order {order}", NotUsable, r"\{order\} -> the placeholders are \{name\} \{agent\}"),
    ],
)
def test_what_a_canned_reply_cannot_be_is_refused_in_words_and_nothing_is_kept(
    canned, texts, name, text, error, said
):
    with pytest.raises(error, match=said):
        canned.add(name, text, by="sara")
    assert texts() == FIXED


def test_there_are_as_many_as_the_file_may_have(canned, monkeypatch):
    monkeypatch.setattr("handover_channel.inbox.admin.canned_replies.MAX_CANNED_REPLIES", 2)
    assert MAX_CANNED_REPLIES == 200
    for name in "ab":
        canned.add(name, "x", by="sara")

    with pytest.raises(Refused, match="as many as there may be -> delete one first"):
        canned.add("c", "x", by="sara")


def test_a_name_and_a_text_are_changed_and_a_refused_change_loses_nothing(canned, texts):
    canned.add("bye", "Good bye", by="sara")
    canned.add("later", "See you later", by="sara")

    canned.change("bye", "Bye", "Good bye, {name}", by="mona")
    assert texts()["Bye"] == "Good bye, {name}"
    for name in ("later", "hello"):
        with pytest.raises(Refused):
            canned.change("bye", name, "x", by="mona")
    assert texts() == {**FIXED, "Bye": "Good bye, {name}", "later": "See you later"}


def test_what_is_not_there_any_more_is_said(canned):
    for act in (lambda: canned.remove("bye", by="mona"), lambda: canned.change("bye", "b", "x", by="mona")):
        with pytest.raises(NotKnown, match="reload the page"):
            act()


def test_a_name_that_the_file_gets_later_is_the_files(canned, store, clock):
    canned.add("bye", "Good bye", by="sara")
    later = CannedReplies({"Bye": "So long"}, store, clock)

    with store.reading() as connection:
        assert later.texts(connection) == {"Bye": "So long"}
    assert [(each.name, each.is_hidden) for each in later.every()] == [("bye", True), ("Bye", False)]


def test_who_saved_changed_and_deleted_one_is_in_the_log_without_its_text(canned, store):
    canned.add("bye", "Good bye", by="sara")
    canned.change("bye", "bye", "Good bye, {name}", by="mona")
    canned.remove("bye", by="mona")

    with store.reading() as connection:
        rows = connection.execute(sa.select(acts.acts).order_by(acts.acts.c.id)).mappings().all()
    assert [(row["kind"], row["agent"], row["detail"]) for row in rows] == [
        ("canned_added", "sara", "bye"),
        ("canned_changed", "mona", "bye"),
        ("canned_removed", "mona", "bye"),
    ]


# --- the pages ---


@pytest.fixture
def services(play):
    add_agents(play, "sara")
    found = services_of(play)
    yield found
    found.pools.shutdown()


def typed(**fields):
    return replace(post(SARA), form=Form(fields))


async def test_an_agent_saves_one_and_goes_back_to_the_conversation_where_it_is_offered(play, services):
    play.hands_over()
    shown = await canned_routes.show_new_canned(services, get(SARA, query=f"thread={PSID}"))
    assert f'value="{PSID}"' in shown.content

    saved = await canned_routes.save_canned(services, typed(title="wet", text="Sorry, {name}!", thread=PSID))

    assert (saved.status, saved.headers["Location"]) == (303, f"{BASE}/thread/{PSID}")
    assert 'data-name="wet"' in (await routes.show_panel(services, get())).content


async def test_what_an_agent_typed_is_there_again_where_it_cannot_be_saved(services):
    answer = await canned_routes.save_canned(services, typed(title=" ", text="x" * 2001, thread="7 1"))

    assert answer.status == 400
    assert "x" * 2001 in answer.content
    assert 'value="7 1"' in answer.content


async def test_admins_add_change_and_delete_on_their_page(services):
    form = post(ADMIN, title="bye", text="Good bye")
    assert "canned_added" in (await canned_routes.add_canned(services, form)).headers["Location"]
    assert "Good bye" in (await canned_routes.show_canned(services, get(ADMIN))).content
    refused = await canned_routes.change_canned(services, post(ADMIN, canned="bye", title="", text="Ciao"))
    assert (refused.status, "Ciao" in refused.content) == (400, True)
    form = post(ADMIN, canned="bye", title="bye", text="Ciao")
    assert "canned_changed" in (await canned_routes.change_canned(services, form)).headers["Location"]
    form = replace(form, form=replace(form.form, fields={"canned": "bye"}))
    assert "canned_deleted" in (await canned_routes.remove_canned(services, form)).headers["Location"]
    assert "There are none yet" in (await canned_routes.show_canned(services, get(ADMIN))).content
