"""The control API over HTTP: every call of its file, time, faults that need a client, and its refusals."""

from __future__ import annotations

import json
import threading
from typing import Any, Dict, Iterator

import pytest
import requests

pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from webhook_listener import Bot, listening, until  # noqa: E402

from handover_channel.simulator import Simulator, Switches, running  # noqa: E402
from handover_channel.simulator.api_bodies import operations  # noqa: E402

SECRET = "s3cret"
QUICK = {"unreachable_pauses": [0.02] * 200, "refused_pauses": [60, 60]}
SEND = {"recipient": {"id": "42"}, "message": {"text": "hello"}, "access_token": "demo-page-token"}


@pytest.fixture
def bot() -> Iterator[Bot]:
    with listening() as bot:
        yield bot


@pytest.fixture
def messenger(bot: Bot) -> Simulator:
    return Simulator(
        callback=bot.url, secret=SECRET, apps={"2222": "sales_bot"}, switches=Switches(receipts=False)
    )


@pytest.fixture
def url(messenger: Simulator) -> Iterator[str]:
    with running(messenger, **QUICK) as url:
        yield url


@pytest.fixture
def api(url: str) -> Any:
    """Calls the API; gives the JSON of a 200."""

    def call(path: str, method: str = "POST", **body: Any) -> Dict[str, Any]:
        content = {"json": body} if method == "POST" else {"params": body}
        answer = requests.request(method, f"{url}/simulator/v1/{path}", timeout=10, **content)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return call


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


def test_a_handover_by_the_api(api, bot):
    api("say", person="42", text="a human please")
    api("pass", app="bot", person="42", to="Page inbox")
    api("reply", app="Page inbox", person="42", text="Sam here")
    thread = api("snapshot", "GET", person="42")["threads"][0]

    assert thread["owner_name"] == "Page inbox"
    until(lambda: bot.texts == ["a human please", "Sam here"])
    kinds = [entry["kind"] for entry in api("journal", "GET", person="42")["entries"]]
    assert {"graph", "webhook", "inbox"} <= set(kinds)


@pytest.mark.parametrize(
    ("call", "content", "sentence"),
    [
        ("POST say", {"json": {"person": "42"}}, "the body lacks 'text'"),
        ("POST say", {"data": "{", "headers": {"Content-Type": "application/json"}}, "the body is not JSON"),
        ("POST take", {"json": {"app": "nobody", "person": "42"}}, "no app 'nobody' on this page (known: "),
        ("POST tap", {"json": {"person": "42"}}, "no buttons in the thread '42'"),
        ("POST fault", {"json": {"name": "gremlin"}}, "'name' is 'gremlin', which is no fault (known: "),
        ("POST advance", {"json": {"by": "tomorrow"}}, "'tomorrow' is no time to move by"),
        ("DELETE faults/7", {}, "there is no fault 7 (known: none)"),
        ("GET journal?after=yesterday", {}, "'after' is 'yesterday'; it must be a whole number"),
        ("GET journal?kind=gossip", {}, "'kind' is 'gossip'; it must be one of graph, webhook"),
        ("POST switches", {"json": {"doen": 1}}, "'doen' is not a switch (known: "),
    ],
)
def test_what_is_wrong_is_a_400_and_a_sentence_that_names_it(url, call, content, sentence):
    method, path = call.split()
    answer = requests.request(method, f"{url}/simulator/v1/{path}", timeout=10, **content)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)


def test_another_web_page_cannot_use_it(url):
    origin = {"Origin": "http://127.0.0.1:1"}
    answer = requests.post(f"{url}/simulator/v1/reset", json={}, headers=origin, timeout=10)

    assert answer.status_code == 403


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
