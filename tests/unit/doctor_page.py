"""A bot's folder, its page at the simulated Meta, and the doctor who looks at both: no socket is opened."""

from __future__ import annotations

import io
import json
from urllib.parse import parse_qsl, urlsplit

import yaml
from urllib3 import HTTPResponse

from handover_channel.doctor.facts import Facts
from handover_channel.doctor.run import examine
from handover_channel.errors import InvalidSignature
from handover_channel.messenger import webhook
from handover_channel.simulator import Simulator, Switches, page_settings
from handover_channel.simulator import graph as simulated_graph
from handover_channel.simulator.request import Request
from handover_channel.store import Store

PAGE, APP, SALES = "1000000000000001", "1234567890", "2222"
TOKEN, SECRET, VERIFY = "demo-page-token", "demo-app-secret", "handover-demo"
CALLBACK = "https://bot.example.org/webhooks/facebook/webhook"
NOW = 1_800_000_000.0

#: The checks that ask Meta, or what was seen of it.
OF_META = (*("token", "webhook", "routing", "targets", "app_id", "human_agent", "page", "profile"),)


class Network:
    """Takes the place of the network: the Graph API is the simulator's, the webhook is `webhook`."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.calls = []  #: (method, path) at Meta
        self.delivered = []  #: bodies that the webhook got
        self.answers = lambda method, path: None  #: what Meta answers in the simulator's place: status, bytes

    def urlopen(self, method, url, *, headers, body=None, **options):
        parts = urlsplit(url)
        if not parts.path.startswith("/v27.0/"):
            return HTTPResponse(io.BytesIO(b""), status=self.webhook(headers, body))
        self.calls.append((method, parts.path.partition("/v27.0")[2]))
        instead = self.answers(method, parts.path)
        if instead is not None:
            return HTTPResponse(io.BytesIO(instead[1]), status=instead[0])
        given = json.loads(body or "{}")
        query = dict(parse_qsl(parts.query))
        request = Request(method, parts.path, query, given, headers["Authorization"])
        answer = simulated_graph.answer(self.simulator, request)
        return HTTPResponse(io.BytesIO(json.dumps(answer.body).encode()), status=answer.status)

    def webhook(self, headers, body):
        self.delivered.append(body)
        try:
            webhook.verify_signature(body, signature=headers["X-Hub-Signature-256"], secret=SECRET)
        except InvalidSignature:
            return 403
        return 200 if webhook.parse(body) == [] else 500


class Bot:
    """Everything is right until a test changes something."""

    def __init__(self, folder, targets=None, secret=SECRET, app_id=APP):
        self.folder = folder
        self.now = NOW
        self.simulator = Simulator(
            apps={SALES: "sales_bot"},
            switches=Switches(strict=True),
            callback=CALLBACK,
            now=lambda: self.now,
        )
        page_settings.change_page(self.simulator, {"get_started": {"payload": "/greet"}})
        self.network = Network(self.simulator)
        default = {"inbox": {"kind": "inbox"}, "sales": {"kind": "app", "app_id": SALES}}
        settings = {"app_id": app_id, "default_target": "inbox", "targets": targets or default}
        if "inbox" not in settings["targets"]:
            settings["default_target"] = next(iter(settings["targets"]))
        self._write("handover.yml", settings)
        proofs = {"verify": VERIFY, "secret": secret, "page-access-token": TOKEN}
        self._write("credentials.yml", {"handover_channel.MessengerInput": proofs})

    def _write(self, name, value):
        (self.folder / name).write_text(yaml.safe_dump(value), encoding="utf-8")

    def page(self, **changes):
        """Change settings of the page."""
        page_settings.change_page(self.simulator, changes)

    def app(self, name="bot", **changes):
        """Change settings of an app."""
        page_settings.change_app(self.simulator, name, changes)

    def token(self, **changes):
        """Change what Meta knows of the token."""
        self.app(token=changes)

    def store(self):
        """Open the bot's database, as the bot would."""
        store = Store(f"sqlite:///{self.folder / 'handover.db'}")
        store.migrate()
        return store

    def facts(self, **more):
        given = {"environ": {}, "clock": lambda: self.now, "pools": self.network, **more}
        return Facts(str(self.folder / "handover.yml"), **given)

    def examine(self, *only, fix=False, facts=None):
        return examine(facts or self.facts(), only=only or OF_META, fix=fix)

    def found(self, name, **more):
        """What the doctor finds by one check: (status, what was found), each."""
        return [(each.status.value, str(each.found)) for each in self.examine(name, **more).results]

    def statuses(self, *only):
        """The worst status of each check."""
        order = ["ok", "warn", "could_not_look", "fail"]
        worst = {}
        for each in self.examine(*only).results:
            worst[each.id] = max(worst.get(each.id, "ok"), each.status.value, key=order.index)
        return worst
