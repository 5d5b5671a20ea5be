from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.rules.search_words import (
    LONGEST_WORD,
    MOST_WANTED,
    are_in,
    marked,
    snippet,
    wanted_of,
    words_in,
)


def found(pieces):
    return [piece.text for piece in pieces if piece.is_found]


@pytest.mark.parametrize(
    ("search", "text"),
    [
        ("SHOES", "my shoes are red"),
        ("cafe", "the Café is closed"),
        ("CAFÉ", "the cafe is closed"),
        ("strasse", "Hauptstraße? no: Straße"),
        ("مكسورا", "المنتج وصل مكسورًا"),
        ("ليلي", "ليلى منصور"),
        ("مدرسة", "مدرسه"),
        ("أحمد", "احمد"),
        ("١٢٣", "order 123"),
        ("kapi", "KAPI"),
        ("ord 42", "my order, number 4242"),
        ("order-4242", "ORDER 4242"),
        ("sara@example.com", "write to Sara at example: sara@example.com"),
        ("طلب", "أين الطلب؟"),
        ("طلب", "بالطلب السابق"),
        ("الطلب", "أين الطلب؟"),
        ("退货", "我想退货"),
        ("货", "我想退货"),
        ("हिन्दी", "हिन्दी में"),
        ("full", "ｆｕｌｌ width"),
    ],
)
def test_words_are_found_whatever_way_they_are_written(search, text):
    assert are_in(text, wanted_of(search))
    assert found(marked(text, wanted_of(search)))


@pytest.mark.parametrize(
    ("search", "text"), [("red shoes", "red hats"), ("der", "order"), ("退款", "我想退货")]
)
def test_what_is_not_there_is_not_found(search, text):
    assert not are_in(text, wanted_of(search))


@pytest.mark.parametrize(
    "search", ["", "   ", "!!!", '""', "* ( ) :", "' - ; %", "؟،؛", "😀😀", "_", "\\", "٪"]
)
def test_of_signs_alone_nothing_is_wanted(search):
    assert wanted_of(search) == []


@pytest.mark.parametrize(
    "search", ['"a" OR b*', "a AND NOT b", "NEAR(a b, 2)", "a:b", "^a", "{a}", "a & !b | 'c':*", "-a", "a*"]
)
def test_operators_of_databases_are_words_or_nothing(search):
    assert all(word.isalnum() for word in wanted_of(search))


def test_a_search_of_ten_thousand_words_asks_for_some():
    assert len(wanted_of("word " * 10_000)) == 1
    assert len(wanted_of(" ".join(map(str, range(10_000))))) == MOST_WANTED
    assert wanted_of("x" * 10_000) == ["x" * LONGEST_WORD]


@given(st.text(max_size=300), st.text(max_size=60))
def test_marks_change_nothing_of_the_text_and_agree_with_what_is_found(text, search):
    wanted = wanted_of(search)
    pieces = marked(text, wanted)

    assert "".join(piece.text for piece in pieces) == text
    if wanted and are_in(text, wanted):
        assert found(pieces)


@given(st.text(max_size=300))
def test_every_text_is_found_by_each_of_its_words(text):
    for word in wanted_of(text):
        assert are_in(text, [word])


@given(st.text(max_size=300))
def test_words_are_what_both_databases_take_as_one(text):
    assert all(word and " " not in word and "'" not in word and '"' not in word for word in words_in(text))


def test_a_snippet_is_one_short_line_around_what_was_found():
    text = "before\n" * 100 + "the zebra, at last " + "after " * 100

    pieces = snippet(text, wanted_of("zebra"))

    shown = "".join(piece.text for piece in pieces)
    assert found(pieces) == ["zebra"]
    assert len(shown) < 140
    assert "\n" not in shown
    assert shown.startswith("…before")
    assert shown.endswith("…")


def test_a_short_text_is_shown_whole():
    assert "".join(piece.text for piece in snippet("my red shoes", ["red"])) == "my red shoes"
