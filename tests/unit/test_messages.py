from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.messenger.messages import (
    attachment_messages,
    button_messages,
    element_messages,
    image_messages,
    quick_reply_messages,
    text_messages,
)

texts = (
    st.none()
    | st.integers()
    | st.text(max_size=40)
    | st.text(min_size=600, max_size=700)
    | st.just("word " * 900)
)
things = st.none() | st.text(max_size=5) | st.dictionaries(
    st.sampled_from(["title", "subtitle", "payload", "url", "type", "content_type", "buttons"]),
    st.none() | st.text(max_size=90) | st.lists(st.text(max_size=3), max_size=5),
    max_size=4,
)  # fmt: skip


def choices(count):
    return [{"title": f"Choice {n}", "payload": f"/choose{n}"} for n in range(count)]


def templates(messages):
    return [message["attachment"]["payload"] for message in messages]


def payloads(messages):
    """Every payload that can be tapped, in order."""
    found = []
    for message in messages:
        inside = message.get("attachment", {}).get("payload", {})
        found += [each["payload"] for each in inside.get("buttons", []) + message.get("quick_replies", [])]
        found += [each["payload"] for card in inside.get("elements", []) for each in card.get("buttons", [])]
    return found


def test_each_paragraph_is_a_message_as_in_rasas_own_channel():
    assert text_messages("One\ntwo\n\nthree\n\n\n\nfour ") == [
        {"text": "One\ntwo"},
        {"text": "three"},
        {"text": "four"},
    ]


def test_a_paragraph_of_2000_characters_is_one_message():
    assert [len(message["text"]) for message in text_messages("x" * 2000)] == [2000]
    assert [len(message["text"]) for message in text_messages("x" * 2001)] == [2000, 1]


@pytest.mark.parametrize("text", [None, "", " \n\n ", "\n\n\n"])
def test_nothing_to_read_is_no_message(text):
    assert text_messages(text) == []


def test_three_buttons_are_one_template_in_the_shape_of_rasas_own_channel():
    assert button_messages("Which?\n\nSay.", choices(3)) == [
        {
            "attachment": {
                "type": "template",
                "payload": {
                    "template_type": "button",
                    "text": "Which?\n\nSay.",
                    "buttons": [{**each, "type": "postback"} for each in choices(3)],
                },
            }
        }
    ]


def test_a_fourth_button_goes_into_a_further_template():
    messages = button_messages("Which?", choices(7))

    assert [len(each["buttons"]) for each in templates(messages)] == [3, 3, 1]
    assert [each["text"] for each in templates(messages)] == ["Which?", "…", "…"]
    assert payloads(messages) == [f"/choose{n}" for n in range(7)]


def test_a_text_too_long_for_a_template_goes_ahead_and_its_end_carries_the_buttons():
    messages = button_messages("A sentence of words. " * 150 + "Which?", choices(2))

    assert all(set(message) == {"text"} for message in messages[:-1])
    assert templates(messages[-1:])[0]["text"].endswith("Which?")
    assert len(templates(messages[-1:])[0]["text"]) <= 640
    assert len(messages) == 3


@pytest.mark.parametrize("text", [None, "", "  "])
def test_buttons_without_a_text_are_sent_all_the_same(text):
    assert templates(button_messages(text, choices(1)))[0]["text"] == "…"
    assert quick_reply_messages(text, choices(1))[0]["text"] == "…"


@pytest.mark.parametrize("none", [None, [], [None], [{}]])
def test_without_buttons_there_is_the_text(none):
    assert button_messages("Hello", none) == [{"text": "Hello"}]
    assert quick_reply_messages("Hello", none) == [{"text": "Hello"}]


def test_thirteen_quick_replies_are_one_message():
    (message,) = quick_reply_messages("Which?", choices(13))

    assert message == {
        "text": "Which?",
        "quick_replies": [{**each, "content_type": "text"} for each in choices(13)],
    }


def test_of_more_quick_replies_the_first_ones_become_buttons_that_stay():
    messages = quick_reply_messages("Which?", choices(18))

    assert [len(each["buttons"]) for each in templates(messages[:-1])] == [3, 2]
    assert templates(messages[:1])[0]["text"] == "Which?"
    assert payloads(messages) == [f"/choose{n}" for n in range(18)]


def test_a_quick_reply_that_asks_for_an_address_never_becomes_a_button():
    messages = quick_reply_messages("Which?", [{"content_type": "user_email"}, *choices(13)])

    assert {"content_type": "user_email"} in messages[-1]["quick_replies"]
    assert payloads(messages[:-1]) == ["/choose0"]


def test_a_long_text_goes_ahead_of_its_quick_replies():
    messages = quick_reply_messages("word " * 500, choices(1))

    assert [sorted(message) for message in messages] == [["text"], ["quick_replies", "text"]]


def test_elements_are_a_generic_template_in_the_shape_of_rasas_own_channel():
    card = {
        "title": "Shirt",
        "subtitle": "Red",
        "image_url": "https://shop.example/s.png",
        "buttons": choices(1),
    }

    (message,) = element_messages([card])

    assert message["attachment"] == {
        "type": "template",
        "payload": {
            "template_type": "generic",
            "elements": [{**card, "buttons": [{**choices(1)[0], "type": "postback"}]}],
        },
    }


def test_an_eleventh_element_goes_into_a_further_template():
    messages = element_messages({"title": f"Shirt {n}", "subtitle": "x"} for n in range(21))

    assert [len(each["elements"]) for each in templates(messages)] == [10, 10, 1]


def test_the_fourth_button_of_an_element_goes_into_a_further_element():
    ((payload),) = templates(element_messages([{"title": "Shirt", "buttons": choices(4)}]))

    assert [(card["title"], len(card["buttons"])) for card in payload["elements"]] == [
        ("Shirt", 3),
        ("Shirt", 1),
    ]


def test_an_image_is_sent_by_its_url():
    assert image_messages("https://shop.example/a.png") == [
        {"attachment": {"type": "image", "payload": {"url": "https://shop.example/a.png"}}}
    ]
    assert image_messages(None) == []


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://shop.example/a.PNG", "image"),
        ("https://shop.example/a.mp4?x=1.pdf", "video"),
        ("https://shop.example/a.m4a", "audio"),
        ("https://shop.example/terms.pdf#page=2", "file"),
    ],
)
def test_an_attachment_is_told_by_the_ending_of_its_url(url, kind):
    assert attachment_messages(url) == [{"attachment": {"type": kind, "payload": {"url": url}}}]
    assert attachment_messages({"url": url}) == attachment_messages(url)


@pytest.mark.parametrize(
    "text", ["https://shop.example/", "https://shop.example/page.html", "a.png", "https://[::", "x"]
)
def test_an_attachment_that_is_no_file_is_text(text):
    assert attachment_messages(text) == [{"text": text}]


def test_an_attachment_object_is_sent_as_it_is():
    video = {"type": "video", "payload": {"attachment_id": "1"}}

    assert attachment_messages(video) == [{"attachment": video}]
    assert attachment_messages({"attachment": video}) == [{"attachment": video}]


def test_an_attachment_in_the_words_of_another_channel_gets_metas_key():
    given_ = {"type": "video", "payload": {"title": "x", "src": "https://shop.example/a.mp4"}}

    assert attachment_messages(given_) == [
        {"attachment": {"type": "video", "payload": {"url": "https://shop.example/a.mp4"}}}
    ]
    assert given_["payload"]["title"] == "x"


def test_an_attachment_nobody_knows_is_told_as_text():
    assert attachment_messages({"a": "ب"}) == [{"text": '{"a": "ب"}'}]


@given(text=texts, items=st.none() | st.lists(things, max_size=20))
def test_whatever_is_given_the_messages_are_within_metas_limits(text, items):
    before = copy.deepcopy(items)
    messages = button_messages(text, items) + quick_reply_messages(text, items) + element_messages(items)
    messages += text_messages(text) + image_messages(text) + attachment_messages(text)

    json.dumps(messages)
    assert items == before
    for message in messages:
        inside = message.get("attachment", {}).get("payload", {})
        assert 0 < len(message.get("text", "x")) <= 2000
        assert 0 < len(inside.get("text", "x")) <= 640
        assert len(message.get("quick_replies", ())) <= 13
        assert len(inside.get("elements", ())) <= 10
        assert all(
            len(part.get("buttons", "x")) in (1, 2, 3) for part in [inside, *inside.get("elements", ())]
        )


@given(text=texts, count=st.integers(0, 40))
def test_no_choice_is_lost_and_their_order_is_kept(text, count):
    expected = [f"/choose{n}" for n in range(count)]

    assert payloads(button_messages(text, choices(count))) == expected
    assert payloads(quick_reply_messages(text, choices(count))) == expected
    assert payloads(element_messages([{"title": "x", "buttons": choices(count)}])) == expected
