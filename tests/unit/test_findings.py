from __future__ import annotations

import pytest
from play import PSID, START

from handover_channel.store import findings

NOW = START
PAGE = "1717"


@pytest.fixture
def found(store):
    """Note (kind, subject, text, now), and return the texts that are current then."""

    def put(*rows):
        with store.writing() as connection:
            for kind, subject, text, now in rows:
                findings.put(connection, kind, subject, text, now=now)
        with store.reading() as connection:
            return [each.text for each in findings.current(connection, now=NOW)]

    return put


def test_what_was_found_is_there_once_however_often_it_is_seen_and_the_newest_comes_first(found):
    seen = found(
        (findings.TOKEN_REFUSED, PAGE, "the token is refused", NOW - 20),
        (findings.APP_ID_DIFFERS, "2222", "app_id is another one", NOW - 10),
        (findings.TOKEN_REFUSED, PAGE, "the token is refused still", NOW - 5),
    )

    assert seen == ["the token is refused still", "app_id is another one"]


def test_what_is_right_again_is_forgotten(found, store):
    found((findings.TOKEN_REFUSED, PAGE, "refused", NOW), (findings.TOKEN_REFUSED, "1818", "too", NOW))
    with store.writing() as connection:
        findings.clear(connection, findings.TOKEN_REFUSED, PAGE)

    assert found() == ["too"]


def test_what_was_not_seen_for_a_week_is_forgotten_and_then_deleted(found, store):
    old = NOW - findings.FORGOTTEN_AFTER

    assert found((findings.BUDGET_SPENT, PSID, "old", old), (findings.BUDGET_SPENT, "2", "new", old + 1)) == [
        "new"
    ]
    with store.writing() as connection:
        assert findings.tidy(connection, now=NOW) == 1
        assert findings.counts(connection, now=NOW) == {findings.BUDGET_SPENT: 1}


def test_a_thread_is_told_what_concerns_it_and_the_set_up_and_nothing_of_other_threads(found, store):
    found(
        (findings.BUDGET_SPENT, PSID, "mine", NOW),
        (findings.BUDGET_SPENT, "8", "another's", NOW),
        (findings.TOKEN_REFUSED, PAGE, "everybody's", NOW),
    )
    with store.reading() as connection:
        told = {each.text for each in findings.about(connection, PSID, now=NOW)}

    assert told == {"mine", "everybody's"}
