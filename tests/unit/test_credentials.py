"""The channel's section of credentials.yml: that of Rasa's own Facebook channel, and pages."""

from __future__ import annotations

import pytest

from handover_channel.settings import yaml_file
from handover_channel.settings.credentials import CHANNEL, Credentials, Page, read
from handover_channel.settings.section import Section

PROOFS = "verify: v\nsecret: s\n"
HERE = f"credentials.yml: {CHANNEL}"
TOKEN_REMEDY = "write the page access token of this page"


def credentials_and_problems(text):
    values, unreadable = yaml_file.parse(text, {})
    section = Section("credentials.yml", values or {}, [], CHANNEL)

    assert unreadable == []
    return read(section), section.problems


def test_the_section_of_rasas_own_channel_is_understood():
    credentials, problems = credentials_and_problems("verify: v\nsecret: s\npage-access-token: t")

    assert problems == []
    assert credentials == Credentials("v", "s", (Page("", "t"),))


def test_every_page_has_its_token():
    credentials, problems = credentials_and_problems(
        f"{PROOFS}pages:\n- {{id: 0111, page-access-token: one}}\n- {{id: '222', page-access-token: two}}"
    )

    assert problems == []
    assert credentials.pages == (Page("0111", "one"), Page("222", "two"))


def test_a_token_may_be_left_to_handover_yml():
    assert credentials_and_problems(PROOFS) == (Credentials("v", "s", ()), [])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "secret: s",
            ".verify is missing: write the word that you enter as the webhook's verify token at Meta",
        ),
        (
            "verify: v",
            ".secret is missing: write the app secret (Meta for Developers > App settings > Basic)",
        ),
        ("verify: v\nsecret: [s]", ".secret must be text: write it in quotes"),
        (
            "verify: v\nsecret: ${MESSENGER_SECRET}",
            ".secret needs the environment variable MESSENGER_SECRET, which is not set: "
            "set it, or write the value here",
        ),
        (
            f"{PROOFS}page_access_token: t",
            ".page_access_token is not a setting: did you mean page-access-token?",
        ),
        (f"{PROOFS}pages: t", ".pages must be a list: write each item on a line of its own, after a dash"),
        (
            f"{PROOFS}pages: []",
            ".pages is empty: write an id and a page-access-token for each page, or leave pages out",
        ),
        (
            f"{PROOFS}pages: [t]",
            ".pages[1] must hold keys and values: write them one a line, further to the right",
        ),
        (f"{PROOFS}pages: [{{id: 1}}]", f".pages[1].page-access-token is missing: {TOKEN_REMEDY}"),
        (
            f"{PROOFS}pages: [{{id: 1, token: t}}]",
            ".pages[1].token is not a setting: write one of id, page-access-token",
        ),
        (
            f"{PROOFS}pages: [{{page-access-token: t}}]",
            ".pages[1].id is missing: write the id of the page (digits, under About > Page transparency)",
        ),
        (
            f"{PROOFS}pages: [{{id: My Shop, page-access-token: t}}]",
            '.pages[1].id is "My Shop": the id of a page is digits only',
        ),
        (
            f"{PROOFS}pages: [{{id: 1, page-access-token: t}}, {{id: '1', page-access-token: u}}]",
            '.pages[2].id is "1", as on an earlier page: keep one of them',
        ),
        (
            f"{PROOFS}page-access-token: t\npages: [{{id: 1, page-access-token: t}}]",
            ".page-access-token and pages are both there: keep pages, and move the token to its page",
        ),
    ],
)
def test_a_section_that_cannot_work_is_refused_with_the_remedy(text, problem):
    assert f"{HERE}{problem}" in credentials_and_problems(text)[1]


def test_an_empty_section_misses_both_proofs():
    assert len(credentials_and_problems("")[1]) == 2


def test_no_secret_is_in_a_repr_or_in_a_problem():
    credentials, problems = credentials_and_problems(
        "verify: s3cr3t\nsecret: s3cr3t\npage-access-token: s3cr3t\n"
        "pages: [{id: 1, page-access-token: {a: s3cr3t}}]"
    )

    assert problems
    assert "s3cr3t" not in repr(credentials) + " ".join(problems)


def test_a_secret_that_yaml_took_for_a_float_is_not_repeated():
    section = Section("credentials.yml", {"verify": "v", "secret": 12e45}, [], CHANNEL)
    read(section)

    assert section.problems == [f"{HERE}.secret must be text: write it in quotes"]
