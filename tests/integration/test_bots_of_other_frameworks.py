"""Bots of Bottender and messenger-node, installed from npm, as further apps of a simulated page.

They know nothing of this package: what they send and what they take is what real clients do.
"""

from __future__ import annotations

from typing import Any, Dict, List

import pytest
import pytest_runs
import requests

pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from other_frameworks import FRAMEWORKS, STEPS, begun, install, listens  # noqa: E402
from webhook_listener import free_port, until  # noqa: E402

from handover_channel.simulator import Simulator, Switches, running  # noqa: E402
from handover_channel.simulator.connected_app import App  # noqa: E402

pytestmark = [pytest.mark.node, pytest.mark.timeout(600)]
PSID, APP, WORD = "42", "2222", "a-word"
FIELDS = "messages,messaging_handovers,standby"

#: What the developer of a bot with Bottender writes to test its handover.
TESTS = """
def test_it_answers_hands_over_is_silent_and_goes_on(person, other_app, expect):
    person.says("hello")
    expect.reply("bottender heard: hello ...")
    person.says("done")
    expect.control("sales_bot")
    person.says("anybody there?")
    expect.silence()
    other_app.passes_back()
    expect.reply("bottender has the thread: ...")
    expect.control("bot")


def test_that_must_fail(person, expect):
    person.says("hello")
    expect.silence()
"""
SETTINGS = """
[pytest]
handover_url = http://127.0.0.1:{port}/webhook
handover_port = {graph_port}
handover_app_id = {app}
handover_secret = its-secret
handover_token = its-token
handover_apps = 3333 sales_bot
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("other_bots")
    install(folder)
    return folder


def texts_of(simulator: Simulator, author: str) -> List[str]:
    return [one["message"]["text"] for one in simulator.thread(PSID).chat if one.get("author") == author]


def passed_to_the_bot(simulator: Simulator) -> List[Dict[str, Any]]:
    kind = "pass_thread_control"
    return [one["item"][kind] for one in simulator.events_of("bot", PSID) if one["kind"] == kind]


def connect_webhook(url: str, app: App, callback: str) -> None:
    """As the developer does: the webhook and its fields in the app's settings."""
    given = {"object": "page", "callback_url": callback, "verify_token": WORD, "fields": FIELDS}
    query = {"access_token": app.access_token}
    requests.post(f"{url}/{APP}/subscriptions", params=query, data=given, timeout=10).raise_for_status()
    form = {"app": APP, "callback_url": callback, "verify_token": WORD}
    answer = requests.post(f"{url}/simulator/v1/webhook", json=form, timeout=10)
    answer.raise_for_status()


@pytest.mark.parametrize("default", ["bot", None], ids=["R", "Z"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_bot_of_another_framework_gets_the_thread_answers_and_passes_it_back(
    framework, default, installed, tmp_path
):
    simulator = Simulator(default_app=default, switches=Switches(receipts=False, strict=True))
    app = simulator.connect(App(APP, framework, "page-token-2222", "secret-2222", WORD))
    app.fields, app.page_fields = set(), set()
    port, log, seen = free_port(), tmp_path / "bot.log", []
    person = simulator.person(PSID)
    person.says("anybody?")
    assert simulator.app("bot").passes(PSID, to="bot").status == 200  # so that the others only listen

    def heard(text: str) -> bool:
        return f"STANDBY {text}" in log.read_text()

    with running(simulator) as url:
        settings = {
            "PORT": str(port),
            "GRAPH_API": url,
            "PAGE_TOKEN": app.token,
            "PAGE_ID": simulator.page_id,
        }
        settings.update(APP_ID=APP, APP_SECRET=app.secret, VERIFY_TOKEN=WORD, BACK_TO=simulator.bot.id)
        with begun(framework, installed, settings, log):
            until(lambda: listens(port), within=60)
            until(lambda: app.page_fields == set(FIELDS.split(",")), within=60)
            seen.append("subscribed")
            connect_webhook(url, app, f"http://127.0.0.1:{port}/webhook")
            seen.append("verified")

            person.says("hello")
            until(lambda: heard("hello"), within=30)
            assert texts_of(simulator, APP) == []
            seen.append("listens")

            assert simulator.app("bot").passes(PSID, to=APP, metadata="please").status == 200
            until(lambda: texts_of(simulator, APP) == [f"{framework} has the thread: please"], within=30)
            seen.append("greets")

            person.says("how are you")
            until(lambda: len(texts_of(simulator, APP)) == 2, within=30)
            assert texts_of(simulator, APP)[1].startswith(f"{framework} heard: how are you")
            seen.append("answers")

            person.says("done")
            until(lambda: simulator.owner(PSID) == simulator.bot.id, within=30)
            assert passed_to_the_bot(simulator)[-1]["metadata"] == f"from {framework}"
            seen.append("passes")

            person.says("again")
            until(lambda: heard("again"), within=30)
            assert len(texts_of(simulator, APP)) == 2
            seen.append("silent")

    assert seen == list(STEPS)
    assert "FAILED" not in log.read_text()


def test_a_bot_of_bottender_is_tested_with_the_fixtures_for_pytest(installed, tmp_path):
    port, graph_port = free_port(), free_port()
    settings = {
        "PORT": str(port),
        "GRAPH_API": f"http://127.0.0.1:{graph_port}",
        "PAGE_TOKEN": "its-token",
        "PAGE_ID": Simulator().page_id,
        "APP_ID": APP,
        "APP_SECRET": "its-secret",
        "VERIFY_TOKEN": WORD,
        "BACK_TO": "3333",
    }
    (tmp_path / "pytest.ini").write_text(SETTINGS.format(port=port, graph_port=graph_port, app=APP))
    (tmp_path / "test_handover.py").write_text(TESTS)
    with begun("bottender", installed, settings, tmp_path / "bot.log", subscribes=False):
        until(lambda: listens(port), within=60)

        ran = pytest_runs.run(tmp_path)

    assert "1 failed, 1 passed" in ran.stdout, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "expected silence\nE       the bot replies: bottender heard: hello" in ran.stdout, ran.stdout
