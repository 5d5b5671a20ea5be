"""Tests what agents send, and what the page knows of people: against the simulator over HTTP."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest

pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from inline import SilentBot, process_all  # noqa: E402

from handover_channel.control.thread_control import ThreadControl  # noqa: E402
from handover_channel.errors import GraphError, Refused  # noqa: E402
from handover_channel.graph_api.client import GraphApi, Upload
from handover_channel.graph_api.profiles import Profiles  # noqa: E402
from handover_channel.graph_api.retries import Retries  # noqa: E402
from handover_channel.inbox.media_proxy import LARGEST_DOWNLOAD, MediaProxy  # noqa: E402
from handover_channel.messenger import webhook  # noqa: E402
from handover_channel.queue.claims import Claims  # noqa: E402
from handover_channel.queue.event_handlers import EventHandlers  # noqa: E402
from handover_channel.replies.service import AgentReplies  # noqa: E402
from handover_channel.settings.credentials import Page  # noqa: E402
from handover_channel.settings.inbox import InboxSettings  # noqa: E402
from handover_channel.settings.loader import Grants, Settings  # noqa: E402
from handover_channel.settings.locations import GraphApiSettings  # noqa: E402
from handover_channel.settings.return_options import ReturnOptions  # noqa: E402
from handover_channel.settings.targets import Target, TargetKind  # noqa: E402
from handover_channel.simulator import Simulator, running  # noqa: E402
from handover_channel.store import Store, agents, deliveries, replies, transcript  # noqa: E402
from handover_channel.store import profiles as store_profiles
from handover_channel.store.replies import SENT, File  # noqa: E402

PSID = "3000000000000003"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


class Stage:
    """A page in the simulator, and our side of it without a server."""

    def __init__(self, path, messenger, url):
        self.messenger, self.url = messenger, url
        inbox = Target("inbox", TargetKind.INBOX, time_limit=timedelta(hours=12))
        self.settings = Settings(
            app_id=messenger.bot.id,
            database="",
            graph_api=GraphApiSettings(url, "v27.0"),
            default_target="inbox",
            targets={"inbox": inbox},
            returning=ReturnOptions(),
            grant_requests=Grants.NONE,
            pages=(Page("", "demo-page-token"),),
            secret="demo-app-secret",
            inbox=InboxSettings(personas=True),
        )
        self.store = Store(f"sqlite:///{path}/handover.db")
        self.graph = GraphApi(url, "v27.0", app_secret="demo-app-secret", retries=Retries(attempts=1))
        self.thread_control = ThreadControl(self.settings, self.store, self.graph)
        self.agent = AgentReplies(self.settings, self.store, self.graph, self.thread_control)
        self._event_handlers = EventHandlers(self.settings, self.store, self.thread_control)
        self._claims = Claims(self.store, time.time)
        self._received = 0

    def hands_over(self):
        self.messenger.person(PSID).says("a person, please")
        self.works()
        self.thread_control.hand_over(PSID)

    def works(self):
        """Process what Meta has sent."""
        events = self.messenger.events_of("bot", PSID)
        new, self._received = events[self._received :], len(events)
        for each in new:
            body = {
                "object": "page",
                "entry": [{"id": self.messenger.page_id, each["channel"]: [each["item"]]}],
            }
            items = webhook.parse(json.dumps(body).encode())
            with self.store.writing() as connection:
                deliveries.add(connection, deliveries.rows(items, time.time()))
        process_all(PSID, self._claims, self._event_handlers, SilentBot())

    @property
    def chat(self):
        """What the person sees of the page."""
        return [
            entry for entry in self.messenger.thread(PSID).chat if entry.get("author") == self.settings.app_id
        ]

    @property
    def lines(self):
        with self.store.reading() as connection:
            return transcript.of(connection, PSID)


@pytest.fixture
def messenger():
    return Simulator()


@pytest.fixture
def page(tmp_path, messenger):
    with running(messenger) as url:
        page = Stage(tmp_path, messenger, url)
        with page.store.writing() as connection:
            agents.add(connection, agents.Agent("nour", "Nour", "-", picture=f"{url}/n.png"))
        page.hands_over()
        yield page
        page.store.close()


def test_a_reply_reaches_the_person_under_the_agents_name_and_is_one_line(page):
    reply = page.agent.reply(PSID, "Hello.\n\nHow can I help?", agent="nour")
    page.works()

    assert reply.state == SENT
    assert [(entry["message"]["text"], entry["persona"]) for entry in page.chat] == [
        ("Hello.", "Nour"),
        ("How can I help?", "Nour"),
    ]
    assert [(line.text, line.agent) for line in page.lines] == [
        ("Hello.", "nour"),
        ("How can I help?", "nour"),
    ]
    assert page.messenger.state(PSID)["threads"][0]["chat"][-1]["persona"] == "Nour"


@pytest.mark.parametrize(
    ("file", "kind", "placed"),
    [
        (File("cat.png", "image/png", PNG), "image", "inline"),
        (File("صورة é.png", "image/png", PNG), "image", "inline"),
        (File("a b.mp3", "audio/mpeg", b"ID3"), "audio", "inline"),
        (File("bill.pdf", "application/pdf", b"%PDF-1.7"), "file", "attachment"),
        (File("x.svg", "image/svg+xml", b"<svg/>"), "file", "attachment"),
    ],
)
def test_a_file_goes_both_ways(page, file, kind, placed):
    assert page.agent.reply(PSID, "Here:", agent="nour", file=file).state == SENT
    page.works()

    attachment = page.chat[-1]["message"]["attachment"]
    assert attachment["type"] == kind
    line = page.lines[-1]
    assert [(each.type, each.title) for each in line.attachments] == [(kind, file.name)]
    assert line.attachments[0].url == attachment["payload"]["url"]
    fetched = MediaProxy(page.url).fetch(line.attachments[0].url)
    assert fetched.content == file.content
    assert fetched.headers["Content-Disposition"].startswith(placed)


def test_a_large_file_goes_out_whole(page):
    content = bytes(range(256)) * (LARGEST_DOWNLOAD // 256)
    page.agent.reply(PSID, "", file=File("film.mp4", "video/mp4", content))
    page.works()

    assert MediaProxy(page.url).fetch(page.lines[-1].attachments[0].url).content == content


def test_meta_refuses_what_is_larger_and_what_has_no_file(page):
    body = {"recipient": {"id": PSID}, "message": {"attachment": {"type": "file", "payload": {}}}}
    with pytest.raises(GraphError) as too_large:
        page.graph.send("demo-page-token", body, Upload("a", "text/plain", b"x" * (LARGEST_DOWNLOAD + 1)))
    with pytest.raises(GraphError) as without:
        page.graph.send("demo-page-token", body)

    assert [refused.value.subcode for refused in (too_large, without)] == [2018109, 2018047]


def test_what_is_larger_than_we_show_is_not_fetched(page):
    url = page.messenger.keep_file("image/png", b"x" * (LARGEST_DOWNLOAD + 1), "big.png")

    with pytest.raises(Refused, match="larger than 25 MB"):
        MediaProxy(page.url).fetch(url)


def test_a_reply_that_meets_an_outage_is_kept_and_sent_when_it_is_over(tmp_path, messenger):
    with running(messenger) as url:
        page = Stage(tmp_path, messenger, url)
        page.hands_over()
        port = int(url.rpartition(":")[2])
    failed = page.agent.reply(PSID, "Hello.", agent="nour")
    with running(messenger, port=port):
        again = page.agent.retry(failed.id)

    assert "no connection" in failed.error
    assert again.state == SENT
    assert [entry["message"]["text"] for entry in page.chat] == ["Hello."]
    page.store.close()


def test_a_persons_name_and_picture_are_shown_through_our_server(page):
    profiles = Profiles(page.settings, page.store, page.graph)
    profiles.want(PSID, page="")
    until = time.monotonic() + 20
    person = None
    while person is None and time.monotonic() < until:
        time.sleep(0.02)
        with page.store.reading() as connection:
            person = store_profiles.get(connection, PSID)
    profiles.stop()

    assert person is not None
    assert person.name == page.messenger.thread(PSID).name
    picture = MediaProxy(page.url).fetch(person.picture)
    assert (picture.type, picture.content[:4]) == ("image/png", b"\x89PNG")


def test_the_page_hears_of_each_delivery_and_that_the_person_has_read(page):
    page.agent.reply(PSID, "One.\n\nTwo.")
    assert len(page.messenger.thread(PSID).unread) == 2
    page.messenger.person(PSID).reads()

    assert page.messenger.thread(PSID).unread == []
    kinds = [each["kind"] for each in page.messenger.events_of("bot", PSID)]
    assert (kinds.count("delivery"), kinds.count("read")) == (2, 1)


def test_an_interrupted_reply_is_known_by_its_echo(page, monkeypatch):
    monkeypatch.setattr("handover_channel.replies.sent_parts.note_sent", lambda *given, **more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        page.agent.reply(PSID, "Hello.", agent="nour")
    monkeypatch.undo()
    with page.store.reading() as connection:
        (failed,) = replies.unsent(connection, PSID, now=time.time())
    assert failed.error.startswith("the server stopped while this was being sent")

    page.works()

    with page.store.reading() as connection:
        assert replies.unsent(connection, PSID, now=time.time()) == []
    assert [(line.text, line.agent) for line in page.lines] == [("Hello.", "nour")]
