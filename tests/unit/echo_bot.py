"""A bot of a few lines, as the test kit sees one: it answers people, and hands over when it is asked.

No Rasa, no database, no sockets: the other side is the simulator's rules.
"""

from __future__ import annotations

from collections import Counter

from handover_channel.simulator import PageFacts, Simulator
from handover_channel.testing.bot_under_test import CLOCK, ActFailed, ControlSeen, places_of_page

BUTTON = {"type": "postback", "title": "Back to Bot", "payload": "back"}


class EchoBot:
    """Says "You said ..."; passes control to sales_bot at "sales", and is silent on standby."""

    kind = "in the test"

    def __init__(self, *more_pages):
        apps, more = {"2222": "sales_bot"}, [PageFacts(name=name) for name in more_pages]
        self.page = Simulator(app_id="1", apps=apps, default_app="bot", more_pages=more)
        self.places = {**places_of_page({"2222": "sales_bot"}), "inbox": ""}
        self.in_inbox = set()
        self.says = lambda text: [f"You said {text}"]
        self.lies = False
        self._read = Counter()

    def cannot(self, needs):
        return "this bot has no clock" if CLOCK in needs else ""

    def begin(self):
        self.page.reset()
        self._read.clear()

    def settle(self, psid):
        page = self.page.page_for(psid)
        events = page.events_of("bot")
        new, self._read[page.page_id] = events[self._read[page.page_id] :], len(events)
        for each in new:
            if each["channel"] == "messaging" and psid not in self.in_inbox:
                self._hears(psid, each["item"])

    def wait_for_more(self, psid):
        return False

    def control(self, psid):
        owner = self.page.page_for(psid).owner(psid)
        if self.lies:
            return ControlSeen("bot", owner)
        name = "inbox" if psid in self.in_inbox else "sales_bot" if owner == "2222" else "bot"
        return ControlSeen(name, owner)

    def agent_replies(self, psid, text):
        if psid not in self.in_inbox:
            raise ActFailed("it is not in the inbox")
        self.page.page_for(psid).app("bot").says(psid, text)

    def agent_takes_over(self, psid):
        self.in_inbox.add(psid)

    def agent_returns(self, psid):
        self.in_inbox.discard(psid)

    def move_clock(self, by, *, stopping):
        raise ActFailed("this bot has no clock")

    def _hears(self, psid, item):
        bot = self.page.page_for(psid).app("bot")
        if item.get("postback", {}).get("payload") == "back":
            bot.takes(psid)
        if "pass_thread_control" in item or "postback" in item:
            bot.says(psid, "I am back")
        text = item.get("message", {}).get("text", "")
        if text == "sales":
            template = {"template_type": "button", "text": "One moment", "buttons": [BUTTON]}
            bot.sends(psid, {"attachment": {"type": "template", "payload": template}})
            bot.passes(psid, "sales_bot")
        elif text and not item["message"].get("is_echo"):
            for said in self.says(text):
                bot.says(psid, said)
