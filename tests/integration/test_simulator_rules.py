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

        def configure(callback, word):
            given = {"app": "2222", "callback_url": callback, "verify_token": word}
            requests.post(f"{url}/simulator/v1/webhook", json=given, timeout=20)

        for callback, word in (("http://127.0.0.1:9/webhook", "handover-demo"), (bot.url, "another word")):
            configure(callback, word)
            assert simulator.apps["2222"].callback == ""

        configure(bot.url, "handover-demo")
        assert simulator.apps["2222"].callback == bot.url
