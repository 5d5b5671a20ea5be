from __future__ import annotations

import pytest

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

from rasa.core.channels.facebook import FacebookInput

from handover_channel.rasa import refused_starts
from handover_channel.rasa.refused_starts import CannotStart, expect_startable
from handover_channel.settings.credentials import CHANNEL, INBOX_CHANNEL

pytestmark = pytest.mark.rasa


@pytest.fixture(autouse=True)
def _rasas_own(monkeypatch):
    """Rasa's channel as it is, also afterwards."""
    monkeypatch.setattr(FacebookInput, "blueprint", FacebookInput.blueprint)


@pytest.mark.parametrize("channel", [CHANNEL, INBOX_CHANNEL])
def test_on_windows_a_channel_says_why_it_cannot_start(channel):
    with pytest.raises(CannotStart, match=f"{channel} cannot start: .* WSL 2"):
        expect_startable(channel, platform="win32")

    assert expect_startable(channel, platform="linux") is None


def test_rasas_own_channel_for_facebook_starts_without_ours_and_beside_the_inbox():
    before = FacebookInput.blueprint

    expect_startable(INBOX_CHANNEL)

    assert FacebookInput.blueprint is before


def test_rasas_own_channel_for_facebook_refuses_to_start_beside_ours():
    for _ in range(2):
        expect_startable(CHANNEL)

    with pytest.raises(CannotStart) as refused:
        FacebookInput("verify", "secret", "token").blueprint(None)
    assert str(refused.value) == refused_starts.BESIDE_FACEBOOK
