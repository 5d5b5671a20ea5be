"""Whoever calls Rasa's REST channel writes on that channel, whatever they say."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("rasa")
pytestmark = pytest.mark.rasa


@pytest.fixture
def channel_of(monkeypatch):
    """How the channel `rest` (or `callback`) of a server that also has `telegram` is told."""
    from rasa.core.channels.callback import CallbackInput
    from rasa.core.channels.rest import RestInput

    from handover_channel.rasa.claimed_channels import keep_apart

    monkeypatch.setattr(RestInput, "_extract_input_channel", RestInput._extract_input_channel)
    for _ in range(2):
        keep_apart()
    callback = CallbackInput.from_credentials({"url": "http://127.0.0.1:1/"})
    served = [RestInput(), callback, SimpleNamespace(name=lambda: "telegram")]
    app = SimpleNamespace(ctx=SimpleNamespace(input_channels=served))

    def told(claimed, called=served[0]):
        return called._extract_input_channel(SimpleNamespace(app=app, json={"input_channel": claimed}))

    return SimpleNamespace(rest=told, callback=lambda claimed: told(claimed, callback))


@pytest.mark.parametrize("claimed", ["facebook", "telegram", "callback", ["facebook"], {"facebook": 1}, 7])
def test_a_stranger_on_rest_cannot_name_another_channel_as_theirs(channel_of, claimed):
    assert channel_of.rest(claimed) == "rest"


def test_a_stranger_on_callback_cannot_either(channel_of):
    assert channel_of.callback("facebook") == "callback"
    assert channel_of.callback("rest") == "callback"


@pytest.mark.parametrize("claimed", ["rest", None, ""])
def test_a_call_that_names_its_own_channel_or_none_is_one_of_that(channel_of, claimed):
    assert channel_of.rest(claimed) == "rest"


def test_pages_of_ones_own_still_tell_themselves_apart_by_a_name(channel_of):
    assert channel_of.rest("kiosk") == "kiosk"
