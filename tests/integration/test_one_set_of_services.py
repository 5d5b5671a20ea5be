"""The channels and the policies of one Rasa process share one set of services."""

from __future__ import annotations

import itertools
from contextlib import contextmanager

import pytest

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

import requests
import sanic_servers
import yaml
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.resource import Resource
from statements import in_use

from handover_channel import InboxInput, MessengerInput, services
from handover_channel.rasa.policy import HandoverPolicy
from handover_channel.rasa.runtime import Runtime

pytestmark = pytest.mark.rasa

BLOCK = {"verify": "a-verify-word", "secret": "a-secret", "page-access-token": "a-page-token"}
_numbers = itertools.count(1)


def write(folder, **more):
    folder.mkdir(exist_ok=True)
    (folder / "handover.yml").write_text(yaml.safe_dump({"app_id": "1234567890", **more}))
    channels = {"handover_channel.MessengerInput": BLOCK, "handover_channel.InboxInput": None}
    (folder / "credentials.yml").write_text(yaml.safe_dump(channels))
    return folder


@pytest.fixture
def configured(tmp_path, monkeypatch):
    """A folder as Rasa is started in."""
    write(tmp_path)
    monkeypatch.delenv("HANDOVER_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def a_policy():
    context = ExecutionContext(GraphSchema({}))
    return HandoverPolicy.create(HandoverPolicy.get_default_config(), None, Resource("policy"), context)


def test_channel_inbox_and_policy_have_one_store_one_graph_and_one_settings(configured):
    messenger = MessengerInput.from_credentials(BLOCK)._handover
    inbox = InboxInput.from_credentials(None)._handover
    of_the_policy = a_policy()._gate._thread_control

    assert inbox is messenger
    assert of_the_policy is messenger.thread_control
    assert of_the_policy.store is messenger.store
    assert of_the_policy.settings is messenger.settings


def test_a_model_that_is_loaded_later_gets_the_same(configured):
    first, second = a_policy()._gate, a_policy()._gate

    assert first._thread_control is second._thread_control


def test_a_bot_in_another_folder_has_its_own(configured, monkeypatch):
    here = InboxInput.from_credentials(None)._handover
    monkeypatch.chdir(write(configured / "other"))
    there = InboxInput.from_credentials(None)._handover

    assert there is not here
    assert there.store is not here.store
    assert there.store.url != here.store.url


@contextmanager
def served(*channels):
    from sanic import Sanic

    async def on_new_message(message):
        return None

    ports = []

    async def begin():
        app = Sanic(f"services{next(_numbers)}", configure_logging=False)
        app.ctx.input_channels = channels
        for channel in channels:
            app.blueprint(channel.blueprint(on_new_message), url_prefix=f"/webhooks/{channel.name()}")
        server, port = await sanic_servers.start(app)
        ports.append(port)
        return server

    with sanic_servers.on_a_thread(begin):
        yield f"http://127.0.0.1:{ports[0]}"


@pytest.mark.parametrize("order", [1, -1], ids=["inbox last", "inbox first"])
def test_a_server_that_stops_closes_the_store_once_and_last(configured, monkeypatch, order):
    channels = [MessengerInput.from_credentials(BLOCK), InboxInput.from_credentials(None)]
    store, seen = channels[0]._handover.store, []
    close = store.close
    monkeypatch.setattr(store, "close", lambda: (seen.append(in_use(store)), close()))

    with served(*channels[::order]) as url:
        assert requests.get(f"{url}/webhooks/inbox/health", timeout=30).status_code == 200
        assert seen == []

    assert seen == [0]
    assert InboxInput.from_credentials(None)._handover is not channels[0]._handover


def test_an_inbox_without_messenger_closes_the_store_too(configured):
    (configured / "credentials.yml").write_text("handover_channel.InboxInput:\n")
    inbox = InboxInput.from_credentials(None)

    with served(inbox):
        assert services.from_config() is inbox._handover

    assert services.from_config() is not inbox._handover


@pytest.mark.parametrize("has_messenger", [True, False])
def test_the_inboxs_health_has_what_is_half_installed_as_the_channels_has(
    configured, monkeypatch, has_messenger
):
    async def no_problem(runtime):
        return ""

    monkeypatch.setattr(Runtime, "problem", no_problem)  # without a model there is one
    for module in ("inbox.channel", "rasa.runtime"):
        monkeypatch.setattr(f"handover_channel.{module}.found_at_start", lambda app: ("no policy -> add it",))
    if not has_messenger:
        (configured / "credentials.yml").write_text("handover_channel.InboxInput:\n")
    channels = [MessengerInput.from_credentials(BLOCK)] if has_messenger else []

    with served(*channels, InboxInput.from_credentials(None)) as url:
        answer = requests.get(f"{url}/webhooks/inbox/health", timeout=30)

    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "findings": ["no policy -> add it"]}
