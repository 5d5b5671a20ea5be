from __future__ import annotations

import json

import pytest
from bubbles import bubbles_of, entries_of
from play import OURS, PSID
from shapes import AT, LINK, of_page, of_person

from handover_channel.inbox.bot_history import said_in
from handover_channel.inbox.view_models import Quote, Said
from handover_channel.store import retention, thread_events, transcript

M, OLD, NEW = "m_order", "My order is 10243", "My order is 10234"


def wrote(text=OLD, mid=M, at=AT, **more):
    return of_person(timestamp=at, message={"mid": mid, "text": text, **more})


def edited(text=NEW, number=1, mid=M, at=AT + 60_000, **more):
    return of_person(timestamp=at, message_edit={"mid": mid, "text": text, "num_edit": number, **more})


def reacted(mid=M, at=AT + 60_000, **given):
    return of_person(timestamp=at, reaction={"action": "react", "emoji": "👍", "mid": mid, **given})


@pytest.fixture
def muted(play):
    """A thread that people have, in which nothing has been said since."""
    play.deliver(wrote("a person, please", mid="m0", at=AT - 1000))
    play.work()
    play.thread_control.hand_over(PSID, "inbox")
    play.work()
    return play


def received(play, *items, channel="messaging"):
    for item in items:
        play.deliver(item, channel=channel)
    play.work()
    return bubbles_of(play.store, PSID)


def said_of(play, bot_part=(), **options):
    """The messages of the page's newest stretch."""
    entries, _ = entries_of(play.store, PSID, bot_part, **options)
    return [each for each in entries if isinstance(each, Said)]


def line_of(play, mid=M):
    with play.store.reading() as connection:
        return transcript.with_mids(connection, PSID, [mid])[mid]


# --- edits ----------------------------------------------------------------------------------------


def test_an_edited_message_has_its_new_text_and_shows_what_stood_before(muted):
    (bubble,) = received(muted, wrote(), edited())

    assert bubble.words == f"{OLD} {NEW}"
    assert bubble.foot.startswith("edited")
    assert (line_of(muted).text, line_of(muted).original) == (NEW, OLD)
    assert muted.lines == [("person", NEW)]


def test_several_edits_keep_all_that_stood_before(muted):
    received(muted, wrote("one"), edited("two", 1), edited("three", 2, at=AT + 90_000))
    (said,) = said_of(muted)

    assert (said.former, said.text) == (("one", "two"), "three")


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (2, 0, 1), (1, 2, 0), (2, 2, 0, 1, 1)])
@pytest.mark.parametrize("kind", [int, str])
def test_edits_may_come_before_the_message_again_and_in_any_order(order, kind, muted):
    # Times that say nothing: what Meta could not deliver comes later, in an order of its own.
    items = [wrote("one"), edited("two", kind(1)), edited("three", kind(2))]

    for position, number in enumerate(order):
        received(muted, {**items[number], "timestamp": AT + position})
    (said,) = said_of(muted)

    assert (said.former, said.text) == (("one", "two"), "three")
    assert line_of(muted).text == "three"


def test_edits_that_are_not_numbered_count_by_their_time(muted):
    received(muted, wrote("one"), edited("two", None), edited("one", None, at=AT + 70_000))
    (said,) = said_of(muted)

    assert (said.former, said.text) == (("one", "two"), "one")


@pytest.mark.parametrize("channel", ["messaging", "standby"])
@pytest.mark.parametrize("words", ["back to bot", "Back to Bot"])
def test_an_edit_is_no_way_back(channel, words, muted):
    received(muted, wrote(), edited(words), channel=channel)

    assert (muted.control, muted.reasons) == ("inbox", [])


def test_an_edit_is_no_turn_of_the_bots(play):
    received(play, wrote(), edited())

    assert (play.control, play.turns, play.lines) == ("bot", [OLD], [])


def test_an_edit_of_what_the_bot_was_told_is_shown_in_its_part(play):
    received(play, wrote(), edited())
    told = {
        "event": "user",
        "text": OLD,
        "timestamp": AT / 1000,
        "input_channel": "facebook",
        "metadata": {"mid": M},
    }

    (bubble,) = bubbles_of(play.store, PSID, said_in([told]))

    assert bubble.words == f"{OLD} {NEW}"
    assert "edited" in bubble.foot


def test_an_edit_of_a_message_that_nobody_knows_is_shown_by_itself(muted):
    (bubble,) = received(muted, edited())

    assert bubble.words == f"About a message {NEW} Changed an earlier message to this"


def test_a_message_that_was_edited_to_nothing_says_so(muted):
    (bubble,) = received(muted, wrote(), edited(""))

    assert bubble.words == f"{OLD} A message without content"


def test_an_edit_of_an_older_stretch_is_seen_on_the_newest_one_too(muted):
    received(muted, wrote(), *(wrote(f"n{n}", mid=f"m:{n}", at=AT + 1000 * n) for n in range(1, 41)))
    bubbles = received(
        muted,
        *(wrote(f"n{n}", mid=f"m:{n}", at=AT + 1000 * n) for n in range(41, 80)),
        edited(at=AT + 100_000),
    )
    _, earlier = entries_of(muted.store, PSID)
    before = said_of(muted, before=float(earlier))

    assert bubbles[-1].words == f"About a message · Customer {NEW} {NEW} Changed an earlier message to this"
    assert before[0].former == (OLD,)
    assert len(before) + len(bubbles) == 81


@pytest.mark.parametrize(
    "item",
    [
        of_person(message_edit={}),
        of_person(message_edit={"mid": None, "text": "x"}),
        of_person(message_edit={"mid": {"id": 1}, "text": ["x"], "num_edit": {"of": 5}}),
        of_person(message_edit={"mid": "m", "text": "\ud800\x00", "num_edit": 2**70}),
        of_person(message_edit={"mid": "m", "text": None, "num_edit": float("nan")}),
        of_person(message_edit={"mid": "m" * 9000, "text": "x", "num_edit": -1}),
        of_person(reaction={}),
        of_person(reaction={"mid": ["m"], "emoji": {"a": 1}, "reaction": 7, "action": None}),
        of_person(reaction={"mid": M, "emoji": "\ud83d", "action": "react"}),
        of_person(response_feedback={"feedback": []}),
        of_person(account_linking={"status": {}}),
    ],
)
def test_whatever_an_edit_or_a_reaction_looks_like_the_thread_is_shown(item, muted):
    bubbles = received(muted, wrote(), json.loads(json.dumps(item)))

    assert OLD in bubbles[0].words
    assert not [bubble for bubble in bubbles if bubble.is_empty]


# --- reactions ------------------------------------------------------------------------------------


def test_a_reaction_stands_on_the_message_it_is_about(muted):
    bubbles = received(muted, wrote(), of_page({"mid": "m_app", "text": "We see"}), reacted("m_app"))

    assert [(bubble.words, bubble.outside) for bubble in bubbles] == [
        (OLD, ""),
        ("We see", "Reaction · Customer: 👍"),
    ]


@pytest.mark.parametrize("mid", [M, "m_nobody_knows"])
def test_a_reaction_that_was_taken_back_is_gone(mid, muted):
    taken_back = reacted(mid, action="unreact", emoji=None, at=AT + 61_000)

    (bubble,) = received(muted, wrote(), reacted(mid), taken_back)
    assert (bubble.words, bubble.outside) == (OLD, "")

    shown = received(muted, reacted(mid, emoji="❤", at=AT + 62_000))
    assert "❤" in f"{shown[-1].outside}{shown[-1].words}"


def test_the_last_of_several_reactions_counts(muted):
    (bubble,) = received(muted, wrote(), reacted(), reacted(emoji="❤", at=AT + 61_000))

    assert bubble.outside == "Reaction · Customer: ❤"


def test_a_reaction_to_the_bots_words_quotes_them(play):
    received(
        play,
        wrote("hello"),
        of_page(
            {"mid": "m_bot", "text": "How can I help?", "app_id": int(OURS), "metadata": "rasa-handover:1.1"}
        ),
        reacted("m_bot"),
    )

    (bubble,) = bubbles_of(play.store, PSID)

    assert bubble.words == "About a message · Bot How can I help? Reacted: 👍"
    assert play.lines == []


# --- answers to a message -------------------------------------------------------------------------


def test_an_answer_quotes_the_message_it_answers(muted):
    bubbles = received(muted, wrote(), wrote("this one", mid="m2", at=AT + 1, reply_to={"mid": M}))

    assert bubbles[1].words == f"About a message · Customer {OLD} this one"


def test_an_answer_to_a_picture_says_that_it_was_one(muted):
    photo = of_page(
        {"mid": "m_photo", "attachments": [{"type": "image", "payload": {"url": "https://x.example"}}]}
    )
    bubbles = received(muted, photo, wrote("nice", at=AT + 1, reply_to={"mid": "m_photo"}))

    assert bubbles[1].words == "About a message · Outside Picture nice"


def test_an_answer_to_what_the_bot_was_told_quotes_its_part(muted):
    told = {
        "event": "user",
        "text": "where is it?",
        "timestamp": AT / 1000 - 5,
        "input_channel": "facebook",
        "metadata": {"mid": "m_told"},
    }
    received(muted, wrote("I mean that", reply_to={"mid": "m_told"}))

    told_earlier, answer = said_of(muted, said_in([told]))

    assert answer.quote == Quote("person", "where is it?")


def test_an_answer_to_something_that_is_not_known_says_that_it_is_one(muted):
    (bubble,) = received(muted, wrote("this one", reply_to={"mid": "m_gone"}))

    assert bubble.words == "About a message this one"


def test_a_quote_is_of_the_same_thread_alone(muted):
    of_another = {**wrote("secret", mid="m_other"), "sender": {"id": "9999"}}
    muted.deliver(of_another)

    (bubble,) = received(muted, wrote("this one", reply_to={"mid": "m_other"}))

    assert "secret" not in bubble.words


# --- where the person came from -------------------------------------------------------------------


def test_the_link_that_a_person_came_back_by_is_told_once(play):
    received(play, of_person(timestamp=AT, referral=LINK))
    told = {
        "event": "user",
        "text": "hello",
        "timestamp": AT / 1000 + 1,
        "input_channel": "facebook",
        "metadata": {"mid": M, "referral": LINK},
    }

    bubbles = bubbles_of(play.store, PSID, said_in([told]))

    assert [bubble.words for bubble in bubbles] == ["Came by a link: shop", "hello"]
    assert play.contexts == []


def test_a_link_that_comes_with_a_message_is_a_divider_before_it(muted):
    came, said = received(muted, wrote("hi", referral={"ref": "promo-1", "source": "SHORTLINK"}))

    assert [(came.speaker, came.words), (said.speaker, said.words)] == [
        ("came", "Came by a link: promo-1"),
        ("person", "hi"),
    ]


def test_the_same_link_twice_is_told_twice(muted):
    promo = of_person(timestamp=AT, referral={"ref": "promo-1", "source": "SHORTLINK"})
    bubbles = received(muted, promo, wrote("hi", at=AT + 1), {**promo, "timestamp": AT + 2})

    assert [bubble.words for bubble in bubbles] == [
        "Came by a link: promo-1",
        "hi",
        "Came by a link: promo-1",
    ]


@pytest.mark.parametrize(
    "quiet",
    [
        reacted(at=AT + 90_000),
        reacted(action="unreact", at=AT + 90_000),
        of_person(timestamp=AT + 90_000, referral=LINK),
        of_person(timestamp=AT + 90_000, optin={"type": "notification_messages", "payload": "news"}),
    ],
    ids=["reaction", "taken back", "link", "opt-in"],
)
@pytest.mark.parametrize("channel", ["messaging", "standby"])
def test_what_is_no_message_changes_neither_control_nor_waiting_nor_the_order_of_what_was_said(
    channel, quiet, muted
):
    received(muted, wrote(), wrote("later", mid="m2", at=AT + 100_000))
    kept = ("state", "waiting_since", "person_at", "last_at", "last_text", "last_author", "assignee", "until")
    before = {name: getattr(muted.row, name) for name in kept}

    bubbles = received(muted, quiet, channel=channel)

    assert {name: getattr(muted.row, name) for name in kept} == before
    assert [bubble.words for bubble in bubbles if bubble.speaker == "person"] == [OLD, "later"]
    assert (muted.lines, muted.turns) == ([("person", OLD), ("person", "later")], ["a person, please"])


# --- keeping --------------------------------------------------------------------------------------


def test_what_is_old_is_deleted_with_the_transcript(muted):
    received(muted, wrote(), edited(), reacted(), edited("newer", 2, at=AT + 10_000_000))
    received(muted, wrote("later", mid="m2", at=AT + 10_000_000), reacted(emoji="❤", at=AT + 10_000_001))

    retention.delete_transcript(muted.store, before=AT / 1000 + 1000, sleep=lambda seconds: None)
    shown = [(each.text, each.former, bool(each.reaction)) for each in said_of(muted)]
    assert shown == [("later", (), False), ("newer", (), False), ("", (), True)]
    with muted.store.reading() as connection:
        assert [each.detail["emoji"] for each in thread_events.of(connection, PSID, 9)] == ["❤"]


def test_an_event_that_is_processed_again_is_there_once(muted):
    received(muted, reacted())
    with muted.store.writing() as connection:
        (seen,) = thread_events.of(connection, PSID, 9)
        thread_events.add(connection, PSID, seen)
        assert thread_events.of(connection, PSID, 9) == [seen]
