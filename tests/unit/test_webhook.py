from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handover_channel.errors import InvalidSignature, MalformedWebhook
from handover_channel.messenger import webhook
from handover_channel.messenger.events import (
    Attachment,
    ControlPassed,
    ControlRequested,
    ControlTaken,
    MessageEchoed,
    MessageReceived,
    Noted,
    OptedIn,
    PostbackReceived,
    Referred,
    RolesChanged,
    Unrecognised,
)

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "webhooks.jsonl"
SECRET = "app-secret"
PAGE, PSID = "1717", "9001"
AT = 1458692752478


def delivery(*items, channel="messaging", **entry):
    return json.dumps({"object": "page", "entry": [{"id": PAGE, **entry, channel: list(items)}]}).encode()


def said(**part):
    return {"sender": {"id": PSID}, "recipient": {"id": PAGE}, "timestamp": AT, **part}


def wrote(text="hello", mid="m_1", **message):
    return said(message={"mid": mid, "text": text, **message})


def event_of(item, **options):
    (found,) = webhook.parse(delivery(item, **options))
    return found.event


def keys_of(body):
    return [item.key for item in webhook.parse(body)]


# --- signature ------------------------------------------------------------------------------------


def signed(body, algorithm="sha256", secret=SECRET):
    return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"


def test_a_body_signed_with_the_app_secret_is_accepted():
    body = b'{"entry":[],"text":"\\u00e4\\/"}'

    webhook.verify_signature(body, signature=signed(body), secret=SECRET)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "sha256=",
        "é",
        "sha256=é",
        "sha256=\udcff",
        signed(b"body", "sha1"),
        signed(b"body", "md5"),
        signed(b"body", secret="another"),
        signed(b"body "),
        signed(b"body").upper(),
        signed(b"body")[len("sha256=") :],
        signed(b"body") + "0",
        "sha1=" + signed(b"body")[len("sha256=") :],
        "sha256=" + hashlib.sha256(b"body").hexdigest(),
    ],
)
def test_any_other_signature_is_refused(signature):
    with pytest.raises(InvalidSignature):
        webhook.verify_signature(b"body", signature=signature, secret=SECRET)


def test_the_signature_is_of_the_raw_bytes_not_of_their_meaning():
    escaped = b'{"text":"\\u00e4\\/"}'
    same_meaning = json.dumps(json.loads(escaped)).encode()

    with pytest.raises(InvalidSignature):
        webhook.verify_signature(same_meaning, signature=signed(escaped), secret=SECRET)


# --- events ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"message": {"mid": "m", "text": "hi"}}, (MessageReceived, {"mid": "m", "text": "hi"})),
        (
            {"message": {"mid": "m", "text": "Yes", "quick_reply": {"payload": "/yes"}}},
            (MessageReceived, {"text": "Yes", "payload": "/yes"}),
        ),
        (
            {"message": {"mid": "m", "text": "this", "reply_to": {"mid": "m0", "is_self_reply": False}}},
            (MessageReceived, {"reply_to": "m0"}),
        ),
        (
            {"message": {"mid": "m", "text": "hi", "referral": {"ref": "r", "source": "ADS"}}},
            (MessageReceived, {"referral": {"ref": "r", "source": "ADS"}}),
        ),
        (
            {"message": {"mid": "m", "attachments": [{"type": "image", "payload": {"url": "https://x/i"}}]}},
            (
                MessageReceived,
                {
                    "text": "",
                    "attachments": (Attachment("image", "https://x/i", payload={"url": "https://x/i"}),),
                },
            ),
        ),
        (
            {"message": {"mid": "m", "is_echo": True, "app_id": 1517776481860111, "metadata": "x"}},
            (MessageEchoed, {"mid": "m", "app_id": "1517776481860111", "metadata": "x"}),
        ),
        (
            {"message": {"mid": "m", "is_echo": True, "text": "hi"}},
            (MessageEchoed, {"app_id": "", "text": "hi"}),
        ),
        (
            {"postback": {"mid": "m", "title": "Buy", "payload": "/buy", "referral": {"ref": "r"}}},
            (PostbackReceived, {"mid": "m", "title": "Buy", "payload": "/buy", "referral": {"ref": "r"}}),
        ),
        ({"postback": {"mid": "m", "title": "Buy"}}, (PostbackReceived, {"payload": None})),
        (
            {
                "pass_thread_control": {
                    "previous_owner_app_id": None,
                    "new_owner_app_id": "12",
                    "metadata": "m",
                }
            },
            (ControlPassed, {"new_owner": "12", "previous_owner": "", "metadata": "m"}),
        ),
        (
            {"take_thread_control": {"previous_owner_app_id": "12", "new_owner_app_id": 263902037430900}},
            (ControlTaken, {"new_owner": "263902037430900", "previous_owner": "12", "metadata": ""}),
        ),
        (
            {"request_thread_control": {"requested_owner_app_id": 33, "metadata": "please"}},
            (ControlRequested, {"requested_by": "33", "metadata": "please"}),
        ),
        (
            {"app_roles": {"12": ["primary_receiver"]}},
            (RolesChanged, {"roles": {"12": ["primary_receiver"]}}),
        ),
        (
            {"referral": {"ref": "r", "type": "OPEN_THREAD"}},
            (Referred, {"referral": {"ref": "r", "type": "OPEN_THREAD"}}),
        ),
        (
            {"optin": {"type": "notification_messages"}},
            (OptedIn, {"optin": {"type": "notification_messages"}}),
        ),
        ({"delivery": {"watermark": 1}}, (Noted, {"kind": "delivery", "detail": {"watermark": 1}})),
        ({"read": {"watermark": 1}}, (Noted, {"kind": "read"})),
        ({"reaction": {"reaction": "love", "mid": "m"}}, (Noted, {"kind": "reaction"})),
        ({"message_edit": {"mid": "m", "text": "new", "num_edit": 1}}, (Noted, {"kind": "message_edit"})),
        ({"account_linking": {"status": "linked"}}, (Noted, {"kind": "account_linking"})),
        ({"policy_enforcement": {"action": "block"}}, (Noted, {"kind": "policy_enforcement"})),
        ({"response_feedback": {"feedback": "Good response"}}, (Noted, {"kind": "response_feedback"})),
        ({"brand_new_kind": {"x": 1}}, (Unrecognised, {})),
        ({"message": "not an object"}, (Unrecognised, {})),
        ({}, (Unrecognised, {})),
    ],
)
def test_every_kind_of_event_is_read(item, expected):
    event = event_of(said(**item))

    kind, facts = expected
    assert type(event) is kind
    assert {name: getattr(event, name) for name in facts} == facts
    assert (event.page, event.timestamp, event.standby) == (PAGE, AT, False)


def test_an_event_of_standby_says_so():
    assert event_of(wrote(), channel="standby").standby


def test_an_echo_belongs_to_its_recipient():
    item = {
        "sender": {"id": PAGE},
        "recipient": {"id": PSID},
        "timestamp": AT,
        "message": {"mid": "m", "is_echo": True, "text": "from the page"},
    }

    assert event_of(item).thread == PSID
    assert event_of(item, channel="standby").thread == PSID


def test_an_echo_belongs_to_its_recipient_even_where_the_entry_has_another_id():
    item = {"sender": {"id": 5}, "recipient": {"id": PSID}, "message": {"mid": "m", "is_echo": True}}

    assert event_of(item).thread == PSID


def test_the_page_is_never_taken_for_the_person():
    assert event_of({"sender": {"id": PAGE}, "recipient": {"id": PSID}, "read": {}}).thread == PSID


def test_an_event_without_a_sender_concerns_no_thread():
    assert event_of({"recipient": {"id": PAGE}, "app_roles": {"1": []}}).thread == ""


def test_an_event_without_a_time_has_that_of_its_entry():
    item = {"sender": {"id": PSID}, "delivery": {"watermark": 1}}

    assert event_of(item, time=AT).timestamp == AT
    assert event_of(item).timestamp == 0


def test_seconds_are_made_milliseconds():
    assert event_of({**wrote(), "timestamp": 1458692752}).timestamp == 1458692752000


@pytest.mark.parametrize("odd", [True, -5, "soon", None, [1], 1e300, float("nan"), "1" * 30])
def test_a_time_that_is_none_counts_as_missing(odd):
    assert event_of({**wrote(), "timestamp": odd}).timestamp == 0


def test_ids_are_text_whether_meta_sends_numbers_or_strings():
    numbers = {
        "sender": {"id": int(PSID)},
        "recipient": {"id": int(PAGE)},
        "message": {"mid": "m", "text": "x"},
    }

    event = webhook.parse(json.dumps({"entry": [{"id": int(PAGE), "messaging": [numbers]}]}).encode())[
        0
    ].event

    assert (event.thread, event.page) == (PSID, PAGE)


def test_metadata_that_is_an_object_is_kept_as_json():
    event = event_of(said(pass_thread_control={"new_owner_app_id": 1, "metadata": {"order": 7}}))

    assert json.loads(event.metadata) == {"order": 7}


def test_what_databases_cannot_store_is_taken_out_of_texts():
    event = event_of(wrote("half \ud83d of an emoji, and a \x00"))

    event.text.encode()
    assert "\x00" not in event.text


def test_every_event_of_every_entry_is_returned_in_metas_order():
    body = json.dumps(
        {
            "entry": [
                {"id": PAGE, "messaging": [wrote("1", "a"), wrote("2", "b")], "standby": [wrote("3", "c")]},
                {"id": "other", "messaging": [wrote("4", "d")]},
            ]
        }
    ).encode()

    assert [item.event.text for item in webhook.parse(body)] == ["1", "2", "3", "4"]


def test_nobodys_nonsense_costs_a_neighbour():
    nonsense = [None, 1, "x", [], {}, {"message": 5}, {"sender": 4, "message": {}}, {"postback": None}]

    events = [item.event for item in webhook.parse(delivery(*nonsense, wrote(), *nonsense))]

    assert len(events) == 2 * len(nonsense) + 1
    assert events[len(nonsense)].text == "hello"


def test_nonsense_between_entries_costs_none_of_them():
    entries = [None, 1, {"id": {}}, {"messaging": "x"}, {"standby": {}}, {"id": PAGE, "messaging": [wrote()]}]

    assert [item.event.text for item in webhook.parse(json.dumps({"entry": entries}).encode())] == ["hello"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe\xff", b"null", b"[]", b"1", b'"entry"', b"{}", b'{"entry":null}', b'{"entry":{}}']
    + [b"[" * 100_000, b'{"entry":' + b"[" * 100_000],
)
def test_what_is_no_delivery_is_refused(body):
    with pytest.raises(MalformedWebhook):
        webhook.parse(body)


@pytest.mark.parametrize(
    "entries",
    [
        [{"id": PAGE, "messaging": [{}] * 100_000}],
        [{"id": PAGE, "messaging": [wrote()] * 1001, "standby": [wrote()] * 1000}],
        [{"id": PAGE, "changes": [1] * 500_000}],
        [{"id": PAGE, **{f"made up {number}": 1 for number in range(5000)}}],
        [{"id": PAGE}] * 5000,
        [1] * 5000,
    ],
)
def test_a_delivery_of_more_updates_than_meta_sends_is_refused_before_one_is_read(entries):
    with pytest.raises(MalformedWebhook, match="2000 updates"):
        webhook.entries_of(json.dumps({"entry": entries}).encode())


def test_the_largest_delivery_of_meta_is_read():
    entry = {"id": PAGE, "time": AT, "messaging": [wrote()]}

    assert len(webhook.parse(json.dumps({"entry": [entry] * 1000}).encode())) == 1000


def test_of_a_message_with_more_attachments_than_people_can_send_the_first_are_read():
    pictures = [
        {"type": "image", "payload": {"url": f"https://a.example/{number}"}} for number in range(50_000)
    ]
    event = webhook.read(said(message={"mid": "m", "attachments": pictures}), page=PAGE)

    assert [each.url for each in event.attachments][::99] == ["https://a.example/0", "https://a.example/99"]


@pytest.mark.parametrize("depth", [50, 400, 900, 960, 980, 990, 5000])
def test_a_deeply_nested_item_costs_none_of_its_neighbours(depth):
    deep = '{"sender":{"id":"9"},"message":{"mid":"m","is_echo":true,"metadata":%s}}' % (
        "[" * depth + "]" * depth
    )
    body = delivery("DEEP", wrote()).replace(b'"DEEP"', deep.encode())
    try:
        items = webhook.parse(body)
    except MalformedWebhook:
        assert depth > 900  # deeper than any JSON that can be read at all
        return

    assert [item.event.text for item in items][1] == "hello"
    assert all(webhook.unmarshal(item.body) for item in items)


# --- keys -----------------------------------------------------------------------------------------


def test_a_repeated_delivery_has_the_same_keys():
    items = [
        wrote(),
        said(read={"watermark": 5}),
        said(postback={"title": "Buy", "payload": "/buy"}),
        {"x": 1},
    ]
    body = delivery(*items, {"sender": {"id": PSID}, "message": {"text": "no id, no time"}}, time=AT)

    assert keys_of(body) == keys_of(body)
    assert len(set(keys_of(body))) == len(items) + 1


def test_the_standby_copy_of_a_message_has_the_same_key():
    assert keys_of(delivery(wrote())) == keys_of(delivery(wrote(), channel="standby"))


def test_a_mid_counts_for_more_than_the_rest_of_the_body():
    again = {**wrote(), "timestamp": AT + 1, "prior_message": {"source": "x"}}

    assert keys_of(delivery(wrote())) == keys_of(delivery(again))


def test_the_copy_of_a_tap_without_its_payload_does_not_hide_the_tap():
    tap = said(postback={"mid": "m", "title": "Back to Bot", "payload": "/x"})
    copy = said(postback={"mid": "m", "title": "Back to Bot"})

    assert keys_of(delivery(tap)) != keys_of(delivery(copy, channel="standby"))


def test_an_echo_and_a_message_of_one_mid_are_two_events():
    echo = {"sender": {"id": PAGE}, "recipient": {"id": PSID}, "message": {"mid": "m_1", "is_echo": True}}

    assert len(set(keys_of(delivery(wrote(), echo)))) == 2


def test_one_mid_in_two_threads_or_on_two_pages_is_two_events():
    elsewhere = {**wrote(), "sender": {"id": "9002"}}
    on_another_page = json.dumps({"entry": [{"id": "1818", "messaging": [wrote()]}]}).encode()

    assert len({*keys_of(delivery(wrote(), elsewhere)), *keys_of(on_another_page)}) == 3


@pytest.mark.parametrize("entry", [{}, {"time": AT}])
def test_two_equal_texts_without_id_and_time_are_two_messages(entry):
    item = {"sender": {"id": PSID}, "recipient": {"id": PAGE}, "message": {"text": "hello"}}

    assert len(set(keys_of(delivery(item, item, **entry)))) == 2


def test_two_equal_texts_at_two_times_are_two_messages():
    first = said(message={"text": "hello"})

    assert len(set(keys_of(delivery(first, {**first, "timestamp": AT + 1})))) == 2


def test_the_order_of_keys_in_json_makes_no_difference():
    item = said(message={"text": "x"})
    turned = dict(reversed(list(item.items())))

    assert keys_of(delivery(item)) == keys_of(delivery(turned))


# --- hostile and foreign bodies -------------------------------------------------------------------

#: Few examples of few parts: the strategies aim at the names that the code looks for.
HOSTILE = settings(max_examples=60)
SCRAPS = st.sampled_from(
    [None, True, 0, -7, 10**30, 1.5, 1e308, "", "x", "12", "\x00", "\ud800", "é" * 9, [], {}]
)
NAMES = st.sampled_from(
    [
        "sender",
        "recipient",
        "id",
        "timestamp",
        "mid",
        "text",
        "is_echo",
        "quick_reply",
        "payload",
        "attachments",
    ]
    + ["referral", "url", "metadata", "new_owner_app_id", "reply_to", "app_id", *webhook._READERS]
)
JSON = st.recursive(
    SCRAPS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@HOSTILE
@given(st.binary(max_size=30) | JSON.map(lambda value: json.dumps(value).encode()))
def test_parsing_raises_nothing_but_malformed_webhook(body):
    try:
        found = webhook.parse(body)
    except MalformedWebhook:
        return

    assert isinstance(found, list)


@HOSTILE
@given(JSON, JSON | st.lists(JSON, max_size=2))
def test_no_entry_makes_parsing_fail(page, items):
    entry = {"id": page, "time": items, "messaging": items, "standby": page}

    found = webhook.parse(json.dumps({"entry": [entry, items, page]}).encode())

    channels = [channel for channel in (items, page) if isinstance(channel, list)]
    assert len(found) == sum(map(len, channels))


@HOSTILE
@given(st.lists(JSON, max_size=3), st.lists(JSON, max_size=3), st.sampled_from(webhook.CHANNELS))
@example([{"message": {"attachments": [{"payload": {"url": [1]}}, 3], "quick_reply": 4}}], [], "standby")
def test_no_good_event_is_lost_among_bad_ones(before, after, channel):
    body = delivery(*before, wrote("good", "m_good"), *after, channel=channel)

    items = webhook.parse(body)

    assert len(items) == len(before) + 1 + len(after)
    assert items[len(before)].event.text == "good"


@HOSTILE
@given(JSON, st.sampled_from(webhook.CHANNELS))
def test_a_stored_event_is_read_again_as_it_was(item, channel):
    (found,) = webhook.parse(delivery(item, channel=channel, time=AT))

    assert webhook.unmarshal(found.body) == found.event
    found.key.encode()


@HOSTILE
@given(JSON)
def test_texts_and_ids_of_an_event_can_be_stored_anywhere(item):
    event = event_of(item)

    for value in (event.thread, event.page, getattr(event, "text", ""), getattr(event, "mid", "")):
        assert isinstance(value, str)
        assert "\x00" not in value
        value.encode()


def corpus():
    return [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


@pytest.mark.corpus
def test_every_body_of_other_projects_is_read_or_refused_by_name():
    for line in corpus():
        body = line["body"] if isinstance(line["body"], str) else json.dumps(line["body"])
        try:
            items = webhook.parse(body.encode())
        except MalformedWebhook:
            continue
        expected = sum(
            len(entry[channel])
            for entry in json.loads(body)["entry"]
            if isinstance(entry, dict)
            for channel in webhook.CHANNELS
            if isinstance(entry.get(channel), list)
        )
        assert len(items) == expected
        assert [webhook.unmarshal(item.body) for item in items] == [item.event for item in items]
        assert keys_of(body.encode()) == [item.key for item in items]
