"""Admins look after tags (inbox/admin/tags.py), wherever they are."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from inbox_page import ADMIN, add_agents, get, post, services_of
from play import PSID

from handover_channel.errors import NotKnown, NotUsable, Refused, TooLarge
from handover_channel.inbox.admin import tag_routes
from handover_channel.inbox.admin.tags import Tags
from handover_channel.inbox.commands import Commands
from handover_channel.store import acts, conversation_lists, page_updates, presence
from handover_channel.store.schema import news
from handover_channel.store.tags import LONGEST_TAG

GIVEN = {"1": ("vip", "wet"), "2": ("VIP",), "3": ("wet",)}


@pytest.fixture
def tags(store, clock):
    with store.writing() as connection:
        for thread, names in GIVEN.items():
            for name in names:
                conversation_lists.add_tag(connection, thread, name)
    return Tags(store, clock)


@pytest.fixture
def of_threads(store):
    def read():
        with store.reading() as connection:
            return conversation_lists.tags_of(connection, list(GIVEN))

    return read


def test_tags_are_counted(tags):
    assert dict(tags.every()) == {"VIP": 1, "vip": 1, "wet": 2}


def test_a_tag_has_another_name_wherever_it_is(tags, of_threads):
    tags.rename("wet", "  water   damage ", by="mona")

    assert of_threads() == {"1": ("vip", "water damage"), "2": ("VIP",), "3": ("water damage",)}


def test_a_tag_that_is_there_is_merged_and_not_written_over(tags, of_threads):
    with pytest.raises(Refused, match="merge the two"):
        tags.rename("VIP", "vip", by="mona")
    tags.merge("VIP", "vip", by="mona")
    tags.merge("wet", "vip", by="mona")  # thread 1 has both

    assert of_threads() == {"1": ("vip",), "2": ("vip",), "3": ("vip",)}


def test_a_deleted_tag_is_taken_from_every_conversation(tags, of_threads):
    tags.delete("wet", by="mona")

    assert of_threads() == {"1": ("vip",), "2": ("VIP",)}


@pytest.mark.parametrize(
    ("to", "error", "said"),
    [
        ("   ", NotUsable, "at least one letter"),
        ("\u200f\u200e", NotUsable, "at least one letter"),
        ("t" * (LONGEST_TAG + 1), TooLarge, "41 characters; 40 are allowed"),
        ("و" * 10_000, TooLarge, "10000 characters; 40 are allowed"),
    ],
)
def test_what_is_no_tag_is_refused_and_nothing_changes(tags, of_threads, to, error, said):
    with pytest.raises(error, match=said):
        tags.rename("wet", to, by="mona")
    assert of_threads() == {thread: tuple(sorted(names)) for thread, names in GIVEN.items()}


def test_what_no_conversation_has_any_more_is_said(tags):
    for act in (
        tags.delete,
        lambda tag, by: tags.rename(tag, "x", by=by),
        lambda tag, by: tags.merge(tag, "vip", by=by),
    ):
        with pytest.raises(NotKnown, match="reload the page"):
            act("gone", by="mona")
    with pytest.raises(NotKnown):
        tags.merge("vip", "gone", by="mona")


def test_what_changes_nothing_loses_nothing(tags, of_threads):
    before = of_threads()
    tags.rename("wet", "wet", by="mona")
    tags.merge("wet", "wet", by="mona")

    assert of_threads() == before


def test_pages_that_show_such_a_conversation_are_told_and_so_are_lists(tags, store, clock):
    with store.writing() as connection:
        presence.seen(connection, "a", agent="sara", thread="1", now=clock())
        presence.seen(connection, "b", agent="omar", thread="2", now=clock())

    tags.rename("wet", "water", by="mona")

    with store.reading() as connection:
        assert sorted(connection.execute(sa.select(news.c.thread)).scalars()) == ["", "1"]
        assert page_updates.newest(connection)[0] > 0


def test_who_did_it_is_in_the_log(tags, store):
    tags.rename("wet", "water", by="mona")
    tags.merge("VIP", "vip", by="mona")
    tags.delete("vip", by="mona")

    with store.reading() as connection:
        rows = connection.execute(sa.select(acts.acts).order_by(acts.acts.c.id)).mappings().all()
    assert [(row["kind"], row["agent"], row["detail"]) for row in rows] == [
        ("tag_renamed", "mona", "wet -> water"),
        ("tag_merged", "mona", "VIP -> vip"),
        ("tag_deleted", "mona", "vip"),
    ]


@pytest.mark.parametrize("length", [LONGEST_TAG + 1, 10_000])
def test_a_long_tag_is_refused_in_words_and_not_cut(play, length):
    play.hands_over()
    commands = Commands(play.settings, play.store, play.thread_control, play.clock)

    with pytest.raises(TooLarge, match=f"the tag has {length} characters; 40 are allowed -> shorten it"):
        commands.tag(PSID, "t" * length, by="sara")
    with play.store.reading() as connection:
        assert conversation_lists.tags_of(connection, [PSID]) == {}


async def test_a_long_name_is_in_its_field_again(play):
    add_agents(play, "mona")
    services = services_of(play)
    with play.store.writing() as connection:
        conversation_lists.add_tag(connection, "1", "wet")

    answer = await tag_routes.rename_tag(services, post(ADMIN, tag="wet", title="t" * 10_000))
    done = await tag_routes.rename_tag(services, post(ADMIN, tag="wet", title="water"))
    merged = await tag_routes.merge_tags(services, post(ADMIN, tag="water", into="gone"))
    shown = await tag_routes.show_tags(services, get(ADMIN))
    deleted = await tag_routes.delete_tag(services, post(ADMIN, tag="water"))
    empty = await tag_routes.show_tags(services, get(ADMIN))
    services.pools.shutdown()

    assert (answer.status, f'value="{"t" * 10_000}"' in answer.content) == (413, True)
    assert [done.status, merged.status, deleted.status] == [303, 404, 303]
    assert "1 conversation<" in shown.content
    assert "No conversation has a tag yet" in empty.content
