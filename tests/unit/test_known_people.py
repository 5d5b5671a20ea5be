from __future__ import annotations

from handover_channel.messenger.events import MESSENGER
from handover_channel.store import known_people, threads

FIRST, LAST = "3000000000000001", "3999999999999999"


def met(store, *ids, channel=MESSENGER):
    with store.writing() as connection:
        for each in ids:
            threads.get_or_add(connection, each, channel=channel, page="", now=1.0)


def newest(store):
    with store.reading() as connection:
        return known_people.newest_between(connection, FIRST, LAST)


def test_the_newest_of_the_people_between_is_found_and_nobody_where_there_is_none(store):
    assert newest(store) == ""
    met(store, "3000000000000009", "3000000000000010", "8800000000000001")
    assert newest(store) == "3000000000000010"


def test_ids_of_another_length_or_channel_are_no_people_of_a_simulator(store):
    met(store, FIRST, "35")
    met(store, "3a5f0000000000ff", channel="rest")
    assert newest(store) == FIRST
