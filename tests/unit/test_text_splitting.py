from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handover_channel.messenger.text_splitting import fits, shorten, split

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
FLAG = "\U0001f1ea\U0001f1ec"
THUMB = "\U0001f44d\U0001f3fd"

signs = st.sampled_from(
    ["a", "b ", ". ", "\n", "\n\n", "\xa0", "e\u0301", "مَ", FAMILY, FLAG, THUMB, "\ud83d", "\udc4d"]
)
texts = st.lists(signs | st.characters(), max_size=120).map("".join)
limits = st.integers(2, 40)


def without_space(text):
    return "".join(char for char in text if not char.isspace())


def in_utf_16(text):
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@given(text=texts, limit=limits)
@example(text="\u0301" * 100, limit=7)
@example(text=FLAG * 30, limit=5)
def test_pieces_are_within_the_limit_and_keep_all_but_white_space(text, limit):
    pieces = split(text, limit)

    assert without_space("".join(pieces)) == without_space(text)
    assert all(piece.strip() == piece and piece for piece in pieces)
    assert all(max(len(piece), in_utf_16(piece)) <= limit for piece in pieces)


@given(
    text=st.lists(st.sampled_from(["a", " ", ". ", "\n", "e\u0301", FAMILY, FLAG, THUMB]), max_size=80).map(
        "".join
    )
)
def test_what_looks_like_one_sign_is_never_cut(text):
    pieces = split(text, 20)

    assert not [piece for piece in pieces if unicodedata.combining(piece[0])]
    assert not [piece for piece in pieces if piece[0] in "\u200d\U0001f3fd" or piece[-1] == "\u200d"]
    assert sum(piece.count(FAMILY) for piece in pieces) == text.count(FAMILY)
    assert sum(piece.count(FLAG) for piece in pieces) == text.count(FLAG)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        (" \n\t ", []),
        ("short", ["short"]),
        ("exactly ten", ["exactly", "ten"]),
        ("0123456789", ["0123456789"]),
        ("01234567890", ["0123456789", "0"]),
        ("one two\n\nnext one", ["one two", "next one"]),
        ("a line\nb line", ["a line", "b line"]),
        ("Go on. But no", ["Go on.", "But no"]),
        ("هل؟ نعم نعم نعم", ["هل؟ نعم", "نعم نعم"]),
        ("今日は。明日は雨かも", ["今日は。明日は雨かも"]),
        ("今日は晴。明日は雨かも", ["今日は晴。", "明日は雨かも"]),
        ("0123456789 next", ["0123456789", "next"]),
        ("a https://x/1", ["a", "https://x/", "1"]),
        ("10\xa0000\xa0EUR is", ["10\xa0000\xa0EUR", "is"]),
    ],
)
def test_the_best_place_is_found(text, pieces):
    assert split(text, 10) == pieces


def test_an_early_sentence_does_not_make_a_scrap():
    assert split("No. twelve and more", 14) == ["No. twelve and", "more"]


def test_a_sign_outside_the_basic_plane_counts_as_two():
    assert [len(piece) for piece in split("\U0001f600" * 15, 20)] == [10, 5]
    assert fits("\U0001f600" * 10, 20)
    assert not fits("\U0001f600" * 11, 20)


def test_dots_without_end_take_no_time_without_end():
    assert len(split("." * 200_000, 2000)) == 100


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("Back to Bot", "Back to Bot"),
        ("x" * 20, "x" * 20),
        ("x" * 21, "x" * 19 + "…"),
        ("a title that is too long", "a title that is too…"),
        ("x" * 18 + "e\u0301e\u0301", "x" * 18 + "…"),
        ("x" * 18 + FAMILY, "x" * 18 + "…"),
    ],
)
def test_a_title_is_shortened_with_an_ellipsis(text, short):
    assert shorten(text, 20) == short


@given(text=texts, limit=limits)
def test_a_shortened_text_is_within_the_limit(text, limit):
    assert len(shorten(text, limit)) <= limit
    assert shorten(text, len(text)) == text
