"""The doctor over HTTP: at the simulator, before Metas that hang, and with the bot's own webhook."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from browsers import PATIENCE, chromium
from documents import ROOT
from typer.testing import CliRunner

pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from handover_channel.cli import main  # noqa: E402
from handover_channel.doctor.facts import Facts  # noqa: E402
from handover_channel.doctor.run import examine  # noqa: E402
from handover_channel.errors import InvalidSignature  # noqa: E402
from handover_channel.messenger import webhook  # noqa: E402
from handover_channel.messenger.webhook_fields import SUBSCRIBED_FIELDS  # noqa: E402
from handover_channel.simulator import Simulator, Switches, page_settings, running  # noqa: E402

PAGE, APP, SALES = "1000000000000001", "1234567890", "2222"
TOKEN, SECRET, VERIFY = "demo-page-token", "demo-app-secret", "handover-demo"
OF_META = ("token", "webhook", "routing", "targets", "app_id", "human_agent", "page", "profile")


class Webhook(BaseHTTPRequestHandler):
    """What the bot's webhook answers."""

    def do_GET(self):
        given = parse_qs(urlsplit(self.path).query)
        known = given.get("hub.verify_token") == [VERIFY]
        self._answer(200 if known else 403, given.get("hub.challenge", [""])[0])

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            webhook.verify_signature(body, signature=self.headers["X-Hub-Signature-256"], secret=SECRET)
        except InvalidSignature:
            self._answer(403)
        else:
            self._answer(200)

    def _answer(self, status, text=""):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *given):
        pass


@contextmanager
def serving(handler):
    """Serve on a thread; gives the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def listening(serve):
    """Accept connections, each on a thread of its own, where *serve* does something to it; gives the URL."""
    over = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def accept():
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection, over), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


OTHER_APP = {"inbox": {"kind": "inbox"}, "sales": {"kind": "app", "app_id": SALES}}
PAGE_INBOX = {"inbox": {"kind": "inbox"}, "staff": {"kind": "page_inbox"}}


def write(folder, url, token=TOKEN, targets=OTHER_APP):
    graph_api = {"url": url}
    settings = {"app_id": APP, "graph_api": graph_api, "default_target": "inbox", "targets": targets}
    proofs = {"verify": VERIFY, "secret": SECRET, "page-access-token": token}
    (folder / "handover.yml").write_text(yaml.safe_dump(settings))
    (folder / "credentials.yml").write_text(yaml.safe_dump({"handover_channel.MessengerInput": proofs}))


def doctor(folder, *more):
    """Run `handover doctor` in the bot's folder; gives `exit_code` and `output`."""
    return handover(folder, "doctor", *more)


def handover(folder, *words):
    before = Path.cwd()
    os.chdir(folder)
    try:
        return CliRunner().invoke(main.app, list(words))
    finally:
        os.chdir(before)


def selected():
    return [word for name in OF_META for word in ("--only", name)]


@pytest.fixture
def page():
    """A page at which everything is right, and the bot's webhook."""
    with serving(Webhook) as url:
        simulator = Simulator(
            apps={SALES: "sales_bot"},
            switches=Switches(strict=True),
            callback=f"{url}/webhooks/facebook/webhook",
        )
        page_settings.change_page(simulator, {"get_started": {"payload": "/greet"}})
        yield simulator


# --- the command ----------------------------------------------------------------------------------


def test_with_everything_right_the_command_exits_with_0_and_nothing_is_changed(tmp_path, page):
    with running(page) as url:
        write(tmp_path, url)
        command = [sys.executable, "-m", "handover_channel", "doctor", "--json", *selected()]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert {each["status"] for each in report["checks"]} == {"ok"}
    assert {each["method"] for each in page.journal.after() if each["kind"] == "graph"} == {"GET"}
    assert [each for each in page.journal.after() if each["kind"] == "webhook"] == []


def test_what_is_wrong_is_told_with_1_put_right_by_fix_and_no_secret_shown(tmp_path, page):
    page_settings.change_app(page, APP, {"page_fields": ["messages"], "fields": ["messages"]})
    with running(page) as url:
        write(tmp_path, url)
        before = doctor(tmp_path, *selected())
        fixed = doctor(tmp_path, "--fix", *selected())
        after = doctor(tmp_path, *selected())

    assert (before.exit_code, fixed.exit_code, after.exit_code) == (1, 0, 0)
    assert page.bot.page_fields == page.bot.fields == set(SUBSCRIBED_FIELDS)
    for said in (before, fixed, after):
        assert not [each for each in (TOKEN, SECRET, VERIFY) if each in said.output]


def test_a_meta_that_is_away_is_told_with_2(tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    write(tmp_path, f"http://127.0.0.1:{port}")

    done = doctor(tmp_path, "--json", "--language", "ar", *selected())

    checks = json.loads(done.output)["checks"]
    assert done.exit_code == 2
    assert {each["status"] for each in checks if each["id"].startswith("token.")} == {"could_not_look"}
    assert TOKEN not in done.output


# --- a Meta that takes its time -------------------------------------------------------------------


def hang(connection, over):
    over.wait()
    connection.close()


def byte_by_byte(connection, over):
    with closing(connection):
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
        )
        while not over.wait(0.05):
            try:
                connection.sendall(b" ")
            except OSError:
                return


def head_by_byte(connection, over):
    with closing(connection):
        while not over.wait(0.05):
            try:
                connection.sendall(b"H")
            except OSError:
                return


def without_end(connection, over):
    with closing(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
        while not over.is_set():
            try:
                connection.sendall(b" " * 65536)
            except OSError:
                return


@pytest.mark.parametrize("serve", [hang, byte_by_byte, head_by_byte, without_end])
def test_a_meta_that_never_ends_its_answer_ends_with_the_doctor_s_time(tmp_path, serve):
    with listening(serve) as url:
        write(tmp_path, url)
        report = examine(Facts(str(tmp_path / "handover.yml"), environ={}, seconds=1.0), only=OF_META)

    assert report.exit_code == 2
    assert {each.status.value for each in report.results if each.id.startswith("token.")} == {
        "could_not_look"
    }


def test_a_webhook_that_hangs_is_told(tmp_path, page):
    with listening(hang) as hanging, running(page) as url:
        page_settings.change_app(page, APP, {"callback": hanging})
        write(tmp_path, url)
        facts = Facts(str(tmp_path / "handover.yml"), environ={}, seconds=2.0)
        report = examine(facts, only=["webhook.self_test"])

    assert [each.status.value for each in report.results] == ["could_not_look"]


# --- the bot's own webhook ------------------------------------------------------------------------


@pytest.mark.rasa
def test_the_test_of_the_webhook_is_no_event_for_the_bot(tmp_path, page, caplog):
    pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")
    pytest.importorskip("handover_channel.rasa.channel")  # before the server starts: it takes its time
    import sanic_servers
    from served_bot import SECRET as OF_THE_BOT
    from served_bot import Bot, Rasa, rows

    rasa = Rasa()
    with running(page) as url, sanic_servers.several():
        write(tmp_path, url)
        with Bot(tmp_path, rasa).running() as bot:
            page_settings.change_app(page, APP, {"callback": f"{bot.url}/webhook"})
            with caplog.at_level(logging.DEBUG):
                report = examine(_facts(tmp_path, page, OF_THE_BOT), only=["webhook.self_test"])
            other = examine(_facts(tmp_path, page, "another-secret"), only=["webhook.self_test"])
            assert rows(tmp_path, "SELECT count(*) FROM deliveries") == [(0,)]

    assert [str(each.found) for each in report.results] == [
        f"{bot.url}/webhook answers, and refuses what Meta did not sign"
    ]
    ((status, said),) = [(each.status.value, str(each.found)) for each in other.results]
    assert (status, said.partition("webhook ")[2]) == ("fail", "refuses what is signed with our app secret")
    assert rasa.messages == []
    assert TOKEN not in caplog.text


def _facts(folder, page, secret):
    """The doctor's facts where credentials.yml and Meta have that app secret, and the bot has its own."""
    page.bot.secret = secret
    found = yaml.safe_load((folder / "credentials.yml").read_text())
    found["handover_channel.MessengerInput"]["secret"] = secret
    (folder / "credentials.yml").write_text(yaml.safe_dump(found))
    return Facts(str(folder / "handover.yml"), environ={})


# --- a page owner ---------------------------------------------------------------------------------


class Guide:
    """The guide in the page owner's hand: only buttons that it names are clicked, and its checks are made."""

    def __init__(self):
        self._text = (ROOT / "docs" / "guides" / "facebook-settings.md").read_text(encoding="utf-8")

    def says(self, name):
        assert f"*{name}*" in self._text, f"the guide does not name {name}"
        return name

    def check_of(self, step):
        """The command with which the step of that number ends: its words after `handover doctor`."""
        section = re.search(rf"^## {step}(.*?)(?=^## |\Z)", self._text, re.MULTILINE | re.DOTALL).group(1)
        return re.search(r"Check it: `handover doctor ?([^`]*)`", section).group(1).split()


@pytest.mark.browser
def test_a_page_owner_goes_from_nothing_to_ok_by_the_guide(tmp_path, page):
    pytest.importorskip("playwright", reason="no browser: Playwright is not installed")
    guide, callback = Guide(), page.bot.callback
    page_settings.change_app(page, SALES, {"connected": False})

    def proves(step):
        done = doctor(tmp_path, *guide.check_of(step))
        assert done.exit_code == 0, f"step {step}: {done.output}"

    with running(page) as url, chromium() as browser:
        write(tmp_path, url, "none-yet", PAGE_INBOX)
        window = browser.new_page()
        window.set_default_timeout(PATIENCE)
        wrong = []
        window.on("pageerror", lambda error: wrong.append(str(error)))
        window.goto(f"{url}/settings?tab=msgr_conversation_routing")

        def click(name, within=window, **more):
            within.get_by_role("button", name=guide.says(name), exact=True, **more).click()

        window.get_by_role("button", name="Start from nothing").click()
        window.get_by_text("nobody").wait_for()
        assert doctor(tmp_path, *selected()).exit_code == 1

        # 1. Connect the app
        for scope in ("pages_show_list", "pages_messaging", "pages_manage_metadata"):
            window.locator("#scopes").get_by_label(scope).check()
        click("Generate token")
        token = window.wait_for_function("document.getElementById('token').textContent").json_value()
        write(tmp_path, url, token, PAGE_INBOX)
        proves(1)

        # 2. Set the webhook
        window.get_by_label(guide.says("Callback URL")).fill(callback)
        window.get_by_label(guide.says("Verify token")).fill("not the word")
        click("Verify and save")
        window.get_by_role("alert").get_by_text("couldn't be validated").wait_for()
        window.get_by_label("Verify token").fill(VERIFY)
        click("Verify and save")
        window.locator("#called").get_by_text(callback).wait_for()
        proves(2)

        # 3. Subscribe the app to the page
        assert doctor(tmp_path, *guide.check_of(3)).exit_code == 1
        for name in SUBSCRIBED_FIELDS:
            window.get_by_role("button", name=f"{guide.says('Subscribe')} {name}", exact=True).click()
            window.get_by_role("button", name=f"Unsubscribe {name}", exact=True).wait_for()
        click("Add Subscriptions")
        for name in SUBSCRIBED_FIELDS:
            window.locator("#page-fields").get_by_label(name, exact=True).check()
        click("Confirm")
        window.locator("#subscribed").get_by_text("standby").wait_for()
        proves(3)

        # 4. Make the bot the default app
        assert doctor(tmp_path, *guide.check_of(4)).exit_code == 1
        window.get_by_label(guide.says("Default app")).select_option(label="bot")
        click("Save")
        window.locator("#default-now").get_by_text("bot", exact=True).wait_for()
        ours = window.get_by_role("group", name="bot", exact=True)
        ours.get_by_label(guide.says("Allow this app to take control of conversations")).check()
        proves(4)

        # 5. Connect the others: the secondary app
        assert "sales_bot" not in handover(tmp_path, "apps").output
        window.get_by_role("group", name="sales_bot").get_by_role("button", name="Connect").click()
        window.get_by_role("group", name="sales_bot").get_by_role("button", name="Remove").wait_for()
        assert "sales_bot" in handover(tmp_path, "apps").output
        assert handover(tmp_path, "apps", "add", SALES, "--name", "sales", "--yes").exit_code == 0
        assert SALES in (tmp_path / "handover.yml").read_text()
        proves(5)

        # 6. Nothing answers by itself; 7. App Review
        proves(6)
        window.get_by_role("button", name="Request advanced access").click()
        window.locator("#human-agent").get_by_text("approved", exact=True).wait_for()
        proves(7)

        # Did it work?
        assert doctor(tmp_path, "--fix", "--only", "profile").exit_code == 0
        done = doctor(tmp_path, "--json", *selected())

    assert wrong == []
    assert {each["status"] for each in json.loads(done.output)["checks"]} == {"ok"}
    assert page.bot.may_take
    assert page.settings.mode.value == "R"
