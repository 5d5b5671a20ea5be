"""The control API over HTTP: every call of its file, time, faults that need a client, and its refusals."""

from __future__ import annotations

import json
import threading
from typing import Any, Dict

import pytest
import requests

pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from served_simulator import api, bot, messenger, url  # noqa: E402, F401
from webhook_listener import until  # noqa: E402

from handover_channel.simulator import PAGE_INBOX  # noqa: E402
from handover_channel.simulator.api_bodies import operations  # noqa: E402
from handover_channel.simulator.thread import FIRST_PEOPLE  # noqa: E402

FIRST_PSID = next(iter(FIRST_PEOPLE))
SEND = {"recipient": {"id": "42"}, "message": {"text": "hello"}, "access_token": "demo-page-token"}
BUTTON = {"type": "postback", "title": "Back to Bot", "payload": "/back"}
TEMPLATE = {"template_type": "button", "text": "One moment", "buttons": [BUTTON]}


@pytest.fixture
def pauses() -> Dict[str, Any]:
    """Long ones after a refusal: the clock is moved over them."""
    return {"unreachable_pauses": [0.02] * 200, "refused_pauses": [60, 60]}


def test_every_call_of_the_file_is_there(url):
    for operation in operations():
        if operation.name == "events":
            continue
        path = operation.path.replace("{number}", "999")
        answer = requests.request(operation.method, f"{url}/simulator/v1{path}", timeout=10)

        assert answer.status_code in (200, 400), f"{operation}: {answer.status_code} {answer.text}"
        if answer.status_code == 400:
            assert set(answer.json()) == {"error"}
    assert requests.get(f"{url}/simulator/v1/nothing", timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"{not json", 400, "the body is not JSON"),
        (b'{"person": "42", "text": "\xff"}', 400, "the body is not JSON: it is not UTF-8"),
        (b'{"person": "42", "text": NaN}', 400, "the body is not JSON"),
        (b"[" * 100_000, 400, "the body is not JSON"),
        (b"null", 400, "the body is null; it must be an object"),
        (b" " * (33 * 1024**2), 413, "the body is larger than 32 MB"),
    ],
    ids=["words", "bytes", "nan", "deep", "null", "large"],
)
def test_a_body_of_any_kind_is_refused_in_a_sentence(url, content, status, said):
    for charset in ("utf-8", "klingon"):
        headers = {"Content-Type": f"application/json; charset={charset}"}
        answer = requests.post(f"{url}/simulator/v1/say", data=content, headers=headers, timeout=30)

        assert (answer.status_code, answer.json()) == (status, {"error": said})


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("journal?after=x", "'after' is 'x'; it must be a whole number of 18 digits at most"),
        (f"journal?after={'9' * 30}", f"'after' is '{'9' * 30}'; it must be a whole number"),
        (f"journal?after={'9' * 5000}", f"'after' is '{'9' * 40}'; it must be a whole number"),
        (f"clock?after={'9' * 5000}", f"'after' is '{'9' * 40}'; it must be a whole number"),
        ("journal?limit=5", "'limit' is no key of this call's query (known: after, person, app, kind, page)"),
        ("snapshot?persn=42", "'persn' is no key of this call's query (known: person, page)"),
        ("faults?page=1", "'page' is no key of this call's query (known: none)"),
    ],
)
def test_a_query_that_is_wrong_is_refused_in_a_sentence(url, path, said):
    answer = requests.get(f"{url}/simulator/v1/{path}", timeout=10)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(said)


def test_a_call_by_another_method_is_told_by_which(url):
    for path in {operation.path for operation in operations()}:
        methods = [operation.method for operation in operations() if operation.path == path]
        answer = requests.put(f"{url}/simulator/v1{path.replace('{number}', '1')}", json={}, timeout=10)

        assert answer.status_code == 405, path
        assert answer.headers["Allow"] == ", ".join(methods)
        assert answer.json()["error"].endswith(f"is called by {', '.join(methods)}, not by PUT")


def test_beginning_afresh_among_several_acts_drops_what_waits_as_the_call_alone_does(api, bot, messenger):
    def say(text: str) -> Dict[str, Any]:
        return {"call": "say", "person": "42", "text": text}

    for afresh in ({"call": "reset"}, {"call": "seed", "people": [{"id": "42"}]}):
        bot.bodies.clear()
        api("acts", acts=[say("before"), afresh, say("after")])
        until(lambda: "after" in str(bot.bodies))

        assert "before" not in str(bot.bodies)


def test_a_whole_handover_by_the_api(api, url, bot):
    def owner() -> Any:
        return api("snapshot", "GET", person="42")["threads"][0]["owner"]

    api("say", person="42", text="a human please")
    template = {"attachment": {"type": "template", "payload": TEMPLATE}}
    mid = api("reply", app="bot", person="42", message=template)["body"]["message_id"]
    assert api("pass", app="bot", person="42", to="Page inbox")["body"] == {"success": True}
    assert owner() == PAGE_INBOX
    assert "mid" in api("reply", app=PAGE_INBOX, person="42", text="Sam here")
    refused = api("reply", app="bot", person="42", text="beside it")
    assert (refused["status"], refused["body"]["error"]["error_subcode"]) == (400, 2018300)
    api("send", person="42", type="image", url=f"{url}/simulator/page/picture.png")
    api("tap", person="42", mid=mid, index=0)
    api("done", person="42")
    assert owner() == "1234567890"

    until(lambda: len(bot.bodies) == 6)
    entries = [json.loads(body)["entry"][0] for body in bot.bodies]
    channels = [next(key for key in ("messaging", "standby") if key in entry) for entry in entries]
    assert channels == ["messaging", "messaging", "standby", "standby", "messaging", "messaging"]
    assert entries[4]["messaging"][0]["postback"]["payload"] == "/back"
    assert "pass_thread_control" in entries[5]["messaging"][0]
    kinds = [entry["kind"] for entry in api("journal", "GET", person="42")["entries"]]
    assert {"graph", "webhook", "inbox"} <= set(kinds)


def test_the_default_app_and_the_switches_change_while_it_runs(api):
    api("say", person="42", text="hello")
    api("default_app", app=None)
    api("switches", done="release")

    state = api("snapshot", "GET")
    assert (state["mode"], state["default_app"], state["switches"]["done"]) == ("Z", None, "release")
    assert api("take", app="bot", person="42")["body"]["error"]["code"] == 27


def test_the_journal_is_read_from_a_number_on(api):
    api("say", person="42", text="hello")
    api("reply", app="bot", person="42", text="one")
    last = api("journal", "GET")["last"]
    api("reply", app="bot", person="42", text="two")

    entries = api("journal", "GET", after=last, kind="graph")["entries"]
    assert [entry["body"]["message"]["text"] for entry in entries] == ["two"]


def test_starting_afresh_forgets_people_and_journal_but_not_the_apps(api):
    api("say", person="42", text="hello")
    api("reset")

    state = api("snapshot", "GET")
    assert "42" not in [thread["psid"] for thread in state["threads"]]
    assert "2222" in [app["id"] for app in state["apps"]]
    assert api("journal", "GET")["entries"] == []


def test_settings_of_page_and_apps_change_as_in_metas_pages(api, bot):
    assert api("settings", restricted=True, automatic_reply="meta_ai")["restricted"] is True
    fields = api("app_settings", app="sales_bot", fields=["messages"], may_take=False)["apps"][2]["fields"]
    assert fields == ["messages"]
    assert api("from_nothing")["apps"][0]["callback"] == ""
    webhook = {"callback_url": bot.url, "verify_token": "handover-demo"}
    assert api("webhook", app="bot", **webhook)["apps"][0]["callback"] == bot.url
    token = api("token", app="bot", scopes=["pages_messaging"])["token"]

    shown = api("settings", "GET")
    assert shown["apps"][0]["token"]["scopes"] == ["pages_messaging"]
    assert token not in json.dumps(shown)


@pytest.mark.parametrize(
    ("call", "content", "sentence"),
    [
        ("POST say", {"json": {"person": "42"}}, "the body lacks 'text'"),
        ("POST say", {"data": "{", "headers": {"Content-Type": "application/json"}}, "the body is not JSON"),
        (
            "POST take",
            {"json": {"app": "nobody", "person": FIRST_PSID}},
            "no app 'nobody' on this page (known: ",
        ),
        ("POST tap", {"json": {"person": FIRST_PSID}}, f"no buttons in the thread '{FIRST_PSID}'"),
        ("POST done", {"json": {"person": "42"}}, "'person' is '42', who has not come to this page -> say"),
        ("POST fault", {"json": {"name": "gremlin"}}, "'name' is 'gremlin', which is no fault (known: "),
        ("POST advance", {"json": {"by": "tomorrow"}}, "'tomorrow' is no time to move by"),
        ("DELETE faults/7", {}, "there is no fault 7 (known: none)"),
        ("GET journal?after=yesterday", {}, "'after' is 'yesterday'; it must be a whole number"),
        ("GET journal?kind=gossip", {}, "'kind' is 'gossip'; it must be one of graph, webhook"),
        ("POST default_app", {"json": {"app": "nobody"}}, "no app 'nobody' on this page (known: "),
        ("POST switches", {"json": {"done": "maybe"}}, "'done' is 'maybe'; it must be one of pass, release,"),
        ("POST settings", {"json": {"colour": "red"}}, "'colour' is no key of this call (known: default_app"),
        ("POST settings", {"json": {"published": "yes"}}, "'published' is 'yes'; it must be true or false"),
        ("POST settings", {"json": {"automatic_reply": "loud"}}, "'automatic_reply' is 'loud'; it must be"),
        ("POST app_settings", {"json": {"app": "bot", "fields": "messages"}}, "'fields' is 'messages'; it"),
        ("POST app_settings", {"json": {"app": "bot", "fields": ["hue"]}}, "'fields': hue is no field"),
        ("POST app_settings", {"json": {"app": "bot", "token": {"kind": "OLD"}}}, "'kind' is 'OLD'; it must"),
        (
            "POST webhook",
            {"json": {"app": "bot", "callback_url": "http://127.0.0.1:9/", "verify_token": "a"}},
            "The callback URL or verify token couldn't be validated: ",
        ),
        ("POST again", {"json": {"number": 99}}, "the journal has no line 99 any more"),
        ("POST scenarios/begin", {"json": {"scenario": "a.yml:1"}}, "no scenario is called 'a.yml:1'"),
        ("POST scenarios/step", {}, "no scenario has begun"),
        ("POST switches", {"json": {"doen": 1}}, "'doen' is not a switch (known: "),
    ],
)
def test_what_is_wrong_is_a_400_and_a_sentence_that_names_it(url, call, content, sentence):
    method, path = call.split()
    answer = requests.request(method, f"{url}/simulator/v1/{path}", timeout=10, **content)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)


# --- time -----------------------------------------------------------------------------------------


def test_the_clock_moves_and_the_answer_says_whose(api, messenger):
    api("say", person="42", text="hello")
    moved = api("advance", by="25 hours")

    assert moved["moved"].startswith("Meta's clock alone: no process of the bot follows it")
    assert moved["ahead"] == pytest.approx(25 * 3600, abs=1)
    refused = api("reply", app="bot", person="42", text="still there?")
    assert refused["body"]["error"]["error_subcode"] == 2018278
    assert [e["text"] for e in api("journal", "GET", kind="clock")["entries"]] == ["by 25 hours"]


def test_a_delivery_that_failed_is_tried_again_when_time_has_passed(api, bot):
    bot.statuses = [500, 500]
    api("say", person="42", text="hello")
    until(lambda: len(bot.bodies) == 1)
    api("advance", by="1 minute")
    assert len(bot.bodies) == 2
    api("advance", by="2 minutes", how="run")

    assert len(bot.bodies) == 3
    (entry,) = api("journal", "GET", kind="webhook", app="1234567890")["entries"]
    assert (entry["status"], entry["attempts"]) == (200, 3)


def test_time_moves_once_the_bot_has_answered_what_is_on_its_way(api, bot):
    bot.statuses = [500]
    bot.hold.clear()
    api("say", person="42", text="hello")
    threading.Timer(0.3, bot.hold.set).start()
    api("advance", by="1 minute")

    assert len(bot.bodies) == 2  # its pause began before time had passed


def test_a_webhook_that_is_down_is_disabled_after_an_hour_and_enabled_by_subscribing(api, url, bot):
    api("fault", name="webhook_down", count=None)
    api("say", person="42", text="one")
    moved = api("advance", by="1 hour", how="run")

    assert [what for what in moved["happened"] if what.startswith(("alert", "an hour"))] == [
        "alert: the webhook of bot has failed for 15 minutes",
        "an hour of failures of the webhook of bot",
    ]
    assert api("snapshot", "GET")["apps"][0]["disabled"] is True
    api("faults", "DELETE")
    fields = {"subscribed_fields": "messages", "access_token": "demo-page-token"}
    assert requests.post(f"{url}/v27.0/me/subscribed_apps", json=fields, timeout=10).ok
    api("say", person="42", text="two")
    until(lambda: bot.texts == ["two"])


def test_what_is_held_arrives_by_the_passing_of_real_time(api, bot):
    api("fault", name="reorder", seconds=0.3)
    api("say", person="42", text="one")

    until(lambda: bot.texts == ["one"])


def test_a_process_that_follows_has_moved_along_before_the_answer(api, url):
    followed, known = threading.Event(), [requests.get(f"{url}/simulator/v1/clock", timeout=10).json()]
    http = requests.Session()

    def follow() -> None:
        while not followed.is_set():
            query = {"after": known[-1]["revision"], "follower": "a process"}
            known.append(http.get(f"{url}/simulator/v1/clock", params=query, timeout=30).json())

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        moved = until(lambda: _followed(api("advance", by="1 day")))
        assert moved["moved"] == "Meta's clock, and that of the bot (1 of its processes follow)"
        assert known[-1]["ahead"] == pytest.approx(moved["ahead"], abs=0.001)
    finally:
        followed.set()
        api("advance", by=1)
        thread.join(10)


def _followed(moved: Dict[str, Any]) -> Any:
    return moved if moved["followers"] else None


# --- faults that need a client --------------------------------------------------------------------


def test_hang_never_answers_and_slow_answers_late(api, url):
    api("fault", name="hang", call="messages", seconds=600)
    with pytest.raises(requests.Timeout):
        requests.post(f"{url}/v27.0/me/messages", json=SEND, timeout=0.3)
    api("fault", name="hang", call="messages", seconds=0.1)
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{url}/v27.0/me/messages", json=SEND, timeout=10)
    api("fault", name="slow", call="messages", seconds=0.5)
    answer = requests.post(f"{url}/v27.0/me/messages", json=SEND, timeout=10)

    assert answer.elapsed.total_seconds() >= 0.5
    assert answer.json()["recipient_id"] == "42"


def test_a_gateway_answers_with_html_and_a_rate_limit_with_its_header(api, url):
    api("fault", name="html")
    html = requests.post(f"{url}/v27.0/me/messages", json=SEND, timeout=10)
    api("fault", name="rate_613", seconds=120)
    limited = requests.post(f"{url}/v27.0/me/messages", json=SEND, timeout=10)

    assert (html.status_code, html.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert "<h1>Bad Gateway</h1>" in html.text
    (usage,) = json.loads(limited.headers["X-Business-Use-Case-Usage"]).values()
    assert usage[0]["estimated_time_to_regain_access"] == 2


def test_a_bad_signature_and_a_batch_arrive_as_such(api, bot):
    api("fault", name="bad_signature")
    api("say", person="42", text="one")
    api("fault", name="batch")
    api("say", person="42", text="two")
    api("say", person="42", text="three")

    until(lambda: len(bot.bodies) == 2)
    assert len(json.loads(bot.bodies[1])["entry"]) == 2
    entries = api("journal", "GET", kind="webhook", app="1234567890")["entries"]
    until(
        lambda: (
            [e["status"] for e in api("journal", "GET", kind="webhook", app="1234567890")["entries"]]
            == [200] * 3
        )
    )
    assert [entry.get("faults") for entry in entries] == [["bad_signature"], ["batch"], None]
