"""Rule 20 of a faithful simulator, which needs HTTP: the handshake."""

from __future__ import annotations

import pytest
import requests

pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from webhook_listener import listening  # noqa: E402

from handover_channel.simulator import Simulator, running  # noqa: E402


def test_20_a_callback_is_kept_only_if_it_gives_the_challenge_back():
    simulator = Simulator(apps={"2222": "sales_bot"})
    with listening() as bot, running(simulator) as url:
        address = f"{url}/simulator/settings/apps/2222/webhook"
        for callback, word in (("http://127.0.0.1:9/webhook", "handover-demo"), (bot.url, "another word")):
            requests.post(address, json={"callback_url": callback, "verify_token": word}, timeout=20)
            assert simulator.apps["2222"].callback == ""

        requests.post(address, json={"callback_url": bot.url, "verify_token": "handover-demo"}, timeout=20)
        assert simulator.apps["2222"].callback == bot.url
