"""People on every kind of channel but Messenger, at a bot that is served in the test's process."""

from __future__ import annotations

import contextlib
import itertools
import threading

from every_channel import BOUND
from rasa.core.channels.channel import CollectingOutputChannel
from stack import eventually


class Rest:
    """A person on a channel: `says` returns the HTTP status, 0 without one; `heard`: what they got."""

    channel = "rest"
    error = 200  # Rasa's REST channel answers that whatever was raised

    def __init__(self, served, number):
        self.served, self.name, self.heard = served, f"{self.channel}-{number}", []

    def says(self, text):
        body = {"sender": self.name, "message": text}
        answer = self.served.post(f"/webhooks/{self.channel}/webhook", body)
        self.heard += [each.get("text") or each.get("custom") for each in answer.json()]
        return answer.status_code

    def output(self):
        """Rasa's output for this person, as a turn of theirs has it."""
        return Collected(self.heard)

    def close(self):
        """Leave."""


class Collected(CollectingOutputChannel):
    """Return what a call of REST would be answered, had it not been answered long ago."""

    def __init__(self, heard):
        super().__init__()
        self._heard = heard

    async def _persist_message(self, message):
        self._heard.append(message.get("text"))


class Callback(Rest):
    channel = "callback"
    error = 500

    def says(self, text):
        body = {"sender": self.name, "message": text}
        return self.served.post("/webhooks/callback/webhook", body).status_code

    @property
    def heard(self):
        return [text for who, text in list(self.served.neighbour.heard) if who == self.name]

    @heard.setter
    def heard(self, value):
        """Nothing to set."""

    def output(self):
        return self.served.channel(self.channel).get_output_channel()


class Telegram(Callback):
    channel = "telegram"

    def __init__(self, served, number):
        super().__init__(served, number)
        self.name = str(70_000 + number)

    def says(self, text):
        chat = {"id": int(self.name), "type": "private"}
        update = {"update_id": 1, "message": {"message_id": 1, "date": 1, "chat": chat, "text": text}}
        return self.served.post("/webhooks/telegram/webhook", update).status_code

    def output(self):
        return self.served.telegram_outputs[0]


class Own(Callback):
    channel = "own"

    def says(self, text):
        return self.served.post("/webhooks/own/webhook", {"who": self.name, "text": text}).status_code

    @property
    def heard(self):
        return [text for who, text in list(self.served.delivered) if who == self.name]

    @heard.setter
    def heard(self, value):
        """Nothing to set."""


class SocketIO(Rest):
    channel = "socketio"
    error = 0

    def __init__(self, served, number):
        import socketio

        super().__init__(served, number)
        self._client = socketio.Client()
        self._client.on("bot_uttered", lambda message: self.heard.append(message.get("text")))
        self._client.connect(served.url, transports=["polling"], wait_timeout=BOUND)
        self.name = self._client.get_sid()

    def says(self, text):
        """Return once the server has done all that it does about it."""
        done = threading.Event()
        self.emits(text, callback=lambda *given: done.set())
        assert done.wait(BOUND), "the server did not take it"
        return 0

    def emits(self, text, **more):
        self._client.emit("user_uttered", {"message": text}, **more)

    def output(self):
        return self.served.channel(self.channel).get_output_channel()

    def close(self):
        with contextlib.suppress(Exception):  # a client that is gone is what is wanted
            self._client.eio.disconnect(abort=True)


PEOPLE = (Rest, SocketIO, Telegram, Callback, Own)

_numbers = itertools.count(1)


def somebody(kind, served):
    """Return somebody new, on the channel of *kind*."""
    return kind(served, next(_numbers))


def handed_over(person):
    """Hand the person over, as people are: they ask, and get the notice. Returns how much they have heard."""
    person.says("/handover")
    eventually(lambda: person.served.control(person.name) == "inbox", "it is handed over")
    eventually(lambda: person.heard, "the notice is there")
    return len(person.heard)
