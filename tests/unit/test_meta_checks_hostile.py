"""A Meta that is away, lies, answers HTML or refuses everything: each is said, and nothing claimed."""

from __future__ import annotations

import json

import pytest
from doctor_page import APP, PAGE, SECRET, TOKEN, Bot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from urllib3.exceptions import NewConnectionError, ReadTimeoutError

from handover_channel.doctor.report import Status, to_json

#: Checks that tell something of the bot's own, whatever Meta answers.
OF_OUR_OWN = {"app_id.true", "page.automatic_replies"}

#: What the shapes are made of: what Meta might mean, and what it never would.
KEYS = st.sampled_from(
    ["data", "id", "name", "type", "app_id", "is_valid", "scopes", "granular_scopes", "scope", "target_ids"]
    + ["expires_at", "data_access_expires_at", "profile_id", "subscribed_fields", "fields", "callback_url"]
    + ["active", "object", "messaging_feature_status", "msgr_multi_app", "get_started", "feature", "status"]
    + ["thread_owner", "expiration", "is_published", "error", "code", "message", "error_subcode", "success"]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([APP, PAGE, "page", "PAGE", "messages", "pages_messaging", "http://[", "true"])
)
SHAPES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)


@pytest.fixture
def bot(tmp_path):
    return Bot(tmp_path)


def everything(bot, status, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    bot.network.answers = lambda method, path: (status, content)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<!doctype html><title>Log in</title>"),
        (502, b"<html>Bad gateway</html>"),
        (500, b""),
        (503, {"error": {"message": "down", "code": 2, "is_transient": True}}),
        (302, b""),
        (200, b"[]"),
        (200, b"\xff\xfe"),
        (200, {}),
        (200, {"data": None}),
        (200, {"data": [1, 2]}),
        (200, b'{"data": ' + b"[" * 900 + b"]" * 900 + b"}"),
    ],
    ids=lambda given: repr(given)[:30],
)
def test_an_answer_that_is_none_is_no_finding_but_said(bot, status, body):
    everything(bot, status, body)

    report = bot.examine()

    at_meta = [each for each in report.results if each.id not in OF_OUR_OWN]
    assert not report.with_status(Status.FAIL, Status.WARN)
    assert report.exit_code == 2
    assert all(each.found for each in at_meta)
    assert "could_not_look" in {each.status.value for each in at_meta}
    assert bot.statuses("token.valid") == {"token.valid": "could_not_look"}


@pytest.mark.parametrize(
    "error", [NewConnectionError(None, "no"), ReadTimeoutError(None, "/", "slow"), ConnectionResetError()]
)
def test_meta_out_of_reach_is_told_from_something_wrong(bot, error):
    def lost(method, path):
        raise error

    bot.network.answers = lost

    report = bot.examine()

    assert not report.with_status(Status.FAIL, Status.WARN)
    (said,) = {str(each.found) for each in report.results if each.id.startswith("token.")}
    assert said.startswith("Meta did not answer: ")
    assert report.exit_code == 2


@pytest.mark.parametrize("answer", ["nobody", "html"])
@pytest.mark.parametrize(
    ("url", "remedy", "where"),
    [
        ("https://graph.facebook.com", "look again later", None),
        ("http://u:p@127.0.0.1:8090", "calls go to http://127.0.0.1:8090", "handover.yml: graph_api"),
    ],
)
def test_who_does_not_answer_in_place_of_meta_is_named(bot, answer, url, remedy, where):
    def lost(method, path):
        if answer == "nobody":
            raise ReadTimeoutError(None, "/", "slow")
        return 200, b"<html>"

    bot.network.answers = lost
    settings = bot.folder / "handover.yml"
    settings.write_text(f'{settings.read_text()}\ngraph_api: {{url: "{url}"}}\n')

    (found,) = bot.examine("token.valid").results

    assert str(found.remedy).startswith(remedy)
    assert (found.where and found.where.name) == where
    assert "u:p" not in str(found)


def test_where_there_is_no_time_left_nobody_is_called(bot):
    report = bot.examine(facts=bot.facts(seconds=0.0))

    assert report.exit_code == 2
    assert bot.network.calls == []


def test_the_clock_decides_when_it_is_too_late(bot):
    now = [0.0]

    def slow(method, path):
        now[0] += 10.0

    bot.network.answers = slow

    report = bot.examine(facts=bot.facts(monotonic=lambda: now[0]))

    assert len(bot.network.calls) <= 3 + len({"two", "that", "were", "under", "way", "at", "once"})
    assert report.with_status(Status.COULD_NOT_LOOK)


@pytest.mark.parametrize("code", [1, 3, 4, 10, 100, 102, 190, 200, 210, 368, 613, 2500])
def test_a_meta_that_refuses_everything_is_told_in_its_words(bot, code):
    everything(
        bot, 400, {"error": {"message": "(#1) no, you may not", "type": "OAuthException", "code": code}}
    )

    report = bot.examine()

    told = [each for each in report.results if each.id not in OF_OUR_OWN]
    assert report.exit_code in (1, 2)
    assert all(each.found for each in told)
    assert any("no, you may not" in each.found for each in told)


@pytest.mark.parametrize("code", [2, 190, 100])
def test_what_meta_says_of_secrets_is_struck_out(bot, code):
    words = f"the token {TOKEN} with {SECRET} and {APP}|{SECRET} is not good"
    everything(bot, 400, {"error": {"message": words, "code": code}})

    report = json.dumps(to_json(bot.examine()))

    assert TOKEN not in report
    assert SECRET not in report


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(shape=SHAPES, status=st.sampled_from([200, 200, 200, 400]), name=st.text(max_size=20))
def test_a_meta_that_lies_breaks_no_check(bot, shape, status, name):
    everything(bot, status, shape)

    report = bot.examine()

    assert not [each for each in report.results if "the check itself failed" in each.found]
    json.dumps(to_json(report))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(shape=SHAPES, path=st.sampled_from(["/debug_token", "/subscriptions", "/subscribed_apps", "/me"]))
def test_one_answer_of_a_strange_shape_breaks_no_check(bot, shape, path):
    content = json.dumps(shape).encode()
    bot.network.answers = lambda method, asked: (200, content) if asked.endswith(path) else None

    report = bot.examine()

    assert not [each for each in report.results if "the check itself failed" in each.found]
