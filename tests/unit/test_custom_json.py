from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.messenger.custom_json import custom_messages, send_body

VIDEO = {"type": "video", "payload": {"url": "https://shop.example/a.mp4"}}
MEDIA = {"template_type": "media", "elements": [{"media_type": "image", "attachment_id": "1"}]}

names = st.sampled_from(
    ["text", "message", "attachment", "sender", "recipient", "persona_id", "thread_control", "x"]
)
values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "message", [{"text": "x"}, {"attachment": VIDEO}, {"text": "x", "quick_replies": []}]
)
def test_a_message_object_is_sent_as_it_is(message):
    assert custom_messages(message) == [message]
    assert custom_messages([message, message]) == [message, message]


@pytest.mark.parametrize(
    ("custom", "message"),
    [
        (VIDEO, {"attachment": VIDEO}),
        (MEDIA, {"attachment": {"type": "template", "payload": MEDIA}}),
        ({"message": {"text": "x"}}, {"text": "x"}),
        ({"message": "x"}, {"text": "x"}),
        ("x", {"text": "x"}),
    ],
)
def test_the_inside_of_a_message_object_is_wrapped(custom, message):
    assert custom_messages(custom) == [message]


@pytest.mark.parametrize(
    "custom", [{"text": "x", "persona_id": "7"}, {"message": {"text": "x"}, "persona_id": "7"}]
)
def test_keys_beside_the_message_are_kept_beside_it(custom):
    assert [send_body("psid-1", made) for made in custom_messages(custom)] == [
        {
            "recipient": {"id": "psid-1"},
            "messaging_type": "RESPONSE",
            "message": {"text": "x"},
            "persona_id": "7",
        }
    ]


def test_a_messaging_type_of_the_bots_own_is_kept():
    (made,) = custom_messages({"messaging_type": "UPDATE", "text": "x"})

    assert send_body("psid-1", made)["messaging_type"] == "UPDATE"


def test_a_sender_action_goes_without_a_message():
    (made,) = custom_messages({"sender_action": "typing_on"})

    assert send_body("psid-1", made) == {"recipient": {"id": "psid-1"}, "sender_action": "typing_on"}


@pytest.mark.parametrize("key", ["sender", "recipient"])
def test_another_recipient_is_kept_where_the_caller_sees_it(key):
    (made,) = custom_messages({key: {"id": "psid-2"}, "text": "x"})

    assert send_body("psid-1", made)["recipient"] == {"id": "psid-2"}
    assert made["message"] == {"text": "x"}


def test_control_is_not_passed_by_the_way(caplog):
    assert custom_messages({"text": "x", "thread_control": {"control_type": "pass"}}) == [{"text": "x"}]
    assert "use action_handover" in caplog.text


def test_a_bot_does_not_pass_for_a_person(caplog):
    custom = {"message": {"text": "x"}, "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}

    assert custom_messages(custom) == [{"text": "x"}]
    assert "HUMAN_AGENT" in caplog.text


def test_what_is_for_another_channel_is_left_out_and_named_by_its_keys(caplog):
    assert custom_messages({"blocks": [{"words": "private"}]}) == []
    assert "keys ['blocks']" in caplog.text
    assert "private" not in caplog.text


@pytest.mark.parametrize("custom", [None, [], "", {}, [None]])
def test_nothing_makes_no_message(custom):
    assert custom_messages(custom) == []


@given(custom=values)
def test_whatever_is_given_it_is_left_alone_and_names_one_recipient(custom):
    before = copy.deepcopy(custom)
    bodies = [send_body("psid-1", made) for made in custom_messages(custom)]

    assert custom == before
    assert all(isinstance(body["recipient"]["id"], str) and body["recipient"]["id"] for body in bodies)
    assert not [body for body in bodies if "thread_control" in body or "sender" in body]
