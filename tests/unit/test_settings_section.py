"""Reading a mapping key by key: the value, or a problem that says what to do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handover_channel.settings.section import Section, nearest, quoted
from handover_channel.settings.yaml_file import Unset

HOUR = timedelta(hours=1)


def section(**values):
    return Section("handover.yml", values, [], "return")


def read(value, method, *arguments, **options):
    """The answer of a method for a key with *value*, and the problems without their beginning."""
    it = section(key=value)
    answer = getattr(it, method)("key", *arguments, **options)

    assert all(problem.startswith("handover.yml: return.key ") for problem in it.problems)
    return answer, [problem[len("handover.yml: return.key ") :] for problem in it.problems]


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (" a\n", "a"), (12, "12"), ("", ""), (None, "default")]
)
def test_text_is_given_without_the_space_around_it(value, text):
    assert read(value, "text", "default") == (text, [])


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (True, "is true, which is no text: write it in quotes"),
        (1.5, "is 1.5, which is no text: write it in quotes"),
        ([], "must be text: write it in quotes"),
        ({"a": "b"}, "must be text: write it in quotes"),
        (
            Unset(("A", "B")),
            "needs the environment variables A and B, which are not set: set it, or write the value here",
        ),
    ],
)
def test_what_is_no_text_is_refused(value, problem):
    assert read(value, "text", "default") == ("default", [problem])


def test_a_secret_is_not_quoted():
    assert read(12.5, "text", secret=True) == ("", ["must be text: write it in quotes"])


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_required_key_without_text_is_missing(value):
    assert read(value, "required", "write a word") == ("", ["is missing: write a word"])


def test_a_required_key_that_is_refused_is_not_missing_as_well():
    assert len(read([], "required", "write a word")[1]) == 1


@pytest.mark.parametrize(
    ("value", "flag"), [(True, True), (False, False), ("true", True), ("false", False), (None, False)]
)
def test_a_flag_is_true_or_false(value, flag):
    assert read(value, "flag") == (flag, [])


@pytest.mark.parametrize("value", ["yes", "1", "maybe"])
def test_any_other_flag_is_refused(value):
    assert read(value, "flag") == (False, [f'is "{value}": write true or false'])


@pytest.mark.parametrize(("value", "duration"), [("1 hour", HOUR), (None, None), (False, None)])
def test_a_duration_may_be_switched_off(value, duration):
    assert read(value, "duration", timedelta(days=1)) == (duration, [])


def test_an_absent_duration_is_the_default():
    assert section().duration("key", HOUR) == HOUR


@pytest.mark.parametrize("value", ["soon", "12", "", 12])
def test_any_other_duration_is_refused(value):
    duration, problems = read(value, "duration", HOUR)

    assert duration == HOUR
    assert problems == [
        f'is "{value}": write a number and a unit, such as "30 minutes", "12 hours" or "2 days" '
        "(seconds, minutes, hours, days or weeks)"
    ]


@pytest.mark.parametrize("value", [True, [], Unset(("A",))])
def test_a_duration_that_is_no_text_is_refused_once(value):
    assert len(read(value, "duration", HOUR)[1]) == 1


def test_a_section_within_a_section_knows_its_full_name():
    inner = section(key={"a": "1"}).section("key")

    assert (inner.name("a"), inner.text("a")) == ("return.key.a", "1")


@pytest.mark.parametrize("value", ["word", ["a"], True])
def test_what_holds_no_keys_is_no_section(value):
    inner, problems = read(value, "section")

    assert inner.values == {}
    assert problems == ["must hold keys and values: write them one a line, further to the right"]


def test_items_are_named_from_one_on():
    assert list(section(key=["a", "b"]).items("key")) == [("key[1]", "a"), ("key[2]", "b")]


@pytest.mark.parametrize("value", [None, False, []])
def test_an_empty_list_has_no_items(value):
    assert list(section(key=value).items("key")) == []


def test_a_single_word_is_no_list():
    it = section(key="menu")

    assert list(it.items("key")) == []
    assert it.problems == [
        "handover.yml: return.key must be a list: write each item on a line of its own, after a dash"
    ]


def test_unknown_keys_are_refused_with_the_nearest_known_one():
    it = section(buton="x", colour="y")
    it.expect_only(("button", "keywords"))

    assert it.problems == [
        "handover.yml: return.buton is not a setting: did you mean button?",
        "handover.yml: return.colour is not a setting: write one of button, keywords",
    ]


def test_nearest_names_the_known_one_or_all():
    assert nearest("page-inbox", ["inbox", "page_inbox", "app"]) == "did you mean page_inbox?"
    assert nearest("xyz", ["inbox", "app"]) == "write one of inbox, app"


def test_a_long_value_is_shortened_and_kept_on_one_line():
    assert quoted("a\nb " + "x" * 100) == '"a b ' + "x" * 56 + '…"'


def test_a_section_shows_no_values():
    assert "s3cr3t" not in repr(section(secret="s3cr3t"))


@pytest.mark.parametrize(("value", "count"), [(7, 7), ("7", 7), (None, None), (False, None)])
def test_a_count_may_be_switched_off(value, count):
    assert read(value, "count", 5) == (count, [])


def test_an_absent_count_is_the_default():
    assert section().count("key", 5) == 5


@pytest.mark.parametrize("value", ["many", -1, 0, "1.5"])
def test_any_other_count_is_refused(value):
    count, problems = read(value, "count", 5)

    assert count == 5
    assert problems == [f'is "{value}": write a whole number from 1 on, or false']
