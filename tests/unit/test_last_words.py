"""The list shows the newest thing said, whoever's part of the conversation it is in."""

from __future__ import annotations

import pytest
from play import OURS, PSID
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from handover_channel.actions import ActionHandover
from handover_channel.inbox import listing
from handover_channel.inbox.view_models import Filters
from handover_channel.messenger.events import Attachment
from handover_channel.messenger.return_button import BUTTON_PAYLOAD
from handover_channel.rules.last_words import words_said
from handover_channel.store import retention, transcript
from handover_channel.store.transcript import AGENT, PERSON, Line


def item(play, name="open"):
    with play.store.reading() as connection:
        view = listing.list_view(
            connection, play.settings, Filters(list=name), agent="sara", shown_names={}, now=play.clock()
        )
    (found,) = view.items
    return found


def test_a_thread_just_handed_over_shows_what_the_person_wrote_to_the_bot(play):
    play.says("I was charged twice")
    play.thread_control.hand_over(PSID)

    assert (item(play).preview, item(play).preview_author) == ("I was charged twice", "person")


def test_the_bots_answer_is_known_by_its_echo(play):
    play.says("hello")
    echo = {
        "mid": "m_9",
        "is_echo": True,
        "app_id": int(OURS),
        "metadata": "rasa-handover:1.1",
        "text": "Hi\nthere",
    }
    at = int(play.clock() * 1000) + 50
    play.deliver(
        {"sender": {"id": play.page.page_id}, "recipient": {"id": PSID}, "timestamp": at, "message": echo}
    )
    play.work()

    assert (item(play, "bot").preview, item(play, "bot").preview_author) == ("Hi there", "bot")


def test_what_agents_write_afterwards_is_newer(play):
    play.hands_over()
    with play.store.writing() as connection:
        transcript.add(connection, PSID, Line(AGENT, "How can I help?", int(play.clock() * 1000) + 5))

    assert (item(play).preview, item(play).preview_author) == ("How can I help?", "agent")


def test_an_event_that_comes_late_hides_nothing_newer(play):
    play.says("the newest")
    late = {"mid": "m_old", "text": "an old one"}
    at = int(play.clock() * 1000) - 60_000
    play.deliver(
        {"sender": {"id": PSID}, "recipient": {"id": play.page.page_id}, "timestamp": at, "message": late}
    )
    play.work()

    assert item(play, "bot").preview == "the newest"


@pytest.mark.parametrize("muted", [False, True])
def test_a_picture_without_a_word_is_named(play, muted):
    if muted:
        play.hands_over()
    play.clock.passes(1)
    picture = {"mid": "m_p", "attachments": [{"type": "image", "payload": {"url": "https://cdn.example/p"}}]}
    at = int(play.clock() * 1000)
    play.deliver(
        {"sender": {"id": PSID}, "recipient": {"id": play.page.page_id}, "timestamp": at, "message": picture}
    )
    play.work()

    found = item(play, "open" if muted else "bot")
    assert (found.preview, found.preview_file) == ("", "image")


def test_words_that_are_old_enough_are_deleted_with_the_transcript(play):
    play.says("my card number is secret")

    retention.delete_transcript(play.store, before=play.clock() + 60, sleep=lambda seconds: None)

    assert item(play, "bot").preview == ""
    assert play.row.last_text == ""


async def test_on_another_channel_the_list_shows_what_was_said_before_the_handover(play):
    said = [("hello", 1.0), ("/handover", 3.0), ("I was charged twice", 2.0)]
    events = [
        {"event": "user", "text": text, "timestamp": play.clock() + at, "input_channel": "socketio"}
        for text, at in said
    ]
    tracker = Tracker("chat-1", {}, {"intent": {}, "entities": []}, events, False, None, {}, "action_listen")

    await ActionHandover(play.thread_control).run(CollectingDispatcher(), tracker, {})

    assert (item(play).preview, item(play).preview_author) == ("I was charged twice", "person")


def echoed(play, attachment):
    echo = {"mid": "m_e", "is_echo": True, "app_id": int(OURS), "metadata": "rasa-handover:1.1"}
    at = int(play.clock() * 1000) + 50
    sides = {"sender": {"id": play.page.page_id}, "recipient": {"id": PSID}, "timestamp": at}
    play.deliver({**sides, "message": {**echo, "attachments": [attachment]}})
    play.work()


def test_the_notice_of_a_handover_does_not_hide_what_it_is_about(play):
    play.says("I was charged twice")
    button = {"type": "postback", "title": "Back to Bot", "payload": BUTTON_PAYLOAD}
    notice = {"template_type": "button", "text": "A colleague comes.", "buttons": [button]}
    echoed(play, {"type": "template", "payload": notice})

    assert item(play, "bot").preview == "I was charged twice"


@pytest.mark.parametrize(
    "payload",
    [
        {"template_type": "button", "text": "Which one?", "buttons": [{"title": "A", "payload": "/a"}]},
        {"template_type": "generic", "elements": [{"title": "Which one?"}, {"title": "Another"}]},
    ],
)
def test_a_template_is_shown_by_its_words(play, payload):
    play.says("lamps")
    echoed(play, {"type": "template", "payload": payload})

    assert (item(play, "bot").preview, item(play, "bot").preview_author) == ("Which one?", "bot")


@pytest.mark.parametrize(
    "payload", [{"elements": "x"}, {"elements": [3]}, {"buttons": [None, "x", {"payload": 5}]}, {"text": 7}]
)
def test_a_template_of_any_shape_stops_nothing(play, payload):
    play.says("lamps")
    echoed(play, {"type": "template", "payload": payload})

    assert item(play, "bot").preview_author == "bot"


@pytest.mark.parametrize("said", ["human \ud83d", "hum\0an ?"])
def test_words_that_no_database_stores_are_kept_as_near_as_can_be(said):
    assert words_said("person", said, "", 1).text == "human ?"


@pytest.mark.parametrize(
    ("attachment", "shown"),
    [
        (
            {"type": "file", "payload": {"url": "https://cdn.example/v/invoice.pdf?x=1"}},
            ("invoice.pdf", "file"),
        ),
        ({"type": "file", "payload": {"url": "https://cdn.example/v/1"}}, ("", "file")),
        ({"type": "audio", "payload": {"url": "https://cdn.example/v/clip-1.mp4"}}, ("", "audio")),
        ({"type": "video", "payload": {"url": "https://cdn.example/v/1.mp4"}}, ("", "video")),
    ],
)
def test_what_the_bot_sends_without_words_is_named(play, attachment, shown):
    play.says("hello")
    echoed(play, attachment)

    found = item(play, "bot")
    assert (found.preview, found.preview_file, found.preview_author) == (*shown, "bot")


@pytest.mark.parametrize("author", [PERSON, AGENT])
@pytest.mark.parametrize(
    ("attachment", "shown"),
    [
        (Attachment("image", "https://cdn.example/1.jpg"), ("", "image")),
        (Attachment("audio", "https://cdn.example/1.mp4"), ("", "audio")),
        (Attachment("file", "https://cdn.example/invoice.pdf?x=1"), ("invoice.pdf", "file")),
        (
            Attachment("location", payload={"coordinates": {"lat": 24.5, "long": 46.5}}),
            ("24.5, 46.5", "place"),
        ),
        (
            Attachment("template", payload={"elements": [{"title": "Garden chair"}]}),
            ("Garden chair", "template"),
        ),
    ],
)
def test_what_comes_without_words_is_named_whoever_sent_it(play, author, attachment, shown):
    play.hands_over()
    with play.store.writing() as connection:
        transcript.add(
            connection, PSID, Line(author, "", int(play.clock() * 1000) + 5, attachments=[attachment])
        )

    found = item(play)
    assert (found.preview, found.preview_file, found.preview_author) == (*shown, author)
