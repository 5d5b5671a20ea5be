"""The section `inbox` of handover.yml."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handover_channel.settings import yaml_file
from handover_channel.settings.inbox import MAX_CANNED_REPLIES, MAX_TEXT, InboxSettings, filled, read
from handover_channel.settings.section import Section


def inbox_and_problems(text):
    values, unreadable = yaml_file.parse(text, {})
    section = Section("handover.yml", values or {}, [], "inbox")

    assert unreadable == []
    return read(section), section.problems


def test_without_a_section_nothing_is_told_and_agents_sign_in_for_twelve_hours():
    assert inbox_and_problems("") == (
        InboxSettings(timedelta(hours=12), "", "", timedelta(minutes=5), {}, False),
        [],
    )


def test_everything_can_be_set():
    inbox, problems = inbox_and_problems("""
        sign_in_for: 30 minutes
        joined: "You are talking to {agent}. انضم { agent }"
        ahead: "{count} people wait before you."
        offline_after: 1 hour
        canned_replies:
          hello: "Hello {name}, this is {agent}."
          شكرا: على الرحب والسعة
          42: a number
        personas: true
    """)

    assert problems == []
    assert inbox == InboxSettings(
        timedelta(minutes=30),
        "You are talking to {agent}. انضم { agent }",
        "{count} people wait before you.",
        timedelta(hours=1),
        {"hello": "Hello {name}, this is {agent}.", "شكرا": "على الرحب والسعة", "42": "a number"},
        True,
    )


@pytest.mark.parametrize("off", ["false", "null", "~", ""])
def test_what_can_be_done_without_is_switched_off(off):
    inbox, problems = inbox_and_problems(f"joined: {off}\nahead: {off}\noffline_after: {off}")

    assert problems == []
    assert (inbox.joined, inbox.ahead, inbox.offline_after) == ("", "", None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sign_in: 1 day", "inbox.sign_in is not a setting: did you mean sign_in_for?"),
        ("sign_in_for: false", "inbox.sign_in_for has to end some time: write a duration, such as 12 hours"),
        (
            "offline_after: soon",
            'inbox.offline_after is "soon": write a number and a unit, such as "30 minutes", "12 hours" or '
            '"2 days" (seconds, minutes, hours, days or weeks)',
        ),
        ("personas: maybe", 'inbox.personas is "maybe": write true or false'),
        (
            'joined: "{agents} is here"',
            'inbox.joined has a placeholder "{agents}": only {agent} is filled in',
        ),
        ('joined: "{name} is here"', 'inbox.joined has a placeholder "{name}": only {agent} is filled in'),
        ('ahead: "{} before you"', 'inbox.ahead has a placeholder "{}": only {count} is filled in'),
        ("ahead: true", "inbox.ahead is true, which is no text: write it in quotes"),
        (
            f"joined: {'j' * (MAX_TEXT + 1)}",
            f"inbox.joined has {MAX_TEXT + 1} characters; {MAX_TEXT} are allowed: shorten it",
        ),
        (
            "canned_replies: [hello]",
            "inbox.canned_replies must hold keys and values: write them one a line, further to the right",
        ),
        (
            "canned_replies: {hello: }",
            "inbox.canned_replies.hello is empty: write what agents answer with it, or leave it out",
        ),
        (
            'canned_replies: {"": hello}',
            'inbox.canned_replies."" is a reply without a name: write one before the colon',
        ),
        (
            'canned_replies: {hello: "Hello {count}"}',
            'inbox.canned_replies.hello has a placeholder "{count}": only {name} or {agent} is filled in',
        ),
        ("canned_replies: {hello: [a]}", "inbox.canned_replies.hello must be text: write it in quotes"),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy(text, problem):
    assert inbox_and_problems(text)[1] == [f"handover.yml: {problem}"]


def test_the_page_has_a_title_of_one_line_and_a_word_for_who_writes():
    named, problems = inbox_and_problems("title: Hotel Blick\ncustomers: guests")

    assert (named.title, named.customers, problems) == ("Hotel Blick", "guests", [])
    refused = inbox_and_problems(f"title: {'x' * 41}\ncustomers: guest")[1]
    assert refused == [
        "handover.yml: inbox.title is to be one line of 40 characters at most: shorten it",
        'handover.yml: inbox.customers is "guest": did you mean guests?',
    ]


def test_there_are_only_so_many_canned_replies():
    def problems(count):
        replies = "".join(f"\n  reply {number}: text" for number in range(count))
        return inbox_and_problems(f"canned_replies:{replies}")[1]

    assert problems(MAX_CANNED_REPLIES) == []
    assert problems(MAX_CANNED_REPLIES + 1) == [
        "handover.yml: inbox.canned_replies has 201 replies; 200 are allowed: leave some out"
    ]


def test_what_fills_a_placeholder_is_text_whatever_it_holds():
    text = "Hello {name}, this is { agent } {json}"

    assert filled(text, name="{agent}", agent="Amal") == "Hello {agent}, this is Amal {json}"


# --- continue_with --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "continue_with:", "continue_with: null", "continue_with: true"])
def test_unless_it_is_set_the_bot_goes_on_with_what_makes_sense(text):
    assert inbox_and_problems(text) == (InboxSettings(), [])


@pytest.mark.parametrize("text", ["continue_with: false", "continue_with: []", "continue_with: {}"])
def test_it_can_go_on_with_nothing(text):
    inbox, problems = inbox_and_problems(text)

    assert (inbox.continue_with, problems) == ({}, [])


def test_intents_are_listed_or_named_in_one_language_or_in_each():
    listed, problems = inbox_and_problems("continue_with: [track_order, ask_hours]")
    assert problems == []
    assert listed.continue_with["track_order"] == {"en": "Track order", "ar": "Track order"}

    named, problems = inbox_and_problems("""
        continue_with:
          track_order: My order
          ask_hours: {en: Opening hours, ar: أوقات العمل}
          products: {ar: المنتجات}
    """)
    assert problems == []
    assert named.continue_with == {
        "track_order": {"en": "My order", "ar": "My order"},
        "ask_hours": {"en": "Opening hours", "ar": "أوقات العمل"},
        "products": {"en": "المنتجات", "ar": "المنتجات"},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("continue_with: everything", "write names below the intents, a list, or false"),
        ("continue_with: [track_order, '']", "is empty: write the name of an intent"),
        ("continue_with: {track_order: ''}", "has no name: write what agents read"),
        ("continue_with: {track_order: {}}", "has no name: write one for en or ar"),
        ("continue_with: {track_order: {de: Bestellung}}", "is not a setting"),
    ],
)
def test_what_cannot_be_read_by_an_agent_is_refused(text, said):
    _, problems = inbox_and_problems(text)

    assert any(said in each and "inbox.continue_with" in each for each in problems), problems
