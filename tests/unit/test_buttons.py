from __future__ import annotations

import copy
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.messenger.buttons import button, quick_reply, return_button, with_return_button
from handover_channel.messenger.return_button import BUTTON_PAYLOAD, is_button

FREE = {"title": "Track my order", "payload": "/track_order"}
OURS = {"type": "postback", "title": "Back to Bot", "payload": BUTTON_PAYLOAD}

values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=30)
    | st.just("x" * 1500)
    | st.just({"a": [1]})
)
keys = st.sampled_from(["title", "payload", "url", "type", "content_type", "image_url"])
things = st.dictionaries(keys, values, max_size=4) | values
maybe_ours = st.just({"title": "x", "payload": BUTTON_PAYLOAD})


def returns(response):
    items = [*(response.get("buttons") or []), *(response.get("quick_replies") or [])]
    return [item for item in items if isinstance(item, dict) and is_button(str(item.get("payload")))]


def test_a_button_of_rasa_becomes_a_postback():
    assert button(FREE) == {"type": "postback", **FREE}


@pytest.mark.parametrize(
    "given_",
    [
        {"type": "web_url", "title": "Shop", "url": "https://shop.example", "webview_height_ratio": "tall"},
        {"type": "phone_number", "title": "Call", "payload": "+201234567"},
        {"type": "account_link", "url": "https://shop.example/login"},
        {"type": "account_unlink"},
    ],
)
def test_a_button_with_a_type_stays_as_it_is(given_):
    assert button(given_) == given_


def test_a_button_with_a_url_and_no_payload_opens_the_url():
    assert button({"title": "Shop", "url": "https://shop.example"})["type"] == "web_url"


def test_a_long_title_is_shortened_and_told_without_its_words(caplog):
    made = button({"title": "Track the order I made yesterday", "payload": "/track"})

    assert made["title"] == "Track the order I m…"
    assert "32 characters was shortened to 20" in caplog.text
    assert "yesterday" not in caplog.text


def test_a_payload_that_meta_would_refuse_gives_way_to_the_title_and_is_told(caplog):
    made = button({"title": "Buy", "payload": '/buy{"all": "' + "x" * 1000 + '"}'})

    assert made["payload"] == "Buy"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize(
    ("given_", "title", "payload"),
    [
        ("Yes", "Yes", "Yes"),
        ({"title": "Yes"}, "Yes", "Yes"),
        ({"payload": "/yes"}, "/yes", "/yes"),
        ({"title": None, "payload": None}, "…", "…"),
        ({"title": 7, "payload": {"n": 1}}, "7", '{"n": 1}'),
    ],
)
def test_what_is_missing_is_filled_in(given_, title, payload):
    assert button(given_) == {"type": "postback", "title": title, "payload": payload}
    assert quick_reply(given_) == {"content_type": "text", "title": title, "payload": payload}


def test_a_quick_reply_keeps_its_picture_and_loses_the_type_of_a_button():
    given_ = {**FREE, "type": "postback", "image_url": "https://shop.example/a.png"}

    assert quick_reply(given_) == {**FREE, "content_type": "text", "image_url": "https://shop.example/a.png"}


def test_a_quick_reply_that_asks_for_an_address_stays_as_it_is():
    assert quick_reply({"content_type": "user_email"}) == {"content_type": "user_email"}


@given(given_=things)
def test_whatever_is_given_meta_takes_it(given_):
    before = copy.deepcopy(given_)
    made = button(given_)

    assert given_ == before
    if made["type"] == "postback":
        assert 0 < len(made["title"]) <= 20
        assert 0 < len(made["payload"]) <= 1000
    quick_reply(given_)


def test_the_return_button_is_put_last():
    made = with_return_button({"text": "A person will answer.", "buttons": [FREE]}, "Back to Bot")

    assert made == {"text": "A person will answer.", "buttons": [FREE, OURS]}


@pytest.mark.parametrize("buttons", [None, [], ()])
def test_the_return_button_comes_into_a_response_without_buttons(buttons):
    assert with_return_button({"text": "x", "buttons": buttons}, "Back to Bot")["buttons"] == [OURS]
    assert with_return_button({"text": "x"}, "Back to Bot")["buttons"] == [OURS]


@pytest.mark.parametrize("payload", [BUTTON_PAYLOAD, '/handover_returned {"reason":"button"}'])
def test_a_return_button_that_is_there_is_retitled_in_its_place(payload):
    made = with_return_button({"buttons": [{"title": "Old", "payload": payload}, FREE]}, "Back to Bot")

    assert made["buttons"] == [OURS, FREE]


def test_of_several_return_buttons_one_is_left():
    twice = [{"title": "A", "payload": BUTTON_PAYLOAD}, FREE, {"title": "B", "payload": BUTTON_PAYLOAD}]

    assert with_return_button({"buttons": twice}, "Back to Bot")["buttons"] == [OURS, FREE]


def test_without_a_title_there_is_no_return_button():
    response = {"text": "x", "buttons": [FREE, OURS], "quick_replies": [OURS]}

    assert with_return_button(response, None) == {"text": "x", "buttons": [FREE], "quick_replies": []}


def test_quick_replies_become_buttons_because_the_return_button_has_to_stay():
    response = {
        "quick_replies": [{**FREE, "content_type": "text"}, {"title": "Old", "payload": BUTTON_PAYLOAD}]
    }

    made = with_return_button(response, "Back to Bot")

    assert made["quick_replies"] == []
    assert [button(each) for each in made["buttons"]] == [button(FREE), OURS]


def test_the_return_button_joins_quick_replies_that_cannot_be_buttons():
    made = with_return_button({"quick_replies": [{"content_type": "user_email"}]}, "Back to Bot")

    assert [quick_reply(each) for each in made["quick_replies"]] == [
        {"content_type": "user_email"},
        {"content_type": "text", "title": "Back to Bot", "payload": BUTTON_PAYLOAD},
    ]
    assert not made.get("buttons")


def test_a_button_with_the_intent_and_another_reason_is_not_ours():
    other = {"title": "x", "payload": '/handover_returned{"reason": "agent"}'}

    assert with_return_button({"buttons": [other]}, "Back to Bot")["buttons"] == [other, OURS]


@given(
    response=st.fixed_dictionaries(
        {},
        optional={
            "text": values,
            "buttons": st.none() | st.lists(things | maybe_ours, max_size=5),
            "quick_replies": st.none() | st.lists(things | maybe_ours, max_size=5),
        },
    ),
    title=st.none() | st.text(min_size=1, max_size=20),
)
def test_there_is_exactly_one_return_button_or_none_and_the_response_is_left_alone(response, title):
    before = copy.deepcopy(response)
    made = with_return_button(response, title)

    assert response == before
    assert [item["title"] for item in returns(made)] == ([] if title is None else [title])


def test_the_title_is_the_settings_word_and_the_payload_is_fixed():
    assert return_button("العودة إلى البوت") == {**OURS, "title": "العودة إلى البوت"}
