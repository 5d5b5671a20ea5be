"""Rules 18-27 of a faithful simulator: repeated webhooks, what a send must be, and the rest of the API."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import pytest

from handover_channel.simulator import PAGE_INBOX, PageFacts, Simulator, Switches, graph
from handover_channel.simulator.caller import proof
from handover_channel.simulator.clock import Clock
from handover_channel.simulator.faults import FAULTS
from handover_channel.simulator.request import Request, Response
from handover_channel.simulator.simulator import Page

PSID, TOKEN = "42", "demo-page-token"
BOT, SALES = "1234567890", "2222"
BOTH = pytest.mark.parametrize("default", ["bot", None], ids=["R", "Z"])
BY_HAND = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
DAY = 24 * 60 * 60


def messenger(default: Any = "bot", **switches: Any) -> Simulator:
    at = Clock(lambda: 1_700_000_000.0)
    return Simulator(apps={SALES: "sales_bot"}, default_app=default, now=at, switches=Switches(**switches))


def call(simulator: Simulator, verb: str, path: str, body: Any = None, **query: Any) -> Response:
    return graph.answer(simulator, Request(verb, path, {"access_token": TOKEN, **query}, body or {}))


def send(simulator: Simulator, **given: Any) -> Response:
    return call(simulator, "POST", "/me/messages", {"recipient": {"id": PSID}, **given})


def refused(answer: Response) -> Tuple[int, int]:
    assert answer.status == 400, answer.body
    return answer.body["error"]["code"], answer.body["error"].get("error_subcode", 0)


def kinds(simulator: Simulator, app: str) -> Dict[str, str]:
    return {event["kind"]: event["channel"] for event in simulator.events_of(app, PSID)}


# --- deliveries -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "acts"), [(14, []), (15, ["alert"]), (60, ["alert", "disabled"])])
def test_18_what_fails_is_tried_again_alerted_about_and_disabled_after_an_hour(minutes, acts):
    simulator = messenger()
    simulator.fault("webhook_down", count=None)
    simulator.person(PSID).says("hello")
    simulator.clock.run(f"{minutes} minutes")

    lines = simulator.journal.after()
    assert [one["act"] for one in lines if one["kind"] == "meta"] == acts
    assert max(one["attempts"] for one in lines if one["kind"] == "webhook") > 1
    assert (simulator.bot.page_fields == set()) == ("disabled" in acts)


@pytest.mark.parametrize(
    "name",
    ["duplicate", "reorder", "batch", "late_echo", "no_mids", "unknown_event", "bad_signature"],
)
def test_19_every_fault_of_deliveries_happens_when_it_is_ordered_and_never_by_itself(name):
    simulator = messenger()
    simulator.person(PSID).says("hello")
    assert simulator.app("bot").says(PSID, "hi").status == 200
    assert not any(one.get("faults") for one in simulator.journal.after())

    simulator.fault(name)
    simulator.person(PSID).says("hello")
    simulator.app("bot").says(PSID, "hi")
    simulator.clock.run("10 minutes")
    assert FAULTS[name].where == "webhook"
    assert any(name in one.get("faults", ()) for one in simulator.journal.after())


def test_19_a_body_may_have_standby_alone():
    simulator = messenger()
    simulator.person(PSID).says("hello")

    line = next(one for one in simulator.journal.after() if one.get("app") == SALES)
    assert set(line["body"]["entry"][0]) == {"id", "time", "standby"}


# --- sends ----------------------------------------------------------------------------------------

TEMPLATE = {
    "template_type": "button",
    "text": "t",
    "buttons": [{"type": "postback", "title": "B", "payload": "P"}],
}


def template(**changes: Any) -> Dict[str, Any]:
    return {"attachment": {"type": "template", "payload": {**TEMPLATE, **changes}}}


def button(**changes: Any) -> Dict[str, Any]:
    return template(buttons=[{**TEMPLATE["buttons"][0], **changes}])


def quick_replies(number: int, **changes: Any) -> Dict[str, Any]:
    one = {"content_type": "text", "title": "A", "payload": "P", **changes}
    return {"text": "x", "quick_replies": [one] * number}


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        ({"text": "x" * 2000}, {"text": "x" * 2001}),
        (template(text="x" * 640), template(text="x" * 641)),
        (template(buttons=TEMPLATE["buttons"] * 3), template(buttons=TEMPLATE["buttons"] * 4)),
        (template(), template(buttons=[])),
        (button(title="x" * 20), button(title="x" * 21)),
        (button(payload="x" * 1000), button(payload="x" * 1001)),
        (quick_replies(13), quick_replies(14)),
        (quick_replies(1, title="x" * 20), quick_replies(1, title="x" * 21)),
        (quick_replies(1, payload="x" * 1000), quick_replies(1, payload="x" * 1001)),
        ({"text": "x", "metadata": "x" * 1000}, {"text": "x", "metadata": "x" * 1001}),
    ],
)
def test_21_a_send_keeps_the_limits_or_is_refused(within, beyond):
    assert send(messenger(), message=within).status == 200
    assert refused(send(messenger(), message=beyond))[0] == 100


def test_21_token_recipient_and_type_are_checked():
    strict = messenger(strict=True)
    strict.person(PSID).says("hello")
    body = {"recipient": {"id": PSID}, "message": {"text": "x"}}
    unknown = graph.answer(strict, Request("POST", "/me/messages", {"access_token": "nobody's"}, body))

    assert refused(unknown) == (190, 0)
    assert refused(call(strict, "POST", "/me/messages", {**body, "recipient": {"id": "43"}})) == (
        100,
        2018001,
    )
    assert refused(send(strict, message={"text": "x"}, sender_action="typing_on")) == (100, 2018014)
    assert refused(send(strict, message={"text": "x"}, messaging_type="CHAT"))[0] == 100


@pytest.mark.parametrize("required", [False, True])
def test_21_whether_the_messaging_type_is_required_is_a_switch(required):
    answer = send(messenger(needs_messaging_type=required), message={"text": "x"})

    assert (answer.status == 400) == required


@BOTH
def test_22_a_day_after_the_person_s_last_act_the_window_closes_and_a_human_agent_has_seven(default):
    simulator = messenger(default)
    simulator.person(PSID).says("hello")
    simulator.clock.jump(f"{DAY - 1} seconds")
    assert send(simulator, message={"text": "x"}).status == 200
    simulator.clock.jump("2 seconds")
    assert refused(send(simulator, message={"text": "x"})) == (10, 2018278)
    assert send(simulator, message={"text": "x"}, **BY_HAND).status == 200
    simulator.clock.jump("6 days")
    assert refused(send(simulator, message={"text": "x"}, **BY_HAND)) == (10, 2018278)


def test_22_an_answer_of_the_page_opens_no_window_and_a_tap_or_a_link_does():
    simulator = messenger()
    simulator.person(PSID).says("hello")
    simulator.clock.jump("20 hours")
    send(simulator, message={"text": "x"})
    simulator.clock.jump("5 hours")
    assert refused(send(simulator, message={"text": "x"})) == (10, 2018278)
    simulator.person(PSID).comes_by("summer")
    assert send(simulator, message={"text": "x"}).status == 200


def test_22_the_tag_needs_the_feature_and_the_retired_tags_are_refused():
    simulator = messenger()
    simulator.bot.human_agent = False

    assert refused(send(simulator, message={"text": "x"}, **BY_HAND))[0] == 100
    retired = {"messaging_type": "MESSAGE_TAG", "tag": "ACCOUNT_UPDATE"}
    assert refused(send(simulator, message={"text": "x"}, **retired))[0] == 100


@pytest.mark.parametrize(("first", "subcode"), [(True, 2018300), (False, 2018278)])
def test_23_whether_ownership_is_checked_before_the_window_is_a_switch(first, subcode):
    simulator = messenger(ownership_first=first)
    simulator.person(PSID).says("hello")
    simulator.clock.jump("25 hours")
    simulator.inbox.moves_to_main(PSID)

    assert refused(send(simulator, message={"text": "x"})) == (10, subcode)


@BOTH
def test_24_the_mid_of_the_answer_is_that_of_the_echo_and_receipts_follow_on_the_owner_s_channel(default):
    simulator = messenger(default)
    simulator.app("bot").passes(PSID, to=SALES)
    mid = simulator.app(SALES).says(PSID, "hello").body["message_id"]
    simulator.person(PSID).reads()

    found = {event["kind"]: event["item"] for event in simulator.events_of("bot", PSID)}
    assert found["echo"]["message"]["mid"] == mid
    assert found["delivery"]["delivery"]["mids"] == [mid]
    assert {kinds(simulator, "bot")[kind] for kind in ("echo", "delivery", "read")} == {"standby"}
    assert kinds(simulator, SALES)["echo"] == "messaging"


def test_25_the_rate_limit_has_its_header_and_transient_faults_their_codes():
    simulator = messenger()
    simulator.fault("rate_613", call="messages", seconds=120)
    limited = send(simulator, message={"text": "x"})
    assert refused(limited) == (613, 0)
    assert '"estimated_time_to_regain_access": 2' in limited.headers["X-Business-Use-Case-Usage"]

    simulator.fault("code_2")
    assert refused(send(simulator, message={"text": "x"})) == (2, 0)
    simulator.fault("refused", code=1200, message="Temporary send message failure.")
    assert refused(send(simulator, message={"text": "x"})) == (1200, 0)
    assert send(simulator, message={"text": "x"}).status == 200


# --- the API --------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/v2.6", "/v21.0", "/v27.0"])
def test_26_any_version_is_taken_the_token_tells_the_page_and_a_proof_may_be_required(prefix):
    simulator = messenger(require_proof=True)
    right = proof(TOKEN, simulator.bot.secret)

    assert call(simulator, "GET", f"{prefix}/me", appsecret_proof=right).body["id"] == simulator.page_id
    assert refused(call(simulator, "GET", f"{prefix}/me", appsecret_proof="0" * 64))[0] == 100
    assert refused(call(simulator, "GET", f"{prefix}/me"))[0] == 100
    simulator.switches = Switches()
    assert call(simulator, "GET", f"{prefix}/me").status == 200


RETIRED = {
    "a method in the place of another": Request("POST", "/8000000000000001", {"method": "DELETE"}),
    "several ids": Request("GET", "/", {"ids": "42,43"}),
    "an alias of a field": Request("GET", "/me", {"fields": "name.as(title)"}),
    "JSONP": Request("GET", "/me", {"callback": "found"}),
}


def two_pages() -> Tuple[Simulator, Page]:
    """A simulator with a page of its own for Tom (43), whose token is "garden"."""
    simulator = Simulator(more_pages=[PageFacts("2000", "Garden Shop", "garden")])
    garden = simulator.page("2000")
    garden.person("43").says("hello")
    return simulator, garden


def test_1_12_26_what_happens_on_one_page_concerns_no_other():
    simulator, garden = two_pages()
    there = simulator.person("42").on("Garden Shop").psid
    simulator.inbox.replies("42", "Sam here")
    call(simulator, "POST", "/me/subscribed_apps", {"subscribed_fields": "messages"}, access_token="garden")

    assert (simulator.owner("42"), garden.owner(there)) == (PAGE_INBOX, "")
    assert simulator.bot.page_fields > garden.bot.page_fields == {"messages"}
    assert call(simulator, "GET", "/me", access_token="garden").body["id"] == "2000"
    assert call(simulator, "GET", "/2000", access_token="demo-page-token").status == 400
    told = call(simulator, "GET", "/42/ids_for_pages", access_token="garden").body["data"]
    assert {each["page"]["id"]: each["id"] for each in told} == {simulator.page_id: "42", "2000": there}


def test_21_with_the_token_of_another_page_nobody_has_the_id():
    simulator, _ = two_pages()
    message = {"recipient": {"id": "43"}, "message": {"text": "hi"}}

    refusal = call(simulator, "POST", "/me/messages", message, access_token="demo-page-token")
    assert refused(refusal) == (100, 2018001)
    assert call(simulator, "POST", "/me/messages", message, access_token="garden").status == 200


@pytest.mark.parametrize("what", RETIRED)
@pytest.mark.parametrize("young", [True, False])
def test_26_young_apps_are_refused_what_graph_v27_has_retired(what, young):
    simulator = messenger(young_apps=young)
    call(simulator, "POST", "/me/personas", {"name": "Sam"})
    request = RETIRED[what]
    answer = graph.answer(
        simulator, Request(request.method, request.path, {**request.query, "access_token": TOKEN})
    )

    assert (refused(answer)[0] == 100) if young else (answer.status == 200)
    assert (simulator.personas == {}) == (what.startswith("a method") and not young)


def test_26_several_ids_are_answered_by_id():
    found = call(messenger(young_apps=False), "GET", "/", ids="42,43", fields="first_name").body

    assert {key: one["id"] for key, one in found.items()} == {"42": "42", "43": "43"}


@pytest.mark.parametrize(
    ("profiles", "keys"), [("open", {"id", "first_name"}), ("empty", set()), ("unavailable", (100, 2018218))]
)
def test_27_a_profile_is_told_empty_or_refused(profiles, keys):
    answer = call(messenger(profiles=profiles), "GET", f"/{PSID}", fields="first_name")

    assert (set(answer.body) if answer.status == 200 else refused(answer)) == keys


def test_27_personas_profile_menus_and_subscriptions_are_kept_and_deleted():
    simulator = messenger()
    number = call(simulator, "POST", "/me/personas", {"name": "Sam"}).body["id"]
    menu = [{"locale": "default", "call_to_actions": []}]
    call(simulator, "POST", "/me/messenger_profile", {"persistent_menu": menu})
    call(simulator, "POST", "/me/custom_user_settings", {"psid": PSID, "persistent_menu": menu})
    call(simulator, "POST", "/me/subscribed_apps", subscribed_fields="messages,standby")

    assert call(simulator, "GET", f"/{number}").body["name"] == "Sam"
    profile = call(simulator, "GET", "/me/messenger_profile", fields="persistent_menu").body
    assert profile == {"data": [{"persistent_menu": menu}]}
    assert call(simulator, "GET", "/me/custom_user_settings", psid=PSID).body["data"]
    subscribed = call(simulator, "GET", "/me/subscribed_apps").body["data"]
    assert next(one for one in subscribed if one["id"] == BOT)["subscribed_fields"] == ["messages", "standby"]
    assert call(simulator, "DELETE", f"/{number}").body == {"success": True}
    assert call(simulator, "DELETE", "/me/custom_user_settings", psid=PSID).body == {"result": "success"}
    assert call(simulator, "DELETE", "/me/messenger_profile", {"fields": ["persistent_menu"]}).status == 200
    assert (simulator.personas, simulator.profile, simulator.user_settings) == ({}, {}, {})


@pytest.mark.parametrize(("default", "owner", "told"), [("bot", True, True), (None, True, None)])
def test_27_routing_is_told_by_the_page_and_by_its_conversations(default, owner, told):
    simulator = messenger(default)
    simulator.person(PSID).says("hello")
    simulator.app("bot").passes(PSID, to="bot")
    status = call(simulator, "GET", "/me", fields="messaging_feature_status").body["messaging_feature_status"]
    (found,) = call(simulator, "GET", "/me/conversations", fields="messages,is_owner").body["data"]

    assert status["msgr_multi_app"] is (default is not None)
    assert found.get("is_owner") is told
    simulator.app("bot").passes(PSID, to=PAGE_INBOX)
    (found,) = call(simulator, "GET", "/me/conversations", fields="messages,is_owner").body["data"]
    assert found.get("is_owner") is (None if told is None else False)


@pytest.mark.parametrize("left", [True, False])
def test_27_what_is_left_of_retired_calls_and_who_is_listed_are_switches(left):
    simulator = messenger(lists_secondary_receivers=left, tells_feature_status=left, lists_other_apps=left)
    fields = call(simulator, "GET", "/me", fields="messaging_feature_status").body
    receivers = call(simulator, "GET", "/me/secondary_receivers", fields="id,name")

    assert ("messaging_feature_status" in fields) == left
    assert (receivers.status == 200) if left else refused(receivers) == (100, 2018171)
    assert (len(call(simulator, "GET", "/me/subscribed_apps").body["data"]) > 1) == left
