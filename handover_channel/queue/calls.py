"""Lists what Rasa's process and the queue's may call in each other: a Protocol for each direction.

| connection | in the queue's process | in Rasa's |
|---|---|---|
| deliveries | `DELIVERIES` | - |
| control | `CONTROL` | `LOG` |
| turns | `SENT_CALLS` | `BOT_CALLS` |

Each is an `Interface` (ipc.py), the table from which both ends work. Imported by both processes: no more is
imported here than what these methods take and return.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Protocol, Tuple

from handover_channel.queue.bot_port import BotPort
from handover_channel.queue.ipc import Interface
from handover_channel.settings.loader import Settings


@dataclass(frozen=True)
class Start:
    """What the queue's process needs to start."""

    settings: Settings
    log_level: int


class DeliveryCalls(Protocol):
    """Takes what Meta sends."""

    async def receive(self, signature: str, body: bytes) -> Tuple[int, str]:
        """Store a webhook call; return what Meta is to be answered: HTTP status and text."""


class ControlCalls(Protocol):
    """Starts and stops the queue's process, and asks how it is."""

    async def start(self, start: Start) -> None:
        """Begin to store and to process: the first call."""

    async def ping(self) -> None:
        """Return at once."""

    async def counted(self) -> List[Any]:
        """Return what it has counted, as Prometheus' metrics. Raises StoreUnavailable before `start`."""

    async def stop(self, grace: float) -> None:
        """Store what came in, let turns end within *grace* seconds, give the rest back to the queue.

        Raises StoreUnavailable before `start`.
        """


class LogCalls(Protocol):
    """Takes the lines of the log: there is one, as the settings of Rasa's process want it."""

    def log(self, record: Mapping[str, Any]) -> object:
        """Log a record of the other process: see `log.Forward`."""


class SentCalls(Protocol):
    """Hears of what the bot has sent."""

    def note_sent(self, tag: str, mid: str) -> object:
        """Note that Meta has accepted the message with *tag* and given it the id *mid*."""


DELIVERIES = Interface(DeliveryCalls)
CONTROL = Interface(ControlCalls)
LOG = Interface(LogCalls)
BOT_CALLS = Interface(BotPort)
SENT_CALLS = Interface(SentCalls)
