"""The inbox page without a server: requests by hand, answers as values."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from play import PSID

from handover_channel.errors import Refused
from handover_channel.inbox.admin.services import AdminServices
from handover_channel.inbox.auth import Auth, Visitor
from handover_channel.inbox.bot_facts import BotFacts
from handover_channel.inbox.commands import Commands
from handover_channel.inbox.forms import Form
from handover_channel.inbox.media_proxy import Fetched
from handover_channel.inbox.page_services import PageServices, ThreadPools
from handover_channel.inbox.passwords import Passwords
from handover_channel.inbox.queries import Queries
from handover_channel.inbox.rendering import Pages
from handover_channel.inbox.request import Request
from handover_channel.inbox.updates import Updates
from handover_channel.replies.service import AgentReplies
from handover_channel.store import agents
from handover_channel.store.agents import Agent

PASSWORD = "a long password"
PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
PAGES = Pages()
ADMIN = Visitor("mona", "Mona", is_admin=True, csrf="the token of Mona", proof_key="the key of Mona")
SARA = Visitor("sara", "Sara", is_admin=False, csrf="the token of Sara", proof_key="the key of Sara")


class Bot:
    """Rasa, with one intent to go on with."""

    def said(self, thread):
        return ()

    def intents(self):
        return ["opening_hours"]

    def facts(self, thread):
        return BotFacts(intent="order_status", words=("my parcel is wet",), slots={"order_number": "10234"})

    def flows(self):
        return {}

    def events(self, thread):
        return [{"event": "user", "text": "hi"}]

    def delete(self, thread):
        return 1


class NoProfiles:
    """Fetches nothing, and notes whose profile is wanted."""

    def __init__(self):
        self.wanted = []

    def want(self, thread, **given):
        self.wanted.append(thread)

    def want_pages(self):
        pass

    def want_app(self, app, thread, **given):
        pass


class Files:
    """Has files of elsewhere by their addresses; others cannot be fetched."""

    def __init__(self):
        self.known, self.fetched = {}, []

    def fetch(self, address):
        self.fetched.append(address)
        if address not in self.known:
            raise Refused("the file could not be fetched")
        return Fetched(self.known[address], "image/png", {"Content-Disposition": "inline"})


def services_of(play):
    """Return what the routes use, on the test's own store; to be closed by its `pools`."""
    pools = ThreadPools(*(ThreadPoolExecutor(2) for _ in range(4)))
    services = PageServices(
        Auth(play.store, play.clock, passwords=PASSWORDS),
        PAGES,
        Updates(play.store, pools.database, play.clock),
        Files(),
        NoProfiles(),
        pools,
        play.clock,
    )
    replies = AgentReplies(
        play.settings, play.store, play.graph, play.thread_control, play.clock, sleep=lambda seconds: None
    )
    commands = Commands(play.settings, play.store, play.thread_control, play.clock)
    queries = Queries(play.settings, play.store, replies.sending_rules, play.clock)
    bot = Bot()
    admin = AdminServices(play.store, bot, play.settings.inbox.canned_replies, play.clock, PASSWORDS)
    services.open(bot, commands, replies, queries, admin)
    return services


def add_agents(play, *names):
    with play.store.writing() as connection:
        for name in names:
            hashed = PASSWORDS.hash(PASSWORD)
            assert agents.add(connection, Agent(name, name.title(), hashed, created_at=play.clock()))


def get(visitor=SARA, thread=PSID, **given):
    """Return a request for something."""
    return Request(visitor=visitor, in_path={"thread": thread}, **given)


def post(visitor=SARA, files=(), thread=PSID, headers=None, **fields):
    """Return a form that the page's script sends."""
    headers = {"hx-request": "true", **(headers or {})}
    form = Form({name: str(value) for name, value in fields.items()}, list(files))
    return Request("POST", visitor=visitor, in_path={"thread": thread}, headers=headers, form=form)
