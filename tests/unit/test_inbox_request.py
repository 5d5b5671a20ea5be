"""A request as values (inbox/request.py): what it says, within limits."""

from __future__ import annotations

import pytest
from inbox_page import SARA

from handover_channel.errors import InputRefused
from handover_channel.inbox.forms import Form
from handover_channel.inbox.request import BASE, Request
from handover_channel.rules.limits import FIELDS, QUERY_FIELDS


def test_an_argument_is_the_first_of_its_name():
    request = Request(query="search=a+b%20c&search=x&page=%F0%9F%98%80")

    assert [request.argument(name) for name in ("search", "page", "tag")] == ["a b c", "😀", ""]


def test_more_arguments_than_any_address_has_are_not_taken_apart():
    assert Request(query="a=1" + "&a=1" * (QUERY_FIELDS.value - 1)).argument("tag") == ""
    with pytest.raises(InputRefused, match="more arguments"):
        Request(query="a=1" + "&a=1" * QUERY_FIELDS.value).argument("tag")


@pytest.mark.parametrize("name", ["search", "of", "thread"])
def test_a_long_argument_or_field_is_refused(name):
    text = "x" * FIELDS[name].value
    assert (
        Request(query=f"{name}={text}").argument(name) == Request(form=Form({name: text})).field(name) == text
    )

    for longer in (Request(query=f"{name}={text}x").argument, Request(form=Form({name: f"{text}x"})).field):
        with pytest.raises(InputRefused) as refused:
            longer(name)
        assert refused.value.status == 400


def test_what_no_database_takes_is_left_out():
    assert Request(query="tag=a%00b").argument("tag") == "ab"
    assert Request(in_path={"thread": "a%00b"}).thread == "ab"


def test_a_name_that_is_longer_than_any_is_no_thread():
    most = FIELDS["thread"].value

    assert len(Request(in_path={"thread": "x" * 4000}).thread) == most + 1


def test_what_is_written_has_line_ends_of_one_letter():
    request = Request(form=Form({"text": "a\r\nb\nc\r"}))

    assert request.written("text") == "a\nb\nc\r"


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "fr-FR, ar;q=0.8, en;q=0.5", "ar"),
        ("", "AR-EG", "ar"),
        ("", "fr", "en"),
        ("ar", "en", "ar"),
        ("en", "ar", "en"),
    ],
)
def test_a_language_is_the_chosen_one_else_the_browsers(chosen, accepted, language):
    visitor = type(SARA)("sara", "Sara", False, "x", language=chosen)

    assert Request(visitor=visitor, headers={"accept-language": accepted}).language == language


@pytest.mark.parametrize(
    ("scheme", "headers", "expected"),
    [
        ("http", {}, False),
        ("https", {}, True),
        ("http", {"x-forwarded-proto": "https"}, True),
        ("http", {"x-forwarded-proto": "https,http"}, True),
        ("http", {"x-forwarded-proto": "http"}, False),
    ],
)
def test_a_browser_that_speaks_tls_to_a_proxy_does(scheme, headers, expected):
    assert Request(scheme=scheme, headers=headers).is_https is expected


@pytest.mark.parametrize(
    ("given", "prefix"),
    [
        ("", ""),
        ("/", ""),
        ("/bot", "/bot"),
        ("/bot/", "/bot"),
        ("/a/b-c.d_e~f", "/a/b-c.d_e~f"),
        ("bot", ""),
        ("//evil.example", ""),
        ("/a//b", ""),
        ("/../x", ""),
        ("/bot; Path=/", ""),
        ("/bot\r\nX: y", ""),
        ("/%2e%2e", ""),
        ('/"><script>', ""),
        ("/" + "a" * 65, ""),
        ("/a" * 9, ""),
    ],
)
def test_a_proxys_prefix_is_a_path_and_nothing_else(given, prefix):
    request = Request(headers={"x-forwarded-prefix": given})

    assert (request.prefix, request.base) == (prefix, f"{prefix}{BASE}")
