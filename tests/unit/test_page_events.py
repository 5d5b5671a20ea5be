"""Events without a thread: read, logged with their kind, and kept where they are about the page."""

from __future__ import annotations

import json
import logging

import pytest

from handover_channel.log import Rarely
from handover_channel.messenger import webhook
from handover_channel.messenger.page_events import unread, without_thread
from handover_channel.store import findings

PAGE, PSID = "1717", "7001"
TO_PAGE = {"recipient": {"id": PAGE}, "timestamp": 1_700_000_000_000}


def page_events(item, channel="messaging"):
    body = json.dumps({"object": "page", "entry": [{"id": PAGE, "time": 1, channel: [item]}]}).encode()
    return list(without_thread((each.event, each.body) for each in webhook.parse(body)))


@pytest.mark.parametrize("key", ["policy_enforcement", "policy-enforcement"])
@pytest.mark.parametrize("action", ["block", "warning"])
def test_a_policy_that_meta_enforces_says_action_reason_and_what_to_click(key, action):
    (event,) = page_events({**TO_PAGE, key: {"action": action, "reason": "The bot violated our\nPolicies"}})

    assert event.kind == "policy_enforcement"
    assert f"page {PAGE}: action {action}, reason: The bot violated our Policies" in event.sentence
    assert "Business Support Home" in event.sentence
    assert not event.is_over


def test_the_end_of_it_needs_nobody_to_click():
    (event,) = page_events({**TO_PAGE, "policy_enforcement": {"action": "unblock"}})

    assert event.is_over
    assert "->" not in event.sentence


@pytest.mark.parametrize("ends", [{}, {"sender": {"id": PAGE}}, {"sender": {"id": PSID}}])
def test_a_policy_is_told_whoever_the_sender_is(ends):
    assert page_events({**TO_PAGE, **ends, "policy_enforcement": {"action": "block", "reason": "x"}})


@pytest.mark.parametrize("detail", [{}, {"action": None}, {"action": {"a": 1}, "reason": ["x"] * 500}])
def test_a_policy_without_the_facts_is_told_all_the_same(detail):
    (event,) = page_events({**TO_PAGE, "policy_enforcement": detail})

    assert "action" in event.sentence
    assert len(event.sentence) < 1000


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ({**TO_PAGE, "app_roles": {"1": ["primary_receiver"]}}, "app_roles"),
        ({**TO_PAGE, "optin": {"user_ref": "u", "ref": "r"}}, "optin"),
        ({**TO_PAGE, "message": {"mid": "m", "text": "hi"}}, "message"),
        ({**TO_PAGE, "something_new": {"x": 1}, "and_more": 2}, "something_new, and_more"),
        (TO_PAGE, "empty"),
        ({}, "empty"),
        (7, "no event (int)"),
        (None, "no event (NoneType)"),
    ],
)
@pytest.mark.parametrize("channel", webhook.CHANNELS)
def test_every_event_without_a_thread_is_told_by_its_kind(item, kind, channel):
    (event,) = page_events(item, channel)

    assert (event.page, event.kind, event.sentence) == (PAGE, kind, "")


def test_what_has_a_thread_is_not_among_them():
    assert page_events({**TO_PAGE, "sender": {"id": PSID}, "message": {"mid": "m", "text": "hi"}}) == []


def test_what_is_no_event_of_messenger_is_told_too():
    entries = [{"id": PAGE, "time": 1, "changes": [{"field": "feed"}]}, "x", {"id": PAGE, "messaging": []}]
    odd = [{"id": PAGE, "messaging": {"a": 1}, "hop_context": [1], "standby": None}]

    assert [(each.page, each.kind) for each in unread(webhook.unread_of(entries + odd))] == [
        (PAGE, "changes"),
        ("", "entry (str)"),
        (PAGE, "messaging"),
        (PAGE, "hop_context"),
    ]


# --- lines that others can cause as often as they like ----------------------------------------------


def test_of_many_lines_of_one_kind_the_first_is_logged_and_one_in_a_minute_with_their_number(caplog):
    now = [0.0]
    rarely, to = Rarely(60.0, lambda: now[0]), logging.getLogger("handover_channel.test")

    for _ in range(100):
        rarely.warning(to, "signature", "refused: %s", "a")
    rarely.warning(to, "another kind", "other")
    now[0] = 61.0
    rarely.warning(to, "signature", "refused: %s", "a")

    assert caplog.messages == [
        "refused: a",
        "other",
        "refused: a (and 99 more since the last line of this kind)",
    ]


def test_however_many_kinds_somebody_makes_up_few_are_remembered_and_logged(caplog):
    now = [0.0]
    rarely, to = Rarely(60.0, lambda: now[0]), logging.getLogger("handover_channel.test")
    for number in range(5000):
        rarely.warning(to, str(number), "kind %d", number)

    assert len(rarely._said) < 300
    assert len(caplog.messages) < 300
    assert caplog.messages[0] == "kind 0"

    now[0] = 61.0
    caplog.clear()
    for number in range(5000, 10_000):
        rarely.warning(to, str(number), "kind %d", number)

    assert caplog.messages[0].startswith("kind 5000 (and 4")
    assert "kind 5100" in caplog.messages  # those of a minute ago take no room
    assert len(caplog.messages) < 300


def test_a_policy_is_a_kind_of_what_is_wrong_with_the_set_up():
    assert findings.POLICY_ENFORCED in findings.FINDING_KINDS
