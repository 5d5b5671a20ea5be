"""The key `summary` of handover.yml."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handover_channel.settings import yaml_file
from handover_channel.settings.section import Section
from handover_channel.settings.summary import OUR_NOTE, SummarySettings, read


def summary_and_problems(text):
    values, unreadable = yaml_file.parse(text, {})

    assert unreadable == []
    section = Section("handover.yml", values or {}, [])
    return read(section, "summary"), section.problems


@pytest.mark.parametrize(
    "text", ["", "summary: false", "summary: null", "summary: {by: false}", "summary: {}"]
)
def test_it_is_off_unless_somebody_switches_it_on(text):
    summary, problems = summary_and_problems(text)

    assert (summary.is_wanted, summary.url, summary.function, problems) == (False, "", "", [])


@pytest.mark.parametrize("text", ["summary: true", 'summary: "true"', "summary: {by: true}"])
def test_true_is_our_own_note(text):
    assert summary_and_problems(text) == (SummarySettings(by=OUR_NOTE), [])
    assert summary_and_problems(text)[0].function == ""


def test_a_dotted_name_is_a_function():
    summary, problems = summary_and_problems("summary: actions.notes.write")

    assert (summary.function, summary.url, problems) == ("actions.notes.write", "", [])


@pytest.mark.parametrize(
    "url", ["https://notes.example.com/x?key=1", "http://localhost:9000/", "http://127.0.0.1/"]
)
def test_an_address_is_called_over_https_or_on_this_machine(url):
    summary, problems = summary_and_problems(f"summary: {{by: '{url}', within: 8 seconds, token: abc}}")

    assert problems == []
    assert (summary.url, summary.function) == (url, "")
    assert (summary.within, summary.token) == (timedelta(seconds=8), "abc")
    assert "abc" not in repr(summary)
    assert url not in repr(summary)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("summary: http://notes.example.com/?key=hidden", "summary is an http:// address: write https://"),
        ("summary: notes", "summary is neither a dotted name nor an address: write true, the dotted name"),
        ("summary: ftp://x.example/y", "summary is neither a dotted name nor an address"),
        ("summary: https://[oops", "summary is neither a dotted name nor an address"),
        ("summary: [a]", "summary must be text"),
        ("summary: {by: true, within: 1 minute}", 'summary.within is "1 minute": write up to 20 seconds'),
        ("summary: {by: true, within: false}", 'summary.within is "False": write up to 20 seconds'),
        ("summary: {by: true, wihtin: 1 second}", "summary.wihtin is not a setting: did you mean within?"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_write_and_never_quoted_where_it_may_hold_a_key(
    text, problem
):
    _, problems = summary_and_problems(text)

    assert len(problems) == 1
    assert problem in problems[0]
    assert "hidden" not in problems[0]
