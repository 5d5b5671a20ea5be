"""Tests what Meta tells of a page's set-up: token, webhook, fields, roles; and what its owner may change."""

from __future__ import annotations

from typing import Any

import pytest

from handover_channel.simulator import PAGE_INBOX, Simulator, Switches, caller, graph, page_settings
from handover_channel.simulator.access_token import AccessToken
from handover_channel.simulator.request import Request

PAGE, APP, TOKEN, SECRET = "1000000000000001", "1234567890", "demo-page-token", "demo-app-secret"
APP_TOKEN = f"{APP}|{SECRET}"
NOW = 1_800_000_000.0


@pytest.fixture
def messenger() -> Simulator:
    strict = Switches(strict=True)
    callback = "https://bot.example.org/webhooks/facebook/webhook"
    return Simulator(apps={"2222": "sales_bot"}, switches=strict, callback=callback, now=lambda: NOW)


def get(simulator: Simulator, path: str, token: str = TOKEN, **query: Any) -> Any:
    answer = graph.answer(simulator, Request("GET", path, {"access_token": token, **query}))
    return answer.body


def post(simulator: Simulator, path: str, token: str = TOKEN, **body: Any) -> Any:
    return graph.answer(simulator, Request("POST", path, {"access_token": token}, body)).body


def debug_token(simulator: Simulator, token: str = TOKEN, by: str = APP_TOKEN) -> Any:
    return get(simulator, "/debug_token", by, input_token=token)


def refusal(answer: Any) -> Any:
    return answer["error"]["code"], answer["error"]["message"]


# --- the token ------------------------------------------------------------------------------------


def test_the_app_is_told_all_about_a_token_of_its_own(messenger):
    told = debug_token(messenger)["data"]

    assert (told["type"], told["app_id"], told["profile_id"]) == ("PAGE", APP, PAGE)
    assert told["is_valid"] is True
    assert told["expires_at"] == 0
    assert "pages_messaging" in told["scopes"]
    assert {"scope": "pages_messaging", "target_ids": [PAGE]} in told["granular_scopes"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": "USER"}, {"type": "USER"}),
        ({"page": "999"}, {"profile_id": "999"}),
        ({"scopes": ["pages_messaging"]}, {"scopes": ["pages_messaging"]}),
        ({"valid": False}, {"is_valid": False}),
        ({"expires_at": int(NOW) - 1}, {"is_valid": False, "expires_at": int(NOW) - 1}),
        ({"expires_at": int(NOW) + 1}, {"is_valid": True, "expires_at": int(NOW) + 1}),
    ],
)
def test_what_is_wrong_with_a_token_is_told(messenger, change, told):
    page_settings.change_app(messenger, APP, {"token": change})

    assert told.items() <= debug_token(messenger)["data"].items()


def test_a_token_of_another_app_is_not_shown(messenger):
    assert refusal(debug_token(messenger, "token-2222"))[1].endswith("did not match the Viewing App")


def test_a_token_that_nobody_knows_is_told_to_be_no_token(messenger):
    assert debug_token(messenger, "made up")["data"]["is_valid"] is False


def test_a_page_token_sees_itself_and_no_other(messenger):
    assert debug_token(messenger, TOKEN, by=TOKEN)["data"]["is_valid"] is True
    assert refusal(debug_token(messenger, "token-2222", by=TOKEN))[0] == 100


def test_a_wrong_app_secret_is_refused(messenger):
    assert refusal(debug_token(messenger, by=f"{APP}|wrong"))[0] == 190


def test_an_expired_token_calls_nothing(messenger):
    page_settings.change_app(messenger, APP, {"token": {"expires_at": 1}})

    assert refusal(get(messenger, "/me"))[0] == 190


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("pages_messaging", "POST", "/me/messages"),
        ("pages_messaging", "GET", "/me/messenger_profile"),
        ("pages_manage_metadata", "GET", "/me/subscribed_apps"),
    ],
)
def test_a_call_without_its_permission_is_refused_and_the_permission_named(messenger, scope, method, path):
    page_settings.change_app(messenger, APP, {"token": {"scopes": []}})

    answer = graph.answer(messenger, Request(method, path, {"access_token": TOKEN})).body

    assert refusal(answer)[0] == 200
    assert scope in refusal(answer)[1]


def test_a_person_s_token_is_not_the_page_s(messenger):
    page_settings.change_app(messenger, APP, {"token": {"kind": "USER"}})

    assert get(messenger, "/me")["id"] != PAGE
    assert refusal(get(messenger, "/me/subscribed_apps"))[0] == 210


def test_the_proof_of_another_app_s_token_is_wrong(messenger):
    page_settings.change_app(messenger, APP, {"token": {"app": "999"}})
    proof = caller.proof(TOKEN, SECRET)

    assert "appsecret_proof" in refusal(get(messenger, "/me", appsecret_proof=proof))[1]


def test_a_new_token_takes_the_place_of_the_old_one(messenger):
    made = page_settings.new_token(messenger, APP, ["pages_messaging"])

    assert refusal(get(messenger, "/me"))[0] == 190
    assert debug_token(messenger, made)["data"]["scopes"] == ["pages_messaging"]


# --- webhook and fields ---------------------------------------------------------------------------


def test_the_webhook_is_told_to_the_app_itself_alone(messenger):
    (told,) = get(messenger, f"/{APP}/subscriptions", APP_TOKEN)["data"]

    assert told["callback_url"] == "https://bot.example.org/webhooks/facebook/webhook"
    assert {"name": "standby", "version": "v27.0"} in told["fields"]
    assert refusal(get(messenger, f"/{APP}/subscriptions"))[0] == 15


def test_an_app_without_a_webhook_has_no_subscription(messenger):
    page_settings.change_app(messenger, APP, {"callback": ""})

    assert get(messenger, f"/{APP}/subscriptions", APP_TOKEN)["data"] == []


def test_fields_are_added_to_the_app_with_its_webhook(messenger):
    page_settings.change_app(messenger, APP, {"fields": ["messages"]})

    bare = post(messenger, f"/{APP}/subscriptions", APP_TOKEN, object="page", fields="standby")
    whole = post(
        messenger,
        f"/{APP}/subscriptions",
        APP_TOKEN,
        object="page",
        fields="standby",
        callback_url="https://bot.example.org/webhooks/facebook/webhook",
        verify_token="handover-demo",
    )

    assert refusal(bare)[0] == 100
    assert whole == {"success": True}
    assert messenger.bot.fields == {"messages", "standby"}


def test_the_page_lists_its_apps_with_their_fields(messenger):
    page_settings.change_app(messenger, "sales_bot", {"page_fields": ["messages", "standby"]})
    listed = {app["id"]: app["subscribed_fields"] for app in get(messenger, "/me/subscribed_apps")["data"]}

    assert listed["2222"] == ["messages", "standby"]

    messenger.switches = messenger.switches.with_changes({"lists_other_apps": False})
    assert [app["id"] for app in get(messenger, "/me/subscribed_apps")["data"]] == [APP]


def test_an_app_that_is_taken_off_the_page_is_listed_no_more_and_gets_no_control(messenger):
    page_settings.change_app(messenger, "sales_bot", {"connected": False})

    assert "2222" not in [app["id"] for app in get(messenger, "/me/subscribed_apps")["data"]]
    messenger.person("42").says("hello")
    assert refusal(messenger.app("bot").passes("42", "2222").body)[0] == 100


# --- roles, features, restrictions ----------------------------------------------------------------


def test_whether_there_is_a_default_app_is_told_and_not_who(messenger):
    def told() -> Any:
        return get(messenger, "/me", fields="messaging_feature_status")["messaging_feature_status"]

    assert told()["msgr_multi_app"] is True
    page_settings.change_page(messenger, {"default_app": None})
    assert told()["msgr_multi_app"] is False


def test_human_agent_is_refused_without_the_feature(messenger):
    page_settings.change_app(messenger, APP, {"human_agent": False})
    messenger.person("42").says("hello")

    answer = messenger.app("bot").sends("42", {"text": "hi"}, messaging_type="MESSAGE_TAG", tag="HUMAN_AGENT")

    assert answer.body["error"]["error_subcode"] == 1893061
    assert get(messenger, "/me/messaging_feature_review")["data"][0]["status"] == "rejected"


def test_a_restricted_page_sends_nothing(messenger):
    page_settings.change_page(messenger, {"restricted": True})
    messenger.person("42").says("hello")

    assert messenger.app("bot").says("42", "hi").body["error"]["error_subcode"] == 1893063


@pytest.mark.parametrize(("kind", "marked"), [("instant_reply", False), ("meta_ai", True)])
def test_meta_answers_by_itself_where_that_is_switched_on(messenger, kind, marked):
    page_settings.change_page(messenger, {"automatic_reply": kind})
    messenger.person("42").says("hello")

    echo = messenger.events_of("bot", "42")[-2]["item"]["message"]
    assert (echo["is_echo"], str(echo["app_id"])) == (True, PAGE_INBOX)
    assert echo.get("ai_generated", False) is marked
    assert messenger.owner("42") == ""


def test_everything_may_begin_from_nothing(messenger):
    page_settings.start_from_nothing(messenger)

    shown = page_settings.described(messenger)
    bot = next(app for app in shown["apps"] if app["bot"])
    assert shown["default_app"] is None
    assert not any(bot[key] for key in ("callback", "fields", "page_fields", "may_take", "human_agent"))
    assert refusal(get(messenger, "/me"))[0] == 190


def test_settings_show_no_token_and_no_secret(messenger):
    shown = repr(page_settings.described(messenger))

    assert TOKEN not in shown
    assert SECRET not in shown


def test_a_token_that_begins_is_right_in_everything():
    assert AccessToken().works_at(NOW)
