"""Holds what an event handler has decided about a delivery: its outcome, or that the bot answers it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

from handover_channel.store.transcript import Line


@dataclass(frozen=True)
class HandlerResult:
    """What is left to do about a delivery once its event has had its effect."""

    outcome: str  #: noted on the delivery; "": process it again, after what has come before it
    turn: bool = False  #: the bot answers it; then what is said decides the outcome (rules/turn_outcome.py)
    context: Mapping[str, Any] = field(default_factory=dict)  #: for the message's metadata
    line: Optional[Line] = None  #: for the transcript
