from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.errors import GraphError, HandoverError, NotKnown, SettingsError
from handover_channel.sentences import Sentence, counted, kept, of_others, restored, sentence, with_remedy

FILE = Sentence("the file has %(size).1f MB, and Meta takes %(most)s MB at most", size=26.25, most=25)
REFUSED = with_remedy(of_others("(#551) 100% {not} %(here)s"), Sentence("wait for %(who)s", who="Sara"))
LATE = counted("in %(number)s minute: %(why)s", "in %(number)s minutes: %(why)s", 7, why=FILE)


def parts(text):
    """All that a translation is made of."""
    if not isinstance(text, Sentence):
        return text
    return text.msgid, text.plural, {name: parts(value) for name, value in text.values.items()}


def test_a_sentence_is_its_english_text_filled_in():
    assert FILE == "the file has 26.2 MB, and Meta takes 25 MB at most"
    assert REFUSED == "(#551) 100% {not} %(here)s -> wait for Sara"
    assert f"in 7 minutes: {FILE}" == LATE
    assert counted("%(number)s minute", "%(number)s minutes", 1) == "1 minute"


def test_a_percent_sign_counts_only_where_there_are_values():
    assert Sentence("100% of it %(x)s") == "100% of it %(x)s"


@pytest.mark.parametrize("text", [FILE, REFUSED, LATE, Sentence("nothing varies"), Sentence("")])
def test_what_the_database_keeps_comes_back_with_text_and_values(text):
    again = restored(kept(text))

    assert again == text
    assert parts(again) == parts(text)


@pytest.mark.parametrize("text", [FILE, REFUSED, LATE])
def test_a_sentence_goes_to_another_process_whole(text):
    again = pickle.loads(pickle.dumps(text))  # noqa: S301

    assert again == text
    assert parts(again) == parts(text)


@given(st.text())
def test_any_text_of_an_earlier_version_comes_back_as_it_was(text):
    assert restored(text) == text or text.startswith('{"msgid": ')


def test_a_text_that_only_begins_like_a_kept_sentence_comes_back_as_it_was():
    assert restored('{"msgid": no') == '{"msgid": no'


@given(st.text())
def test_what_others_said_comes_back_as_they_said_it(text):
    assert restored(kept(of_others(text))) == text


def test_an_error_tells_its_sentence_and_the_values_in_it():
    error = NotKnown("no agent is called %(name)r -> look again", name="o'neill")

    assert str(error) == 'no agent is called "o\'neill" -> look again'
    assert parts(error.text) == ("no agent is called %(name)r -> look again", "", {"name": "o'neill"})
    assert str(HandoverError()) == ""


def test_what_meta_said_is_no_sentence_of_ours():
    error = GraphError("100% %(no)s", remedy=Sentence("wait"))

    assert str(error) == "100% %(no)s -> wait"
    assert error.said.msgid == "%(said)s"
    assert parts(error.text.values["remedy"]) == ("wait", "", {})
    assert GraphError("no").text == "no"


def test_one_problem_of_the_settings_is_a_sentence_that_can_be_translated():
    problem = Sentence("no page %(page)s", page="7")

    assert SettingsError([problem]).text is problem
    assert str(SettingsError([problem, "and more"])) == "no page 7\nand more"


def test_other_values_leave_the_sentence_as_it_is():
    assert LATE.with_values(why="so") == "in 7 minutes: so"
    assert sentence(FILE) is FILE
