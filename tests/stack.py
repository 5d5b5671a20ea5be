"""The whole on this machine: a Messenger (the simulator), the action server and Rasa, on ports of their own.

Tests act as a person, as an app of the page or as somebody in the Page inbox, over the simulator's HTTP side,
and read what happened where it is written: the simulator's log, our store, Rasa's tracker. Nothing sleeps for
a guess: `Stack.settled` waits until all that was sent to the bot has had its effect.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

import requests
import yaml
from rasa_commands import RASA, ROOT

from handover_channel import simulator
from handover_channel.rules.business_hours import DAYS
from handover_channel.simulator import PAGE_INBOX, Simulator
from handover_channel.testing.server_process import ServerProcess as Server
from handover_channel.testing.server_process import eventually, free_port

APP_ID, SECRET, TOKEN, VERIFY = "1234567890", "a-secret", "a-page-token", "a-verify-word"
BUTTON = "Zurück zum Bot"  # not the title that domain.yml has

IN_TWO_DAYS = DAYS[(datetime.now(timezone.utc).weekday() + 2) % 7]
TARGETS: Dict[str, Dict[str, Any]] = {
    "inbox": {"kind": "inbox"},
    "page_inbox": {"kind": "page_inbox"},
    "sales_bot": {"kind": "app", "app_id": "2222", "metadata": "from the shop bot"},
    "hootsuite": {"kind": "app", "app_id": "3333", "time_limit": "2 days"},
    "support": {"kind": "app", "app_id": "4444"},
    "short_inbox": {"kind": "inbox", "time_limit": "6 seconds"},
    "short_app": {"kind": "app", "app_id": "5555", "time_limit": "6 seconds"},
    "patient": {"kind": "inbox", "answer_within": "10 minutes"},
    # Nobody is there before the day after tomorrow, at nine.
    "closed": {"kind": "inbox", "hours": {"timezone": "UTC", IN_TWO_DAYS: "9:00-9:01"}},
}
CANNED = {
    "hello": "Hello {name}, this is {agent}. How can I help?",
    "parcel": "I am looking for your parcel.",
}
APPS = {each["app_id"]: name for name, each in TARGETS.items() if "app_id" in each}

_people = itertools.count(1)
_http = requests.Session()
_http.trust_env = False  # a proxy of the environment does not know this machine's loopback


def kill_at_once(servers: Sequence[Server]) -> None:
    """Kill those of *servers* that run, with none of them doing anything about the end of another one."""
    running = [server for server in servers if server.runs]
    for server in running:
        server.pause()  # however long the kills take from here on
    for server in running:
        server.kill()


class Person:
    """Somebody on Messenger, and what can be seen of their thread."""

    def __init__(self, stack: Stack, psid: str) -> None:
        self.psid = psid
        self._stack = stack

    # --- what they do ---------------------------------------------------------------------------

    def does(self, call: str, **given: Any) -> Dict[str, Any]:
        """Do something: a call of the simulator's API about a person."""
        return self._stack.messenger(call, person=self.psid, **given)

    def says(self, text: str) -> str:
        """Write a text; returns its mid."""
        return str(self.does("say", text=text)["mid"])

    def taps_menu(self, payload: str) -> None:
        """Tap a menu item of the bot's: a postback."""
        self.does("tap_menu", payload=payload)

    def goes_to(self, target: str) -> None:
        """Ask for a target by a payload, and wait until the bot is silent."""
        before = len(self.changes())
        self.taps_menu("/handover" + json.dumps({"handover_target": target}))
        self.settled()
        # In the log of changes, as the time limit of some targets is short.
        silent = [each for each in self.changes()[before:] if each["control"] != "bot"]
        assert silent, f"not handed over to {target}: {self.heard()[-2:]}"

    def settled(self) -> None:
        """Wait until all that was sent to the bot about this thread has had its effect."""
        eventually(lambda: self._stack.is_settled(self.psid), f"{self.psid} settles")

    # --- what can be seen -----------------------------------------------------------------------

    def calls(self, edge: str = "", app: str = APP_ID) -> List[Dict[str, Any]]:
        """Return the Graph calls of the bot about this thread, in order."""
        entries = self._stack.wire(self.psid)
        calls = [each for each in entries if each["kind"] == "graph" and each["app"] == app]
        return [each for each in calls if not edge or each["path"].endswith(f"/{edge}")]

    def webhooks(self) -> List[Dict[str, Any]]:
        """Return the webhooks that the bot got about this thread."""
        return [e for e in self._stack.wire(self.psid) if e["kind"] == "webhook" and e["app"] == APP_ID]

    def sent(self) -> List[Dict[str, Any]]:
        """Return the messages that the bot has sent and Meta has taken, in order."""
        answered = [call for call in self.calls("messages") if call["status"] == 200]
        found = [call["body"]["message"] for call in answered if "message" in call["body"]]
        # In a form, which a file goes out in, it is text.
        return [json.loads(each) if isinstance(each, str) else each for each in found]

    def heard(self) -> List[str]:
        """Return the texts of these messages, also where they stand in a template."""
        return [text_of(message) for message in self.sent()]

    @property
    def control(self) -> str:
        """Who has control, by our store."""
        rows = self._stack.rows("SELECT control FROM threads WHERE id = ?", self.psid)
        return str(rows[0]["control"]) if rows else "bot"

    def thread(self) -> Dict[str, Any]:
        """Return our row of the thread."""
        return self._stack.rows("SELECT * FROM threads WHERE id = ?", self.psid)[0]

    def changes(self) -> List[Dict[str, Any]]:
        """Return our log of the thread's changes, oldest first."""
        return self._stack.rows("SELECT * FROM changes WHERE thread = ? ORDER BY id", self.psid)

    def transcript(self) -> List[str]:
        """Return what was said while the bot was silent."""
        lines = self._stack.rows("SELECT text FROM transcript WHERE thread = ? ORDER BY id", self.psid)
        return [line["text"] for line in lines]

    def owner(self) -> str:
        """Return who owns the thread by Messenger's word, "" for nobody."""
        (thread,) = self._stack.messenger_state(self.psid)["threads"]
        return str(thread["owner"] or "")

    def events(self) -> List[Dict[str, Any]]:
        """Return Rasa's events of the conversation."""
        return self._stack.tracker(self.psid)["events"]  # type: ignore[no-any-return]

    def said_to_rasa(self) -> List[str]:
        """Return the texts of the user events in Rasa's tracker."""
        return [event["text"] for event in self.events() if event["event"] == "user"]


class Stack:
    """Simulator, action server and Rasa around one project folder."""

    #: URL of our store
    database = "sqlite:///handover.db"

    def __init__(
        self, folder: Path, model: Optional[Path], *, graph_url: str = "", tracebacks: bool = False
    ) -> None:
        self.folder = folder
        self._tracebacks = tracebacks  # Rasa writes one where its action server is gone
        rasa, actions = free_port(), free_port()
        self.url = f"http://127.0.0.1:{rasa}"
        self.webhook = f"{self.url}/webhooks/facebook/webhook"
        self._graph_url = graph_url
        self._simulator = Simulator(
            app_id=APP_ID, token=TOKEN, secret=SECRET, verify_token=VERIFY, apps=APPS, callback=self.webhook
        )
        self.simulator_url = ""
        copy_project(folder, model, actions)
        self.actions = Server(
            "actions",
            [sys.executable, "-m", "rasa", "run", "actions", "--port", str(actions)],
            folder,
            f"http://127.0.0.1:{actions}/health",
        )
        self.rasa = rasa_server("rasa", folder, rasa)
        self.servers = [self.actions, self.rasa]

    @contextmanager
    def serving_messenger(self) -> Iterator[str]:
        """Serve the simulator alone; gives its URL."""
        with simulator.running(self._simulator) as self.simulator_url:
            write_settings(self.folder, self._graph_url or self.simulator_url, self.database)
            yield self.simulator_url

    @contextmanager
    def running(self) -> Iterator[Stack]:
        """Start everything, and stop it in the end."""
        with self.serving_messenger():
            try:
                self.start_servers()
                yield self
            finally:
                for server in reversed(self.servers):
                    server.stop()
        assert self._tracebacks or "Traceback" not in self.logs(), self.logs()[-6000:]

    def start_servers(self) -> None:
        """Start action server and Rasa, those that do not run, and wait until all work."""
        for server in self.servers:
            if not server.runs:
                server.start()
        for server in self.servers:
            server.ready()

    def kill_servers(self) -> None:
        """Kill all at once, as a power cut: none lives on to see another one gone."""
        kill_at_once(self.servers)

    def logs(self) -> str:
        """Return what the servers have written."""
        return "\n".join(f"--- {server.name}\n{server.log()}" for server in self.servers)

    # --- Messenger ------------------------------------------------------------------------------

    def person(self, name: str = "") -> Person:
        """Return somebody new, *name*: as Messenger knows them."""
        person = Person(self, f"77{next(_people):014d}")
        if name:
            self._simulator.thread(person.psid).name = name
        return person

    def messenger(self, call: str, /, **given: Any) -> Dict[str, Any]:
        """Call the simulator's API; what the Graph API refuses an app comes back as it is."""
        answer = _http.post(f"{self.simulator_url}/simulator/v1/{call}", json=given, timeout=30)
        found: Dict[str, Any] = answer.json()
        assert answer.ok, found
        return found

    def remove_faults(self) -> None:
        """Have Meta do again what it is asked for."""
        assert _http.delete(f"{self.simulator_url}/simulator/v1/faults", timeout=30).ok

    def app(self, app: str, act: str, person: Person, **given: Any) -> Dict[str, Any]:
        """Act as another app."""
        return person.does(act, app=app, **given)

    def staff_replies(self, person: Person, text: str) -> None:
        """Answer from the Page inbox."""
        self.app("Page inbox", "reply", person, text=text)

    def file(self, content_type: str, content: bytes) -> str:
        """Keep a file where Messenger keeps those that people send; returns its address."""
        return self._simulator.keep_file(content_type, content)

    @contextmanager
    def without_default_app(self) -> Iterator[None]:
        """Turn Conversation Routing off for a while."""
        self.messenger("default_app", app=None)
        try:
            yield
        finally:
            self.messenger("default_app", app=APP_ID)

    @contextmanager
    def deaf_to_control(self) -> Iterator[None]:
        """Lose the handover events to the bot for a while, as webhooks get lost."""
        fields = self._simulator.bot.fields
        self._simulator.bot.fields = fields - {"messaging_handovers"}
        try:
            yield
        finally:
            self._simulator.bot.fields = fields

    def deliver(self, *items: Mapping[str, Any], standby: Sequence[Mapping[str, Any]] = ()) -> int:
        """Send the bot a signed body with these items, as Meta would; returns the status of the answer."""
        entry: Dict[str, Any] = {"id": self._simulator.page_id, "time": self._simulator.stamp()}
        if items:
            entry["messaging"] = list(items)
        if standby:
            entry["standby"] = list(standby)
        return self.post(json.dumps({"object": "page", "entry": [entry]}).encode())

    def post(self, body: bytes, signature: Optional[bytes] = None) -> int:
        """Send the bot a body, signed unless another signature is given; returns the status."""
        signed = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": signed.encode() if signature is None else signature}
        return _http.post(self.webhook, data=body, headers=headers, timeout=30).status_code

    def text_item(self, person: Person, text: str, **more: Any) -> Dict[str, Any]:
        """Return the item of a text message."""
        stamp = self._simulator.stamp()
        return {
            "sender": {"id": person.psid},
            "recipient": {"id": self._simulator.page_id},
            "timestamp": stamp,
            "message": {"mid": f"m_{person.psid}_{stamp}", "text": text, **more},
        }

    @contextmanager
    def disconnected(self, app_id: str) -> Iterator[None]:
        """Take an app off the page for a while."""
        app = self._simulator.apps.pop(app_id)
        try:
            yield
        finally:
            self._simulator.connect(app)

    def messenger_state(self, psid: str) -> Dict[str, Any]:
        """Return the simulator's state of one thread."""
        url = f"{self.simulator_url}/simulator/v1/snapshot"
        return _http.get(url, params={"person": psid}, timeout=30).json()  # type: ignore[no-any-return]

    def wire(self, psid: str = "", after: int = 0) -> List[Dict[str, Any]]:
        """Return the simulator's log: webhooks and Graph calls, in order."""
        query = {"after": str(after), **({"person": psid} if psid else {})}
        answer = _http.get(f"{self.simulator_url}/simulator/v1/journal", params=query, timeout=30).json()
        return answer["entries"]  # type: ignore[no-any-return]

    def is_settled(self, psid: str) -> bool:
        """Tell whether the bot has got all webhooks of a thread, and has worked them off."""
        before = self.wire(psid)
        to_bot = [each for each in before if each["kind"] == "webhook" and each["app"] == APP_ID]
        if any(each["status"] != 200 for each in to_bot):
            return False
        if self.rows("SELECT id FROM deliveries WHERE thread = ? AND done_at IS NULL", psid):
            return False
        return len(self.wire(psid)) == len(before)

    # --- the bot --------------------------------------------------------------------------------

    def tracker(self, conversation: str) -> Dict[str, Any]:
        """Return Rasa's tracker."""
        url = f"{self.url}/conversations/{conversation}/tracker"
        answer = _http.get(url, params={"include_events": "ALL"}, timeout=30)
        return answer.json()  # type: ignore[no-any-return]

    def rest(self, sender: str, message: str) -> List[str]:
        """Say something on Rasa's REST channel; returns the texts of the answer."""
        return [each.get("text", "") for each in self.rest_answers(sender, message)]

    def rest_answers(self, sender: str, message: str) -> List[Dict[str, Any]]:
        """Say something on Rasa's REST channel; returns the messages of the answer."""
        url = f"{self.url}/webhooks/rest/webhook"
        answer = _http.post(url, json={"sender": sender, "message": message}, timeout=60)
        return answer.json()  # type: ignore[no-any-return]

    def rows(self, query: str, *given: Any) -> List[Dict[str, Any]]:
        """Read our store."""
        return rows(self.folder / "handover.db", query, *given)

    def write(self, query: str, *given: Any) -> None:
        """Write to our store: let time pass, mostly."""
        with closing(sqlite3.connect(self.folder / "handover.db", timeout=20)) as connection, connection:
            connection.execute(query, given)

    def let_pass(self, person: Person, seconds: float) -> None:
        """Let so much time pass in a thread without anything happening, for us and for Messenger."""
        moved = "active_at = active_at - ?, seen = seen - ?, person_at = person_at - ?, stamp = stamp - ?"
        milliseconds = int(seconds * 1000)
        values = (seconds, milliseconds, milliseconds, milliseconds, person.psid)
        self.write(f"UPDATE threads SET {moved} WHERE id = ?", *values)  # noqa: S608 - columns of ours
        thread = self._simulator.thread(person.psid)
        with self._simulator.lock:
            thread.control = replace(thread.control, expires=thread.control.expires - seconds)

    def make_due(self, thread: str, kind: str, within: float = 0.0) -> float:
        """Let a deadline be due now, or in *within* seconds; return when. The row's time limit moves too."""
        at = time.time() + within
        if kind == "time_limit":
            self.write("UPDATE threads SET until = ? WHERE id = ?", at, thread)
        self.write("UPDATE deadlines SET due_at = ? WHERE thread = ? AND kind = ?", at, thread, kind)
        return at

    def command(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run `handover`, as in a terminal in the project's folder; *given*: its standard input."""
        return subprocess.run(
            [sys.executable, "-m", "handover_channel", *arguments],
            cwd=self.folder,
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            env={key: value for key, value in os.environ.items() if key != "HANDOVER_CONFIG"},
        )


def rasa_server(name: str, folder: Path, port: int, **environment: str) -> Server:
    """Return a Rasa server of the project in *folder*."""
    command = [*RASA, "run", "--enable-api", "--interface", "127.0.0.1", "--port", str(port)]
    command += ["--model", "models", "--credentials", "credentials.yml", "--endpoints", "endpoints.yml"]
    return Server(name, command, folder, f"http://127.0.0.1:{port}/webhooks/facebook/", **environment)


def text_of(message: Mapping[str, Any]) -> str:
    """Return the text of a Send API message, also where it stands in a template."""
    payload = message.get("attachment", {}).get("payload", {})
    return str(message.get("text") or payload.get("text") or "")


def buttons_of(message: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return the buttons of a Send API message."""
    return list(message.get("attachment", {}).get("payload", {}).get("buttons", ()))


def rows(database: Path, query: str, *given: Any) -> List[Dict[str, Any]]:
    """Read a SQLite database; no rows where it or the table is not there yet."""
    if not database.exists():
        return []
    with closing(sqlite3.connect(database, timeout=20)) as connection:
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(query, given)]
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise


def copy_project(folder: Path, model: Optional[Path], actions_port: int) -> None:
    """Put the example bot into *folder*, with ports of its own and a trained model."""
    for name in ("config.yml", "domain.yml"):
        shutil.copy(ROOT / name, folder)
    for name in ("data", "actions"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "models").mkdir()
    if model:
        shutil.copy(model, folder / "models" / "handover.tar.gz")
    endpoints = yaml.safe_load((ROOT / "endpoints.yml").read_text())
    endpoints["action_endpoint"]["url"] = f"http://127.0.0.1:{actions_port}/webhook"
    (folder / "endpoints.yml").write_text(yaml.safe_dump(endpoints))
    channel = {"verify": VERIFY, "secret": SECRET, "page-access-token": TOKEN}
    credentials = {
        "handover_channel.MessengerInput": channel,
        "handover_channel.InboxInput": None,
        "rest": None,
    }
    (folder / "credentials.yml").write_text(yaml.safe_dump(credentials))


def write_settings(folder: Path, graph_url: str, database: str = Stack.database) -> None:
    """Write handover.yml."""
    settings = {
        "app_id": APP_ID,
        "database": database,
        "graph_api": {"url": graph_url},
        "default_target": "inbox",
        "targets": TARGETS,
        "return": {
            "time_limit": "12 hours",
            "button": BUTTON,
            "keywords": ["back to bot", "main menu", "العودة إلى البوت"],
        },
        "inbox": {"canned_replies": CANNED},
    }
    (folder / "handover.yml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")


__all__ = ["APP_ID", "BUTTON", "PAGE_INBOX", "Person", "Server", "Stack", "eventually"]
