"""Keeps Python's garbage collector from holding up the process while a long conversation is answered.

A full collection visits every object and holds the interpreter lock all the while: Meta waits. By default
Python makes several of them in one turn over 10,000 events, of up to 0.3 s each. Turns leave next to nothing
for them to find (100 objects each, measured), so that they can wait:

1. A model is some millions of objects that stay until the next one. What is there once it is loaded is set
   aside (https://docs.python.org/3/library/gc.html#gc.freeze); when another model replaces it, what the old
   one has left is collected first.
2. Full collections are made while nobody is in a turn, when there is little to visit; by themselves they
   come only where that does not happen for long.
"""

from __future__ import annotations

import gc
import threading
from typing import Any

_lock = threading.Lock()
_frozen_for: Any = None

#: When the youngest objects are looked at, those that stayed once, and all, as `gc.set_threshold` takes it;
#: by default 700, 10, 10.
THRESHOLDS = (2_000, 10, 100)

#: Looks at those that stayed once, after which a moment without turns is used to look at all.
DUE = 5


def set_aside(model: Any) -> None:
    """Set everything aside that is there now, once for each *model*. From any thread."""
    global _frozen_for  # noqa: PLW0603  (the collector is the process's, too)
    if model is _frozen_for:
        return
    with _lock:
        if model is _frozen_for:
            return
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
        _frozen_for = model


def tidy_up() -> None:
    """Use a moment in which nobody is in a turn."""
    if gc.get_count()[2] >= DUE:
        gc.collect()
