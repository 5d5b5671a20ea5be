from __future__ import annotations

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.inbox.bot_history import _Named, said_in, without
from handover_channel.messenger.bubble import Button, Note
from handover_channel.rules.limits import ADDRESS, ATTACHMENTS, SHOWN


def person(text, at=1.0, channel="facebook", **metadata):
    return {"event": "user", "text": text, "timestamp": at, "metadata": metadata, "input_channel": channel}


def bot(text="", at=2.0, **data):
    return {"event": "bot", "text": text, "timestamp": at, "data": data}


def said_once(text, message_id):
    return {**person(text), "message_id": message_id}


def action(name):
    return {"event": "action", "name": name, "timestamp": 2.0}


def test_what_both_said_comes_in_its_order():
    said = said_in([{"event": "session_started"}, person("Hello"), {"event": "action"}, bot("Hi!")])

    assert [(each.speaker, each.text, each.at) for each in said] == [
        ("person", "Hello", 1.0),
        ("bot", "Hi!", 2.0),
    ]


def test_each_entry_has_a_key_of_its_own():
    said = said_in([person("a"), person("a"), bot("a")])

    assert len({each.key for each in said}) == 3


def test_a_tap_is_shown_by_the_title_that_the_person_saw():
    tapped = person('/order{"id": 1}', mid="m", postback={"title": "Order", "payload": '/order{"id": 1}'})
    chosen = person("/hours", mid="m", quick_reply={"title": "When?", "payload": "/hours"})

    assert [each.text for each in said_in([tapped, chosen])] == ["Order", "When?"]


def test_a_turn_of_the_machinery_is_nothing_that_anybody_said():
    assert said_in([person('/handover_returned{"reason": "agent"}')]) == []


def test_typed_text_that_begins_with_a_slash_is_shown_as_it_was_typed():
    assert [each.text for each in said_in([person('/restart {"x"}', mid="m")])] == ['/restart {"x"}']


def test_an_attachment_is_shown_once_and_not_as_text_too():
    photo = {"type": "image", "url": "https://example.org/a.png"}

    said = said_in([person("https://example.org/a.png", mid="m", attachments=[photo])])

    assert (said[0].text, said[0].files[0].url) == ("", "https://example.org/a.png")


@pytest.mark.parametrize(("length", "shown"), [(SHOWN.value, SHOWN.value), (3_000_000, SHOWN.value + 1)])
def test_a_text_is_shown_as_far_as_anybody_reads(length, shown):
    assert [len(each.text) for each in said_in([person("x" * length)])] == [shown]


def test_files_of_one_message_are_shown_up_to_so_many():
    files = [{"type": "image", "url": f"https://example.org/{number}"} for number in range(1000)]

    assert len(said_in([person("look", attachments=files)])[0].files) == ATTACHMENTS.value


@pytest.mark.parametrize(("more", "shown"), [(0, 1), (1, 0)])
def test_an_address_that_is_too_long_is_not_shown(more, shown):
    url = "https://example.org/".ljust(ADDRESS.value + more, "x")

    assert len(said_in([person("look", attachments=[{"type": "image", "url": url}])])[0].files) == shown


def test_a_message_that_was_met_with_silence_is_left_to_the_transcript():
    said = said_in([person("before"), bot("yes"), person("to the human"), {"event": "rewind"}])

    assert [each.text for each in said] == ["before", "yes"]


def test_a_silent_turn_that_nobody_sees_hides_nothing_of_the_turns_before_it():
    gone_on = {**person("/products", handover={"reason": "agent"}), "message_id": "rasa-handover:12.intent"}

    said = said_in([person("before"), bot("yes"), gone_on, {"event": "rewind"}, bot("later")])

    assert [each.text for each in said] == ["before", "yes", "later"]


def test_two_silent_turns_in_a_row_are_both_left_to_the_transcript():
    rewind = {"event": "rewind"}

    said = said_in([person("before"), person("one"), person("two"), rewind, rewind, bot("later")])

    assert [each.text for each in said] == ["before", "later"]


LISTEN, REWIND = action("action_listen"), {"event": "rewind", "timestamp": 3.0}
TWO_STAGE = action("action_two_stage_fallback")
UNDERSTOOD = said_once("hello", "m0"), action("utter_greet"), bot("Hi!")
NOT_UNDERSTOOD = said_once("qwerty uiop", "m1")
REPHRASED = said_once("your opening hours", "m2")

#: What Rasa 3.6 takes back, as it writes it down: the events, and what the page shows of them.
TAKEN_BACK = {
    "action_default_fallback": (
        [NOT_UNDERSTOOD, action("action_default_fallback"), bot("Sorry?"), REWIND, LISTEN],
        ["qwerty uiop", "Sorry?"],
    ),
    "action_default_fallback without utter_default": (
        [NOT_UNDERSTOOD, action("action_default_fallback"), REWIND, LISTEN],
        ["qwerty uiop"],
    ),
    "action_two_stage_fallback, rephrased": (
        [
            *(
                NOT_UNDERSTOOD,
                TWO_STAGE,
                {"event": "active_loop", "name": TWO_STAGE["name"]},
                bot("Rephrase?"),
            ),
            *(LISTEN, REPHRASED, TWO_STAGE, {"event": "active_loop", "name": None}, REWIND),
            *(LISTEN, {**REPHRASED, "timestamp": 4.0}, action("utter_hours"), bot("At nine.")),
        ],
        ["qwerty uiop", "Rephrase?", "your opening hours", "At nine."],
    ),
    "action_two_stage_fallback, given up": (
        [
            *(
                NOT_UNDERSTOOD,
                TWO_STAGE,
                {"event": "active_loop", "name": TWO_STAGE["name"]},
                bot("Rephrase?"),
            ),
            *(LISTEN, said_once("asdf", "m2"), TWO_STAGE, {"event": "active_loop", "name": None}),
            *(bot("Sorry?"), REWIND, LISTEN),
        ],
        ["qwerty uiop", "Rephrase?", "asdf", "Sorry?"],
    ),
    "action_back": (
        [NOT_UNDERSTOOD, LISTEN, said_once("back", "m2"), action("action_back"), bot("OK."), REWIND, REWIND],
        ["qwerty uiop", "back", "OK."],
    ),
    "undo": ([NOT_UNDERSTOOD, action("utter_a"), bot("A"), {"event": "undo"}], ["qwerty uiop", "A"]),
    "restart": (
        [NOT_UNDERSTOOD, action("action_restart"), {"event": "restart"}, bot("Anew.")],
        ["qwerty uiop", "Anew."],
    ),
    "session_started": (
        [NOT_UNDERSTOOD, action("action_session_start"), {"event": "session_started"}, LISTEN],
        ["qwerty uiop"],
    ),
}


@pytest.mark.parametrize(("events", "shown"), TAKEN_BACK.values(), ids=TAKEN_BACK)
def test_what_was_said_is_shown_although_rasa_took_it_back(events, shown):
    said = said_in([*UNDERSTOOD, LISTEN, *events])

    assert [each.text for each in said] == ["hello", "Hi!", *shown]


def test_a_silent_turn_behind_a_fallback_hides_nothing_but_itself():
    fallback, _ = TAKEN_BACK["action_default_fallback"]

    said = said_in([*fallback, said_once("to the human", "m2"), REWIND, LISTEN])

    assert [each.text for each in said] == ["qwerty uiop", "Sorry?"]


def test_the_same_words_written_again_after_a_fallback_are_shown_again():
    fallback, _ = TAKEN_BACK["action_default_fallback"]

    said = said_in([*fallback, {**NOT_UNDERSTOOD, "message_id": "m2"}])

    assert [each.text for each in said] == ["qwerty uiop", "Sorry?", "qwerty uiop"]


def test_a_turn_that_nobody_said_stays_hidden_when_the_bot_falls_back_on_it():
    returned = said_once('/handover_returned{"reason": "agent"}', "rasa-handover:7")

    said = said_in([returned, action("action_default_fallback"), bot("Sorry?"), REWIND, LISTEN])

    assert [(each.speaker, each.text) for each in said] == [("bot", "Sorry?")]


def test_buttons_quick_replies_pictures_and_cards_are_shown_as_the_person_saw_them():
    button = {"title": "More", "payload": "/more"}
    card = {"title": "Shoe", "subtitle": "Red", "image_url": "https://x.org/shoe.png", "buttons": [button]}

    said = said_in([bot("Look", buttons=[button], quick_replies=[button], image="i", elements=[card])])[0]

    assert (said.buttons, said.quick_replies) == ((Button("More"),), (Button("More"),))
    assert (said.files[0].type, said.cards[0].picture) == ("image", "https://x.org/shoe.png")


def test_custom_json_is_shown_as_it_went_out():
    assert json.loads(said_in([bot(custom={"attachment": {"type": "x"}})])[0].text) == {
        "attachment": {"type": "x"}
    }


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
EVENTS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "event": st.sampled_from(["user", "bot", "rewind", "slot"]),
            "text": st.none() | st.text(),
            "timestamp": ANYTHING,
            "metadata": ANYTHING
            | st.fixed_dictionaries({}, optional={"attachments": ANYTHING, "postback": ANYTHING}),
            "data": ANYTHING
            | st.fixed_dictionaries(
                {}, optional={"buttons": ANYTHING, "elements": ANYTHING, "attachment": ANYTHING}
            ),
        },
    )
)


@given(EVENTS)
def test_whatever_a_bot_has_put_into_its_events_the_page_shows_something(events):
    said = said_in(events)

    assert [each.speaker for each in said] == speakers_in(events)
    assert all(0 <= each.at < math.inf for each in said)
    parts = [(each.notes, each.files, each.cards, each.links, each.buttons) for each in said]
    assert all(each.text.strip() or any(more) for each, more in zip(said, parts))


@pytest.mark.parametrize("time", [float("nan"), float("inf"), 10**400, -1, "1", None, [1]])
def test_what_is_no_time_is_none(time):
    (said,) = said_in([{**bot("Hi"), "timestamp": time}])

    assert said.at == 0.0


def speakers_in(events):
    """A turn is a message of the person and what the bot says to it; `rewind` takes the last one back."""
    turns = [[]]
    for event in events:
        kind = event.get("event")
        if kind == "user":
            turns.append(["person"])
        elif kind == "bot":
            turns[-1].append("bot")
        elif kind == "rewind" and len(turns) > 1:
            turns.pop()
    return list(itertools.chain.from_iterable(turns))


# --- what strangers may say -----------------------------------------------------------------------

PICTURE = {
    "type": "image",
    "url": "https://evil.example/a.png",
    "payload": {"url": "https://evil.example/a.png"},
}


@pytest.mark.parametrize("channel", ["rest", "socketio", None, "", 7, ["facebook"], "Facebook"])
def test_nothing_that_another_channel_names_is_fetched(channel):
    given = {
        "attachments": [PICTURE],
        "extras": [PICTURE],
        "postback": {"title": "<b>"},
        "referral": {"ref": "x"},
        "reply_to": "m1",
        "mid": "m2",
    }
    (said,) = said_in([person("hello", channel=channel, **given)])

    assert (said.text, said.files, said.cards, said.links) == ("hello", (), (), ())
    assert said.notes == (Note("elsewhere"),)
    assert (said.mid, said.reply_to) == ("", "")


def test_a_button_of_another_channel_is_shown_as_a_tap():
    (said,) = said_in([person('/order{"id": 1}', channel="socketio")])

    assert (said.text, said.notes) == ("", (Note("tap", '/order{"id": 1}'),))


def test_what_an_agent_had_the_bot_go_on_with_is_nothing_that_the_person_said():
    ours = {
        **person("/track_order", handover={"intent": "track_order"}),
        "message_id": "rasa-handover:7.intent",
    }
    forged = {**person("/track_order", channel="rest", handover={}), "message_id": "abc"}

    assert said_in([ours]) == []
    assert [each.text for each in said_in([forged])] == ["/track_order"]


def test_a_reminder_is_nothing_that_the_person_said():
    reminder = {**person("EXTERNAL: remind_of_cart", is_external=True), "message_id": None}
    forged = {**person("EXTERNAL: x", channel="rest", is_external=True), "message_id": "abc"}
    typed = person("EXTERNAL: y")

    assert [each.text for each in said_in([reminder, forged, typed])] == ["EXTERNAL: x", "EXTERNAL: y"]


@pytest.mark.parametrize("channel", ["rest", "facebook"])
def test_a_picture_whose_host_the_person_has_named_is_a_link(channel):
    shown = bot(
        image="https://evil.example/a.png", elements=[{"title": "T", "image_url": "https://evil.example/b"}]
    )
    before, named, after = said_in([shown, person("my picture: //EVIL.example/", channel=channel), shown])[
        ::1
    ]

    assert before.files[0].url == "https://evil.example/a.png"
    assert (after.files, [link.url for link in after.links]) == ((), ["https://evil.example/a.png"])
    assert (before.cards[0].picture, after.cards[0].picture) == ("https://evil.example/b", "")
    assert named.text.startswith("my picture")


def test_a_picture_that_the_metadata_of_another_channel_names_is_a_link():
    said = said_in(
        [person("hi", channel="rest", avatar="https://evil.example/a"), bot(image="https://evil.example/a")]
    )

    assert said[1].files == ()


def test_a_long_conversation_is_looked_through_once_for_a_host_that_the_bot_shows():
    class Counted(str):
        looks = 0

        def __contains__(self, part):
            Counted.looks += 1
            return super().__contains__(part)

    named = _Named()
    for _ in range(1000):
        named.add(Counted("hello"))
        assert not named.has("shop.example")
    named.add(Counted("see shop.example"))

    assert [named.has("shop.example"), named.has("shop.example")] == [True, True]
    assert Counted.looks == 1001


def test_a_picture_whose_host_stood_in_a_payload_in_other_letters_is_a_link_too():
    typed = {
        **person('/show{"picture": "https:\\/\\/\\u0065vil.example/a"}', channel="rest"),
        "parse_data": {"entities": [{"entity": "picture", "value": "https://evil.example/a"}]},
    }
    said = said_in([typed, bot(image="https://evil.example/a")])

    assert (said[1].files, [link.url for link in said[1].links]) == ((), ["https://evil.example/a"])


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "file:///etc/passwd", "data:image/png;base64,AA", "//x"]
)
def test_no_address_but_of_the_web_is_fetched_or_opened(address):
    (said,) = said_in(
        [bot(image=address, attachment=address, elements=[{"title": "T", "image_url": address}])]
    )

    assert [file.url for file in said.files] == ["", ""]
    assert said.cards[0].picture == ""
    assert said.links == ()


def test_a_message_that_a_bot_wrote_for_messenger_is_drawn_as_messenger_does():
    payload = {
        "template_type": "button",
        "text": "Shall I?",
        "buttons": [{"type": "postback", "title": "Yes"}],
    }

    (said,) = said_in([bot(custom={"attachment": {"type": "template", "payload": payload}})])

    assert (said.text, said.buttons) == ("Shall I?", (Button("Yes"),))


# --- turns from which nothing went out ------------------------------------------------------------


def turn_of(mid, text, *answers):
    return [{**person(text, mid=mid), "message_id": mid}, *(bot(answer) for answer in answers)]


def test_of_a_turn_from_which_nothing_went_out_neither_question_nor_answer_is_shown_as_said():
    returned = [{**person('/handover_returned{"reason": "agent"}'), "message_id": "rasa-handover:7"}]
    events = [
        *turn_of("m1", "Hello", "Hi!"),
        *turn_of("m2", "When do you open?", "At nine.", "Anything else?"),
        *returned,
        bot("I am back."),
        *turn_of("m3", "Thanks", "You are welcome."),
    ]

    shown = without({"m2"}, said_in(events))

    assert [each.text for each in shown] == ["Hello", "Hi!", "I am back.", "Thanks", "You are welcome."]


def test_turns_without_an_id_are_shown():
    assert [each.text for each in without({""}, said_in([person("Hello"), bot("Hi!")]))] == ["Hello", "Hi!"]
