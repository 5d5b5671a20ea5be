"""Hostile bodies: deliveries of every kind, damaged in shape or in bytes, by seeded chance. Ids and times are
new in each run. No I/O.
"""

from __future__ import annotations

import random
from typing import Any, Callable, Dict, Iterator, List

from bench.bodies import APP_ID, OTHER_APP_ID, PAGE, delivery, echo, encode, message, postback, unknown

_JUNK: List[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    1e308,
    "",
    "x",
    "/",
    "/restart",
    "\x00",
    "\ud800",
    "9" * 5000,
    [],
    {},
    [[]],
    [None],
    ["a", 1],
    {"id": None},
    {"a": {"b": []}},
]


def bodies(count: int, seed: int) -> Iterator[bytes]:
    """Give *count* bodies: four of five damaged in shape, the fifth in its bytes."""
    chance = random.Random(seed)
    for number in range(count):
        whole = chance.choice(_SAMPLES)(f"95{chance.randrange(40):04d}")
        if number % 5 == 4:
            yield _in_bytes(chance, encode(whole))
        else:
            yield encode(_in_shape(chance, whole, 0))


def _attachment(thread: str) -> Dict[str, Any]:
    sent = message(thread, "")
    sent["message"]["attachments"] = [{"type": "image", "payload": {"url": "https://example.com/a.png"}}]
    return delivery(sent)


def _quick_reply(thread: str) -> Dict[str, Any]:
    sent = message(thread, "Hours")
    sent["message"]["quick_reply"] = {"payload": "/ask_hours"}
    return delivery(sent)


def _control(thread: str) -> Dict[str, Any]:
    event = {
        **unknown(thread),
        "take_thread_control": {"previous_owner_app_id": APP_ID, "new_owner_app_id": PAGE},
    }
    return delivery(event)


_SAMPLES: List[Callable[[str], Dict[str, Any]]] = [
    lambda thread: delivery(message(thread, "hello there")),
    lambda thread: delivery(message(thread, "how much is it"), message(thread, "bye for now")),
    lambda thread: delivery(message(thread, "hello there"), standby=True),
    lambda thread: delivery(postback(thread, "/greet")),
    lambda thread: delivery(echo(thread, "I am on it", app_id=OTHER_APP_ID)),
    lambda thread: delivery(unknown(thread)),
    _attachment,
    _quick_reply,
    _control,
]


def _in_shape(chance: random.Random, value: Any, depth: int) -> Any:
    """Return *value* with parts of it lost, doubled, or replaced by junk."""
    if chance.random() < 0.12 or depth > 8:
        return chance.choice(_JUNK)
    if isinstance(value, dict):
        return {
            key: _in_shape(chance, part, depth + 1) if chance.random() < 0.5 else part
            for key, part in value.items()
            if chance.random() > 0.06
        }
    if isinstance(value, list):
        kept = [part for part in value for _ in range(chance.choice((1, 1, 1, 2)))]
        return [_in_shape(chance, part, depth + 1) if chance.random() < 0.6 else part for part in kept]
    return value if chance.random() < 0.5 else chance.choice(_JUNK)


def _in_bytes(chance: random.Random, body: bytes) -> bytes:
    """Return *body* with a few bytes changed."""
    damaged = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)
