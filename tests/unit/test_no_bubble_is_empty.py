"""Whatever Meta sends, and whatever a bot has said: what agents see of it is never an empty bubble."""

from __future__ import annotations

import json

import pytest
from bubbles import BASE, bubbles_of, drawn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from play import PSID
from shapes import CDN, MESSAGES, OTHERS, POSTBACKS, attached, of_page, of_person, recorded

from handover_channel.inbox import labels
from handover_channel.inbox.bot_history import said_in
from handover_channel.inbox.view_models import Said
from handover_channel.messenger import content, webhook
from handover_channel.messenger.bubble import Note, mappings
from handover_channel.messenger.content import attachment_of, content_of
from handover_channel.messenger.events import MessageEchoed, MessageReceived, PostbackReceived
from handover_channel.rules.languages import LANGUAGES


@pytest.fixture
def muted(play):
    """A thread that people have, with nothing said in it."""
    play.deliver(of_person(message={"mid": "m0", "text": "a person, please"}))
    play.work()
    play.thread_control.hand_over(PSID, "inbox")
    play.work()
    return play


def lines_of(play, item, channel="messaging"):
    play.deliver(item, channel=channel)
    play.work()
    return bubbles_of(play.store, PSID)


def drawn_from(event):
    text = getattr(event, "text", "") or getattr(event, "title", "")
    found = content_of(text, (*getattr(event, "attachments", ()), *event.extras))
    return Said("1", 0.0, "person", "", **vars(found))


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_of_the_person_shows_what_came(name, muted):
    message, wanted = MESSAGES[name]

    *came, bubble = lines_of(muted, of_person(message=message))

    assert any(each.shows(wanted) for each in (*came, bubble))
    assert bubble.speaker == "person"
    assert [each.speaker for each in came] == ["came"] * ("referral" in message)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_of_another_app_shows_what_came(name, muted):
    message, wanted = MESSAGES[name]

    (bubble,) = lines_of(muted, of_page(message), channel="standby")

    assert bubble.shows(wanted)
    assert bubble.speaker == "app"


@pytest.mark.parametrize("name", POSTBACKS)
def test_a_tap_shows_what_was_tapped(name, muted):
    postback, wanted = POSTBACKS[name]

    *came, bubble = lines_of(muted, of_person(postback=postback), channel="standby")

    assert any(each.shows(wanted) for each in (*came, bubble))
    assert [each.speaker for each in came] == ["came"] * ("referral" in postback)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_message_is_a_sentence(name, muted):
    part, wanted = OTHERS[name]

    (bubble,) = lines_of(muted, of_person(**part))

    assert bubble.shows(wanted)
    assert (muted.control, muted.turns, muted.lines) == ("inbox", ["a person, please"], [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_about_a_message_is_drawn_in_every_language(language):
    entries = [Said(key, 0.0, "person", "", notes=(Note(key, "more"),)) for key in labels.NOTES]
    sentences = [bubble.words for bubble in drawn(entries, language)]

    assert len(set(sentences)) == len(labels.NOTES)
    assert all(each.endswith(": more") for each in sentences)


def test_every_sentence_that_a_shape_needs_is_there():
    events = [webhook.read(of_person(message=message), page="1717") for message, _ in MESSAGES.values()]
    used = {note.key for event in events for note in drawn_from(event).notes}

    assert used <= set(labels.NOTES)


def test_a_sticker_that_came_as_a_picture_too_is_one(muted):
    sticker = {"type": "sticker", "payload": {"url": f"{CDN}?a=1", "sticker_id": 369239263222822}}
    picture = {"type": "image", "payload": {"url": "https://x.example", "sticker_id": "369239263222822"}}
    nameless = {"type": "image", "payload": {"url": f"{CDN}?c=3"}}
    photo = {"type": "image", "payload": {"url": "https://scontent.example/photo.jpg"}}

    (bubble,) = lines_of(muted, of_person(message=attached(picture, sticker, nameless, photo)))

    assert bubble.media == [f"{BASE}/file?of={CDN}?a=1", f"{BASE}/file?of=https://scontent.example/photo.jpg"]


def test_a_place_is_a_link_to_a_map(muted):
    (bubble,) = lines_of(muted, of_person(message=MESSAGES["location"][0]))
    (link,) = bubble.links

    assert link["href"].startswith("https://www.openstreetmap.org/")
    assert "24.7136" in link["href"]
    assert "46.6753" in link["href"]


@pytest.mark.parametrize(
    "coordinates",
    [
        {"lat": 91, "long": 0},
        {"lat": float("nan"), "long": 0},
        {"lat": True, "long": 0},
        {"lat": "here", "long": 0},
        {"lat": 10**400, "long": 0},
        {"lat": [1], "long": 0},
        {"lat": 1},
    ],
)
def test_a_place_that_is_none_is_no_link(coordinates):
    payload = {"coordinates": coordinates}

    assert content_of("", [attachment_of({"type": "location", "payload": payload})]).notes == (
        Note("no_place"),
    )


@pytest.mark.parametrize("kind", ["fallback", "share", "reel", "post", "ig_post", "hologram"])
def test_what_was_shared_is_a_link_and_never_a_download(kind, muted):
    wrapped = "https://l.facebook.com/l.php?u=https%3A%2F%2Fshop.example%2Fchair"

    (bubble,) = lines_of(muted, of_person(message=attached({"type": kind, "title": "Chair", "url": wrapped})))
    (link,) = bubble.links

    assert (link["href"], link["rel"]) == ("https://shop.example/chair", "noopener noreferrer nofollow")
    assert not bubble.media


def test_no_link_of_a_thread_lets_the_other_side_know_where_it_came_from(muted):
    for number, (message, _) in enumerate(MESSAGES.values()):
        muted.deliver(of_person(message={**message, "mid": f"m:{number}"}))
    muted.work(limit=2 * len(MESSAGES))
    links = [link for bubble in bubbles_of(muted.store, PSID) for link in bubble.links]

    assert len(links) > 15
    assert {link["rel"] for link in links} == {"noopener noreferrer nofollow"}
    assert all(link["href"].startswith((f"{BASE}/", "https://", "http://")) for link in links)


# --- recordings -----------------------------------------------------------------------------------


@pytest.mark.corpus
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_recorded_message_is_an_empty_bubble(language):
    kinds = (MessageReceived, MessageEchoed, PostbackReceived)
    said = [item.event for item in recorded() if isinstance(item.event, kinds)]
    bubbles = drawn([drawn_from(event) for event in said], language)

    assert len(bubbles) == len(said) > 150
    assert not [event for event, bubble in zip(said, bubbles) if bubble.is_empty]


# --- anything -------------------------------------------------------------------------------------

KEYS = [
    *(
        "url",
        "title",
        "subtitle",
        "elements",
        "buttons",
        "text",
        "template_type",
        "coordinates",
        "lat",
        "long",
    ),
    *("product", "generic", "sticker_id", "payload", "type", "name", "phones", "contacts", "status", "mid"),
    *("start_time", "timezone", "image_url", "summary", "total_cost", "ref", "ad_id", "ads_context_data"),
    *("ad_title", "quick_replies", "quick_reply", "referral", "reply_to", "story", "is_unsupported"),
    *("attachments", "attachment", "message"),
]
VALUES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8)
ANYTHING = st.recursive(
    VALUES | st.sampled_from([CDN, "\ud800", "\x00", "javascript:alert(1)"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)
TYPES = st.sampled_from([*content._BY_TYPE, "hologram", "", None, 7, ["image"], {"type": "image"}])
ATTACHMENTS = st.lists(
    st.fixed_dictionaries(
        {"type": TYPES}, optional=dict.fromkeys(("payload", "url", "title", "URL", "elements"), ANYTHING)
    )
    | ANYTHING,
    max_size=4,
)
MESSAGE = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys(KEYS, ANYTHING), "attachments": ATTACHMENTS | ANYTHING}
)
slowly = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])


def is_sent_and_seen(entries):
    bubbles = drawn(entries)
    for bubble in bubbles:
        f"{bubble.words}{bubble.links}{bubble.media}".encode()  # what cannot be sent raises
        assert not [link for link in bubble.links if not link["href"].startswith(("http", BASE))]
    return len(bubbles) == len(entries) and not [bubble for bubble in bubbles if bubble.is_empty]


@slowly
@given(MESSAGE, st.sampled_from(["message", "postback", "echo"]))
def test_no_message_whatever_its_types_is_an_empty_bubble(message, kind):
    item = of_page(message) if kind == "echo" else of_person(**{kind: message})
    event = webhook.read(json.loads(json.dumps(item)), page="1717")

    assert is_sent_and_seen([drawn_from(event)])


@slowly
@given(MESSAGE, ANYTHING, st.sampled_from(["facebook", "rest", None, 7]))
def test_nothing_that_a_tracker_holds_is_an_empty_bubble(given_, data, channel):
    text = given_.get("text")
    user = {"event": "user", "text": text, "timestamp": 1.0, "input_channel": channel, "metadata": given_}
    bot = {"event": "bot", "text": text, "timestamp": 2.0, "data": given_}
    more = {
        **bot,
        "text": None,
        "data": {"custom": data, "attachment": data, "image": data, "elements": data},
    }

    assert is_sent_and_seen(said_in([user, bot, more]))


@slowly
@given(ATTACHMENTS)
def test_what_was_kept_of_attachments_is_drawn_again(attachments):
    found = content_of("", map(attachment_of, mappings(attachments)))

    assert is_sent_and_seen([Said("1", 0.0, "person", "", **vars(found))])
