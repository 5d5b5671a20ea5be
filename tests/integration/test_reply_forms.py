"""A reply as a browser sends it: it is taken whole, or refused in words."""

from __future__ import annotations

import pytest
from integration.test_inbox_security import THREAD, Browser, Inbox, add_thread

from handover_channel.store import replies

pytestmark = pytest.mark.rasa

PATH = f"/thread/{THREAD}/reply"


@pytest.fixture(scope="module")
def kim(tmp_path_factory):
    """A browser in which Kim is signed in, before a thread of the inbox."""
    with Inbox(tmp_path_factory.mktemp("inbox")).running() as inbox:
        inbox.add_agent("kim")
        add_thread(inbox)
        browser = Browser(inbox)
        assert browser.sign_in().status_code == 303
        yield browser


def sends(kim, text, *files, key="k"):
    """Post a form with these files: (field, file name, content)."""
    parts = [(field, (name, content, "application/pdf")) for field, name, content in files]
    headers = {"Origin": f"http://{kim.inbox.at}", "X-CSRF-Token": kim.csrf, "HX-Request": "true"}
    return kim.http.post(
        f"http://{kim.inbox.at}/webhooks/inbox{PATH}",
        data={"text": text, "key": key},
        files=parts or {"nothing": (None, "")},
        headers=headers,
        timeout=30,
    )


def kept(kim):
    with kim.inbox.store.reading() as connection:
        return [each.text for each in replies.unsent(connection, THREAD, now=kim.inbox.clock())]


@pytest.mark.parametrize("text", ["The bill:", ""])
def test_a_file_of_no_bytes_is_refused_before_anything_of_the_reply_is_kept(kim, text):
    answer = sends(kim, text, ("file", "bill.pdf", b""))

    assert answer.status_code == 400
    assert "The file is empty" in answer.text
    assert kept(kim) == []


def test_a_second_file_is_refused_rather_than_left_behind(kim):
    answer = sends(kim, "Both:", ("file", "a.pdf", b"a"), ("file", "b.pdf", b"b"))

    assert answer.status_code == 400
    assert "One reply takes one file" in answer.text
    assert kept(kim) == []


@pytest.mark.parametrize("text", ["", "  \r\n \u00a0 \u200b"])
def test_nothing_is_refused_however_it_is_written(kim, text):
    answer = sends(kim, text, ("file", "", b""))

    assert answer.status_code == 400
    assert "There is nothing to send" in answer.text


def test_a_field_without_a_file_is_no_file(kim):
    assert sends(kim, "Hello.", ("file", "", b""), key="k2").status_code == 204
    assert kept(kim) == ["Hello."]


def test_who_answers_in_a_colleagues_conversation_says_that_they_mean_it(kim):
    kim.inbox.add_agent("lee")
    kim.post(f"/thread/{THREAD}/assign", {"agent": "lee", "assignee_seen": "kim"})

    refused = sends(kim, "Me too.", key="k3")
    assert refused.status_code == 409
    assert "Lee has this conversation" in refused.text
    assert 'data-despite="lee"' in refused.text  # the script says it along once somebody means it
    assert "despite" not in kim.get(f"/thread/{THREAD}/panel").text

    meant = kim.post(f"/thread/{THREAD}/reply", {"text": "Me too.", "key": "k4", "despite": "lee"})
    assert meant.status_code == 204
    assert "Me too." in kept(kim)


@pytest.mark.parametrize("act", ["return", "take-over", "extend"])
def test_what_is_for_those_who_have_it_is_refused_to_others(kim, act):
    answer = kim.post(f"/thread/{THREAD}/{act}", {"note": "", "by": "1 hour"})

    assert answer.status_code == 403
    assert "Only they, or an admin, can do that" in answer.text
