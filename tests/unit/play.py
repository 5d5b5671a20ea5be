"""A page on Messenger, our store and thread control, and no server, no threads, no wall clock.

The other side is the simulator's rules, called by the real Graph API client. `Play.work` processes deliveries
as the worker does, in this thread, but for its retries: what fails, fails the test. The bot notes what it is
told; one that `talks` answers every message with one of its own, by the real gate.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections import deque
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from inline import InlineExecutors, SilentBot, finished, process_all
from urllib3 import HTTPResponse
from urllib3.exceptions import ReadTimeoutError

from handover_channel.control.thread_control import ThreadControl
from handover_channel.graph_api.client import GraphApi
from handover_channel.graph_api.retries import Retries
from handover_channel.messenger import webhook
from handover_channel.messenger.events import OUR_METADATA
from handover_channel.messenger.messages import send_body
from handover_channel.queue.claims import Claims
from handover_channel.queue.due_deadlines import DueDeadlines
from handover_channel.queue.event_handlers import EventHandlers
from handover_channel.queue.outbound_gate import Gate
from handover_channel.rules.keywords import Keyword
from handover_channel.rules.turn_outcome import Spoken
from handover_channel.settings.loader import (
    PAGE_INBOX_APP_ID,
    Grants,
    GraphApiSettings,
    Page,
    Settings,
    Target,
    TargetKind,
)
from handover_channel.settings.return_options import ReturnOptions
from handover_channel.simulator import Simulator
from handover_channel.simulator import graph as simulated_graph
from handover_channel.simulator.refusals import Refusal
from handover_channel.simulator.request import Request
from handover_channel.store import (
    changes,
    deadlines,
    deliveries,
    findings,
    queue_admin,
    sent_messages,
    threads,
    transcript,
)

PSID = "7001"
OURS, SALES_BOT, HOOTSUITE, STRANGER = "1234567890", "2222", "3333", "9999"
BOT = "bot"
START = 1_700_000_000.0
HOUR, DAY = 3600.0, 86400.0
TIME_LIMIT = timedelta(hours=12)

LOST_ANSWER = object()  #: Meta does what is asked, and its answer never arrives
OUTAGE = object()  #: nothing arrives
NO_TAKING = Refusal(
    27, "(#27) Take thread control is not supported when Conversation Routing is not enabled."
)


def target(name, kind, app_id="", **more):
    return Target(name, kind, app_id, time_limit=more.pop("time_limit", TIME_LIMIT), **more)


TARGETS = [
    target("inbox", TargetKind.INBOX),
    target("patient", TargetKind.INBOX, answer_within=timedelta(minutes=10)),
    target("page_inbox", TargetKind.PAGE_INBOX, PAGE_INBOX_APP_ID),
    target("sales_bot", TargetKind.APP, SALES_BOT, metadata="from the shop bot"),
    target("hootsuite", TargetKind.APP, HOOTSUITE, time_limit=timedelta(days=2), stay_muted=True),
]


def settings_with(**changes):
    settings = Settings(
        app_id=OURS,
        database="sqlite://",
        graph_api=GraphApiSettings("http://127.0.0.1", "v27.0"),
        default_target="inbox",
        targets={each.name: each for each in TARGETS},
        returning=ReturnOptions(TIME_LIMIT, "Back to Bot", (Keyword("back to bot"),)),
        grant_requests=Grants.TARGETS,
        stale_after=timedelta(hours=1),
        pages=(Page("", "demo-page-token"),),
        secret="demo-app-secret",
    )
    return dataclasses.replace(settings, **changes)


class Clock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def passes(self, seconds):
        self.now += seconds


class Meta:
    """Takes the place of the network: answers with the simulator, and notes every call.

    `faults`: (call, what goes wrong) for the next calls of that name; `during`: called while Meta thinks.
    """

    def __init__(self, simulator):
        self.simulator = simulator
        self.calls = []
        self.faults = deque()
        self.during = lambda name: None
        self.after = lambda name: None  #: called once Meta has done it
        self.always = {}  #: name of a call -> what Meta answers each time: a Refusal, or a body

    def fails(self, name, fault, times=1):
        self.faults.extend([(name, fault)] * times)

    def urlopen(self, method, url, *, headers, body, **options):
        parts = urlsplit(url)
        name = parts.path.rsplit("/", 1)[1]
        body = json.loads(body or "{}")
        self.calls.append((name, body))
        self.during(name)
        fault = None
        if self.faults and self.faults[0][0] == name:
            fault = self.faults.popleft()[1]
        if fault is OUTAGE:
            return _response(503, {"error": {"message": "down", "code": 2}})
        fault = fault or self.always.get(name)
        if isinstance(fault, Refusal):
            return _response(fault.status, fault.body("trace"))
        if isinstance(fault, dict):
            return _response(200, fault)
        answer = simulated_graph.answer(
            self.simulator,
            Request(
                method,
                parts.path,
                dict(parse_qsl(parts.query)),
                body,
                headers["Authorization"],
            ),
        )
        self.after(name)
        if fault is LOST_ANSWER:
            raise ReadTimeoutError(None, url, "no answer")
        return _response(answer.status, answer.body)


def _response(status, body):
    return HTTPResponse(io.BytesIO(json.dumps(body).encode()), status=status)


class NotingClaims(Claims):
    """Notes the outcomes of deliveries, "" of what came back."""

    def __init__(self, *given):
        super().__init__(*given)
        self.outcomes = []

    def again(self, job):
        self.outcomes.append("")
        return super().again(job)

    def _done(self, connection, job, outcome, line):
        self.outcomes.append(outcome)
        super()._done(connection, job, outcome, line)


class Bot(SilentBot):
    """The bot's side (queue/bot_port.py): notes in the play what it is told, and answers where it `talks`."""

    def __init__(self, play):
        self._play = play

    async def answer(self, event, context, delivery):
        play, text = self._play, getattr(event, "text", "") or event.payload
        play.turns.append(text)
        play.contexts.append(context)
        if not play.talks:
            return Spoken(sent=1)
        play.during_turn(text)
        spoken = Spoken()
        for number in range(play.messages_of_a_turn):
            spoken += self._says(f"{delivery.id}.{number}", f"About {text}.")
        return spoken

    async def returned(self, row, reason, note, delivery):
        self._play.slots = {"target": "", "until": None}
        self._play.notes.append((delivery.kind, note))
        return self._says(f"{delivery.id}.1", "I am back.") if self._play.talks else Spoken(sent=1)

    async def muted(self, row, target, until):
        self._play.slots = {"target": target, "until": until}
        self._play.mirrored.append(self._play.slots)

    def _says(self, tag, text):
        """As MessengerOutput does, by the gate."""
        body = send_body(PSID, {"text": text, "metadata": f"{OUR_METADATA}{tag}"})
        return Gate(self._play.thread_control, self._play.graph, note=self._play.note_sent).send(PSID, body)


class Play:
    """One page with its default app (None: without one), our side of it, and the person `PSID`."""

    def __init__(self, store, clock, *, default_app=BOT, talks=False, **settings):
        self.store, self.clock, self.talks = store, clock, talks
        self.page = Simulator(
            app_id=OURS,
            apps={SALES_BOT: "sales_bot", HOOTSUITE: "hootsuite", STRANGER: "stranger"},
            default_app=default_app,
            now=clock,
        )
        self.meta = Meta(self.page)
        self.graph = GraphApi(
            "http://127.0.0.1",
            "v27.0",
            pools=self.meta,
            retries=Retries(attempts=1),
            sleep=lambda seconds: None,
            clock=clock,
        )
        self.settings = settings_with(**settings)
        self.thread_control = ThreadControl(self.settings, store, self.graph, clock)
        self.event_handlers = EventHandlers(
            self.settings, store, self.thread_control, sleep=lambda seconds: None
        )
        self.claims = NotingClaims(store, clock, lambda *given: self.event_handlers.at_once(*given))
        self.messages_of_a_turn = 1
        self.during_turn = lambda text: None  #: called before the bot's answer goes out
        self.turns, self.contexts, self.notes = [], [], []
        self.slots, self.mirrored = {"target": "", "until": None}, []
        self.mids = []  #: Meta's ids of what the bot has said
        self.person = self.page.person(PSID)
        self._received = 0

    # --- what happens -----------------------------------------------------------------------------

    def says(self, text):
        self.clock.passes(1)
        self.person.says(text)
        return self.work()

    def hands_over(self, name=None, **more):
        """As in the middle of a turn: the person has written, the bot hands over."""
        self.says("a person, please")
        row = self.thread_control.hand_over(PSID, name, **more)
        self.work()
        return row

    def receive(self):
        """Store what Meta has sent since the last time."""
        events = self.page.events_of(BOT, PSID)
        new, self._received = events[self._received :], len(events)
        for each in new:
            self.deliver(each["item"], channel=each["channel"])

    def deliver(self, item, *, channel="messaging"):
        body = {"object": "page", "entry": [{"id": self.page.page_id, channel: [item]}]}
        items = webhook.parse(json.dumps(body).encode())
        with self.store.writing() as connection:
            deliveries.add(connection, deliveries.rows(items, self.clock()))

    def work(self, limit=50):
        """Receive, and process what is there. Returns the row."""
        self.receive()
        process_all(PSID, self.claims, self.event_handlers, Bot(self), limit)
        row = self.row
        # Whatever has changed it, Rasa knows.
        assert row is None or self.slots == {"target": row.state.target, "until": row.until}
        return row

    def due(self):
        """Do what is due; returns the kinds of it."""
        deadlines = DueDeadlines(self.store, self.thread_control, InlineExecutors(), self.clock)
        found = deadlines.claim()
        for due in found:
            assert finished(deadlines.fire(due))
        self.work()
        return [due.deadline.kind for due in found]

    def note_sent(self, tag, mid):
        """As Rasa's process has the queue's do it, for each message that Meta accepted."""
        self.mids.append(mid)
        with self.store.writing() as connection:
            sent_messages.add(connection, tag, now=self.clock(), mid=mid)

    # --- what is seen -----------------------------------------------------------------------------

    @property
    def outcomes(self):
        """Outcomes of the deliveries so far, "" of what came back."""
        return self.claims.outcomes

    @property
    def row(self):
        with self.store.reading() as connection:
            return threads.get(connection, PSID)

    @property
    def control(self):
        return self.row.state.control.value

    @property
    def log(self):
        """(control, reason) of every change, oldest first."""
        with self.store.reading() as connection:
            lines = changes.of(connection, PSID, limit=100)
        return [(line.control, line.reason) for line in reversed(lines)]

    @property
    def findings(self):
        """Kinds of what is wrong with the set-up."""
        with self.store.reading() as connection:
            return [each.kind for each in findings.current(connection, now=self.clock())]

    @property
    def given_up(self):
        """Outcomes of what waits for a person."""
        with self.store.reading() as connection:
            return [each.outcome for each in queue_admin.failed(connection, now=self.clock(), limit=50).items]

    @property
    def lines(self):
        """(author, text) of the transcript."""
        with self.store.reading() as connection:
            return [(line.author, line.text) for line in transcript.of(connection, PSID)]

    @property
    def deadlines(self):
        """Kind -> seconds from now."""
        with self.store.reading() as connection:
            found = deadlines.due(connection, now=float("inf"), limit=50)
        return {each.kind: each.due_at - self.clock() for each in found}

    def calls(self, *without):
        """Names of the Graph API calls so far; forgets them."""
        names = [name for name, _ in self.meta.calls if name not in without]
        self.meta.calls.clear()
        return names

    @property
    def reasons(self):
        """Reasons of the returns that the bot was told of."""
        return [body["reason"] for kind, body in self.notes if kind == deliveries.RETURNED]
