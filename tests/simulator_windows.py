"""The simulator's page in Chromium: fixtures of the tests that look at it.

A test file imports those that it needs, and has fixtures `simulator` and `person` (whom the page opens with)
of its own. `bot` is one that can be asked, None without; what a browser logs as an error fails the test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Iterator, List

import pytest
from browsers import PATIENCE, chromium

from handover_channel.simulator import Simulator, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

WIDE = {"width": 1400, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def bot() -> None:
    """No bot that can be asked: Meta's side alone."""


@pytest.fixture
def open_page(browser: Browser, simulator: Simulator, person: str, bot: Any) -> Iterator[Callable[..., Page]]:
    """Open the page of the person, or a path, in a browser of its own that looks as it is told."""
    wrong: List[str] = []
    contexts: List[BrowserContext] = []

    def log(line: ConsoleMessage) -> None:
        if line.type == "error" and "400 (Bad Request)" not in line.text:  # which the page then shows
            wrong.append(line.text)

    with running(simulator, bot=bot) as url:

        def opened(path: str = f"/?psid={person}", **looks: Any) -> Page:
            given = {"base_url": url, "viewport": WIDE, "locale": "en-GB", **looks}
            contexts.append(browser.new_context(**given))
            page = contexts[-1].new_page()
            page.set_default_timeout(PATIENCE)
            page.on("console", log)
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.goto(path)
            if not path.startswith("/settings"):
                page.locator("#person-chat > *").first.wait_for(state="attached")
            return page

        yield opened
        for context in contexts:
            context.close()
    assert not wrong
