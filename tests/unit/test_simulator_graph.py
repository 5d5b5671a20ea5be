"""The Graph API as programs really call it: paths, tokens, parameters, limits, batches."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.simulator import Simulator, Switches, caller, graph
from handover_channel.simulator.refusals import Refused
from handover_channel.simulator.request import Request, Response, decode_body

PSID = "42"
TOKEN = "demo-page-token"
HELLO = {"recipient": {"id": PSID}, "message": {"text": "hello"}}


@pytest.fixture
def messenger() -> Simulator:
    return Simulator(apps={"2222": "sales_bot"})


def post(
    simulator: Simulator, path: str, body: Dict[str, Any], query: Optional[Dict[str, Any]] = None, **more: Any
) -> Response:
    return graph.answer(
        simulator, Request("POST", path, {"access_token": TOKEN, **(query or {})}, body, **more)
    )


def get(simulator: Simulator, path: str, **query: Any) -> Response:
    return graph.answer(simulator, Request("GET", path, {"access_token": TOKEN, **query}))


def code(answer: Response) -> Any:
    assert answer.status == 400, answer.body
    error = answer.body["error"]
    assert error["type"] in ("OAuthException", "GraphMethodException")
    assert error["fbtrace_id"]
    return error["code"], error.get("error_subcode")


def send(simulator: Simulator, message: Any, **more: Any) -> Response:
    return post(simulator, "/me/messages", {"recipient": {"id": PSID}, "message": message, **more})


# --- how a request may look -----------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/v2.6", "/v27.0"])
@pytest.mark.parametrize("node", ["me", "1000000000000001"])
def test_any_version_and_both_names_of_the_page_are_understood(messenger, prefix, node):
    assert post(messenger, f"{prefix}/{node}/messages", HELLO).status == 200


@pytest.mark.parametrize(
    ("query", "body", "authorization"),
    [
        ({"access_token": TOKEN}, {}, ""),
        ({}, {"access_token": TOKEN}, ""),
        ({}, {}, f"Bearer {TOKEN}"),
        ({}, {}, f"bearer  {TOKEN}"),
    ],
)
def test_the_token_may_be_in_query_body_or_header(query, body, authorization):
    strict = Simulator(switches=Switches(strict=True))
    strict.person(PSID).says("hello")

    answer = graph.answer(strict, Request("POST", "/me/messages", query, {**HELLO, **body}, authorization))

    assert answer.status == 200


@pytest.mark.parametrize("recipient", [{"id": PSID}, {"id": 42}, json.dumps({"id": PSID}), PSID, 42])
def test_the_recipient_may_be_an_object_json_text_a_number_or_a_bare_id(messenger, recipient):
    answer = post(messenger, "/me/messages", {"recipient": recipient, "message": {"text": "hello"}})

    assert answer.body["recipient_id"] == PSID


def test_everything_may_be_in_the_query(messenger):
    query = {"recipient": json.dumps({"id": PSID}), "message": json.dumps({"text": "hello"})}

    assert post(messenger, "/me/messages", {}, query).status == 200


def test_a_key_with_null_counts_as_absent(messenger):
    assert (
        send(messenger, {"text": "x", "attachment": None, "quick_replies": None}, sender_action=None).status
        == 200
    )


def test_metadata_that_looks_like_json_stays_text(messenger):
    body = {"recipient": PSID, "target_app_id": 2222, "metadata": '{"reason": "talk"}'}
    post(messenger, "/me/pass_thread_control", body)

    told = messenger.events_of("sales_bot")[-1]["item"]["pass_thread_control"]
    assert told["metadata"] == '{"reason": "talk"}'


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b'{"a": 1}', "", {"a": 1}),
        (
            b"a=1&b=%7B%22id%22%3A2%7D&c=",
            "application/x-www-form-urlencoded",
            {"a": "1", "b": '{"id":2}', "c": ""},
        ),
        (b"a=1", "", {"a": "1"}),
        (b"", "application/json", {}),
    ],
)
def test_json_and_form_bodies_are_understood(body, content_type, expected):
    assert decode_body(body, content_type) == expected


@pytest.mark.parametrize("body", [b'{"a":' * 100_000, b"{", b"[1]", b'"text"'])
def test_a_body_that_is_no_json_object_is_refused(body):
    with pytest.raises(Refused):
        decode_body(body, "application/json")


@given(
    st.binary(), st.sampled_from(["application/json", "application/x-www-form-urlencoded", "", "text/plain"])
)
def test_no_body_breaks_the_reader(body, content_type):
    try:
        read: Any = decode_body(body, content_type)
    except Refused as refused:
        read = refused.refusal.body("")

    assert isinstance(read, dict)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "text", "attachment", "type", "payload", "buttons"]), inner, max_size=3
        )
    ),
    max_leaves=10,
)
KEYS = ["recipient", "message", "sender_action", "messaging_type", "tag", "thread_control", "target_app_id"]
KEYS += ["duration", "metadata", "fields", "batch", "access_token", "name", "psid", "method"]
PATHS = [
    "/me/messages",
    "/me/pass_thread_control",
    "/me/extend_thread_control",
    "/me/thread_owner",
    "/me/personas",
    "/me/messenger_profile",
    "/me/message_attachments",
    "/me/subscribed_apps",
    "/",
    "/42",
    "/x/y/z",
]


@given(
    st.sampled_from(["GET", "POST", "DELETE"]),
    st.sampled_from(PATHS),
    st.dictionaries(st.sampled_from(KEYS), JSON, max_size=5),
)
def test_nothing_a_caller_sends_raises(method, path, body):
    answer = graph.answer(Simulator(), Request(method, path, {}, body))

    assert answer.status in (200, 400)
    json.dumps(answer.body)


# --- who calls ------------------------------------------------------------------------------------


def test_the_token_tells_which_app_calls(messenger):
    post(messenger, "/me/take_thread_control", {"recipient": PSID}, {"access_token": "token-2222"})

    assert messenger.owner(PSID) == "2222"


def test_an_unknown_token_is_taken_for_the_bot_s_unless_strict(messenger):
    strict = Simulator(switches=Switches(strict=True))

    assert post(messenger, "/me/messages", HELLO, {"access_token": "any"}).status == 200
    assert code(post(strict, "/me/messages", HELLO, {"access_token": "any"})) == (190, None)


def test_a_call_about_a_thread_needs_a_token(messenger):
    assert code(graph.answer(messenger, Request("POST", "/me/messages", {}, HELLO))) == (190, None)


def test_a_proof_that_is_given_must_be_right(messenger):
    right = caller.proof(TOKEN, messenger.bot.secret)

    assert post(messenger, "/me/messages", HELLO, {"appsecret_proof": right}).status == 200
    assert code(post(messenger, "/me/messages", HELLO, {"appsecret_proof": "0" * 64}))[0] == 100


def test_a_missing_proof_is_refused_where_the_app_requires_it():
    requiring = Simulator(switches=Switches(require_proof=True))

    assert code(post(requiring, "/me/messages", HELLO))[0] == 100


def test_tokens_and_proofs_stay_out_of_the_log(messenger):
    proof = caller.proof(TOKEN, messenger.bot.secret)
    post(messenger, "/me/messages", {**HELLO, "access_token": TOKEN}, {"appsecret_proof": proof})

    log = json.dumps(messenger.journal.after())
    assert TOKEN not in log
    assert proof not in log


def test_another_page_s_node_is_refused_to_a_known_app(messenger):
    assert code(post(messenger, "/999/messages", HELLO)) == (100, 33)


@pytest.mark.parametrize("path", ["/me/nothing", "/me/messages/more", "/a b"])
def test_an_unknown_path_is_named(messenger, path):
    assert code(get(messenger, path)) == (2500, None)


def test_a_call_s_line_comes_before_those_of_its_webhooks(messenger):
    post(messenger, "/me/messages", HELLO)

    kinds = [entry["kind"] for entry in messenger.journal.after()]
    assert kinds[0] == "graph"
    assert set(kinds[1:]) == {"webhook"}


# --- 21: what can be sent -------------------------------------------------------------------------


def template(text: str = "t", buttons: int = 1, title: str = "b", payload: str = "p") -> Dict[str, Any]:
    one = {"type": "postback", "title": title, "payload": payload}
    inner = {"template_type": "button", "text": text, "buttons": [one] * buttons}
    return {"attachment": {"type": "template", "payload": inner}}


def quick(count: int = 1, title: str = "q", payload: str = "p") -> Dict[str, Any]:
    return {
        "text": "t",
        "quick_replies": [{"content_type": "text", "title": title, "payload": payload}] * count,
    }


@pytest.mark.parametrize(
    "message",
    [
        {"text": "x" * 2000},
        template("x" * 640, 3, "x" * 20, "x" * 1000),
        quick(13, "x" * 20, "x" * 1000),
        {"text": "x", "metadata": "x" * 1000},
        {"attachment": {"type": "image", "payload": {"url": "https://shop.example/a.png"}}},
        {"text": "x", "quick_replies": [{"content_type": "user_email"}]},
    ],
)
def test_what_keeps_the_limits_is_sent(messenger, message):
    answer = send(messenger, message)

    assert set(answer.body) == {"recipient_id", "message_id"}
    assert messenger.thread(PSID).chat[-1]["mid"] == answer.body["message_id"]


@pytest.mark.parametrize(
    ("message", "subcode"),
    [
        ({"text": "x" * 2001}, None),
        ({}, 2018034),
        ({"text": ""}, 2018034),
        ("hello", 2018034),
        ({"text": 5}, None),
        (template("x" * 641), None),
        (template(""), None),
        (template(buttons=0), None),
        (template(buttons=4), None),
        (template(title="x" * 21), None),
        (template(payload="x" * 1001), None),
        (quick(14), None),
        (quick(title="x" * 21), None),
        (quick(payload="x" * 1001), None),
        ({"text": "x", "quick_replies": [{"content_type": "text", "title": "q"}]}, None),
        ({"text": "x", "metadata": "x" * 1001}, None),
        ({"attachment": {"type": "hologram", "payload": {}}}, None),
        ({"attachment": "image"}, None),
    ],
)
def test_what_breaks_a_limit_is_refused_with_code_100(messenger, message, subcode):
    assert code(send(messenger, message)) == (100, subcode)


def test_the_text_of_the_refusal_of_a_long_text_is_meta_s(messenger):
    assert send(messenger, {"text": "x" * 2001}).body["error"]["message"] == (
        "(#100) Length of param message[text] must be less than or equal to 2000"
    )


@pytest.mark.parametrize("kind", ["RESPONSE", "UPDATE", "UTILITY", None])
def test_the_messaging_type_may_be_left_out(messenger, kind):
    assert send(messenger, {"text": "x"}, messaging_type=kind).status == 200


@pytest.mark.parametrize(
    "more",
    [
        {"messaging_type": "CHAT"},
        {"messaging_type": "MESSAGE_TAG"},
        {"messaging_type": "MESSAGE_TAG", "tag": "ACCOUNT_UPDATE"},
    ],
)
def test_a_wrong_messaging_type_and_a_retired_tag_are_refused(messenger, more):
    assert code(send(messenger, {"text": "x"}, **more)) == (100, None)


def test_a_message_and_an_action_at_once_are_refused(messenger):
    assert code(send(messenger, {"text": "x"}, sender_action="typing_on")) == (100, 2018014)


def test_a_sender_action_is_answered_with_the_recipient_alone(messenger):
    body = {"recipient": {"id": PSID}, "sender_action": "typing_on"}

    assert post(messenger, "/me/messages", body).body == {"recipient_id": PSID}
    assert messenger.state(PSID)["threads"][0]["typing"] == messenger.bot.id


@pytest.mark.parametrize(
    ("recipient", "subcode"),
    [(None, None), ("", None), ({}, 2018001), ({"id": ""}, 2018001), ({"id": "1000000000000001"}, 2018001)],
)
def test_a_recipient_who_cannot_be_meant_is_refused(messenger, recipient, subcode):
    assert code(post(messenger, "/me/messages", {"recipient": recipient, "message": {"text": "x"}})) == (
        100,
        subcode,
    )


def test_in_strict_mode_somebody_who_never_wrote_is_unknown():
    strict = Simulator(switches=Switches(strict=True))

    assert code(post(strict, "/me/messages", HELLO)) == (100, 2018001)


# --- 22: the window -------------------------------------------------------------------------------


def test_a_day_after_the_person_s_last_act_only_a_human_agent_may_write():
    clock = [1_700_000_000.0]
    simulator = Simulator(now=lambda: clock[0])
    simulator.person(PSID).says("hello")
    by_hand = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}

    clock[0] += 24 * 3600 + 1
    assert code(send(simulator, {"text": "x"})) == (10, 2018278)
    assert send(simulator, {"text": "x"}, **by_hand).status == 200
    clock[0] += 6 * 24 * 3600
    assert code(send(simulator, {"text": "x"}, **by_hand)) == (10, 2018278)


# --- the rest of the API --------------------------------------------------------------------------


def test_a_profile_has_the_fields_that_were_asked_for(messenger):
    messenger.thread(PSID)

    assert set(get(messenger, f"/{PSID}", fields="first_name,last_name").body) == {
        "id",
        "first_name",
        "last_name",
    }


def test_the_page_tells_whether_routing_is_on(messenger):
    on = get(messenger, "/me", fields="messaging_feature_status").body
    messenger.set_default_app(None)
    off = get(messenger, "/me", fields="messaging_feature_status").body

    assert on["messaging_feature_status"]["msgr_multi_app"] is True
    assert off["messaging_feature_status"]["msgr_multi_app"] is False


def test_the_messenger_profile_is_remembered_until_deleted(messenger):
    post(messenger, "/me/messenger_profile", {"get_started": {"payload": "/greet"}})
    fields = {"fields": ["get_started"], "access_token": TOKEN}

    assert get(messenger, "/me/messenger_profile", fields="get_started").body == {
        "data": [{"get_started": {"payload": "/greet"}}]
    }
    graph.answer(messenger, Request("DELETE", "/me/messenger_profile", {}, fields))
    assert get(messenger, "/me/messenger_profile", fields="get_started").body == {"data": []}


def test_a_persona_is_created_listed_and_deleted(messenger):
    number = post(
        messenger, "/me/personas", {"name": "Sam", "profile_picture_url": "https://x.example/s.png"}
    ).body["id"]

    assert get(messenger, f"/{number}").body["name"] == "Sam"
    gone = graph.answer(messenger, Request("DELETE", f"/{number}", {"access_token": TOKEN}))
    assert gone.body == {"success": True}
    assert get(messenger, "/me/personas").body == {"data": []}


def test_an_app_that_is_not_subscribed_to_the_page_hears_nothing(messenger):
    post(
        messenger,
        "/me/subscribed_apps",
        {"subscribed_fields": "messaging_postbacks"},
        {"access_token": "token-2222"},
    )
    messenger.person(PSID).says("hello")

    assert messenger.events_of("sales_bot") == []


def test_conversations_tell_the_owner_only_with_routing(messenger):
    messenger.person(PSID).says("hello")
    messenger.app("bot").passes(PSID, to="bot")

    assert get(messenger, "/me/conversations", fields="is_owner").body["data"][0]["is_owner"] is True
    messenger.set_default_app(None)
    assert "is_owner" not in get(messenger, "/me/conversations", fields="is_owner").body["data"][0]


def test_a_saved_attachment_can_be_sent_by_its_id(messenger):
    attachment = {"type": "image", "payload": {"url": "https://shop.example/a.png", "is_reusable": True}}
    number = post(messenger, "/me/message_attachments", {"message": {"attachment": attachment}}).body[
        "attachment_id"
    ]

    send(messenger, {"attachment": {"type": "image", "payload": {"attachment_id": number}}})

    sent = messenger.thread(PSID).chat[-1]["message"]["attachment"]["payload"]
    assert sent["url"] == "https://shop.example/a.png"
    refused = send(messenger, {"attachment": {"type": "image", "payload": {"attachment_id": "1"}}})
    assert code(refused) == (100, 2018074)


# --- batches --------------------------------------------------------------------------------------


def test_a_batch_is_answered_call_by_call_in_order(messenger):
    calls = [
        {
            "method": "POST",
            "relative_url": "me/messages",
            "body": "recipient=%7B%22id%22%3A42%7D&message=%7B%22text%22%3A%22hi%22%7D",
        },
        {
            "method": "POST",
            "relative_url": "me/pass_thread_control",
            "body": "recipient=%7B%22id%22%3A42%7D&target_app_id=2222",
        },
        {"method": "GET", "relative_url": "v9.0/me/thread_owner?recipient=42"},
        {
            "method": "POST",
            "relative_url": "me/messages",
            "body": "recipient=42&message=%7B%22text%22%3A%22hi%22%7D",
        },
    ]
    answer = post(messenger, "/v6.0/", {"batch": json.dumps(calls)})

    assert [part["code"] for part in answer.body] == [200, 200, 200, 400]
    assert json.loads(answer.body[2]["body"])["data"][0]["thread_owner"]["app_id"] == "2222"
    assert all("headers" in part for part in answer.body)


@pytest.mark.parametrize("batch", [None, "x", [1], [{}] * 51])
def test_what_is_no_batch_is_refused(messenger, batch):
    assert code(post(messenger, "/", {"batch": batch}))[0] == 100


def test_headers_of_a_batch_can_be_left_out(messenger):
    calls = [{"method": "GET", "relative_url": "me"}]

    assert set(post(messenger, "/", {"batch": calls, "include_headers": False}).body[0]) == {"code", "body"}


# --- switches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"doen": "pass"}, "'doen' is not a switch (known: "),
        ({"done": "shrug"}, "'done' is 'shrug'; it must be one of pass, release, nothing"),
        ({"strict": "yes"}, "'strict' is 'yes'; it must be one of true, false"),
    ],
)
def test_a_wrong_switch_is_named_with_what_it_accepts(changes, sentence):
    with pytest.raises(ValueError, match="is") as error:
        Switches().with_changes(changes)

    assert str(error.value).startswith(sentence)


def test_a_message_is_shown_under_the_name_of_its_persona(messenger):
    number = post(messenger, "/me/personas", {"name": "Sam"}).body["id"]
    send(messenger, {"text": "hello"}, persona_id=number)

    assert messenger.thread(PSID).chat[-1]["persona"] == "Sam"


def test_a_persona_that_is_gone_is_refused(messenger):
    assert code(send(messenger, {"text": "hello"}, persona_id="8000000000000009")) == (100, None)


def test_an_attachment_without_anything_in_it_is_refused(messenger):
    assert code(send(messenger, {"attachment": {"type": "image", "payload": {}}})) == (100, 2018047)
