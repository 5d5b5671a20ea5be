"""YAML as people expect it: text stays text, and nothing gets lost silently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.settings.yaml_file import Unset, parse

ENVIRON = {"TOKEN": "t0k", "EMPTY": "", "FLAG": "true"}


def value_of(text):
    value, problems = parse(text, ENVIRON)

    assert problems == []
    return value


@pytest.mark.parametrize(
    "scalar",
    [
        "no",
        "yes",
        "on",
        "off",
        "y",
        "0123",
        "0x1F",
        "1_000",
        "12:30:45",
        "1e3",
        "2026-01-31",
        ".5",
        "=",
        "nullo",
    ],
)
def test_an_unquoted_scalar_stays_the_text_it_is(scalar):
    assert value_of(f"key: {scalar}") == {"key": scalar}


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ('"true"', "true"),
        ("'~'", "~"),
    ],
)
def test_only_true_false_and_null_are_more_than_text(scalar, value):
    assert value_of(f"key: {scalar}") == {"key": value}


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("${TOKEN}", "t0k"),
        ("a-${TOKEN}-$TOKEN", "a-t0k-t0k"),
        ("${EMPTY}", ""),
        ("${FLAG}", "true"),
        ('"${TOKEN}"', "${TOKEN}"),
        ("'${TOKEN}'", "${TOKEN}"),
        ("$TOKEN", "$TOKEN"),
        ("cost$", "cost$"),
    ],
)
def test_variables_are_expanded_where_rasa_expands_them(scalar, value):
    assert value_of(f"key: {scalar}") == {"key": value}


def test_variables_are_expanded_in_lists_and_blocks():
    assert value_of("a: [x, '${TOKEN}', y]\nb:\n  - ${TOKEN}") == {"a": ["x", "${TOKEN}", "y"], "b": ["t0k"]}


def test_a_variable_that_is_not_set_is_left_to_who_reads_the_value():
    assert value_of("key: ${NOPE}/${TOKEN}/${ALSO_NOT}") == {"key": Unset(("NOPE", "ALSO_NOT"))}


def test_anchors_and_merged_keys_work_as_ever():
    assert value_of("a: &a {x: one}\nb: {<<: *a, y: two}") == {
        "a": {"x": "one"},
        "b": {"x": "one", "y": "two"},
    }


@pytest.mark.parametrize(
    ("text", "value"), [("", None), ("# nothing\n", None), ("- one", ["one"]), ("word", "word")]
)
def test_a_document_may_be_anything(text, value):
    assert value_of(text) == value


def test_every_key_given_twice_is_a_problem():
    _, problems = parse("a: 1\nb:\n  c: 1\n  c: 2\na: 2\na: 3\n", {})

    assert sorted(problems) == [
        'line 4: the key "c" is there already, in line 3: keep one of them',
        'line 5: the key "a" is there already, in line 1: keep one of them',
        'line 6: the key "a" is there already, in line 1: keep one of them',
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "a: [x",
            "line 1, column 6: this is not valid YAML (expected ',' or ']', but got '<stream end>')"
            ": correct it",
        ),
        (
            "a: b: c",
            "line 1, column 5: this is not valid YAML (mapping values are not allowed here): correct it",
        ),
        ("? [a]\n: b", "line 1, column 3: this is not valid YAML (found unhashable key): correct it"),
        ("a: \x00", "this is not valid YAML (special characters are not allowed): correct it"),
        (
            "a: 1\n---\nb: 2",
            "line 2, column 1: this is not valid YAML (but found another document): correct it",
        ),
        ("a: !!int x", "this is not valid YAML (ValueError): correct it"),
    ],
)
def test_what_is_no_yaml_is_a_problem_with_its_line(text, problem):
    assert parse(text, {}) == (None, [problem])


@pytest.mark.parametrize(
    "secret", ["!s3cr3t", "*s3cr3t", "@s3cr3t", "%s3cr3t", '"s3cr3t', "s3cr3t: s3cr3t", "[s3cr3t"]
)
def test_a_problem_never_quotes_what_may_be_a_secret(secret):
    value, problems = parse(f"token: {secret}\n", {})

    assert value is None
    assert len(problems) == 1
    assert "s3cr3t" not in problems[0]


@given(st.text())
def test_no_text_raises(text):
    value, problems = parse(text, {})

    assert value is None or isinstance(problems, list)


@given(st.text(alphabet="ab:-{}[]&*!<>?|'\"#%@`,\n $1~"))
def test_no_text_of_yamls_own_signs_raises(text):
    value, problems = parse(text, {})

    assert value is None or isinstance(problems, list)


def test_a_document_too_deep_to_read_is_a_problem():
    assert parse("[" * 5000, {})[1] == ["this is not valid YAML (RecursionError): correct it"]
