"""One module a figure: `measure(stage)` gives its outcome, the module's docstring says how."""

from __future__ import annotations

from types import ModuleType
from typing import Dict

from bench.figures import (
    accept,
    ack,
    active,
    answer,
    attacks,
    hostile,
    inbox,
    kills,
    liar,
    limits,
    machines,
    muted,
    muted_rest,
    report,
    search,
    simulator,
)

#: Name for `ONLY=` -> module, in the order of the report.
FIGURES: Dict[str, ModuleType] = {
    "ack": ack,
    "accept": accept,
    "answer": answer,
    "muted": muted,
    "muted_rest": muted_rest,
    "active": active,
    "limits": limits,
    "inbox": inbox,
    "search": search,
    "report": report,
    "kills": kills,
    "machines": machines,
    "hostile": hostile,
    "attacks": attacks,
    "liar": liar,
    "simulator": simulator,
}

#: Those that count, and measure no time, no CPU and no memory: they may share the machine with each other.
#: The longest first.
COUNTING = ("liar", "kills", "hostile")
