"""The simulator's page in a browser: what it says of who has control."""

from __future__ import annotations

import pytest
from browsers import PATIENCE, chromium

pytest.importorskip("playwright", reason="no browser: Playwright is not installed")
pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from handover_channel.simulator import Simulator, running  # noqa: E402

pytestmark = pytest.mark.browser


def test_the_pill_says_our_app_because_meta_does_not_know_whether_the_bot_or_its_inbox_answers():
    simulator = Simulator(app_id="1234567890", apps={"2222": "sales_bot"}, default_app="bot")
    person = simulator.person("7001")
    person.says("hello")
    with running(simulator) as url, chromium() as browser:
        page = browser.new_page()
        page.goto(f"{url}/?psid=7001")
        pill = page.locator("#control")
        pill.get_by_text("our app").wait_for(timeout=PATIENCE)
        assert "the bot, or its inbox" in pill.inner_text()

        assert simulator.app("bot").says("7001", "hi").status == 200
        assert simulator.app("bot").passes("7001", "sales_bot").status == 200
        pill.get_by_text("sales_bot").wait_for(timeout=PATIENCE)
        assert "inbox" not in pill.inner_text()
