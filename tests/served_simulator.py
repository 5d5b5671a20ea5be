"""A simulator that is served, with the webhook of a bot: fixtures of the tests of its HTTP side.

A test file imports those that it needs; `pauses` is what it may want otherwise.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator

import pytest
import requests
from webhook_listener import Bot, listening

from handover_channel.simulator import Simulator, Switches, running

SECRET = "s3cret"


def caller(url: str) -> Callable[..., Any]:
    """Return what calls the control API at *url*: path, method and body; it gives the JSON of a 200."""

    def call(path: str, method: str = "POST", **body: Any) -> Dict[str, Any]:
        content = {"json": body} if method == "POST" else {"params": body}
        answer = requests.request(method, f"{url}/simulator/v1/{path}", timeout=30, **content)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return call


@pytest.fixture
def pauses() -> Dict[str, Any]:
    """The seconds between two tries of a webhook: hardly any."""
    return {"unreachable_pauses": [0.02] * 200, "refused_pauses": [0.01, 0.01]}


@pytest.fixture
def bot() -> Iterator[Bot]:
    """The webhook of the bot."""
    with listening() as bot:
        yield bot


@pytest.fixture
def messenger(bot: Bot) -> Simulator:
    """The simulator that calls it."""
    quiet = Switches(receipts=False)
    return Simulator(callback=bot.url, secret=SECRET, apps={"2222": "sales_bot"}, switches=quiet)


@pytest.fixture
def url(messenger: Simulator, pauses: Dict[str, Any]) -> Iterator[str]:
    """The address at which it is served."""
    with running(messenger, **pauses) as url:
        yield url


@pytest.fixture
def api(url: str) -> Callable[..., Any]:
    """Calls its control API; see `caller`."""
    return caller(url)
