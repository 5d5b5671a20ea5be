"""Which of the things that people wrote are suggested for NLU, and how a file of them is written."""

from __future__ import annotations

import unicodedata

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from play import START

from handover_channel.exports import nlu_file, suggestions
from handover_channel.exports.masking import Masker
from handover_channel.exports.suggestions import JUST_BEFORE, LONGEST_EXAMPLE, Suggestions
from handover_channel.store.exported import Wanted

INTENTS = ("handover", "complaint")


def user(text, intent="ask", at=START):
    return {"event": "user", "text": text, "timestamp": at, "parse_data": {"intent": {"name": intent}}}


def action(name):
    return {"event": "action", "name": name}


def slot(value, name="handover_target"):
    return {"event": "slot", "name": name, "value": value}


def form(name):
    return {"event": "active_loop", "name": name}


def found(*events, name="", **wanted):
    collected = Suggestions(Masker(), INTENTS, Wanted(**wanted))
    collected.read(events, name)
    return collected.said_before(), collected.not_understood()


def test_what_was_said_just_before_asking_for_a_human_is_suggested_and_nothing_earlier():
    assert found(user("hi"), user("my parcel is broken"), user("a human", "handover")) == (
        ["my parcel is broken"],
        [],
    )


def test_another_intent_for_people_and_a_tap_count_as_asking():
    assert found(user("too late"), user("this is bad", "complaint"))[0] == ["too late"]
    assert found(user("too late"), user("/handover", "handover"))[0] == ["too late"]


def test_what_made_the_bot_hand_over_by_itself_is_suggested():
    assert found(user("hi"), user("my dog ate it"), action("action_handover"))[0] == ["my dog ate it"]


@pytest.mark.parametrize("between", [action("action_session_start"), {"event": "restart"}, slot(None)])
def test_what_was_said_in_an_earlier_conversation_was_not_just_before(between):
    assert found(user("hi"), between, user("a human", "handover")) == ([], [])


def test_what_was_said_long_ago_was_not_just_before():
    later = START + JUST_BEFORE + 1

    assert found(user("hi"), user("a human", "handover", at=later)) == ([], [])


def test_what_nlu_or_the_policies_did_not_understand_is_suggested_once():
    events = [user("qwertz", "nlu_fallback"), action("action_default_fallback")]

    assert found(*events) == ([], ["qwertz"])
    assert found(user("sell me a boat"), action("action_default_fallback")) == ([], ["sell me a boat"])


def test_what_was_both_is_in_one_group():
    assert found(user("qwertz", "nlu_fallback"), user("a human", "handover")) == ([], ["qwertz"])


@pytest.mark.parametrize("text", ["/ask", " /ask{}", "EXTERNAL: handover_returned", "", None, "👍", "...", 7])
def test_taps_and_what_has_no_words_are_left_out(text):
    assert found(user(text, "nlu_fallback"), user("a human", "handover")) == ([], [])


def test_what_was_said_while_the_bot_did_not_have_control_is_left_out():
    events = [
        slot("inbox"),
        user("to the agent", "nlu_fallback"),
        slot(None),
        user("to the bot", "nlu_fallback"),
    ]

    assert found(*events) == ([], ["to the bot"])


def test_what_was_said_in_a_form_is_left_out():
    events = [
        form("address"),
        user("High Street", "nlu_fallback"),
        form(None),
        user("to the bot", "nlu_fallback"),
    ]

    assert found(*events) == ([], ["to the bot"])


def test_what_is_the_same_but_for_case_accents_and_punctuation_is_one_example_the_most_frequent_first():
    texts = ["once", "Où est ma commande ?", "ou est ma commande", "OU EST MA COMMANDE!!"]

    assert found(*(user(text, "nlu_fallback") for text in texts))[1] == ["Où est ma commande ?", "once"]


def test_only_what_was_said_in_that_time_is_suggested():
    events = [user("one", "nlu_fallback"), user("two", "nlu_fallback", at=START + 60)]

    assert found(*events, since=START + 1)[1] == ["two"]
    assert found(*events, until=START + 60)[1] == ["one"]


def test_personal_data_and_the_persons_name_are_masked_and_what_is_nothing_else_is_left_out():
    events = [user("I am Sara, call +49 30 901820", "nlu_fallback"), user("+49 30 901820", "nlu_fallback")]

    assert found(*events, name="Sara Ali")[1] == ["I am NAME, call PHONE"]


def test_a_number_that_invisible_signs_or_line_breaks_divide_is_masked():
    assert found(user("my no 0100\u200b123\n4567", "nlu_fallback"))[1] == ["my no NUMBER"]


def test_a_long_text_is_cut_between_words_and_only_once_it_is_masked():
    text = "word " * 38 + "0100 1234567 " + "more " * 1000

    (example,) = found(user(text, "nlu_fallback"))[1]

    assert len(example) <= LONGEST_EXAMPLE
    assert example.endswith(("word", "NUMBER"))


def test_examples_beyond_a_bound_are_counted_and_not_kept(monkeypatch):
    monkeypatch.setattr(suggestions, "MOST_EXAMPLES", 2)
    collected = Suggestions(Masker(), INTENTS)
    collected.read([user(text, "nlu_fallback") for text in ("one", "two", "three", "one")])

    assert collected.not_understood() == ["one", "two"]
    assert collected.left_out == 1


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("[red](colour)", "[red] (colour)"),
        ('[red]{"entity": "colour"}', '[red] {"entity": "colour"}'),
        ('[red][{"entity": "x"}]', '[red] [{"entity": "x"}]'),
        ("[a] and (b)", "[a] and (b)"),
        ("- first\n- second", "- first - second"),
    ],
)
def test_what_rasa_would_read_as_an_annotation_is_text(text, example):
    assert suggestions.example(text, Masker()) == example


@pytest.mark.parametrize("event", [{}, {"event": "user"}, {"event": "user", "parse_data": None, "text": []}])
def test_events_of_unknown_shapes_are_passed_over(event):
    assert found(event, user("a human", "handover")) == ([], [])


# --- the file ---

hostile = st.text(
    st.one_of(
        st.sampled_from("-#:|>'\"&*!%@`{}[]()\\$u0041 \n\r\t\x00\x1c\x85\u2028\u2029\ufeff\u202e\U0001f600"),
        st.characters(),
    ),
    max_size=40,
)


@given(texts=st.lists(hostile, max_size=8))
def test_the_file_has_the_same_texts_and_no_others(texts):
    masker = Masker()
    examples = [example for example in (suggestions.example(text, masker) for text in texts) if example]

    text = "".join(nlu_file.lines(examples, ["another one"]))

    loaded = yaml.safe_load(text)
    groups = {each["intent"]: each["examples"].splitlines() for each in loaded["nlu"]}
    assert loaded["version"] == "3.1"
    assert groups.get(nlu_file.SAID_BEFORE, []) == [f"- {example}" for example in examples]
    assert groups[nlu_file.NOT_UNDERSTOOD] == ["- another one"]
    assert not any(unicodedata.category(sign)[0] == "C" for sign in text if sign not in "\n\u200c\u200d")


def test_a_group_says_where_it_is_from_and_an_empty_one_is_not_there():
    text = "".join(nlu_file.lines([], ["one"]))

    assert yaml.safe_load(text)["nlu"] == [
        {"intent": "handover_export_not_understood", "examples": "- one\n"}
    ]
    assert "# What the bot did not understand" in text
    assert not text.isascii()
    assert yaml.safe_load("".join(nlu_file.lines([], [])))["nlu"] == []
